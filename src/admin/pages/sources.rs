//! `/sources`: the ways in, and what came by them.

use askama::Template;
use rocket::{State, response::Redirect};

use crate::{
    admin::{
        act,
        guard::{Access, Guarded, guard},
        here::{Here, encoded},
        refused::Refused,
        sent::Sent,
        sources::{self, SourceView},
        state::Admin,
        view::{Frame, Page, page},
    },
    clock::Time,
    model::{Person, Refusal, Role},
};

/// Refusals that the page of a source shows.
const REFUSALS: usize = 20;
/// Types that it shows.
const KINDS: usize = 100;

pub(super) fn routes() -> Vec<Guarded> {
    let mut all = guard(Access::Page(Role::Viewer), rocket::routes![list, show]);
    all.extend(guard(Access::Page(Role::Editor), rocket::routes![pause, resume]));
    all
}

#[derive(Template)]
#[template(path = "sources.html")]
struct Sources {
    frame: Frame,
    sources: Vec<SourceView>,
    is_guessed: bool,
}

#[rocket::get("/sources")]
async fn list(admin: &State<Admin>, person: &Person, here: Here) -> Page {
    let sources = sources::sources(admin, &here.base).await?;
    page(&Sources { frame: Frame::new(admin, person, "/sources", "Sources"), sources, is_guessed: here.is_guessed })
}

#[derive(Template)]
#[template(path = "source.html")]
struct OneSource {
    frame: Frame,
    source: SourceView,
    is_guessed: bool,
    refusals: Vec<Refusal>,
}

impl OneSource {
    fn at(&self, refusal: &Refusal) -> Time {
        Time(refusal.at)
    }
}

#[rocket::get("/sources/<name>?<did>")]
async fn show(admin: &State<Admin>, person: &Person, here: Here, name: &str, did: Option<&str>) -> Page {
    let mut source = sources::source(admin, name, &here.base).await?;
    source.kinds.sort_by_key(|kind| std::cmp::Reverse((kind.count, kind.last)));
    source.kinds.truncate(KINDS);
    let refusals = admin.store.refusals_of(name.to_owned(), REFUSALS).await?;
    let mut frame = Frame::new(admin, person, "/sources", format!("Source {name}"));
    frame.notice = match did {
        Some("paused") => "Paused. Deliveries are taken as before; their runs wait.".to_owned(),
        Some("resumed") => "Resumed. The runs that waited go on, in their order.".to_owned(),
        _ => String::new(),
    };
    page(&OneSource { frame, source, is_guessed: here.is_guessed, refusals })
}

#[rocket::post("/sources/<name>/pause", data = "<sent>")]
async fn pause(
    admin: &State<Admin>,
    person: &Person,
    name: &str,
    sent: Result<Sent, Refused>,
) -> Result<Redirect, Refused> {
    sent?;
    act::sources::pause(admin, person, name).await?;
    Ok(Redirect::to(format!("/sources/{}?did=paused", encoded(name))))
}

#[rocket::post("/sources/<name>/resume", data = "<sent>")]
async fn resume(
    admin: &State<Admin>,
    person: &Person,
    name: &str,
    sent: Result<Sent, Refused>,
) -> Result<Redirect, Refused> {
    sent?;
    act::sources::resume(admin, person, name).await?;
    Ok(Redirect::to(format!("/sources/{}?did=resumed", encoded(name))))
}
