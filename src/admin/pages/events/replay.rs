//! Doing it again: first what would happen, then the job.

use askama::Template;
use rocket::{State, response::Redirect};

use crate::{
    admin::{
        act::jobs::{self, Events, MOST_BY_FILTER, MOST_BY_LIST, NewJob, With, Work},
        inbox::Asked,
        query::Query,
        refused::Refused,
        sent::Sent,
        state::Admin,
        view::{Frame, Page, page},
    },
    ids::{EventId, JobId},
    model::Person,
};

/// More than this many are not counted.
const COUNTED: i64 = 10_000;

#[derive(Template)]
#[template(path = "events_replay.html")]
struct Ask {
    frame: Frame,
    ids: Vec<EventId>,
    /// The filter, where all that match are meant.
    query: String,
    is_all: bool,
    /// How many, in words.
    how_many: String,
    key: String,
    back: String,
    most: i64,
}

/// `/events/replay?id=...` or `?all=1&<filter>`: what would happen.
#[rocket::get("/events/replay")]
pub(super) async fn ask(query: Result<Query, Refused>, admin: &State<Admin>, person: &Person) -> Page {
    let query = query?;
    let now = admin.clock.now();
    let is_all = query.text("all")?.is_some();
    let ids = ids(query.all("id"))?;
    let asked = if is_all { Asked::read(&query)?.filter_alone() } else { Asked::default() };
    let how_many = match (is_all, ids.len()) {
        (true, _) => {
            let filter = asked.filter(admin, now).map_err(Refused::from)?;
            match admin.store.inbox_count(filter, COUNTED).await? {
                None => "All accepted events that the search finds".to_owned(),
                Some(0) => return Err(Refused::invalid("No accepted event matches this filter.")),
                Some(1) => "1 event".to_owned(),
                Some(count) if count >= COUNTED => "10,000+ events".to_owned(),
                Some(count) => format!("{count} events"),
            }
        }
        (false, 0) => return Err(Refused::invalid("Choose at least one event.")),
        (false, 1) => "1 event".to_owned(),
        (false, many) => format!("{many} events"),
    };
    let back = match ids.as_slice() {
        [one] => format!("/events/{one}"),
        _ => asked.href(),
    };
    page(&Ask {
        frame: Frame::new(admin, person, "/events", "Replay"),
        query: asked.query(),
        is_all,
        how_many,
        key: JobId(admin.ids.next(now)).to_string(),
        back,
        ids,
        most: MOST_BY_FILTER,
    })
}

/// Begins the job.
#[rocket::post("/events/replay", data = "<sent>")]
pub(super) async fn begin(
    sent: Result<Sent, Refused>,
    admin: &State<Admin>,
    person: &Person,
) -> Result<Redirect, Refused> {
    let sent = sent?;
    let with = match sent.wanted("with")? {
        "original" => With::Original,
        "current" => With::Current,
        _ => return Err(Refused::invalid("`with` is original or current.")),
    };
    let (events, what, back) = if sent.is_ticked("all") {
        let asked = Asked::read(&Query::read(sent.text("query")?.unwrap_or_default())?)?.filter_alone();
        let what = match asked.query().as_str() {
            "" => "replay of all events".to_owned(),
            query => format!("replay of all events of {}", shown(query)),
        };
        (Events::Filter(asked.query()), what, asked.href())
    } else {
        let ids = ids(sent.all("id"))?;
        if let [one] = ids.as_slice() {
            let (what, back) = (format!("replay of {one}"), format!("/events/{one}"));
            (Events::Ids(ids), what, back)
        } else {
            let what = format!("replay of {} events", ids.len());
            (Events::Ids(ids), what, "/events".to_owned())
        }
    };
    let key = sent.wanted("key")?.to_owned();
    let job = NewJob { work: Work::ReplayEvents(events), with, key, what, back };
    let id = jobs::begin(admin, person, job).await?;
    Ok(Redirect::to(format!("/jobs/{id}")))
}

fn ids<'i>(texts: impl Iterator<Item = &'i str>) -> Result<Vec<EventId>, Refused> {
    let mut ids = Vec::new();
    for text in texts {
        ids.push(text.parse().map_err(|error| Refused::invalid(format!("{error}.")))?);
        if ids.len() > MOST_BY_LIST {
            return Err(Refused::invalid(format!(
                "More than {MOST_BY_LIST} were chosen. Narrow it, or take all that match a filter."
            )));
        }
    }
    ids.sort_unstable();
    ids.dedup();
    Ok(ids)
}

/// A query for people: decoded, cut.
fn shown(query: &str) -> String {
    let pairs = url::form_urlencoded::parse(query.as_bytes()).map(|(name, value)| format!("{name}={value}"));
    pairs.collect::<Vec<_>>().join(", ").chars().take(200).collect()
}
