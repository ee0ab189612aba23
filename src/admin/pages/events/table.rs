//! The truth table of every rule that listens to an event, the first condition that failed in front.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use crate::{
    clock::Time,
    ids::EventId,
    matcher::{Explanation, Held},
    model::{Evidence, Verdict},
    rules::Rule,
    starts::{self, Book},
    store::{EventDetail, RunRow, Suppressed, SuppressedBy},
    trial::explain::explain_rule,
    value::{Object, Value},
};

/// Tables of one page, and how long they may take: a rule set may have any number.
const MOST: usize = 50;
const BUDGET: Duration = Duration::from_millis(250);
/// Characters of a value.
const VALUE: usize = 120;

/// What one rule said.
pub(super) struct Table {
    pub(super) rule: String,
    pub(super) name: String,
    pub(super) file: String,
    /// The badge: `matched`, `skipped`, `failed` or `disabled`.
    pub(super) badge: &'static str,
    pub(super) said: String,
    /// The first condition that failed, in words; what kept it from running.
    pub(super) why: String,
    /// The event that took its key, and until when.
    pub(super) taken: Option<(EventId, Time)>,
    pub(super) lines: Vec<Line>,
    pub(super) vars: Vec<(String, String)>,
    pub(super) faults: Vec<String>,
    pub(super) runs: Vec<RunRow>,
}

/// One condition.
pub(super) struct Line {
    pub(super) held: &'static str,
    pub(super) decisive: bool,
    pub(super) path: String,
    pub(super) operator: String,
    pub(super) wanted: String,
    pub(super) seen: String,
    pub(super) note: String,
    pub(super) place: u32,
}

/// What all rules said.
#[derive(Default)]
pub(super) struct Tables {
    pub(super) rules: Vec<Table>,
    /// Rules that do not listen to such an event.
    pub(super) deaf: usize,
    /// Rules that were not looked at, for want of time.
    pub(super) left: usize,
    /// Why there are none at all. Empty where there are.
    pub(super) fault: String,
}

/// What the rules of a set say to an event. Takes its time: on a blocking thread.
pub(super) fn of(detail: &EventDetail, book: &Book, vars: &Object, suppressed: &[Suppressed], all: bool) -> Tables {
    let subject = match starts::subject_of(&detail.event, &book.registry) {
        Ok(subject) => subject,
        Err(fault) => return Tables { fault, ..Tables::default() },
    };
    let scheduled = starts::scheduled_rule(&detail.event.kind, &detail.event.meta);
    let polled = starts::polled_rule(&detail.event.kind, &detail.event.meta);
    let begun = Instant::now();
    let mut found = Tables::default();
    for rule in order(detail, book) {
        let is_full = found.rules.len() >= MOST || begun.elapsed() >= BUDGET;
        if is_full && !all {
            found.left += 1;
            continue;
        }
        let mut table = explain_rule(rule, &subject, vars);
        table.hears |= scheduled == Some(&*rule.id) && rule.schedules().next().is_some();
        table.hears |= polled == Some(&*rule.id) && rule.polls().next().is_some();
        let runs: Vec<RunRow> = detail.runs.iter().filter(|run| *run.rule == *rule.id).cloned().collect();
        if !(table.hears && rule.enabled) && runs.is_empty() {
            found.deaf += 1;
            continue;
        }
        let kept = suppressed.iter().find(|other| *other.rule == *rule.id);
        found.rules.push(shown(table, rule, runs, kept));
    }
    found
}

/// Those that ran first, then those that listen by their index, then the rest.
fn order<'b>(detail: &EventDetail, book: &'b Book) -> Vec<&'b Arc<Rule>> {
    let ran = |rule: &Arc<Rule>| detail.runs.iter().any(|run| *run.rule == *rule.id);
    let mut rules: Vec<&Arc<Rule>> = book.set.rules.values().collect();
    rules.sort_by_key(|rule| !ran(rule));
    rules
}

fn shown(table: Explanation, rule: &Rule, runs: Vec<RunRow>, suppressed: Option<&Suppressed>) -> Table {
    let Explanation { rule: id, name, hears, verdict, lines, vars, faults, .. } = table;
    let (badge, said, mut why) = match &verdict {
        _ if !rule.enabled => ("disabled", "not enabled".to_owned(), String::new()),
        _ if !hears => ("skipped", "does not listen to this type".to_owned(), String::new()),
        Verdict::Matched => ("matched", "matched".to_owned(), String::new()),
        Verdict::NotMatched(Evidence { path, operator, wanted, seen, note }) => {
            let seen = if seen.is_null() { "nothing".to_owned() } else { short(seen) };
            let note = if note.is_empty() { String::new() } else { format!(" ({note})") };
            ("unmatched", "not matched".to_owned(), format!("{path} {operator} {}: saw {seen}{note}", short(wanted)))
        }
        Verdict::Error { message } => ("failed", "could not be decided".to_owned(), message.clone()),
        Verdict::Undecided => ("undecided", "not decided in time".to_owned(), String::new()),
    };
    let mut taken = None;
    if let Some(suppressed) = suppressed {
        if let SuppressedBy::Once { event, until } = &suppressed.by {
            taken = Some((*event, *until));
        }
        why = format!("it started no run: {}", kept(&suppressed.by));
    }
    Table {
        rule: id,
        name,
        file: rule.file.to_string(),
        badge,
        said,
        why,
        taken,
        lines: lines.into_iter().map(line).collect(),
        vars: vars.iter().map(|(name, value)| (name.clone(), short(value))).collect(),
        faults,
        runs,
    }
}

fn line(line: crate::matcher::Line) -> Line {
    let is_group = !line.group.is_empty();
    let what = if is_group { line.group.to_owned() } else { line.path };
    let cell = |text: String| if is_group { String::new() } else { text };
    Line {
        held: match line.held {
            Held::Yes => "yes",
            Held::No => "no",
            Held::NotAsked => "not asked",
        },
        decisive: line.decisive,
        path: format!("{}{what}", "· ".repeat(line.depth.min(6))),
        operator: cell(line.operator),
        wanted: cell(short(&line.wanted)),
        seen: cell(if line.seen.is_null() { "nothing".to_owned() } else { short(&line.seen) }),
        note: line.note,
        place: line.place.line,
    }
}

fn kept(by: &SuppressedBy) -> String {
    match by {
        SuppressedBy::Once { .. } => "once: its key was taken".to_owned(),
        SuppressedBy::Threshold { have, of } => format!("threshold: it is number {have} of {of}"),
        SuppressedBy::NoKey => "threshold: its key is null or empty".to_owned(),
        SuppressedBy::Digest { run } => format!("digest: it joined {run}"),
    }
}

/// A value as JSON, cut.
fn short(value: &Value) -> String {
    let text = value.to_string();
    if text.chars().count() <= VALUE {
        return text;
    }
    let cut: String = text.chars().take(VALUE - 1).collect();
    format!("{cut}…")
}
