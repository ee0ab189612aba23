//! `bellwire calls`: the call log, a view over stored `gruveo.call` events.

use std::path::Path;

use clap::Args;
use serde_json::{Value, json};

use super::{
    answer::{Answer, clean},
    check::count,
    failure::Failure,
    open,
    sheet::sheet,
    table::table,
    when::When,
};
use crate::{
    clock::Time,
    ids::EventId,
    store::{EventFilter, Mode, Store, StoredEvent},
    value::{JsonLimits, read_json},
};

/// The type of a call.
const KIND: &str = "gruveo.call";
/// Events that are asked for at once.
const PAGE: usize = 500;

/// Which calls, and in what form.
#[derive(Debug, Args)]
#[command(after_long_help = "Examples:\n  bellwire calls\n  bellwire calls --resolution missed --since 7d\n  \
    bellwire calls --link @acme.sales --csv > calls.csv\n\n\
    Calls are the stored events of Gruveo: as many as retention keeps.")]
pub(super) struct Calls {
    /// Only those that ended so
    #[arg(long, value_parser = ["missed", "answered", "declined"])]
    resolution: Option<String>,
    /// Only of this permanent link, such as @acme.sales
    #[arg(long)]
    link: Option<String>,
    /// Only those that a person answered whose name or e-mail holds this text, whatever its case
    #[arg(long, value_name = "TEXT")]
    who: Option<String>,
    /// Only those whose link carried this parameter with this value, such as email=maria@example.com
    #[arg(long, value_name = "NAME=VALUE")]
    tracking: Vec<String>,
    /// Only those since then: a time, or 7d for the last seven days
    #[arg(long, value_name = "TIME")]
    since: Option<When>,
    /// Only those before then
    #[arg(long, value_name = "TIME")]
    until: Option<When>,
    /// How many; the newest
    #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    limit: u32,
    /// As CSV, with all that is known of each
    #[arg(long, conflicts_with = "json")]
    csv: bool,
    /// The machine's form
    #[arg(long)]
    json: bool,
}

/// One call.
struct Call {
    event: EventId,
    at: Time,
    body: Value,
}

impl Call {
    /// `None` for an event whose body is gone or no call.
    fn of(event: &StoredEvent) -> Option<Self> {
        let body = read_json(event.body.as_ref()?, JsonLimits::default()).ok()?.value;
        let at = body.get("timestamp").and_then(Value::as_i64).map_or(event.received_at, Time);
        Some(Self { event: event.id, at, body })
    }

    fn text(&self, name: &str) -> &str {
        self.body.get(name).and_then(Value::as_str).unwrap_or_default()
    }

    fn seconds(&self, name: &str) -> Option<i64> {
        self.body.get(name).and_then(Value::as_i64)
    }

    fn user(&self, name: &str) -> &str {
        self.body.get("user").and_then(|user| user.get(name)).and_then(Value::as_str).unwrap_or_default()
    }

    /// Who answered.
    fn who(&self) -> String {
        match (self.user("name"), self.user("email")) {
            ("", email) => email.to_owned(),
            (name, "") => name.to_owned(),
            (name, email) => format!("{name} <{email}>"),
        }
    }

    fn tracking(&self) -> Vec<(&str, String)> {
        let pairs = self.body.get("tracking").and_then(Value::as_object);
        let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        pairs.into_iter().flatten().map(|(name, value)| (name.as_str(), text(value))).collect()
    }
}

pub(super) fn run(workspace: &Path, options: &Calls) -> Result<Answer, Failure> {
    let config = open::settings(workspace)?;
    let calls = if open::is_unborn(&config)? {
        Vec::new()
    } else {
        open::block_on(async {
            let store = open::store(&config, Mode::Read)?;
            newest(&store, options).await
        })?
    };
    if options.csv {
        return as_csv(&calls);
    }
    if options.json {
        return Ok(Answer::json(&calls.iter().map(as_json).collect()));
    }
    if calls.is_empty() {
        return Ok(Answer::text(
            "No calls like that. Gruveo posts one event at the end of each call to /hooks/gruveo; a sample: \
             bellwire send gruveo.call --sample missed",
        ));
    }
    Ok(Answer::text(as_text(&calls)))
}

/// The newest calls that are wanted, newest first.
async fn newest(store: &Store, options: &Calls) -> Result<Vec<Call>, Failure> {
    let now = open::clock().now();
    let since = options.since.map(|when| when.at(now));
    let until = options.until.map(|when| when.at(now));
    let tracking = tracking_of(options)?;
    let most = usize::try_from(options.limit).unwrap_or(usize::MAX);
    let (mut calls, mut before) = (Vec::new(), None);
    loop {
        let filter = EventFilter { kind: Some(KIND.to_owned()), before, limit: Some(PAGE), ..EventFilter::default() };
        let rows = store.events(filter).await?;
        let (Some(first), Some(last)) = (rows.first(), rows.last()) else { return Ok(calls) };
        before = Some(last.id);
        let wanted = std::sync::Arc::new(|kind: &str| kind == KIND);
        let mut events = store.event_page(wanted, EventId(last.id.0 - 1), first.id, PAGE).await?;
        events.reverse();
        for call in events.iter().filter_map(Call::of) {
            let fits = since.is_none_or(|since| call.at >= since)
                && until.is_none_or(|until| call.at < until)
                && is_wanted(&call, options, &tracking);
            if fits {
                calls.push(call);
            }
            if calls.len() == most {
                return Ok(calls);
            }
        }
        // An event comes after its call: what came before then is of no call since.
        if since.is_some_and(|since| last.received_at < since) {
            return Ok(calls);
        }
    }
}

fn tracking_of(options: &Calls) -> Result<Vec<(&str, &str)>, Failure> {
    let wanted = |pair: &str| Failure::Usage(format!("--tracking {}: NAME=VALUE wanted", clean(pair, 100)));
    options.tracking.iter().map(|pair| pair.split_once('=').ok_or_else(|| wanted(pair))).collect()
}

fn is_wanted(call: &Call, options: &Calls, tracking: &[(&str, &str)]) -> bool {
    let holds = |text: &String| call.who().to_lowercase().contains(&text.to_lowercase());
    options.resolution.as_ref().is_none_or(|wanted| call.text("resolution") == wanted)
        && options.link.as_ref().is_none_or(|wanted| call.text("link") == wanted)
        && options.who.as_ref().is_none_or(holds)
        && tracking.iter().all(|(name, value)| call.tracking().iter().any(|(n, v)| n == name && v == value))
}

/// A span as people write it: `3:05`.
fn span(seconds: Option<i64>) -> String {
    seconds.map_or_else(String::new, |seconds| format!("{}:{:02}", seconds / 60, seconds % 60))
}

fn as_text(calls: &[Call]) -> String {
    let line = |call: &Call| {
        let tracking: Vec<String> = call.tracking().iter().map(|(name, value)| format!("{name}={value}")).collect();
        vec![
            call.at.to_string(),
            clean(call.text("link"), 40),
            clean(call.text("resolution"), 12),
            span(call.seconds("duration")),
            span(call.seconds("waitingTime")),
            clean(&call.who(), 50),
            clean(&tracking.join(" "), 80),
        ]
    };
    let lines: Vec<Vec<String>> = calls.iter().map(line).collect();
    let total: i64 = calls.iter().filter_map(|call| call.seconds("duration")).sum();
    let missed = calls.iter().filter(|call| call.text("resolution") == "missed").count();
    let head = ["TIME", "LINK", "RESOLUTION", "LENGTH", "WAITED", "ANSWERED BY", "TRACKING"];
    let sum = format!("\n{}, {missed} missed, {} min talked\n", count(calls.len(), "call"), total / 60);
    table(&head, &lines) + &sum
}

fn as_json(call: &Call) -> Value {
    json!({
        "event": call.event,
        "at": call.at.to_string(),
        "link": call.text("link"),
        "resolution": call.text("resolution"),
        "duration": call.seconds("duration"),
        "waiting_time": call.seconds("waitingTime"),
        "location": call.text("location"),
        "user": call.body.get("user").cloned().unwrap_or_default(),
        "tracking": call.body.get("tracking").cloned().unwrap_or_default(),
    })
}

fn as_csv(calls: &[Call]) -> Result<Answer, Failure> {
    let head = [
        "time",
        "link",
        "resolution",
        "duration_s",
        "waiting_s",
        "location",
        "user_name",
        "user_email",
        "tracking",
        "event",
    ];
    let row = |call: &Call| {
        let tracking: Vec<String> = call.tracking().iter().map(|(name, value)| format!("{name}={value}")).collect();
        let number = |name| call.seconds(name).map(|seconds| seconds.to_string()).unwrap_or_default();
        vec![
            call.at.to_string(),
            call.text("link").to_owned(),
            call.text("resolution").to_owned(),
            number("duration"),
            number("waitingTime"),
            call.text("location").to_owned(),
            call.user("name").to_owned(),
            call.user("email").to_owned(),
            tracking.join("&"),
            call.event.to_string(),
        ]
    };
    let rows = std::iter::once(head.map(str::to_owned).to_vec()).chain(calls.iter().map(row));
    Ok(Answer { out: sheet(rows)?, ..Answer::default() })
}
