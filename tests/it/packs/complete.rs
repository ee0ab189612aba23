//! No action without its case, no fact without its source, no pack without an example.

use std::{collections::BTreeMap, fs, path::Path};

use bellwire::services::{Body, Registry, builtin_files};

use super::case;

#[test]
fn every_action_has_a_case_a_source_and_its_pack_an_example() {
    let registry = Registry::load(&BTreeMap::new()).unwrap();
    let cases = case::all();
    let rules = texts(&Path::new(env!("CARGO_MANIFEST_DIR")).join("rules"));
    let mut faults = Vec::new();
    for pack in registry.packs.values().filter(|pack| !pack.actions.is_empty()) {
        let name = &pack.name;
        let mut want = |is_there: bool, what: &str| {
            if !is_there {
                faults.push(format!("{name}: {what}"));
            }
        };
        want(pack.docs.is_some(), "no `docs`");
        want(!pack.errors.message.is_empty() || pack.errors.failed.is_some(), "no `errors`");
        want(rules.iter().any(|rule| rule.contains(&format!("{name}."))), "no rule in rules/ that uses it");
        let path = format!("templates/services/{name}.yaml");
        let text = builtin_files().iter().find(|(file, _)| *file == path).map(|(_, text)| *text).unwrap();
        for (action, what) in &pack.actions {
            // Mail is tried against a mail server: tests/it/out/mail.rs.
            let tried = matches!(what.body, Body::Mail(_))
                || cases.get(name).is_some_and(|cases| cases.list.iter().any(|case| case.action == *action));
            want(tried, &format!("action `{action}` has no case in tests/data/packs/{name}.yaml"));
            want(has_source(text, action), &format!("no comment at action `{action}` has an address"));
        }
        for case in cases.get(name).map(|cases| &cases.list[..]).unwrap_or_default() {
            want(case.source.starts_with("https://"), &format!("a case of `{}` has no address as source", case.action));
        }
    }
    for (name, cases) in &cases {
        if let Some(token) = &cases.token
            && !token.source.starts_with("https://")
        {
            faults.push(format!("{name}: its token has no address as source"));
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

/// Whether the comment above an action, or one within it, holds an address.
fn has_source(text: &str, action: &str) -> bool {
    let lines: Vec<&str> = text.lines().collect();
    // A host may have an action's name.
    let Some(actions) = lines.iter().position(|line| *line == "actions:") else { return false };
    let is_start = |line: &&str| line.starts_with(&format!("  {action}:"));
    let Some(start) = lines.iter().skip(actions).position(is_start).map(|at| at + actions) else {
        return false;
    };
    let above = lines[..start].iter().rev().take_while(|line| line.starts_with("  #"));
    let within = lines[start + 1..].iter().take_while(|line| line.starts_with("   ") || line.is_empty());
    above.chain(within).any(|line| line.split_once('#').is_some_and(|(_, comment)| comment.contains("https://")))
}

/// The texts of all rules below a folder.
fn texts(folder: &Path) -> Vec<String> {
    let mut all = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            all.extend(texts(&path));
        } else if path.extension().is_some_and(|end| end == "yaml") {
            all.push(fs::read_to_string(path).unwrap());
        }
    }
    all
}
