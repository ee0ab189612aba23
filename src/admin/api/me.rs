//! `/api/v1/me`: whose token it is, and what it may do.

use rocket::get;
use serde::Serialize;
use utoipa::{OpenApi, ToSchema};

use super::{
    answer::{Answer, Reply},
    asked::{Asked, Nothing},
    part::Part,
};
use crate::{
    admin::refused::Refused,
    model::{Person, Role, Scope},
};

#[derive(OpenApi)]
#[openapi(paths(show_me))]
struct Told;

pub(super) fn part() -> Part {
    Part::of::<Told>("me", "Whose token it is, and what it may do.").with(
        Role::Viewer,
        Scope::Read,
        rocket::routes![show_me],
    )
}

/// Who asks.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct MeView {
    #[schema(example = "maria")]
    name: String,
    email: Option<String>,
    /// `viewer`, `editor` or `owner`.
    role: &'static str,
    /// What the token may do, within the role.
    scopes: Vec<&'static str>,
}

/// Whose token it is, and what it may do.
#[utoipa::path(responses((status = 200, description = "Who asks.", body = MeView)))]
#[get("/api/v1/me")]
fn show_me(person: &Person, asked: Result<Asked<Nothing>, Refused>) -> Answer {
    asked?;
    Reply::ok(&MeView {
        name: person.name.clone(),
        email: person.email.clone(),
        role: person.role.word(),
        scopes: Scope::ALL.into_iter().filter(|scope| person.has(*scope)).map(Scope::word).collect(),
    })
}
