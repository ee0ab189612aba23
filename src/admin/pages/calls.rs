//! `/calls`: the call log.

use askama::Template;
use rocket::{State, http::Status};

use crate::{
    admin::{
        calls::{CALLS_TIME, Call, CallFilter, CallPage, calls},
        guard::{Access, Guarded, guard},
        here::encoded,
        refused::Refused,
        state::Admin,
        view::{Frame, Html, page},
    },
    clock::Time,
    ids::EventId,
    model::{Person, Role},
    rules::parse_duration,
};

/// Calls of a page.
const PAGE: usize = 50;
/// How calls end.
const ENDS: [&str; 3] = ["missed", "answered", "declined"];

pub(super) fn routes() -> Vec<Guarded> {
    guard(Access::Page(Role::Viewer), rocket::routes![list])
}

struct Row {
    event: EventId,
    at: Time,
    link: String,
    resolution: String,
    length: String,
    waited: String,
    location: String,
    who: String,
    tracking: Vec<(String, String)>,
}

impl Row {
    fn of(call: &Call) -> Self {
        Self {
            event: call.event,
            at: call.at,
            link: call.text("link").to_owned(),
            resolution: call.text("resolution").to_owned(),
            length: span(call.seconds("duration")),
            waited: span(call.seconds("waitingTime")),
            location: call.text("location").to_owned(),
            who: call.who(),
            tracking: call.tracking().into_iter().map(|(name, value)| (name.to_owned(), value)).collect(),
        }
    }
}

/// A span as people write it: `3:05`.
fn span(seconds: Option<i64>) -> String {
    seconds.map_or_else(String::new, |seconds| format!("{}:{:02}", seconds / 60, seconds % 60))
}

/// The filters as they stand in the address.
#[derive(Debug, Default, rocket::FromForm)]
struct Asked<'r> {
    resolution: Option<&'r str>,
    link: Option<&'r str>,
    who: Option<&'r str>,
    tracking: Option<&'r str>,
    since: Option<&'r str>,
    until: Option<&'r str>,
    before: Option<&'r str>,
}

/// What was given, and is not blank.
fn given(text: Option<&str>) -> Option<String> {
    text.map(str::trim).filter(|text| !text.is_empty()).map(str::to_owned)
}

impl Asked<'_> {
    fn filter(&self, now: Time) -> Result<CallFilter, Fault> {
        let pair = |text: String| {
            let split = text.split_once('=').map(|(name, value)| (name.trim().to_owned(), value.trim().to_owned()));
            split.ok_or(("tracking", "What the link carried is written NAME=VALUE, such as email=maria@example.com."))
        };
        let when = |field: &'static str, text: Option<&str>| {
            given(text).map(|text| moment(&text, now).ok_or((field, NO_TIME))).transpose()
        };
        Ok(CallFilter {
            resolution: given(self.resolution),
            link: given(self.link),
            who: given(self.who),
            tracking: given(self.tracking).map(pair).transpose()?.into_iter().collect(),
            since: when("since", self.since)?,
            until: when("until", self.until)?,
        })
    }

    /// The page that is asked for: what is wanted, and from where on.
    fn read(&self, now: Time) -> Result<(CallFilter, Option<EventId>), Fault> {
        let before = given(self.before).map(|text| text.parse::<EventId>()).transpose();
        let before = before.map_err(|_| ("before", "This is no place in the list; begin at its newest call."))?;
        Ok((self.filter(now)?, before))
    }

    /// The address of this list from another event on.
    fn from(&self, before: EventId) -> String {
        let filters = [
            ("resolution", self.resolution),
            ("link", self.link),
            ("who", self.who),
            ("tracking", self.tracking),
            ("since", self.since),
            ("until", self.until),
        ];
        let filters = filters.into_iter().filter_map(|(name, value)| Some((name, given(value)?)));
        let query: String = filters.map(|(name, value)| format!("{name}={}&", encoded(&value))).collect();
        format!("/calls?{query}before={before}")
    }
}

/// A time, or one so long before now. `None`: it is neither.
fn moment(text: &str, now: Time) -> Option<Time> {
    let ago = parse_duration(text).map(|span| now.minus(span));
    let day = || Time::parse(&format!("{text}T00:00:00Z"));
    ago.or_else(|| Time::parse(text)).or_else(day)
}

/// A field that does not read, and why.
type Fault = (&'static str, &'static str);

/// Of a field of time.
const NO_TIME: &str = "A time is written 2026-03-01, 2026-03-01T10:00:00Z, or as one before now: 7d, 12h.";

#[derive(Template)]
#[template(path = "calls.html")]
struct Calls {
    frame: Frame,
    resolution: String,
    link: String,
    who: String,
    tracking: String,
    since: String,
    until: String,
    ends: [&'static str; 3],
    is_filtered: bool,
    rows: Vec<Row>,
    first: String,
    more: String,
    is_cut: bool,
    missed: usize,
    minutes: i64,
    /// The field that does not read, and why. Empty: all do.
    fault: Fault,
}

#[rocket::get("/calls?<asked..>")]
async fn list(admin: &State<Admin>, person: &Person, asked: Asked<'_>) -> Result<(Status, Html), Refused> {
    let (found, before, fault) = match asked.read(admin.clock.now()) {
        Ok((filter, before)) => {
            (calls(&admin.store, &filter, before, PAGE, CALLS_TIME).await?, before, Fault::default())
        }
        Err(fault) => (CallPage::default(), None, fault),
    };
    let status = if fault.0.is_empty() { Status::Ok } else { Status::BadRequest };
    let text = |text: Option<&str>| given(text).unwrap_or_default();
    let more = found.next.map(|next| asked.from(next)).unwrap_or_default();
    let total: i64 = found.calls.iter().filter_map(|call| call.seconds("duration")).sum();
    let first = before.map(|_| {
        let whole = asked.from(EventId(0));
        whole.split("before=").next().unwrap_or("/calls").trim_end_matches(['?', '&']).to_owned()
    });
    let shown = page(&Calls {
        frame: Frame::new(admin, person, "/calls", "Calls"),
        resolution: text(asked.resolution),
        link: text(asked.link),
        who: text(asked.who),
        tracking: text(asked.tracking),
        since: text(asked.since),
        until: text(asked.until),
        ends: ENDS,
        is_filtered: [asked.resolution, asked.link, asked.who, asked.tracking, asked.since, asked.until]
            .into_iter()
            .any(|text| given(text).is_some()),
        missed: found.calls.iter().filter(|call| call.text("resolution") == "missed").count(),
        minutes: total / 60,
        rows: found.calls.iter().map(Row::of).collect(),
        first: first.unwrap_or_default(),
        more,
        is_cut: found.is_cut,
        fault,
    });
    Ok((status, shown?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_a_day_an_instant_or_before_now() {
        let now = Time(1_000_000_000);
        assert_eq!(moment("1h", now).unwrap(), Time(1_000_000_000 - 3_600_000));
        assert_eq!(moment("1970-01-02", now).unwrap(), Time(86_400_000));
        assert_eq!(moment("1970-01-01T00:00:01Z", now).unwrap(), Time(1_000));
        assert_eq!(moment("yesterday", now), None);
    }
}
