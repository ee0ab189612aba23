//! The list: filters, views, live rows, and searches that go on by themselves.

use std::time::Duration;

use askama::Template;
use rocket::{State, http::Status};

use super::{
    known::{self, Known},
    rows::{self, Row},
    views::View,
};
use crate::{
    admin::{
        inbox::{Asked, Unfit, at, found},
        query::Query,
        refused::Refused,
        state::Admin,
        view::{Frame, Html, Page, page},
    },
    clock::Time,
    ids::{first_at, time_of},
    model::{Finding, Person},
    store::{InboxPage, InboxState},
};

/// Live rows are shown this long after their ids were made: one that is committed after a later one is then not passed by.
const SETTLE: Duration = Duration::from_millis(300);

#[derive(Template)]
#[template(path = "events.html")]
struct List {
    frame: Frame,
    asked: Asked,
    views: Vec<View>,
    rows: Vec<Row>,
    findings: Vec<Finding>,
    /// What is wrong with times that were typed: the field, and a sentence.
    faults: Vec<(&'static str, String)>,
    progress: Option<Progress>,
    /// Where the first page is, from a later one.
    newest: String,
    older: String,
    live: String,
    static_href: String,
    live_href: String,
    /// All that match, as a job.
    all_href: String,
    states: Vec<(&'static str, bool)>,
    spans: [(&'static str, &'static str); 5],
    empty: Empty,
    /// What may be filtered by.
    known: Known,
    /// Filters that name what there is not.
    unknown: Vec<String>,
}

impl List {
    /// What is wrong with a field.
    fn fault(&self, field: &str) -> Option<&str> {
        self.faults.iter().find(|(name, _)| *name == field).map(|(_, fault)| fault.as_str())
    }

    /// Whether the address names a span that the choice has not.
    fn has_other_span(&self) -> bool {
        !self.asked.since.is_empty() && !self.spans.iter().any(|(span, _)| *span == self.asked.since)
    }
}

/// What an empty list says.
#[derive(PartialEq, Eq)]
enum Empty {
    /// There are rows, or a search goes on.
    No,
    /// Nothing came in yet.
    Nothing,
    /// Nothing is like that.
    Filtered,
}

#[derive(Template)]
#[template(path = "events_more.html")]
struct More {
    frame: Frame,
    rows: Vec<Row>,
    progress: Option<Progress>,
    older: String,
}

#[derive(Template)]
#[template(path = "events_live.html")]
struct Live {
    frame: Frame,
    rows: Vec<Row>,
    poll: String,
}

/// A search that has not come to its end.
struct Progress {
    /// How far back it has come.
    to: Time,
    /// Where it goes on by itself.
    more: String,
    /// The same as a page.
    next: String,
    found: usize,
}

/// `/events`
#[rocket::get("/events")]
pub(super) async fn list(
    query: Result<Query, Refused>,
    admin: &State<Admin>,
    person: &Person,
) -> Result<(Status, Html), Refused> {
    let asked = Asked::read_as_typed(&query?)?;
    let now = admin.clock.now();
    let faults = asked.faults();
    let (inbox, findings) = match asked.ask(admin, now) {
        _ if !faults.is_empty() => (InboxPage::default(), Vec::new()),
        Ok(mut ask) => {
            let settled = first_at(now.minus(SETTLE));
            if asked.live {
                ask.below = Some(ask.below.map_or(settled, |below| below.min(settled)));
            }
            (found(admin, person, ask).await?, Vec::new())
        }
        Err(Unfit::Findings(findings)) => (InboxPage::default(), findings),
        Err(Unfit::Refused(refused)) => return Err(refused),
    };
    let (progress, older) = ends(&asked, &inbox, 0);
    let first = inbox.rows.first().map(crate::store::InboxRow::id);
    let rows = rows::of(admin, inbox.rows).await?;
    let is_read = findings.is_empty() && faults.is_empty();
    let empty = match (rows.is_empty() && progress.is_none() && is_read, asked.is_narrow()) {
        (false, _) => Empty::No,
        (true, false) if asked.before.is_none() => Empty::Nothing,
        (true, _) => Empty::Filtered,
    };
    let known = known::of(admin).await?;
    let unknown = if empty == Empty::Filtered { known.missing(&asked) } else { Vec::new() };
    let alone = asked.filter_alone();
    let live = Asked { live: true, limit: asked.limit, ..alone.clone() };
    // Without a row there is nothing behind which the new ones come: from now on.
    let after = first.unwrap_or_else(|| first_at(now.minus(SETTLE)).saturating_sub(1));
    let is_replayable = !matches!(asked.state, Some(InboxState::Duplicate | InboxState::Refused))
        && rows.iter().any(|row| row.event.is_some());
    let all_href =
        if is_replayable { at("/events/replay", &format!("all=1&{}", alone.query())) } else { String::new() };
    let status = if faults.is_empty() { Status::Ok } else { Status::BadRequest };
    let shown = page(&List {
        frame: Frame::new(admin, person, "/events", "Events"),
        views: super::views::of(admin, person, &asked).await?,
        newest: if asked.before.is_some() { Asked { before: None, ..asked.clone() }.href() } else { String::new() },
        older,
        live: if asked.live { live_href(&live, after) } else { String::new() },
        static_href: Asked { live: false, before: None, ..asked.clone() }.href(),
        live_href: live.href(),
        all_href,
        states: InboxState::ALL.map(|state| (state.word(), asked.state == Some(state))).to_vec(),
        spans: [
            ("1h", "last hour"),
            ("24h", "last day"),
            ("7d", "last 7 days"),
            ("30d", "last 30 days"),
            ("", "any time"),
        ],
        empty,
        known,
        unknown,
        rows,
        findings,
        faults,
        progress,
        asked,
    });
    Ok((status, shown?))
}

/// Rows that came in since: polled by the page, never by a person.
#[rocket::get("/events/live")]
pub(super) async fn live(query: Result<Query, Refused>, admin: &State<Admin>, person: &Person) -> Page {
    let asked = Asked::read(&query?)?;
    let now = admin.clock.now();
    let mut ask = asked.ask(admin, now).map_err(Refused::from)?;
    let settled = first_at(now.minus(SETTLE));
    ask.below = Some(settled);
    let after = asked.after.unwrap_or(settled);
    let inbox = found(admin, person, ask).await?;
    // A search that was cut looks at the same stretch again, whose start is what matters here.
    let newest = inbox.rows.first().map_or(after, crate::store::InboxRow::id);
    page(&Live {
        frame: Frame::new(admin, person, "/events", "Events"),
        rows: rows::of(admin, inbox.rows).await?,
        poll: live_href(&asked, newest),
    })
}

/// A search that goes on: the next rows and how far it has come.
#[rocket::get("/events/more")]
pub(super) async fn more(query: Result<Query, Refused>, admin: &State<Admin>, person: &Person) -> Page {
    let query = query?;
    let mut asked = Asked::read(&query)?;
    let have: usize = query.short("have", 20)?.and_then(|text| text.parse().ok()).unwrap_or(0);
    let wanted = asked.limit;
    asked.limit = Some(asked.rows().saturating_sub(have).max(1));
    let ask = asked.ask(admin, admin.clock.now()).map_err(Refused::from)?;
    asked.limit = wanted;
    let inbox = found(admin, person, ask).await?;
    let (progress, older) = ends(&asked, &inbox, have);
    page(&More {
        frame: Frame::new(admin, person, "/events", "Events"),
        rows: rows::of(admin, inbox.rows).await?,
        progress,
        older,
    })
}

/// Where a page goes on: as a search under way, or as the next page.
fn ends(asked: &Asked, inbox: &InboxPage, have: usize) -> (Option<Progress>, String) {
    let Some(next) = inbox.next else { return (None, String::new()) };
    let behind = Asked { before: Some(next), live: false, ..asked.clone() };
    if !inbox.is_cut {
        return (None, behind.href());
    }
    let found = have + inbox.rows.len();
    let more = at("/events/more", &format!("{}&have={found}", behind.query()));
    (Some(Progress { to: time_of(next), more, next: behind.href(), found }), String::new())
}

fn live_href(asked: &Asked, after: i64) -> String {
    let asked = Asked { after: Some(after), before: None, ..asked.clone() };
    at("/events/live", &asked.query())
}
