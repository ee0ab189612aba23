//! `bellwire check --explain`: what a code means, and the way out.

use serde_json::{Value, json};

use super::{answer::Answer, failure::Failure, table::table};
use crate::app::{self, Example, Page};

pub(super) fn run(code: Option<&str>, json: bool) -> Result<Answer, Failure> {
    let Some(code) = code else { return Ok(list(json)) };
    let Some(page) = app::page(code.trim()) else { return Err(unknown(code)) };
    Ok(if json { Answer::json(&machine(page)) } else { Answer::text(shown(page)) })
}

/// The command that prints a code's page: what a finding names in the machine's form.
pub(super) fn command(code: &str) -> String {
    format!("bellwire check --explain {code}")
}

fn unknown(code: &str) -> Failure {
    let upper = code.trim().to_uppercase();
    let shared = |known: &str| known.chars().zip(upper.chars()).take_while(|(one, other)| one == other).count();
    let near = app::codes()
        .map(|(known, _)| (strsim::damerau_levenshtein(&upper, known), std::cmp::Reverse(shared(known)), known))
        .min()
        .map(|(distance, _, known)| (distance, known));
    let hint = match near {
        Some((distance, known)) if distance <= 2 => format!("did you mean `{known}`? "),
        _ => String::new(),
    };
    let code = super::answer::clean(code, 40);
    Failure::Usage(format!("no finding has the code `{code}`; {hint}`bellwire check --explain` lists all"))
}

fn list(json: bool) -> Answer {
    if json {
        let all: Vec<Value> =
            app::codes().map(|(code, title)| json!({ "code": code, "title": title, "page": anchor(code) })).collect();
        return Answer::json(&Value::Array(all));
    }
    let lines: Vec<Vec<String>> = app::codes().map(|(code, title)| vec![code.to_owned(), title.to_owned()]).collect();
    Answer::text(table(&["CODE", "MEANS"], &lines))
}

/// Where the page stands in the documentation.
fn anchor(code: &str) -> String {
    format!("docs/codes.md#{}", code.to_lowercase())
}

fn machine(page: &Page) -> Value {
    let examples = |list: &[Example]| -> Vec<Value> {
        list.iter().map(|example| json!({ "file": example.file, "text": example.text })).collect()
    };
    json!({
        "code": page.code,
        "title": page.title,
        "meaning": page.meaning,
        "wrong": examples(&page.wrong),
        "right": examples(&page.right),
        "way_out": page.way_out,
        "page": anchor(&page.code),
    })
}

fn shown(page: &Page) -> String {
    let examples = |list: &[Example]| {
        let one = |example: &Example| {
            let lines = example.text.lines().map(|line| format!("    {line}").trim_end().to_owned());
            lines.collect::<Vec<_>>().join("\n")
        };
        list.iter().map(one).collect::<Vec<_>>().join("\n\n")
    };
    format!(
        "{}: {}\n\n{}\n\nWrong:\n\n{}\n\nRight:\n\n{}\n\nThe way out: {}",
        page.code,
        page.title,
        page.meaning,
        examples(&page.wrong),
        examples(&page.right),
        page.way_out
    )
}
