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
    store::Subscription,
};

/// Refusals that the page of a source shows.
const REFUSALS: usize = 20;
/// Types that it shows.
const KINDS: usize = 100;
/// Open problems that are looked through.
const PROBLEMS: usize = 1_000;
/// The kind of the problem that a webhook is which is not as rules need it.
const DRIFT: &str = "subscription";

pub(super) fn routes() -> Vec<Guarded> {
    let mut all = guard(Access::Page(Role::Viewer), rocket::routes![list, show]);
    all.extend(guard(Access::Page(Role::Editor), rocket::routes![pause, resume]));
    all
}

#[derive(Template)]
#[template(path = "sources.html")]
struct Sources {
    frame: Frame,
    rows: Vec<SourceView>,
    is_guessed: bool,
}

#[rocket::get("/sources")]
async fn list(admin: &State<Admin>, person: &Person, here: Here) -> Page {
    let rows = sources::sources(admin, &here.base).await?;
    page(&Sources { frame: Frame::new(admin, person, "/sources", "Sources"), rows, is_guessed: here.is_guessed })
}

#[derive(Template)]
#[template(path = "source.html")]
struct OneSource {
    frame: Frame,
    source: SourceView,
    is_guessed: bool,
    /// Each with when it was.
    refusals: Vec<(Time, Refusal)>,
    /// Webhooks that were registered at the service.
    subscriptions: Vec<Subscription>,
    /// Where those differ from what rules need, as `bellwire services status` last saw it.
    drift: Option<String>,
}

#[rocket::get("/sources/<name>?<did>")]
async fn show(admin: &State<Admin>, person: &Person, here: Here, name: &str, did: Option<&str>) -> Page {
    let mut source = sources::source(admin, name, &here.base).await?;
    source.kinds.sort_by_key(|kind| std::cmp::Reverse((kind.count, kind.last)));
    source.kinds.truncate(KINDS);
    let refusals = admin.store.refusals_of(name.to_owned(), REFUSALS).await?.into_iter();
    let refusals = refusals.map(|refusal| (Time(refusal.at), refusal)).collect();
    let subscriptions = admin.store.subscriptions().await?.into_iter().filter(|row| row.source == name).collect();
    let problems = admin.store.problems(true, PROBLEMS).await?;
    let drift = problems.into_iter().find(|problem| problem.kind == DRIFT && problem.subject == name);
    let mut frame = Frame::new(admin, person, "/sources", format!("Source {name}"));
    frame.notice = match did {
        Some("paused") => "Paused. Deliveries are taken as before; their runs wait.".to_owned(),
        Some("resumed") => "Resumed. The runs that waited go on, in their order.".to_owned(),
        _ => String::new(),
    };
    page(&OneSource {
        frame,
        source,
        is_guessed: here.is_guessed,
        refusals,
        subscriptions,
        drift: drift.map(|problem| problem.message),
    })
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
