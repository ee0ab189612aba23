//! The examples of docs/templates.md and docs/rules.md do what stands beside them.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may panic")]

use std::{collections::BTreeSet, fs, time::Duration};

use bellwire::{
    clock::Time,
    templates::{Context, Files, Limits, Sink, Template, filter_names, tag_names},
};
use serde_json::json;

/// The rows of the tables whose head begins with `first`: the text of each cell, without its backticks.
fn rows(text: &str, first: &str) -> Vec<Vec<String>> {
    let mut rows = Vec::new();
    let mut inside = false;
    for line in text.lines() {
        if !line.starts_with('|') {
            inside = false;
        } else if line.starts_with(&format!("| {first} |")) {
            inside = true;
        } else if inside && !line.starts_with("| ---") {
            let line = line.replace("\\|", "\u{0}");
            let cells = line.trim_matches('|').split('|').map(|cell| {
                let cell = cell.strip_prefix(' ').unwrap_or(cell);
                let cell = cell.strip_suffix(' ').unwrap_or(cell);
                cell.trim_matches('`').replace('\u{0}', "|")
            });
            rows.push(cells.collect());
        }
    }
    rows
}

fn rendered(template: &str) -> String {
    let data = json!({
        "list": [3, 1, 2],
        "words": ["cherry", "apple", "Banana"],
        "lines": "one\ntwo",
        "at": "2026-11-18T10:30:00Z",
        "people": [{"name": "Ann", "team": "sales"}, {"name": "Ben", "team": null}, {"name": "Cid", "team": "sales"}],
    });
    let template = Template::parse(template, &Files::default()).unwrap_or_else(|fault| panic!("{template}: {fault:?}"));
    let limits = Limits { steps: 100_000, bytes: 1 << 20, time: Duration::from_secs(5) };
    let mut context = Context::new(Time(0), limits);
    for (name, value) in data.as_object().unwrap() {
        context.set(name, value);
    }
    template.render(&context, Sink::Plain).unwrap_or_else(|error| panic!("{error:?}"))
}

#[test]
fn every_filter_and_tag_stands_in_the_reference_and_does_what_it_says() {
    let text = fs::read_to_string("docs/templates.md").unwrap();
    for (head, known) in [("filter", filter_names()), ("tag", tag_names())] {
        let rows = rows(&text, head);
        for row in &rows {
            // A line end is shown as a space.
            assert_eq!(rendered(&row[1]).replace('\n', " "), row[2], "{}", row[1]);
            assert!(row[1].contains(&row[0]), "the example of `{}` does not use it", row[0]);
        }
        let shown: BTreeSet<&str> = rows.iter().map(|row| row[0].as_str()).collect();
        let known: BTreeSet<&str> = known.into_iter().collect();
        assert_eq!(shown, known, "each {head} once");
    }
}
