//! `/schedules`: what starts rules by the clock, and what is asked again and again.

use askama::Template;
use rocket::{State, response::Redirect};

use crate::{
    admin::{
        act,
        guard::{Access, Guarded, guard},
        here::encoded,
        refused::Refused,
        schedules::{self, PollView, ScheduleView},
        sent::Sent,
        state::Admin,
        view::{Frame, Page, page},
    },
    ids::EventId,
    model::{Person, Role},
};

pub(super) fn routes() -> Vec<Guarded> {
    let mut all = guard(Access::Page(Role::Viewer), rocket::routes![list]);
    all.extend(guard(Access::Page(Role::Editor), rocket::routes![run, poll]));
    all
}

#[derive(Template)]
#[template(path = "schedules.html")]
struct Schedules {
    frame: Frame,
    by_clock: Vec<ScheduleView>,
    polls: Vec<PollView>,
    /// Tells this page's presses of buttons from all others.
    key: String,
    /// The event of the slot that was just fired.
    fired: Option<EventId>,
}

#[rocket::get("/schedules?<did>&<event>")]
async fn list(admin: &State<Admin>, person: &Person, did: Option<&str>, event: Option<&str>) -> Page {
    let mut frame = Frame::new(admin, person, "/schedules", "Schedules");
    let fired = event.filter(|_| did == Some("run")).and_then(|event| event.parse().ok());
    frame.notice = match did {
        Some("run") => "Fired, for real.".to_owned(),
        Some("polled") => "Due now: the runner asks within a second.".to_owned(),
        _ => String::new(),
    };
    page(&Schedules {
        by_clock: schedules::schedules(admin).await?,
        polls: schedules::polls(admin).await?,
        key: format!("{:016x}", admin.ids.next(admin.clock.now())),
        frame,
        fired,
    })
}

#[rocket::post("/schedules/run", data = "<sent>")]
async fn run(admin: &State<Admin>, person: &Person, sent: Result<Sent, Refused>) -> Result<Redirect, Refused> {
    let sent = sent?;
    let place = sent.wanted("place")?.parse().map_err(|_| Refused::invalid("`place` is no number."))?;
    let key = sent.wanted("key")?;
    let (event, _) =
        act::schedules::fire(admin, person, sent.wanted("rule")?, place, &format!("{key}/{place}")).await?;
    Ok(Redirect::to(format!("/schedules?did=run&event={}", encoded(&event.to_string()))))
}

#[rocket::post("/schedules/poll", data = "<sent>")]
async fn poll(admin: &State<Admin>, person: &Person, sent: Result<Sent, Refused>) -> Result<Redirect, Refused> {
    let sent = sent?;
    act::schedules::poll(admin, person, sent.wanted("rule")?).await?;
    Ok(Redirect::to("/schedules?did=polled"))
}
