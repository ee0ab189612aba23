//! `GET /api`: how to get a token, and three calls to try it with.

use askama::Template;
use rocket::State;

use crate::{
    admin::{
        guard::{Access, Guarded, guard},
        here::Here,
        state::Admin,
        view::{Frame, Page, page},
    },
    model::{Person, Role},
};

#[derive(Template)]
#[template(path = "api.html")]
struct HomePage {
    frame: Frame,
    name: String,
    base: String,
}

pub(super) fn routes() -> Vec<Guarded> {
    guard(Access::Page(Role::Viewer), rocket::routes![home])
}

/// The page.
#[rocket::get("/api")]
pub(super) fn home(admin: &State<Admin>, person: &Person, here: Here) -> Page {
    let base = here.base.trim_end_matches('/').to_owned();
    page(&HomePage { frame: Frame::new(admin, person, "", "API"), name: person.name.clone(), base })
}
