//! `/api/v1/users`: who may use the admin.

use rocket::{State, delete, get, post};
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::{OpenApi, ToSchema};

use super::{
    answer::{Answer, Listed, Moment, Reply},
    asked::{Asked, Nothing},
    body::{Body, Empty},
    once::Key,
    part::Part,
};
use crate::{
    admin::{
        audit::Deed,
        auth::{self, LinkError},
        refused::Refused,
        state::Admin,
    },
    model::{Person, Role, Scope},
    store::{NewUser, UserChange, UserRow},
};

#[derive(OpenApi)]
#[openapi(paths(list_users, add_user, remove_user))]
struct Told;

pub(super) fn part() -> Part {
    Part::of::<Told>("users", "Who may use the admin.").with(
        Role::Owner,
        Scope::Admin,
        rocket::routes![list_users, add_user, remove_user],
    )
}

/// What a person may do. Each may do what those before it may.
#[derive(Debug, Clone, Copy, Deserialize, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(super) enum RoleView {
    Viewer,
    Editor,
    Owner,
}

impl From<RoleView> for Role {
    fn from(role: RoleView) -> Self {
        match role {
            RoleView::Viewer => Self::Viewer,
            RoleView::Editor => Self::Editor,
            RoleView::Owner => Self::Owner,
        }
    }
}

impl From<Role> for RoleView {
    fn from(role: Role) -> Self {
        match role {
            Role::Viewer => Self::Viewer,
            Role::Editor => Self::Editor,
            Role::Owner => Self::Owner,
        }
    }
}

/// Somebody who may use the admin.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct UserView {
    #[schema(example = "ada")]
    name: String,
    email: Option<String>,
    role: RoleView,
    /// A password is set.
    has_password: bool,
    /// A second factor is asked for.
    has_totp: bool,
    /// `null`: may sign in.
    disabled_at: Option<Moment>,
    created_at: Moment,
}

impl From<UserRow> for UserView {
    fn from(row: UserRow) -> Self {
        Self {
            name: row.name,
            email: row.email,
            role: row.role.into(),
            has_password: row.password.is_some(),
            has_totp: row.totp.is_some(),
            disabled_at: row.disabled_at.map(Moment::from),
            created_at: row.created_at.into(),
        }
    }
}

/// Users, by name.
#[utoipa::path(responses((status = 200, description = "All of them.", body = Listed<UserView>)))]
#[get("/api/v1/users")]
async fn list_users(admin: &State<Admin>, asked: Result<Asked<Nothing>, Refused>) -> Answer {
    asked?;
    let rows = admin.store.users().await?;
    Reply::ok(&Listed { items: rows.into_iter().map(UserView::from).collect(), next: None })
}

/// A user of this name.
pub(super) async fn named(admin: &Admin, name: &str) -> Result<UserRow, Refused> {
    let missing = || Refused::missing(&format!("user `{}`", name.chars().take(64).collect::<String>()));
    if name.contains('\0') {
        return Err(missing());
    }
    admin.store.user_by_name(name).await?.ok_or_else(missing)
}

/// Somebody who shall use the admin.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct UserSent {
    /// What the person signs in with: letters a-z, digits, `.`, `-`, `_`, `+` and `@`.
    #[schema(example = "ada")]
    name: String,
    role: RoleView,
    /// Stands in the history of rules that the person saves.
    #[serde(default)]
    #[schema(value_type = Option<String>, required = false, example = "ada@example.com")]
    email: Option<String>,
}

/// A new user, with where to choose a password.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct UserMade {
    #[serde(flatten)]
    user: UserView,
    /// The person chooses a password there, once and within a day. Below the address of the admin.
    #[schema(example = "/setup?token=..")]
    link: String,
}

/// Let somebody use the admin.
#[utoipa::path(
    request_body = UserSent,
    responses((status = 201, description = "The user, with a link that is shown once.", body = UserMade))
)]
#[post("/api/v1/users", data = "<sent>")]
async fn add_user(
    admin: &State<Admin>,
    person: &Person,
    key: Result<Key, Refused>,
    asked: Result<Asked<Nothing>, Refused>,
    sent: Result<Body<UserSent>, Refused>,
) -> Answer {
    let sent = sent?;
    asked?;
    let unfit = |why: String| Refused::new(422, "invalid", why);
    let name = auth::user_name(&sent.value.name).map_err(unfit)?;
    let email = auth::email(sent.value.email.as_deref().unwrap_or_default()).map_err(unfit)?;
    let role = Role::from(sent.value.role);
    let add = async {
        let at = admin.clock.now();
        let id = admin.ids.next(at);
        let user = NewUser { id, name: name.clone(), email: email.clone(), role, password: None, remote: None, at };
        if !admin.store.add_user(user).await? {
            return Err(Refused::conflict(format!("There is a user `{name}` already.")));
        }
        let after = json!({"role": role, "email": email});
        admin.audit(person, Deed { action: "user.add", subject: name.clone(), after, ..Deed::default() }).await?;
        let link = auth::password_link(&admin.store, id, at).await.map_err(no_link)?;
        let user = UserView::from(named(admin, &name).await?);
        Ok(Reply::new(201, &UserMade { user, link })?.shown_once())
    };
    key?.once(admin, person, sent.digest, add).await
}

fn no_link(error: LinkError) -> Refused {
    match error {
        LinkError::Store(error) => error.into(),
        LinkError::Random(_) => Refused::new(503, "random", format!("{error}.")),
    }
}

/// Remove a user with its sessions and tokens. What it did stays in the audit log.
#[utoipa::path(request_body = Empty, responses((status = 204, description = "The user is gone.")))]
#[delete("/api/v1/users/<name>", data = "<sent>")]
async fn remove_user(
    admin: &State<Admin>,
    person: &Person,
    name: &str,
    key: Result<Key, Refused>,
    asked: Result<Asked<Nothing>, Refused>,
    sent: Result<Body<Empty>, Refused>,
) -> Answer {
    let sent = sent?;
    asked?;
    let remove = async {
        let user = named(admin, name).await?;
        if user.id == person.id {
            return Err(Refused::conflict("This is you. Another owner can remove you."));
        }
        match admin.store.remove_user(user.id).await? {
            UserChange::Done => {}
            UserChange::Missing => return Err(Refused::missing(&format!("user `{}`", user.name))),
            UserChange::LastOwner => return Err(Refused::conflict("This is the last owner. Make another one first.")),
        }
        let before = json!({"role": user.role, "email": user.email});
        admin.audit(person, Deed { action: "user.remove", subject: user.name, before, ..Deed::default() }).await?;
        Ok(Reply::done())
    };
    key?.once(admin, person, sent.digest, remove).await
}
