//! What came of a test, as data and as text for people.

use std::time::Duration;

use serde::Serialize;

use crate::{
    model::Place,
    value::{Value, type_name},
};

/// Characters of the left column at most; what is wider pushes the right one aside.
const WIDEST: usize = 60;
/// Characters of a value that are shown.
const SHOWN: usize = 160;

/// What came of a test.
#[derive(Debug, Clone, Serialize)]
pub struct Report {
    /// The rule's id.
    pub rule: String,
    pub file: String,
    pub name: String,
    /// Of the test in its file.
    #[serde(flatten)]
    pub place: Place,
    /// Empty: all was as wanted.
    pub misses: Vec<Miss>,
    /// The runs that it started, in the order of their starts.
    pub runs: Vec<RunTrace>,
    /// Verdicts that started no run, a line each.
    pub verdicts: Vec<String>,
    #[serde(skip)]
    pub took: Duration,
}

/// One thing that was not as wanted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Miss {
    /// One sentence.
    pub message: String,
    /// Side by side. Empty where the sentence says it all.
    pub rows: Vec<Row>,
}

/// A line of what was wanted beside a line of what was got; either may be empty.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Row {
    pub wanted: String,
    pub got: String,
    pub differs: bool,
}

/// The steps of a run.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct RunTrace {
    /// `ok, failed, held, skipped, cancelled, waiting`.
    pub outcome: &'static str,
    /// Why, where it is not plain.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub message: String,
    pub steps: Vec<TraceLine>,
}

/// A step that has ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct TraceLine {
    /// Its path, with its turn.
    pub step: String,
    pub id: Option<String>,
    /// `groove.add_note`, `http`, `wait`.
    pub action: String,
    pub outcome: &'static str,
    /// 0 for a step that does not send.
    pub attempts: u32,
    /// Why it failed.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub message: String,
}

impl Report {
    /// Whether all was as wanted.
    pub fn passed(&self) -> bool {
        self.misses.is_empty()
    }

    /// A failure for people: what was wanted beside what was got, and the way of the run.
    pub fn text(&self, colour: bool) -> String {
        let ink = Ink(colour);
        let mut text = format!("{} {}:{}  {}\n", ink.red("FAIL"), self.file, self.place.line, ink.bold(&self.name));
        for miss in &self.misses {
            text.push_str(&format!("\n  {}\n", miss.message));
            if !miss.rows.is_empty() {
                text.push('\n');
                text.push_str(&rows(&miss.rows, &ink));
            }
        }
        if !self.verdicts.is_empty() || !self.runs.is_empty() {
            text.push('\n');
        }
        for verdict in &self.verdicts {
            text.push_str(&format!("  {verdict}\n"));
        }
        for run in &self.runs {
            let why = if run.message.is_empty() { String::new() } else { format!(": {}", run.message) };
            text.push_str(&format!("  the run ended {}{why}\n", run.outcome));
            text.push_str(&trace(&run.steps));
        }
        text
    }
}

fn rows(rows: &[Row], ink: &Ink) -> String {
    let width = |row: &Row| Some(row.wanted.chars().count()).filter(|width| *width <= WIDEST);
    let width = rows.iter().filter_map(width).max().unwrap_or(0).max("wanted".len());
    let line = |mark: &str, wanted: &str, got: &str, differs: bool| {
        let pad = " ".repeat(width.saturating_sub(wanted.chars().count()));
        let (left, right) =
            if differs { (ink.green(wanted), ink.red(got)) } else { (wanted.to_owned(), got.to_owned()) };
        format!("  {mark} {left}{pad}   {right}").trim_end().to_owned() + "\n"
    };
    let mut text = line("  ", "wanted", "got", false);
    for row in rows {
        text.push_str(&line(if row.differs { "!=" } else { "  " }, &row.wanted, &row.got, row.differs));
    }
    text
}

fn trace(steps: &[TraceLine]) -> String {
    let name = |line: &TraceLine| match &line.id {
        Some(id) => format!("{} ({id})", line.step),
        None => line.step.clone(),
    };
    let names = steps.iter().map(|line| name(line).chars().count()).max().unwrap_or(0);
    let actions = steps.iter().map(|line| line.action.chars().count()).max().unwrap_or(0);
    let mut text = String::new();
    for line in steps {
        let attempts = match line.attempts {
            0 | 1 => String::new(),
            more => format!(" after {more} attempts"),
        };
        let why = if line.message.is_empty() { String::new() } else { format!(": {}", line.message) };
        text.push_str(&format!(
            "    {:names$}  {:actions$}  {}{attempts}{why}\n",
            name(line),
            line.action,
            line.outcome
        ));
    }
    text
}

/// A value in one line, as a rule file would have it.
pub(super) fn shown(value: &Value) -> String {
    let text = flow(value);
    if text.chars().count() <= SHOWN {
        return text;
    }
    text.chars().take(SHOWN).chain(['…']).collect()
}

fn flow(value: &Value) -> String {
    match value {
        Value::Object(map) if map.is_empty() => "{}".to_owned(),
        Value::Object(map) => {
            let entries: Vec<String> = map.iter().map(|(name, value)| format!("{name}: {}", flow(value))).collect();
            format!("{{ {} }}", entries.join(", "))
        }
        Value::Array(list) => format!("[{}]", list.iter().map(flow).collect::<Vec<_>>().join(", ")),
        Value::String(text) if is_plain(text) => text.clone(),
        other => other.to_string(),
    }
}

/// Whether a text reads as itself without quotes.
fn is_plain(text: &str) -> bool {
    let is_word = |c: char| c.is_alphanumeric() || matches!(c, '_' | '-' | '.' | '@' | '/' | ' ');
    text.starts_with(char::is_alphabetic)
        && !text.ends_with(' ')
        && text.chars().all(is_word)
        && !matches!(text, "true" | "false" | "null")
}

/// What was seen, with its type where it has no name of its own.
pub(super) fn seen(value: &Value) -> String {
    if value.is_null() { "nothing".to_owned() } else { format!("{} ({})", shown(value), type_name(value)) }
}

/// Colours, where they are wanted.
struct Ink(bool);

impl Ink {
    fn paint(&self, code: &str, text: &str) -> String {
        if self.0 && !text.is_empty() { format!("\u{1b}[{code}m{text}\u{1b}[0m") } else { text.to_owned() }
    }

    fn red(&self, text: &str) -> String {
        self.paint("31", text)
    }

    fn green(&self, text: &str) -> String {
        self.paint("32", text)
    }

    fn bold(&self, text: &str) -> String {
        self.paint("1", text)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn values_are_shown_as_a_rule_has_them() {
        for (value, text) in [
            (json!("Greece"), "Greece"),
            (json!("42"), "\"42\""),
            (json!(42), "42"),
            (json!({"contains": "a b"}), "{ contains: a b }"),
            (json!([1, "x", null]), "[1, x, null]"),
            (json!("a\nb"), "\"a\\nb\""),
            (json!("true"), "\"true\""),
            (json!({}), "{}"),
        ] {
            assert_eq!(shown(&value), text);
        }
        assert_eq!(shown(&json!("x".repeat(500))).chars().count(), SHOWN + 1);
    }

    #[test]
    fn colours_do_not_shift_the_columns() {
        let one = Row { wanted: "ticket: 42".to_owned(), got: "ticket: 43".to_owned(), differs: true };
        let plain = rows(std::slice::from_ref(&one), &Ink(false));
        assert_eq!(plain, "     wanted       got\n  != ticket: 42   ticket: 43\n");
        let coloured = rows(&[one], &Ink(true));
        assert_eq!(coloured.replace("\u{1b}[31m", "").replace("\u{1b}[32m", "").replace("\u{1b}[0m", ""), plain);
    }
}
