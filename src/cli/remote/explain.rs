//! What every rule of a server said to an event, and why.

use serde::Deserialize;
use serde_json::{Map, Value};

use super::{
    client::{Query, Remote},
    runs,
    seen::{EventSeen, RefusalSeen, RunSeen, read},
};
use crate::{
    cli::{
        answer::{Answer, machine},
        explain::{self, Explain, OF_NOW, Subject, THAT_DECIDED},
        explained::{self, Shown},
        failure::Failure,
        refused,
    },
    ids::{EventId, RefusalId},
    matcher::{Explanation, Held, Keys, Line},
    model::{Evidence, Place, Verdict},
    starts,
    store::RunRow,
};

#[derive(Deserialize)]
struct Explained {
    event: EventSeen,
    by: String,
    own: bool,
    rules: Vec<RuleSaid>,
    not_listening: Vec<String>,
}

#[derive(Deserialize)]
struct RuleSaid {
    rule: String,
    name: String,
    file: String,
    enabled: bool,
    hears: bool,
    verdict: String,
    message: String,
    conditions: Vec<Condition>,
    vars: Map<String, Value>,
    faults: Vec<String>,
    suppressed: Option<String>,
    runs: Vec<RunSeen>,
}

#[derive(Deserialize)]
struct Condition {
    depth: usize,
    group: String,
    path: String,
    operator: String,
    wanted: Value,
    seen: Value,
    held: String,
    decisive: bool,
    note: String,
    line: u32,
    column: u32,
}

impl From<Condition> for Line {
    fn from(seen: Condition) -> Self {
        Self {
            depth: seen.depth,
            group: ["all", "any", "not"].into_iter().find(|known| *known == seen.group).unwrap_or_default(),
            path: seen.path,
            operator: seen.operator,
            wanted: seen.wanted,
            seen: seen.seen,
            held: match seen.held.as_str() {
                "yes" => Held::Yes,
                "no" => Held::No,
                _ => Held::NotAsked,
            },
            decisive: seen.decisive,
            note: seen.note,
            place: Place { line: seen.line, column: seen.column },
        }
    }
}

/// A rule's table with its runs, which `Shown` borrows.
fn table(said: RuleSaid) -> (Explanation, String, bool, Option<String>, Vec<RunRow>) {
    let verdict = match said.verdict.as_str() {
        "matched" => Verdict::Matched,
        "not_matched" => Verdict::NotMatched(Evidence { note: said.message, ..Evidence::default() }),
        "error" => Verdict::Error { message: said.message },
        _ => Verdict::Undecided,
    };
    let table = Explanation {
        rule: said.rule,
        name: said.name,
        hears: said.hears,
        verdict,
        lines: said.conditions.into_iter().map(Line::from).collect(),
        vars: said.vars,
        faults: said.faults,
        keys: Keys::default(),
    };
    (table, said.file, said.enabled, said.suppressed, said.runs.into_iter().map(RunSeen::row).collect())
}

/// Explains an event, a run's rule on its event, or a refusal.
pub(super) async fn run(remote: &Remote, options: &Explain) -> Result<Answer, Failure> {
    match options.id {
        Subject::Refusal(id) => refusal(remote, id, options.json).await,
        Subject::Event(id) => event(remote, id, options.rule.clone(), options).await,
        Subject::Run(id) => {
            let row = runs::load(remote, id).await?.row;
            event(remote, row.event, Some(options.rule.clone().unwrap_or(row.rule)), options).await
        }
    }
}

async fn refusal(remote: &Remote, id: RefusalId, json: bool) -> Result<Answer, Failure> {
    let seen: RefusalSeen = read(remote.get(&["refusals", &id.to_string()]).await?)?;
    let refusal = seen.row();
    let help = refused::way_out(&refusal, &[]);
    if !json {
        return Ok(Answer::text(refused::as_text(&refusal, &help)));
    }
    let mut value = machine(&refusal);
    if let Some(map) = value.as_object_mut() {
        map.insert("help".to_owned(), help.into());
    }
    Ok(Answer::json(&value))
}

async fn event(remote: &Remote, id: EventId, rule: Option<String>, options: &Explain) -> Result<Answer, Failure> {
    let mut query = Query::new();
    query.extend(rule.map(|rule| ("rule", rule)));
    query.extend(options.current.then(|| ("current", "true".to_owned())));
    query.extend(options.all.then(|| ("all", "true".to_owned())));
    let value = remote.get_with(&["events", &id.to_string(), "explain"], &query).await?;
    if options.json {
        return Ok(Answer::json(&value));
    }
    let Explained { event, by, own, rules, not_listening } = read(value)?;
    let flags = event.flags();
    let row = event.row();
    let by_hand = row.kind == starts::MANUAL || row.source == starts::BY_HAND;
    let tables: Vec<_> = rules.into_iter().map(table).collect();
    let shown: Vec<Shown<'_>> = tables
        .iter()
        .map(|(table, file, enabled, kept_back, runs)| Shown {
            table: table.clone(),
            file: file.clone(),
            enabled: *enabled,
            by_hand,
            runs: runs.iter().collect(),
            suppressed: None,
            kept_back: kept_back.clone(),
        })
        .collect();
    let mut text = explain::head(&row, flags, if by == "current" { OF_NOW } else { THAT_DECIDED });
    for one in &shown {
        text.push('\n');
        text.push_str(&explained::as_text(one, own));
    }
    text.push_str(&explain::tail(&shown, &not_listening, &row.kind));
    Ok(Answer::text(text))
}
