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
    admin::{self, Call, CallFilter},
    store::{Mode, Store},
};

/// Which calls, and in what form.
#[derive(Debug, Args)]
#[command(after_long_help = "Examples:\n  bellwire calls\n  bellwire calls --resolution missed --since 7d\n  \
    bellwire calls --link @acme.sales --csv > calls.csv\n\n\
    Calls are the stored events of Gruveo: as many as retention keeps.")]
pub(super) struct Calls {
    /// Only those that ended so
    #[arg(long, value_parser = ["missed", "answered", "declined"])]
    pub(super) resolution: Option<String>,
    /// Only of this permanent link, such as @acme.sales
    #[arg(long)]
    pub(super) link: Option<String>,
    /// Only those that a person answered whose name or e-mail holds this text, whatever its case
    #[arg(long, value_name = "TEXT")]
    pub(super) who: Option<String>,
    /// Only those whose link carried this parameter with this value, such as email=maria@example.com
    #[arg(long, value_name = "NAME=VALUE")]
    pub(super) tracking: Vec<String>,
    /// Only those since then: a time, or 7d for the last seven days
    #[arg(long, value_name = "TIME")]
    pub(super) since: Option<When>,
    /// Only those before then
    #[arg(long, value_name = "TIME")]
    pub(super) until: Option<When>,
    /// How many; the newest
    #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    pub(super) limit: u32,
    /// As CSV, with all that is known of each
    #[arg(long, conflicts_with = "json")]
    pub(super) csv: bool,
    /// The machine's form
    #[arg(long)]
    pub(super) json: bool,
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
    told(&calls, options)
}

/// Calls in the form that was asked for.
pub(super) fn told(calls: &[Call], options: &Calls) -> Result<Answer, Failure> {
    if options.csv {
        return as_csv(calls);
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
    Ok(Answer::text(as_text(calls)))
}

/// The newest calls that are wanted, newest first.
async fn newest(store: &Store, options: &Calls) -> Result<Vec<Call>, Failure> {
    let filter = filter(options)?;
    let most = usize::try_from(options.limit).unwrap_or(usize::MAX);
    Ok(admin::calls(store, &filter, None, most, std::time::Duration::MAX).await?.calls)
}

/// Which calls are wanted.
pub(super) fn filter(options: &Calls) -> Result<CallFilter, Failure> {
    let now = open::clock().now();
    Ok(CallFilter {
        resolution: options.resolution.clone(),
        link: options.link.clone(),
        who: options.who.clone(),
        tracking: tracking_of(options)?,
        since: options.since.map(|when| when.at(now)),
        until: options.until.map(|when| when.at(now)),
    })
}

fn tracking_of(options: &Calls) -> Result<Vec<(String, String)>, Failure> {
    let wanted = |pair: &str| Failure::Usage(format!("--tracking {}: NAME=VALUE wanted", clean(pair, 100)));
    let split = |pair: &String| {
        let (name, value) = pair.split_once('=').ok_or_else(|| wanted(pair))?;
        Ok((name.to_owned(), value.to_owned()))
    };
    options.tracking.iter().map(split).collect()
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
