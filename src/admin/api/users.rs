//! `/api/v1/users`: who may use the admin.

use rocket::{State, delete, get, patch, post};
use serde::{Deserialize, Serialize};
use utoipa::{OpenApi, ToSchema};

use super::{
    answer::{Answer, Listed, Moment, Reply},
    asked::{Asked, Nothing},
    body::{Body, Empty},
    once::Key,
    part::Part,
};
use crate::{
    admin::{act::users, refused::Refused, state::Admin},
    model::{Person, Role, Scope},
    store::UserRow,
};

#[derive(OpenApi)]
#[openapi(paths(list_users, show_user, add_user, change_user, remove_user, link_user, sign_out_user, drop_code))]
struct Told;

pub(super) fn part() -> Part {
    Part::of::<Told>("users", "Who may use the admin. Changes ask for a session, or a token with every scope.").with(
        Role::Owner,
        Scope::Admin,
        rocket::routes![list_users, show_user, add_user, change_user, remove_user, link_user, sign_out_user, drop_code],
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

/// One user.
#[utoipa::path(responses((status = 200, description = "The user.", body = UserView)))]
#[get("/api/v1/users/<name>")]
async fn show_user(admin: &State<Admin>, name: &str, asked: Result<Asked<Nothing>, Refused>) -> Answer {
    asked?;
    Reply::ok(&UserView::from(named(admin, name).await?))
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

/// A user, with where to choose a password.
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
    let UserSent { name, role, email } = sent.value;
    let add = async {
        let (user, link) = users::add(admin, person, &name, role.into(), email.as_deref().unwrap_or_default()).await?;
        Ok(Reply::new(201, &UserMade { user: user.into(), link })?.shown_once())
    };
    key?.once(admin, person, sent.digest, add).await
}

/// What to change of a user.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct UserChanged {
    /// As it is unless set. With another one the user's sessions end.
    #[serde(default)]
    #[schema(required = false, nullable = false)]
    role: Option<RoleView>,
    /// Whether the user is shut out: as it is unless set.
    #[serde(default)]
    #[schema(required = false)]
    disabled: Option<bool>,
}

/// Give a user another role, shut it out, or let it in again.
#[utoipa::path(
    request_body = UserChanged,
    responses((status = 200, description = "The user as it is now.", body = UserView))
)]
#[patch("/api/v1/users/<name>", data = "<sent>")]
async fn change_user(
    admin: &State<Admin>,
    person: &Person,
    name: &str,
    key: Result<Key, Refused>,
    asked: Result<Asked<Nothing>, Refused>,
    sent: Result<Body<UserChanged>, Refused>,
) -> Answer {
    let sent = sent?;
    asked?;
    let UserChanged { role, disabled } = sent.value;
    let change = async {
        let user = named(admin, name).await?;
        if let Some(role) = role.map(Role::from).filter(|role| *role != user.role) {
            users::set_role(admin, person, user.id, role).await?;
        }
        if let Some(disabled) = disabled.filter(|disabled| *disabled != user.disabled_at.is_some()) {
            users::set_disabled(admin, person, user.id, disabled).await?;
        }
        Reply::ok(&UserView::from(users::user(admin, user.id).await?))
    };
    key?.once(admin, person, sent.digest, change).await
}

/// Make a new link by which a user chooses a password. The one before ends.
#[utoipa::path(
    request_body = Empty,
    responses((status = 200, description = "The user, with a link that is shown once.", body = UserMade))
)]
#[post("/api/v1/users/<name>/link", data = "<sent>")]
async fn link_user(
    admin: &State<Admin>,
    person: &Person,
    name: &str,
    key: Result<Key, Refused>,
    asked: Result<Asked<Nothing>, Refused>,
    sent: Result<Body<Empty>, Refused>,
) -> Answer {
    let sent = sent?;
    asked?;
    let link = async {
        let (user, link) = users::link(admin, person, named(admin, name).await?.id).await?;
        Ok(Reply::ok(&UserMade { user: user.into(), link })?.shown_once())
    };
    key?.once(admin, person, sent.digest, link).await
}

/// How many sessions were ended.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct SignedOut {
    sessions: usize,
}

/// End all sessions of a user. Its tokens stay.
#[utoipa::path(
    request_body = Empty,
    responses((status = 200, description = "They are over.", body = SignedOut))
)]
#[post("/api/v1/users/<name>/sign-out", data = "<sent>")]
async fn sign_out_user(
    admin: &State<Admin>,
    person: &Person,
    name: &str,
    key: Result<Key, Refused>,
    asked: Result<Asked<Nothing>, Refused>,
    sent: Result<Body<Empty>, Refused>,
) -> Answer {
    let sent = sent?;
    asked?;
    let end = async {
        let sessions = users::sign_out(admin, person, named(admin, name).await?.id).await?;
        Reply::ok(&SignedOut { sessions })
    };
    key?.once(admin, person, sent.digest, end).await
}

/// Ask a user for no one-time code any more: the telephone is lost.
#[utoipa::path(
    request_body = Empty,
    responses((status = 200, description = "The user as it is now.", body = UserView))
)]
#[post("/api/v1/users/<name>/code-off", data = "<sent>")]
async fn drop_code(
    admin: &State<Admin>,
    person: &Person,
    name: &str,
    key: Result<Key, Refused>,
    asked: Result<Asked<Nothing>, Refused>,
    sent: Result<Body<Empty>, Refused>,
) -> Answer {
    let sent = sent?;
    asked?;
    let drop = async {
        let user = named(admin, name).await?;
        users::drop_code(admin, person, user.id).await?;
        Reply::ok(&UserView::from(users::user(admin, user.id).await?))
    };
    key?.once(admin, person, sent.digest, drop).await
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
        users::remove(admin, person, user.id).await?;
        Ok(Reply::done())
    };
    key?.once(admin, person, sent.digest, remove).await
}
