//! The call log, a view over stored `gruveo.call` events; the command line shows it too.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use crate::{
    clock::Time,
    ids::EventId,
    store::{EventFilter, Store, StoreError, StoredEvent},
    value::{JsonLimits, Value, read_json},
};

/// The type of a call.
const KIND: &str = "gruveo.call";
/// Events that are asked for at once: the time is looked at between two, and most pages need no more.
const PAGE: usize = 200;
/// How long a page of the admin looks for calls before it offers to go on.
pub(super) const CALLS_TIME: Duration = Duration::from_millis(20);

/// One call.
pub struct Call {
    /// The event that told of it.
    pub event: EventId,
    /// When it was.
    pub at: Time,
    /// All that is known of it.
    pub body: Value,
}

impl Call {
    /// `None` for an event whose body is gone or no call.
    fn of(event: &StoredEvent) -> Option<Self> {
        let body = read_json(event.body.as_ref()?, JsonLimits::default()).ok()?.value;
        let at = body.get("timestamp").and_then(Value::as_i64).map_or(event.received_at, Time);
        Some(Self { event: event.id, at, body })
    }

    /// A text of it; empty where there is none.
    pub fn text(&self, name: &str) -> &str {
        self.body.get(name).and_then(Value::as_str).unwrap_or_default()
    }

    /// A number of it.
    pub fn seconds(&self, name: &str) -> Option<i64> {
        self.body.get(name).and_then(Value::as_i64)
    }

    /// A text of whoever answered; empty where nobody did.
    pub fn user(&self, name: &str) -> &str {
        self.body.get("user").and_then(|user| user.get(name)).and_then(Value::as_str).unwrap_or_default()
    }

    /// Who answered.
    pub fn who(&self) -> String {
        match (self.user("name"), self.user("email")) {
            ("", email) => email.to_owned(),
            (name, "") => name.to_owned(),
            (name, email) => format!("{name} <{email}>"),
        }
    }

    /// What its link carried.
    pub fn tracking(&self) -> Vec<(&str, String)> {
        let pairs = self.body.get("tracking").and_then(Value::as_object);
        let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        pairs.into_iter().flatten().map(|(name, value)| (name.as_str(), text(value))).collect()
    }
}

/// Which calls.
#[derive(Debug, Clone, Default)]
pub struct CallFilter {
    /// Only those that ended so.
    pub resolution: Option<String>,
    /// Only of this permanent link.
    pub link: Option<String>,
    /// Only those that a person answered whose name or e-mail holds this text, whatever its case.
    pub who: Option<String>,
    /// Only those whose link carried each of these.
    pub tracking: Vec<(String, String)>,
    /// Only those since then.
    pub since: Option<Time>,
    /// Only those before then.
    pub until: Option<Time>,
}

impl CallFilter {
    /// Whether a call is one of them.
    pub fn takes(&self, call: &Call) -> bool {
        let holds = |text: &String| call.who().to_lowercase().contains(&text.to_lowercase());
        let tracking = call.tracking();
        self.since.is_none_or(|since| call.at >= since)
            && self.until.is_none_or(|until| call.at < until)
            && self.resolution.as_ref().is_none_or(|wanted| call.text("resolution") == wanted)
            && self.link.as_ref().is_none_or(|wanted| call.text("link") == wanted)
            && self.who.as_ref().is_none_or(holds)
            && self.tracking.iter().all(|(name, value)| tracking.iter().any(|(n, v)| n == name && v == value))
    }
}

/// Some calls, newest first.
#[derive(Default)]
pub struct CallPage {
    /// Those that are wanted.
    pub calls: Vec<Call>,
    /// Where the next page goes on. `None`: there is nothing behind these.
    pub next: Option<EventId>,
    /// The bound on what is looked at was met: behind `next` there may be more, or nothing.
    pub is_cut: bool,
}

/// The newest `most` calls that are wanted before an event, of those that are looked through within `time`.
pub async fn calls(
    store: &Store,
    filter: &CallFilter,
    mut before: Option<EventId>,
    most: usize,
    time: Duration,
) -> Result<CallPage, StoreError> {
    let begun = Instant::now();
    let mut page = CallPage::default();
    let mut size = most.clamp(1, PAGE);
    loop {
        let wanted = EventFilter { kind: Some(KIND.to_owned()), before, limit: Some(size), ..EventFilter::default() };
        let rows = store.events(wanted).await?;
        let (Some(first), Some(last)) = (rows.first(), rows.last()) else { return Ok(page) };
        before = Some(last.id);
        let is_call = Arc::new(|kind: &str| kind == KIND);
        let mut events = store.event_page(is_call, EventId(last.id.0 - 1), first.id, size).await?;
        events.reverse();
        for call in events.iter().filter_map(Call::of).filter(|call| filter.takes(call)) {
            let event = call.event;
            page.calls.push(call);
            if page.calls.len() == most {
                page.next = Some(event);
                return Ok(page);
            }
        }
        // An event comes after its call: what came before then is of no call since.
        if filter.since.is_some_and(|since| last.received_at < since) {
            return Ok(page);
        }
        size = PAGE;
        if begun.elapsed() >= time {
            (page.next, page.is_cut) = (before, true);
            return Ok(page);
        }
    }
}
