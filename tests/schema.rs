//! The JSON Schemas that editors get, beside the files that they are of.
#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use bellwire::{
    app, config, services,
    value::{Value, YamlLimits, read_yaml},
};

fn rule_schema() -> Value {
    app::rule_schema(&config::load(Path::new("."), &BTreeMap::new()).unwrap())
}

/// Every YAML file below a folder.
fn files(folder: &str) -> Vec<PathBuf> {
    let mut folders = vec![PathBuf::from(folder)];
    let mut found = Vec::new();
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|ending| ending == "yaml") {
                found.push(path);
            }
        }
    }
    found.sort();
    found
}

fn faults(validator: &jsonschema::Validator, rule: &Value) -> Vec<String> {
    validator.iter_errors(rule).map(|error| format!("{}: {error}", error.instance_path())).collect()
}

#[test]
fn the_schemas_in_the_repository_are_those_that_the_program_makes() {
    let settings = config::schema();
    for (name, schema) in [("rule", rule_schema()), ("pack", services::schema()), ("bellwire", settings)] {
        let file = format!("templates/.schema/{name}.json");
        let kept: Value = serde_json::from_str(&fs::read_to_string(&file).unwrap()).unwrap();
        assert!(kept == schema, "{file} is old: run `bellwire schema --write`");
    }
}

#[test]
fn rules_that_hold_fit_the_schema() {
    let validator = jsonschema::validator_for(&rule_schema()).unwrap();
    let good: Vec<PathBuf> = files("rules").into_iter().chain(files("tests/data/rules/good")).collect();
    assert!(good.len() > 15);
    for path in good {
        let text = fs::read_to_string(&path).unwrap();
        let rule = read_yaml(&text, YamlLimits::default()).unwrap().value;
        // The good files speak of a service of their own: its actions differ from those of the packs.
        let of_packs = |fault: &String| path.starts_with("tests") && fault.contains("/groove.");
        let found: Vec<String> = faults(&validator, &rule).into_iter().filter(|fault| !of_packs(fault)).collect();
        assert!(found.is_empty(), "{}: {found:?}", path.display());
        if path.starts_with("rules") {
            let up = "../".repeat(path.components().count() - 1);
            let line = format!("# yaml-language-server: $schema={up}templates/.schema/rule.json");
            assert!(text.starts_with(&line), "{}", path.display());
        }
    }
}

#[test]
fn faults_of_form_are_found_by_the_schema_too() {
    /// Codes of what a schema can see: unknown, missing and misplaced words, and wrong types.
    const OF_FORM: [&str; 8] = ["R020", "R021", "R022", "R023", "R024", "R025", "R033", "R034"];
    let validator = jsonschema::validator_for(&rule_schema()).unwrap();
    let (mut seen, mut found) = (0, Vec::new());
    for path in files("tests/data/rules/bad") {
        let text = fs::read_to_string(&path).unwrap();
        let Ok(document) = read_yaml(&text, YamlLimits::default()) else { continue };
        let findings = fs::read_to_string(path.with_extension("findings")).unwrap_or_default();
        let only_form = findings
            .lines()
            .filter(|line| line.contains(": error R"))
            .all(|line| OF_FORM.iter().any(|code| line.contains(code)));
        if !findings.contains(": error R") || !only_form {
            continue;
        }
        seen += 1;
        if faults(&validator, &document.value).is_empty() {
            found.push(path.display().to_string());
        }
    }
    assert!(seen >= 8, "{seen} bad files have faults of form alone");
    assert!(found.is_empty(), "of {seen} files the schema takes {found:?}");
}
