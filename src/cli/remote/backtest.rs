//! What a server's workspace would have done otherwise than the rules that it has in force.

use http::Method;
use serde::Deserialize;
use serde_json::json;

use super::{
    client::Remote,
    seen::{At, read},
    starts::not_there,
};
use crate::{
    cli::{
        answer::Answer,
        backtest::{Options, as_json, as_text},
        failure::Failure,
        open,
    },
    ids::EventId,
    trial::backtest::{Example, Examples, Report, RuleReport},
};

/// The most examples of a kind that a server tells.
const MOST: u16 = 100;

#[derive(Deserialize)]
struct Seen {
    complete: bool,
    upto: Option<EventId>,
    events: u64,
    without_body: u64,
    unreadable: u64,
    rules: Vec<RuleSeen>,
}

#[derive(Deserialize)]
struct RuleSeen {
    rule: String,
    fate: String,
    matched_old: u64,
    matched_new: u64,
    appeared: ExamplesSeen,
    gone: ExamplesSeen,
    differs: ExamplesSeen,
    errors: ExamplesSeen,
}

#[derive(Deserialize)]
struct ExamplesSeen {
    count: u64,
    shown: Vec<ExampleSeen>,
}

#[derive(Deserialize)]
struct ExampleSeen {
    event: EventId,
    received_at: At,
    text: String,
}

impl ExamplesSeen {
    fn examples(self, limit: usize) -> Examples {
        let example =
            |seen: ExampleSeen| Example { event: seen.event, received_at: seen.received_at.0, text: seen.text };
        Examples::told(self.count, self.shown.into_iter().map(example).collect(), limit)
    }
}

/// Asks a server, a stretch of events after the other.
pub(super) async fn run(remote: &Remote, options: &Options) -> Result<Answer, Failure> {
    if options.against.is_some() {
        return Err(not_there("backtest --against"));
    }
    let now = open::clock().now();
    let limit = options.limit.min(MOST);
    let (mut report, mut after) = (Report::default(), None::<EventId>);
    let fates: Vec<_> = loop {
        let body = json!({
            "rule": options.rule, "since": options.since.at(now).to_string(),
            "until": options.until.map(|until| until.at(now).to_string()), "after": after, "examples": limit,
        });
        let seen: Seen = read(remote.send(Method::POST, &["backtest"], &body).await?)?;
        let Seen { complete, upto, events, without_body, unreadable, rules } = seen;
        let fates = rules.iter().map(|rule| (rule.rule.clone(), fate(&rule.fate))).collect();
        let rule = |seen: RuleSeen| {
            let limit = usize::from(limit);
            let report = RuleReport {
                matched_old: seen.matched_old,
                matched_new: seen.matched_new,
                appeared: seen.appeared.examples(limit),
                gone: seen.gone.examples(limit),
                differs: seen.differs.examples(limit),
                errors: seen.errors.examples(limit),
            };
            (seen.rule, report)
        };
        report.merge(Report { events, without_body, unreadable, rules: rules.into_iter().map(rule).collect() });
        // A server that has not moved on would not the next time either.
        if complete || upto.is_none() || upto == after {
            break fates;
        }
        after = upto;
    };
    let named = "those in force there";
    let answer = if options.json {
        Answer::json(&as_json(&fates, &report, named))
    } else {
        Answer::text(as_text(&fates, &report, named))
    };
    Ok(answer.exit(u8::from(options.fail_on_change && report.is_changed())))
}

fn fate(word: &str) -> &'static str {
    match word {
        "new" => "new",
        "gone" => "gone",
        _ => "changed",
    }
}
