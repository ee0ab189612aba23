//! `bellwire polls`: what is asked again and again, when it is asked next, and what came of it.

use std::{collections::HashMap, path::Path, sync::Arc};

use serde_json::{Value, json};

use super::{
    answer::{Answer, clean},
    arguments::{Polls, PollsVerb},
    check::count,
    failure::Failure,
    open,
    table::table,
    users,
};
use crate::{
    app,
    clock::Time,
    config::Config,
    rules::{Poll, Rule, shown_duration},
    store::{Mode, PollId, PollRow},
};

/// Characters of an error, or of what is odd, in the table.
const SHOWN: usize = 100;

pub(super) fn run(workspace: &Path, options: &Polls) -> Result<Answer, Failure> {
    let config = open::settings(workspace)?;
    match &options.verb {
        None => list(&config, options.json),
        Some(PollsVerb::Run { rule }) => ask_now(&config, rule),
    }
}

/// A poll of a rule.
struct Line {
    rule: Arc<Rule>,
    poll: Poll,
    id: PollId,
    /// `None`: no server has asked yet.
    row: Option<PollRow>,
}

/// The polls of the workspace's rules, in order of their ids.
fn lines(config: &Config) -> Result<Vec<Line>, Failure> {
    let rows = if open::is_unborn(config)? {
        Vec::new()
    } else {
        open::block_on(async { Ok(open::store(config, Mode::Read)?.polls().await?) })?
    };
    let mut rows: HashMap<PollId, PollRow> = rows.into_iter().map(|row| (row.id.clone(), row)).collect();
    let mut lines = Vec::new();
    for rule in app::check(config).set.rules.values() {
        for (place, poll) in (0..).zip(rule.polls()) {
            let id = PollId { rule: rule.id.to_string(), place };
            let row = rows.remove(&id);
            lines.push(Line { rule: Arc::clone(rule), poll: poll.clone(), id, row });
        }
    }
    Ok(lines)
}

fn list(config: &Config, is_json: bool) -> Result<Answer, Failure> {
    let lines = lines(config)?;
    Ok(told(lines.iter().map(Line::as_json).collect(), is_json))
}

/// Polls in the machine's form, or as people read them.
pub(super) fn told(lines: Vec<Value>, is_json: bool) -> Answer {
    if is_json {
        return Answer::json(&Value::Array(lines));
    }
    if lines.is_empty() {
        let way = "one is `on: { poll: { every: 5m, groove.find_tickets: {}, items: result, key: number } }`";
        return Answer::text(format!("No rule has a poll; {way}."));
    }
    let cells: Vec<Vec<String>> = lines.iter().map(cells).collect();
    Answer::text(table(&["RULE", "ASKS", "EVERY", "LAST", "NEXT", "ITEMS", "CURSOR", "ERROR"], &cells))
}

fn cells(line: &Value) -> Vec<String> {
    let text = |name: &str| line.get(name).and_then(Value::as_str);
    let at = |name: &str| text(name).map_or_else(|| "-".to_owned(), |at| clean(at, 40));
    // What nobody has asked yet was not tried either.
    let is_asked = !line["last"].is_null() || !line["tried"].is_null() || !line["next"].is_null();
    let cursor = line.get("cursor").filter(|cursor| !cursor.is_null());
    let error = text("error").or(text("odd"));
    vec![
        clean(text("rule").unwrap_or_default(), 40),
        clean(text("asks").unwrap_or_default(), 60),
        clean(text("every").unwrap_or_default(), 40),
        at("last"),
        if line["enabled"] == true { at("next") } else { "not enabled".to_owned() },
        if is_asked { line["items"].to_string() } else { "-".to_owned() },
        cursor.map_or_else(|| "-".to_owned(), |cursor| clean(&cursor.to_string(), 30)),
        error.map(|error| clean(error, SHOWN)).unwrap_or_default(),
    ]
}

impl Line {
    fn asks(&self) -> &str {
        self.poll.target.split(": ").next().unwrap_or_default()
    }

    fn as_json(&self) -> Value {
        let row = self.row.as_ref();
        let text = |time: Option<Time>| time.map(|time| time.to_string());
        json!({
            "rule": &*self.rule.id,
            "poll": self.id.place,
            "name": self.rule.name,
            "enabled": self.rule.enabled,
            "asks": self.asks(),
            "every": shown_duration(self.poll.every),
            "last": text(row.and_then(|row| row.last_at)),
            "tried": text(row.and_then(|row| row.tried_at)),
            "next": text(row.filter(|_| self.rule.enabled).map(|row| row.due_at)),
            "items": row.map_or(0, |row| row.items),
            "failures": row.map_or(0, |row| row.failures),
            "error": row.and_then(|row| row.error.as_ref()),
            "odd": row.and_then(|row| row.odd.as_ref()),
            "cursor": row.map_or(&Value::Null, |row| &row.cursor),
        })
    }
}

/// Makes the polls of a rule due: the running server asks within a second.
fn ask_now(config: &Config, rule: &str) -> Result<Answer, Failure> {
    let all = lines(config)?;
    let of_rule: Vec<&Line> = all.iter().filter(|line| *line.rule.id == *rule).collect();
    let shown = clean(rule, 128);
    if of_rule.is_empty() {
        let known: Vec<&str> = all.iter().map(|line| &*line.rule.id).collect();
        let known =
            if known.is_empty() { "no rule has one".to_owned() } else { format!("known are {}", known.join(", ")) };
        return Err(Failure::No(format!("no rule `{shown}` with a poll; {known}")));
    }
    if of_rule.iter().any(|line| !line.rule.enabled) {
        return Err(Failure::No(format!("rule `{shown}` is not enabled, and its polls ask for nothing")));
    }
    if of_rule.iter().any(|line| line.row.is_none()) {
        return Err(Failure::No(format!(
            "`{shown}` was not asked for yet: `bellwire serve` asks for the first time when it starts"
        )));
    }
    let now = open::clock().now();
    open::block_on(async {
        let store = open::store(config, Mode::Write)?;
        for row in of_rule.iter().filter_map(|line| line.row.as_ref()) {
            store.poll_due(row.id.clone(), row.target.clone(), row.every, now).await?;
        }
        users::keep(&store, now, "poll.run", rule, json!({ "polls": of_rule.len() })).await?;
        store.close();
        Ok(())
    })?;
    Ok(asked_now(of_rule.len(), rule))
}

/// So many polls of a rule are due.
pub(super) fn asked_now(polls: usize, rule: &str) -> Answer {
    let (asked, shown) = (count(polls, "poll"), clean(rule, 128));
    Answer::text(format!("{asked} of {shown} due now: a running server asks within a second; see `bellwire polls`"))
}
