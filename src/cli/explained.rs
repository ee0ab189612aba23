//! A rule's truth table for people: within a hundred columns, wide values cut.

use serde_json::Value;

use super::{answer::clean, explain::word, table::table};
use crate::{
    matcher::{Explanation, Held, Line},
    model::Verdict,
    store::{RunRow, Suppressed, SuppressedBy},
};

/// Columns that a line of the table may take.
const WIDTH: usize = 100;
/// Characters of a value that are shown.
const VALUE: usize = 21;
/// Characters of a path with its indentation that are shown.
const PATH: usize = 30;

/// What is known of one rule on one event.
pub(super) struct Shown<'d> {
    pub(super) table: Explanation,
    pub(super) file: String,
    pub(super) enabled: bool,
    /// The event is a person's, who named the rule.
    pub(super) by_hand: bool,
    /// Its runs on this event, newest first.
    pub(super) runs: Vec<&'d RunRow>,
    pub(super) suppressed: Option<&'d Suppressed>,
    /// Why it matched and started nothing.
    pub(super) kept_back: Option<String>,
}

/// The rule's name and verdict, its conditions, its vars, and what came of it.
pub(super) fn as_text(shown: &Shown<'_>, own: bool) -> String {
    let Explanation { rule, name, hears, verdict, lines, vars, faults, .. } = &shown.table;
    let said = match (hears, shown.enabled) {
        _ if shown.by_hand && !shown.runs.is_empty() => "started by hand",
        (_, false) => "not enabled",
        (false, _) if own => "does not hear echoes of our own actions",
        (false, _) => "does not listen to this type",
        (true, true) => word(verdict),
    };
    let rule = fit(rule, 40);
    let left = WIDTH.saturating_sub(rule.chars().count() + said.len() + 6).max(2);
    let mut text = format!("{rule}: {said}  ({})\n", fit(name, left));
    if let Verdict::Error { message } = verdict {
        text.push_str(&format!("    {}\n", fit(message, WIDTH - 4)));
    }
    if lines.is_empty() {
        text.push_str("    no conditions: every event of its types matches\n");
    } else {
        text.push_str(&conditions(lines, &shown.file));
    }
    for (name, value) in vars {
        text.push_str(&format!("    vars.{} = {}\n", fit(name, 32), short(value, 50)));
    }
    for fault in faults {
        text.push_str(&format!("    {}\n", fit(fault, WIDTH - 5)));
    }
    if let Some(why) = &shown.kept_back {
        text.push_str(&format!("  it started no run: {}\n", fit(why, WIDTH)));
    }
    for run in &shown.runs {
        text.push_str(&format!("  run {}  {}\n", run.id, run.status));
    }
    text
}

/// Why a rule that matched started nothing.
pub(super) fn why_suppressed(by: &SuppressedBy) -> String {
    match by {
        SuppressedBy::Once { event, until } => format!("`once`: its key was taken by {event} until {until}"),
        SuppressedBy::Threshold { have, of } => format!("`threshold`: it is number {have} of {of}"),
        SuppressedBy::NoKey => "`threshold`: its key is null or empty".to_owned(),
        SuppressedBy::Digest { run } => format!("`digest`: it joined {run}"),
    }
}

fn conditions(lines: &[Line], file: &str) -> String {
    let rows: Vec<Vec<String>> = lines.iter().map(row).collect();
    let mut text = String::new();
    for (at, line) in table(&["", "", "PATH", "OPERATOR", "WANTED", "SEEN"], &rows).lines().enumerate() {
        text.push_str(&format!("  {line}\n"));
        // The table's first line is its head.
        let Some(of) = at.checked_sub(1).and_then(|at| lines.get(at)) else { continue };
        if of.decisive {
            let note = if of.note.is_empty() { String::new() } else { format!(": {}", fit(&of.note, 200)) };
            text.push_str(&wrapped(&format!("{file}:{} decided{note}", of.place.line), 10));
        } else if !of.note.is_empty() && of.held != Held::Yes {
            text.push_str(&wrapped(&fit(&of.note, 200), 10));
        }
    }
    text
}

fn row(line: &Line) -> Vec<String> {
    let held = match line.held {
        Held::Yes => "yes",
        Held::No => "no",
        Held::NotAsked => "-",
    };
    let indent = "  ".repeat(line.depth.min(6));
    let is_group = !line.group.is_empty();
    let what = if is_group { line.group } else { &line.path };
    // A `not` that decided repeats the condition below it, which shows all of this.
    let cell = |text: String| if is_group { String::new() } else { text };
    vec![
        if line.decisive { "->" } else { "" }.to_owned(),
        held.to_owned(),
        fit(&format!("{indent}{what}"), PATH),
        cell(line.operator.clone()),
        cell(short(&line.wanted, VALUE)),
        cell(if line.seen.is_null() { "nothing".to_owned() } else { short(&line.seen, VALUE) }),
    ]
}

/// A text from outside in so many columns: what is escaped takes more than one.
fn fit(text: &str, most: usize) -> String {
    clean(&clean(text, most), most - 1)
}

/// A value as JSON, cut.
fn short(value: &Value, most: usize) -> String {
    fit(&value.to_string(), most)
}

/// A sentence on lines of its own, indented, broken between words.
fn wrapped(text: &str, indent: usize) -> String {
    let mut lines = vec![String::new()];
    for word in text.split(' ') {
        let room = WIDTH - indent;
        if let Some(line) = lines.last_mut()
            && (line.is_empty() || line.chars().count() + 1 + word.chars().count() <= room)
        {
            if !line.is_empty() {
                line.push(' ');
            }
            line.push_str(word);
            continue;
        }
        lines.push(word.to_owned());
    }
    lines.iter().map(|line| format!("{:indent$}{line}\n", "")).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::{
        clock::Time,
        ids::EventId,
        matcher::Keys,
        model::{Evidence, Place},
    };

    fn line(path: &str, held: Held, decisive: bool, seen: Value) -> Line {
        Line {
            depth: 0,
            group: "",
            path: path.to_owned(),
            operator: "starts_with".to_owned(),
            wanted: json!("w".repeat(300)),
            seen,
            held,
            decisive,
            note: if decisive { "long words ".repeat(30) } else { String::new() },
            place: Place { line: 7, column: 3 },
        }
    }

    fn shown(lines: Vec<Line>) -> Shown<'static> {
        let evidence = Evidence {
            path: String::new(),
            operator: String::new(),
            wanted: Value::Null,
            seen: Value::Null,
            note: String::new(),
        };
        let table = Explanation {
            rule: "r".repeat(300),
            name: "n\u{1b}[2J".repeat(100),
            hears: true,
            verdict: Verdict::NotMatched(evidence),
            lines,
            vars: json!({"ticket": "x".repeat(300)}).as_object().cloned().unwrap_or_default(),
            faults: vec!["vars.y: nothing there".repeat(20)],
            keys: Keys::default(),
        };
        Shown {
            table,
            file: "rules/a.yaml".to_owned(),
            enabled: true,
            by_hand: false,
            runs: Vec::new(),
            suppressed: None,
            kept_back: None,
        }
    }

    #[test]
    fn a_table_fits_a_hundred_columns_whatever_it_holds() {
        let lines = vec![
            line(&"event.long".repeat(30), Held::Yes, false, json!({"a": "b".repeat(300)})),
            line("event.b", Held::No, true, Value::Null),
            line("event.c", Held::NotAsked, false, json!("\u{1b}[31m")),
        ];
        let text = as_text(&shown(lines), false);
        for line in text.lines() {
            assert!(line.chars().count() <= WIDTH, "{line}");
        }
        assert!(text.contains("-> ") && text.contains("rules/a.yaml:7 decided") && text.contains("nothing"), "{text}");
        assert!(!text.contains('\u{1b}'));
    }

    #[test]
    fn what_kept_a_rule_from_running_is_told() {
        let suppressed =
            Suppressed { rule: "a".to_owned(), by: SuppressedBy::Once { event: EventId(1), until: Time(0) } };
        let one = Shown { kept_back: Some(why_suppressed(&suppressed.by)), ..shown(Vec::new()) };
        let text = as_text(&one, false);
        assert!(text.contains("taken by evt_0000000000001 until 1970-01-01T00:00:00Z"), "{text}");
    }
}
