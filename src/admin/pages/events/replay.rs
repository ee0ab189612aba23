//! Doing it again: first what would happen, then the job.

use askama::Template;
use rocket::{State, response::Redirect};

use crate::{
    admin::{
        act::jobs::{self, Counted, Events, MOST_BY_FILTER, MOST_BY_LIST, NewJob, With, Work},
        inbox::Asked,
        plural::counted,
        query::Query,
        refused::Refused,
        sent::Sent,
        state::Admin,
        view::{Frame, Page, page},
    },
    ids::{EventId, JobId},
    model::Person,
};

/// Events are counted up to this one.
const COUNTED: i64 = 10_001;

#[derive(Template)]
#[template(path = "events_replay.html")]
struct Ask {
    frame: Frame,
    ids: Vec<EventId>,
    /// The filter, where all that match are meant.
    query: String,
    /// The same for people: names and values.
    filters: Vec<(String, String)>,
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
            match jobs::count(admin, filter, COUNTED).await? {
                None => {
                    return Err(Refused::invalid(
                        "Only accepted deliveries can be replayed: choose matched or unmatched.",
                    ));
                }
                Some(Counted { count: 0, is_more: false }) => {
                    return Err(Refused::invalid("No accepted event matches this filter."));
                }
                Some(Counted { count: 0, .. }) => {
                    "A number of events that nobody knows yet: the search is long".to_owned()
                }
                Some(Counted { count: COUNTED.., .. }) => format!("More than {} events", COUNTED - 1),
                Some(Counted { count, is_more: true }) => format!("At least {}", counted(&count, "event")),
                Some(Counted { count, .. }) => counted(&count, "event"),
            }
        }
        (false, 0) => return Err(Refused::invalid("Choose at least one event.")),
        (false, many) => counted(&many, "event"),
    };
    let back = match ids.as_slice() {
        [one] => format!("/events/{one}"),
        _ => asked.href(),
    };
    page(&Ask {
        frame: Frame::new(admin, person, "/events", "Replay"),
        query: asked.query(),
        filters: url::form_urlencoded::parse(asked.query().as_bytes()).into_owned().collect(),
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
            let what = format!("replay of {}", counted(&ids.len(), "event"));
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
