//! `/`: how it goes.
// CONTRACT STUB

use askama::Template;
use rocket::State;

use crate::{
    admin::{
        guard::{Access, Guarded, guard},
        state::Admin,
        view::{Frame, Page, page},
    },
    model::{Person, Role},
};

pub(super) fn routes() -> Vec<Guarded> {
    guard(Access::Page(Role::Viewer), rocket::routes![show])
}

#[derive(Template)]
#[template(path = "overview.html")]
struct Overview {
    frame: Frame,
    events: i64,
}

#[rocket::get("/")]
async fn show(admin: &State<Admin>, person: &Person) -> Page {
    let counts = admin.store.counts(admin.clock.now()).await?;
    page(&Overview {
        frame: Frame::new(admin, person, "/", "Overview"),
        events: i64::try_from(counts.events).unwrap_or(i64::MAX),
    })
}
