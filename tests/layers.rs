//! Which part of `src` may use which (ARCHITECTURE.md draws it). An arrow that is not listed here is a decision: make it in
//! review, and say why.
#![expect(
    clippy::unwrap_used,
    clippy::string_slice,
    reason = "a test may panic, and the indices come from match_indices"
)]

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
};

/// Each part with the parts that it may use. A part may only name parts that stand above it in this list.
const LAYERS: &[(&str, &[&str])] = &[
    // Floor 1
    ("clock", &[]),
    // Ids begin with the millisecond in which they were made.
    ("ids", &["clock"]),
    ("secret", &[]),
    ("value", &[]),
    ("wake", &[]),
    ("lifecycle", &[]),
    // Floor 2
    ("model", &["ids", "value"]),
    ("config", &["secret"]),
    // Floor 3
    ("egress", &["config", "secret"]),
    ("templates", &["clock", "model", "value"]),
    ("store", &["clock", "config", "ids", "model", "secret"]),
    // Floor 4
    ("net", &["config", "egress", "model"]),
    ("services", &["clock", "config", "model", "secret", "templates", "value"]),
    // `clock` for its type of an instant alone: a rule compares times and knows opening hours, and asks nobody what time it is.
    ("rules", &["clock", "config", "model", "secret", "templates", "value"]),
    ("web", &["clock", "config", "ids", "lifecycle", "model", "store"]),
    // Floor 5
    ("matcher", &["clock", "model", "rules", "templates", "value"]),
    // From an event, wherever it came from, to what is stored of it: the way in, emitting steps and commands share it.
    ("starts", &["clock", "config", "ids", "matcher", "model", "rules", "services", "store", "value"]),
    ("actions", &["clock", "egress", "ids", "model", "rules", "secret", "services", "templates", "value"]),
    // The way of a run through its steps, pure: the runner and `trial` drive the same one.
    ("walk", &["clock", "matcher", "model", "rules", "templates", "value"]),
    ("connections", &["clock", "config", "egress", "ids", "model", "net", "secret", "services", "store"]),
    // Floor 6
    (
        "intake",
        &[
            "clock",
            "config",
            "ids",
            "lifecycle",
            "matcher",
            "model",
            "rules",
            "secret",
            "services",
            "starts",
            "store",
            "templates",
            "value",
            "wake",
            "web",
        ],
    ),
    // The one route that leads out: a code that a browser brings back is redeemed at the service. Apart from `intake`, which sends nothing.
    ("callback", &["connections", "net", "services", "store", "web"]),
    (
        "runner",
        &[
            "actions",
            "clock",
            "config",
            "connections",
            "egress",
            "ids",
            "lifecycle",
            "matcher",
            "model",
            "net",
            "rules",
            "secret",
            "services",
            "starts",
            "store",
            "templates",
            "value",
            "wake",
            "walk",
        ],
    ),
    (
        "trial",
        &[
            "actions",
            "clock",
            "config",
            "egress",
            "ids",
            "matcher",
            "model",
            "rules",
            "secret",
            "services",
            "starts",
            "store",
            "templates",
            "value",
            "walk",
        ],
    ),
    // Floor 7
    (
        "admin",
        &[
            "clock",
            "config",
            "egress",
            "ids",
            "lifecycle",
            "matcher",
            "model",
            "net",
            "rules",
            "secret",
            "services",
            // A run that is started or repeated by hand begins as any other.
            "starts",
            "store",
            "templates",
            "trial",
            "value",
            "wake",
            "web",
        ],
    ),
    ("demo", &["config", "ids", "model", "value", "web"]),
    // Floor 8
    (
        "app",
        &[
            "actions",
            "admin",
            "callback",
            "clock",
            "config",
            "connections",
            "demo",
            "egress",
            "ids",
            "intake",
            "lifecycle",
            "matcher",
            "model",
            "net",
            "rules",
            "runner",
            "secret",
            "services",
            "starts",
            "store",
            "templates",
            "trial",
            "value",
            "wake",
            "walk",
            "web",
        ],
    ),
    // Floor 9
    (
        "cli",
        &[
            "actions",
            "admin",
            "app",
            "callback",
            "clock",
            "config",
            "connections",
            "demo",
            "egress",
            "ids",
            "intake",
            "lifecycle",
            "matcher",
            "model",
            "net",
            "rules",
            "runner",
            "secret",
            "services",
            "starts",
            "store",
            "templates",
            "trial",
            "value",
            "wake",
            "walk",
            "web",
        ],
    ),
];

/// From these, no chain of arrows may lead to those: which is how a dry run provably sends nothing.
const NEVER: &[(&str, &[&str])] = &[
    ("trial", &["net", "runner", "connections"]),
    ("intake", &["runner", "net", "connections"]),
    ("rules", &["actions", "services", "store"]),
    ("store", &["web", "net"]),
];

#[test]
fn no_part_may_use_one_that_stands_below_it_in_the_list() {
    for (i, (part, uses)) in LAYERS.iter().enumerate() {
        for used in *uses {
            assert!(LAYERS[..i].iter().any(|(name, _)| name == used), "{part} comes before {used}");
        }
    }
}

#[test]
fn every_part_uses_only_what_the_list_allows() {
    let broken = broken_arrows(&arrows());
    assert!(broken.is_empty(), "not allowed by LAYERS:\n{}", broken.join("\n"));
}

#[test]
fn no_chain_of_arrows_leads_where_it_must_not() {
    let mut real: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for arrow in arrows() {
        real.entry(arrow.from).or_default().insert(arrow.to);
    }
    for (part, uses) in LAYERS {
        real.entry((*part).to_owned()).or_default().extend(uses.iter().map(|used| (*used).to_owned()));
    }
    for (from, forbidden) in NEVER {
        let reached = reach(&real, from);
        for to in *forbidden {
            assert!(!reached.contains(*to), "a chain of arrows leads from {from} to {to}");
        }
    }
}

#[test]
fn an_arrow_that_nobody_listed_is_caught() {
    for (text, to) in [
        ("use crate::{clock::Time, runner::{self, Runner}};", "runner"),
        ("fn f() { crate::net::send(); }", "net"),
        ("use crate::{\n    model,\n    web,\n};", "web"),
    ] {
        let planted: Vec<Arrow> = uses(text)
            .into_iter()
            .map(|(line, to)| Arrow { file: "planted".to_owned(), line, from: "rules".to_owned(), to })
            .collect();
        assert!(broken_arrows(&planted).iter().any(|sentence| sentence.contains(&format!("rules -> {to}"))), "{text}");
    }
}

/// One part names another.
struct Arrow {
    file: String,
    line: usize,
    from: String,
    to: String,
}

fn broken_arrows(arrows: &[Arrow]) -> Vec<String> {
    let mut broken = Vec::new();
    for arrow in arrows {
        match LAYERS.iter().find(|(name, _)| *name == arrow.from) {
            None => broken.push(format!("{}: `{}` is not in LAYERS", arrow.file, arrow.from)),
            Some((_, allowed)) if !allowed.contains(&arrow.to.as_str()) => {
                broken.push(format!("{}:{}: {} -> {}", arrow.file, arrow.line, arrow.from, arrow.to));
            }
            Some(_) => {}
        }
    }
    broken
}

/// Every arrow between two parts in `src`. A part that is in no list stands for itself, so that it is noticed.
fn arrows() -> Vec<Arrow> {
    let mut found = Vec::new();
    visit(Path::new("src"), &mut |path, text| {
        let part = path.components().nth(1).unwrap().as_os_str().to_str().unwrap().trim_end_matches(".rs");
        if matches!(part, "lib" | "main" | "build") {
            return;
        }
        let arrow =
            |line, to: &str| Arrow { file: path.display().to_string(), line, from: part.to_owned(), to: to.to_owned() };
        if LAYERS.iter().all(|(name, _)| *name != part) {
            found.push(arrow(0, "nothing"));
        }
        assert!(!text.contains("super::super::"), "{}: write `crate::` instead of `super::super::`", path.display());
        for (line, used) in uses(text) {
            if used != part && LAYERS.iter().any(|(name, _)| *name == used) {
                found.push(arrow(line, &used));
            }
        }
    });
    assert!(found.len() > 50, "the walk through src found next to nothing");
    found
}

fn reach(arrows: &BTreeMap<String, BTreeSet<String>>, from: &str) -> BTreeSet<String> {
    let mut reached = BTreeSet::new();
    let mut open = vec![from.to_owned()];
    while let Some(part) = open.pop() {
        for next in arrows.get(&part).into_iter().flatten() {
            if reached.insert(next.clone()) {
                open.push(next.clone());
            }
        }
    }
    reached
}

fn visit(folder: &Path, see: &mut dyn FnMut(&Path, &str)) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            visit(&path, see);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            see(&path, &fs::read_to_string(&path).unwrap());
        }
    }
}

/// Every part named after `crate::`, alone or directly inside `crate::{..}`, with its line.
fn uses(text: &str) -> Vec<(usize, String)> {
    let mut found = Vec::new();
    for (at, prefix) in text.match_indices("crate::") {
        let line = text[..at].matches('\n').count() + 1;
        let rest = &text[at + prefix.len()..];
        if let Some(group) = rest.strip_prefix('{') {
            found.extend(names_in_group(group).into_iter().map(|name| (line, name)));
        } else {
            found.push((line, first_word(rest)));
        }
    }
    found
}

/// `clock::Clock, store::{self, Row}, web}` gives `clock`, `store` and `web`.
fn names_in_group(group: &str) -> Vec<String> {
    let mut names = Vec::new();
    let (mut depth, mut start) = (0_usize, 0);
    for (at, c) in group.char_indices() {
        match c {
            '{' => depth += 1,
            '}' if depth > 0 => depth -= 1,
            ',' | '}' if depth == 0 => {
                names.push(first_word(group[start..at].trim_start()));
                start = at + 1;
                if c == '}' {
                    break;
                }
            }
            _ => {}
        }
    }
    names
}

fn first_word(text: &str) -> String {
    text.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect()
}
