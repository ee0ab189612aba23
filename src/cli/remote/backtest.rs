//! What the rules of a folder here would have done otherwise than those that a server has in force.

use std::path::Path;

use http::Method;
use serde::Deserialize;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use super::{
    client::Remote,
    seen::{At, read, read_all},
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
    rules,
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

/// A rule file that the server has.
#[derive(Deserialize)]
struct RuleThere {
    file: String,
    digest: Option<String>,
}

/// The files of `workspace` that the server has otherwise or not at all; rules that only it has are deleted ones.
async fn drafts(remote: &Remote, workspace: &Path) -> Result<Vec<Value>, Failure> {
    if !workspace.join("rules").is_dir() {
        let folder = workspace.display();
        return Err(Failure::Usage(format!(
            "there is no rules/ in {folder}: run this where the rules are, or name the folder by --workspace; --there takes the files that the \
             server has itself"
        )));
    }
    let rules::Loaded { texts, findings } = rules::load(workspace);
    if let Some(finding) = findings.first() {
        return Err(Failure::No(finding.to_string()));
    }
    let there: Vec<RuleThere> = read_all(remote.all(&["rules"]).await?)?;
    let digest = |text: &str| hex::encode(Sha256::digest(text.as_bytes()));
    let is_there = |path: &str, text: &str| {
        there.iter().any(|rule| rule.file == path && rule.digest.as_deref() == Some(digest(text).as_str()))
    };
    let changed = texts.0.iter().filter(|(path, text)| !is_there(path, text));
    let gone = there.iter().filter(|rule| rule.digest.is_some() && !texts.0.contains_key(&rule.file));
    let changed = changed.map(|(path, text)| json!({ "path": path, "text": text }));
    Ok(changed.chain(gone.map(|rule| json!({ "path": rule.file, "text": null }))).collect())
}

/// Asks a server, a stretch of events after the other.
pub(super) async fn run(remote: &Remote, workspace: &Path, options: &Options) -> Result<Answer, Failure> {
    if options.against.is_some() {
        return Err(not_there("backtest --against"));
    }
    let drafts = if options.there { Vec::new() } else { drafts(remote, workspace).await? };
    let now = open::clock().now();
    let limit = options.limit.min(MOST);
    let (mut report, mut after) = (Report::default(), None::<EventId>);
    let fates: Vec<_> = loop {
        let body = json!({
            "rule": options.rule, "since": options.since.at(now).to_string(),
            "until": options.until.map(|until| until.at(now).to_string()), "after": after, "examples": limit,
            "drafts": drafts,
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
