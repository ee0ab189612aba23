//! Who may use the admin: added, given another role, shut out, let in again and removed.

use serde_json::{Value, json};

use crate::{
    admin::{
        audit::Deed,
        auth::{self, LinkError, password_link},
        refused::Refused,
        state::Admin,
    },
    model::{Person, Role},
    store::{NewUser, UserChange, UserRow},
};

/// Whoever is added or changed may do what its role may: a token that may less makes none such. `Err`: it is one.
fn may_change(person: &Person) -> Result<(), Refused> {
    if person.has_all() {
        return Ok(());
    }
    Err(Refused::forbidden(
        "Users are changed by a session, or by a token with every scope: this one has not all of them.",
    ))
}

/// A user by its id.
pub(in crate::admin) async fn user(admin: &Admin, id: i64) -> Result<UserRow, Refused> {
    admin.store.user(id).await?.ok_or_else(|| Refused::missing("user of this id"))
}

/// Adds a user without a password; the path of the link by which one is chosen.
pub(in crate::admin) async fn add(
    admin: &Admin,
    person: &Person,
    name: &str,
    role: Role,
    email: &str,
) -> Result<(UserRow, String), Refused> {
    may_change(person)?;
    let invalid = |fault: String| Refused::new(422, "invalid", fault);
    let name = auth::user_name(name).map_err(invalid)?;
    let email = auth::email(email).map_err(invalid)?;
    let now = admin.clock.now();
    let id = admin.ids.next(now);
    let after = json!({"role": role, "email": email});
    let new = NewUser { id, name: name.clone(), email, role, password: None, remote: None, at: now };
    if !admin.store.add_user(new).await? {
        return Err(Refused::conflict(format!("There is a user `{name}` already.")));
    }
    admin.audit(person, Deed { action: "user.add", subject: name, after, ..Deed::default() }).await?;
    let user = user(admin, id).await?;
    let path = password_link(&admin.store, id, now).await.map_err(no_link)?;
    Ok((user, path))
}

/// A new link by which a user chooses a password; the one before ends.
pub(in crate::admin) async fn link(admin: &Admin, person: &Person, id: i64) -> Result<(UserRow, String), Refused> {
    may_change(person)?;
    let user = user(admin, id).await?;
    audit(admin, person, "user.link", &user, Value::Null, Value::Null).await?;
    let path = password_link(&admin.store, id, admin.clock.now()).await.map_err(no_link)?;
    Ok((user, path))
}

/// Gives a user another role; its sessions end.
pub(in crate::admin) async fn set_role(admin: &Admin, person: &Person, id: i64, role: Role) -> Result<(), Refused> {
    may_change(person)?;
    let user = user(admin, id).await?;
    done(&user, admin.store.set_role(id, role, admin.clock.now()).await?)?;
    audit(admin, person, "user.role", &user, json!({ "role": user.role }), json!({ "role": role })).await
}

/// Shuts a user out, or lets it in again.
pub(in crate::admin) async fn set_disabled(
    admin: &Admin,
    person: &Person,
    id: i64,
    disabled: bool,
) -> Result<(), Refused> {
    may_change(person)?;
    let user = user(admin, id).await?;
    done(&user, admin.store.set_disabled(id, disabled, admin.clock.now()).await?)?;
    let action = if disabled { "user.disable" } else { "user.enable" };
    let before = json!({ "disabled": user.disabled_at.is_some() });
    audit(admin, person, action, &user, before, json!({ "disabled": disabled })).await
}

/// Ends the sessions of a user; how many.
pub(in crate::admin) async fn sign_out(admin: &Admin, person: &Person, id: i64) -> Result<usize, Refused> {
    may_change(person)?;
    let user = user(admin, id).await?;
    let ended = admin.store.end_sessions(id, None).await?;
    audit(admin, person, "user.sign_out", &user, Value::Null, json!({ "sessions": ended })).await?;
    Ok(ended)
}

/// No one-time code is wanted of a user any more: the telephone is lost.
pub(in crate::admin) async fn drop_code(admin: &Admin, person: &Person, id: i64) -> Result<(), Refused> {
    may_change(person)?;
    let user = user(admin, id).await?;
    if user.totp.is_none() {
        return Err(Refused::conflict(format!("No code is asked of {} anyway.", user.name)));
    }
    admin.store.drop_totp(id, admin.clock.now()).await?;
    audit(admin, person, "user.code_off", &user, json!({ "code": true }), json!({ "code": false })).await
}

/// Removes a user with sessions and tokens; what it did stays in the audit log.
pub(in crate::admin) async fn remove(admin: &Admin, person: &Person, id: i64) -> Result<(), Refused> {
    may_change(person)?;
    let user = user(admin, id).await?;
    done(&user, admin.store.remove_user(id).await?)?;
    let before = json!({"role": user.role, "email": user.email});
    audit(admin, person, "user.remove", &user, before, Value::Null).await
}

async fn audit(
    admin: &Admin,
    person: &Person,
    action: &'static str,
    user: &UserRow,
    before: Value,
    after: Value,
) -> Result<(), Refused> {
    admin.audit(person, Deed { action, subject: user.name.clone(), before, after }).await
}

fn done(user: &UserRow, change: UserChange) -> Result<(), Refused> {
    match change {
        UserChange::Done => Ok(()),
        UserChange::Missing => Err(Refused::missing(&format!("user `{}` any more", user.name))),
        UserChange::LastOwner => Err(Refused::conflict(format!(
            "{} is the last owner who may sign in. Make somebody else owner first.",
            user.name
        ))),
    }
}

fn no_link(error: LinkError) -> Refused {
    tracing::error!(%error, "a link could not be made");
    Refused::new(503, "link", "The link could not be made. Make another one from the list of users.")
}
