//! Which part of `src` may use which. An arrow that is not listed here is a decision: make it in review.
#![expect(clippy::unwrap_used, clippy::string_slice, reason = "a test may panic, and the indices come from match_indices")]

use std::{collections::BTreeSet, fs, path::Path};

/// Each part, with the parts that it may use. A part may only name parts that stand above it in this list.
const LAYERS: &[(&str, &[&str])] = &[
    // 1
    ("clock", &[]),
    ("ids", &["clock"]),
    ("secret", &[]),
    ("value", &[]),
    ("wake", &[]),
    ("lifecycle", &[]),
    // 2
    ("model", &["ids", "value"]),
    ("config", &["secret"]),
    // 3
    ("egress", &["config", "secret"]),
    ("templates", &["clock", "model", "value"]),
    ("store", &["clock", "config", "ids", "model", "secret"]),
    // 4
    ("net", &["config", "egress", "model"]),
    ("services", &["clock", "config", "model", "secret", "templates", "value"]),
    ("rules", &["clock", "config", "model", "secret", "templates", "value"]),
    ("web", &["clock", "config", "ids", "lifecycle", "model", "store"]),
    // 5
    ("matcher", &["clock", "model", "rules", "templates", "value"]),
    ("actions", &["clock", "egress", "ids", "model", "rules", "secret", "services", "templates", "value"]),
    ("connections", &["clock", "config", "egress", "ids", "model", "net", "secret", "services", "store"]),
    // 6
    (
        "intake",
        &[
            "clock", "config", "ids", "lifecycle", "matcher", "model", "rules", "secret", "services", "store", "templates",
            "value", "wake", "web",
        ],
    ),
    (
        "runner",
        &[
            "actions", "clock", "config", "connections", "egress", "ids", "lifecycle", "matcher", "model", "net", "rules",
            "secret", "services", "store", "templates", "value", "wake",
        ],
    ),
    (
        "trial",
        &[
            "actions", "clock", "config", "egress", "ids", "matcher", "model", "rules", "secret", "services", "store",
            "templates", "value",
        ],
    ),
    // 7
    (
        "admin",
        &[
            // net: sign-in providers and the exchange of their codes alone
            "clock", "config", "egress", "ids", "lifecycle", "matcher", "model", "net", "rules", "secret", "services",
            "store", "templates", "trial", "value", "wake", "web",
        ],
    ),
    ("demo", &["config", "ids", "model", "value", "web"]),
    // 8
    ("app", ALL_BELOW),
    // 9
    ("cli", ALL_BELOW),
];

/// Stands for every part further up in the list.
const ALL_BELOW: &[&str] = &["*"];

/// Parts that no chain of arrows may lead to: a dry run provably sends nothing.
const NEVER_REACHED: &[(&str, &[&str])] = &[("trial", &["net", "connections", "runner"])];

#[test]
fn no_part_may_use_one_that_stands_below_it_in_the_list() {
    for (i, (part, _)) in LAYERS.iter().enumerate() {
        for used in allowed(part).unwrap() {
            assert!(LAYERS[..i].iter().any(|(name, _)| *name == used), "{part} comes before {used}");
        }
    }
}

#[test]
fn no_chain_of_arrows_leads_where_none_may() {
    for (part, never) in NEVER_REACHED {
        let reached = reached(part);
        for target in *never {
            assert!(!reached.contains(target), "a chain of arrows leads from {part} to {target}");
        }
    }
}

#[test]
fn every_part_uses_only_what_the_list_allows() {
    let mut broken = Vec::new();
    visit(Path::new(env!("CARGO_MANIFEST_DIR")).join("src").as_path(), &mut |path, text| {
        let path = path.strip_prefix(env!("CARGO_MANIFEST_DIR")).unwrap();
        broken.extend(faults(path, text));
    });
    assert!(broken.is_empty(), "not allowed by LAYERS:\n{}", broken.join("\n"));
}

#[test]
fn a_planted_arrow_is_caught_in_every_form() {
    for text in [
        "use crate::web::Gate;",
        "use crate::{\n    model::Finding,\n    web::{self, Gate},\n};",
        "fn f() -> crate::web::Gate { todo!() }",
        "pub(in crate::web) fn f() {}",
    ] {
        let found = faults(Path::new("src/store/planted.rs"), text);
        assert!(found.len() == 1 && found[0].ends_with("store -> web"), "{text}: {found:?}");
    }
    assert_eq!(faults(Path::new("src/store/planted.rs"), "use crate::{model::Finding, secret};"), Vec::<String>::new());
    assert_eq!(faults(Path::new("src/web.rs"), "use crate::runner::Runner;"), ["src/web.rs:1: web -> runner"]);
}

#[test]
fn a_part_that_nobody_listed_is_caught() {
    assert_eq!(faults(Path::new("src/helpers/mod.rs"), ""), ["src/helpers/mod.rs: `helpers` is not in LAYERS"]);
    assert_eq!(faults(Path::new("src/main.rs"), "use crate::anything;"), Vec::<String>::new());
}

#[test]
fn the_roof_may_use_everything_but_itself() {
    assert_eq!(faults(Path::new("src/app/mod.rs"), "use crate::{demo, store};"), Vec::<String>::new());
    assert_eq!(faults(Path::new("src/app/mod.rs"), "use crate::cli;").len(), 1);
    assert_eq!(faults(Path::new("src/store/a.rs"), "use super::super::web;").len(), 1);
}

/// What is wrong with the arrows of one file.
fn faults(path: &Path, text: &str) -> Vec<String> {
    let part = path.components().nth(1).unwrap().as_os_str().to_str().unwrap().trim_end_matches(".rs");
    if matches!(part, "lib" | "main") {
        return Vec::new();
    }
    let Some(allowed) = allowed(part) else {
        return vec![format!("{}: `{part}` is not in LAYERS", path.display())];
    };
    let mut broken = Vec::new();
    for (line, used) in uses(text) {
        let known = LAYERS.iter().any(|(name, _)| *name == used);
        if known && used != part && !allowed.contains(&used.as_str()) {
            broken.push(format!("{}:{line}: {part} -> {used}", path.display()));
        }
    }
    if text.contains(concat!("super::", "super::")) {
        broken.push(format!("{}: write `crate::` instead of `super::` twice", path.display()));
    }
    broken
}

/// The parts that `part` may use. `None` for a part that is not listed.
fn allowed(part: &str) -> Option<Vec<&'static str>> {
    let at = LAYERS.iter().position(|(name, _)| *name == part)?;
    let uses = LAYERS[at].1;
    if uses == ALL_BELOW {
        return Some(LAYERS[..at].iter().map(|(name, _)| *name).collect());
    }
    Some(uses.to_vec())
}

/// Every part that some chain of arrows leads to.
fn reached(part: &str) -> BTreeSet<&'static str> {
    let mut reached = BTreeSet::new();
    let mut next = allowed(part).unwrap();
    while let Some(part) = next.pop() {
        if reached.insert(part) {
            next.extend(allowed(part).unwrap());
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
