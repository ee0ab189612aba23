//! `bellwire init` and `bellwire check`.

use std::path::Path;

use crate::support::{
    app::MISSED,
    program::{Ended, Place},
};

fn checked(file: &str, text: &str) -> (Place, Ended) {
    let place = Place::empty();
    place.write(file, text);
    let checked = place.run(&["check"]);
    (place, checked)
}

#[test]
fn a_fresh_workspace_passes() {
    let place = Place::empty();
    let made = place.run(&["init", "my-automations"]).fine();
    assert!(made.out.contains("bellwire secrets set groove_hook_token"), "{}", made.out);
    let checked = place.run(&["--workspace", "my-automations", "check"]).fine();
    let packs = std::fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/templates/services"))
        .unwrap()
        .filter(|entry| entry.as_ref().unwrap().path().extension().is_some_and(|ending| ending == "yaml"))
        .count();
    assert_eq!(checked.out, format!("1 rule and {packs} packs hold together; no errors, no warnings\n"));
    assert_eq!(checked.err, "");
}

#[test]
fn a_folder_that_is_not_empty_is_left_alone() {
    let place = Place::empty();
    place.write("letter.txt", "Dear Ada");
    assert_eq!(place.run(&["init", "."]).code, 1);
    assert!(!place.path().join("bellwire.toml").exists());
    place.run(&["init", "--force", "."]).fine();
    assert_eq!(place.read("letter.txt"), "Dear Ada");
    assert_eq!(place.run(&["init", "letter.txt"]).code, 2);
}

#[test]
fn findings_are_told_with_their_place_and_the_way_out() {
    let wrong = MISSED.replace("groove.add_note:", "groove.add_nte:");
    let line = wrong.lines().position(|line| line.contains("add_nte")).unwrap() + 1;
    let (place, text) = checked("rules/calls/missed.yaml", &wrong);
    assert_eq!(text.code, 1);
    assert!(text.out.contains(&format!("rules/calls/missed.yaml:{line}:5: error R")), "{}", text.out);
    assert!(
        text.out.contains("groove.add_nte") && text.out.contains("did you mean `groove.add_note`?"),
        "{}",
        text.out
    );
    assert!(text.out.ends_with("1 error and no warnings in 1 file; 0 of 1 rule holds\n"), "{}", text.out);
    let json = place.run(&["check", "--json"]);
    assert_eq!(json.code, 1);
    let findings = &json.json()["findings"];
    assert_eq!(
        (findings[0]["file"].as_str(), findings[0]["severity"].as_str()),
        (Some("rules/calls/missed.yaml"), Some("error"))
    );
    assert_eq!(
        (findings[0]["line"].as_u64(), findings[0]["column"].as_u64()),
        (u64::try_from(line).ok(), Some(5)),
        "{findings}"
    );
    assert!(findings[0]["help"].as_str().unwrap().contains("groove.add_note"));
    assert_eq!(json.json()["errors"], 1);
}

#[test]
fn a_source_of_no_service_is_told_by_check_and_doctor() {
    let (place, text) = checked("bellwire.toml", "[sources.x]\nservice = \"gruvo\"\n");
    assert_eq!(text.code, 1, "{text:?}");
    assert!(text.out.contains("bellwire.toml:2: error C001") && text.out.contains("`gruveo`?"), "{}", text.out);
    let doctor = place.run(&["doctor"]);
    assert_eq!(doctor.code, 1, "{doctor:?}");
    assert!(doctor.out.contains("FAIL  config    bellwire.toml:2: `sources.x.service`"), "{}", doctor.out);
}

#[test]
fn a_warning_alone_is_no_failure() {
    let rule =
        "name: a\non: gruveo.call\ndo:\n  - groove.add_note: { ticket: \"{{ event.tracking.ticket }}\", body: x }\n";
    let (_, text) = checked("rules/a.yaml", rule);
    assert_eq!(text.code, 0, "{text:?}");
    assert!(text.out.contains(" warning R"), "{}", text.out);
}

#[test]
fn a_code_is_explained_without_a_workspace() {
    let place = Place::empty();
    let page = place.run(&["-w", "nowhere", "check", "--explain", "r043"]).fine();
    assert!(page.out.starts_with("R043: A condition that can never hold\n"), "{}", page.out);
    for part in ["\nWrong:\n\n    name: ", "\nRight:\n\n    name: ", "\nThe way out: "] {
        assert!(page.out.contains(part), "{part}: {}", page.out);
    }
    let all = place.run(&["check", "--explain"]).fine();
    assert!(all.out.contains("R001  ") && all.out.contains("C001  ") && all.out.contains("P001  "), "{}", all.out);
    let json = place.run(&["check", "--json", "--explain", "C004"]).fine().json();
    assert_eq!((json["code"].as_str(), json["page"].as_str()), (Some("C004"), Some("docs/codes.md#c004")));
    let unknown = place.run(&["check", "--explain", "R0433"]);
    assert_eq!((unknown.code, unknown.out.as_str()), (2, ""));
    assert!(unknown.err.contains("did you mean `R043`?"), "{}", unknown.err);
}

#[test]
fn strictly_a_warning_counts() {
    let rule = "name: a\non: gruveo.call\ndo:\n  - stop: \"{{ event.origin }}\"\n";
    let (place, plain) = checked("rules/a.yaml", rule);
    assert_eq!(plain.code, 0, "{plain:?}");
    assert_eq!(place.run(&["check", "--strict"]).code, 1);
    let json = place.run(&["check", "--strict", "--json"]);
    assert_eq!((json.code, json.json()["findings"][0]["explain"].as_str()), (1, Some("bellwire check --explain R044")));
}

#[test]
fn a_secret_that_is_nowhere_is_told_until_it_is_set() {
    let rule = "name: a\non: gruveo.call\ndo:\n  - http:\n      url: https://crm.example.com/calls\n      auth: { bearer: crm_token }\n";
    let (place, text) = checked("rules/a.yaml", rule);
    assert_eq!(text.code, 0, "{text:?}");
    assert!(text.out.contains("rules/a.yaml:6:23: warning R080: no secret is called `crm_token`"), "{}", text.out);
    assert!(text.out.contains("bellwire secrets set crm_token --for https://crm.example.com"), "{}", text.out);
    place.run_with(&["secrets", "set", "crm_token", "--for", "https://crm.example.com"], "a-long-secret").fine();
    let text = place.run(&["check"]).fine();
    assert!(text.out.ends_with("no errors, no warnings\n"), "{}", text.out);
    place.write("rules/a.yaml", &rule.replace("crm_token", "crm_tokn"));
    let text = place.run(&["check"]).fine();
    assert!(text.out.contains("did you mean `crm_token`?"), "{}", text.out);
}

#[test]
fn the_examples_of_the_repository_hold_together() {
    let place = Place::empty();
    let repository = Path::new(env!("CARGO_MANIFEST_DIR"));
    for folder in ["rules", "templates"] {
        copy(&repository.join(folder), &place.path().join(folder));
    }
    std::fs::copy(repository.join("bellwire.toml"), place.path().join("bellwire.toml")).unwrap();
    let checked = place.run(&["check", "--strict"]).fine();
    assert!(checked.out.ends_with("no errors, no warnings\n"), "{}", checked.out);
    place.run(&["test"]).fine();
}

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.path().is_dir() {
            copy(&entry.path(), &target);
        } else {
            assert!(std::fs::copy(entry.path(), target).unwrap() > 0);
        }
    }
}

#[test]
fn wrong_use_ends_with_two_and_says_what_would_be_right() {
    let place = Place::empty();
    for (words, says) in [
        (vec!["serv"], "'serve'"),
        (vec!["check", "--jso"], "'--json'"),
        (vec!["--workspace", "nowhere", "check"], "bellwire init nowhere"),
        (vec!["--workspace", "nowhere", "serve"], "bellwire init nowhere"),
        (vec!["--workspace", "nowhere", "doctor"], "bellwire init nowhere"),
        (vec!["send", "gruveo.cal"], "gruveo.call"),
        (vec!["send", "gruveo"], "gruveo.call"),
        (vec!["send", "gruvio.call"], "gruveo"),
        (vec!["send", "gruveo.call", "--sample", "misd"], "missed"),
        (vec!["runs", "show", "run_x"], "run_0"),
        (vec![], "Usage: bellwire"),
    ] {
        let ended = place.run(&words);
        assert_eq!(ended.code, 2, "{words:?}: {ended:?}");
        assert!(ended.err.contains(says), "{words:?}: {ended:?}");
        assert_eq!(ended.out, "", "{words:?}");
    }
    place.write("file", "");
    assert!(place.run(&["-w", "file", "check"]).err.contains("file is a file"));
}
