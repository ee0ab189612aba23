//! The schema beside the words that it is made from.

use serde_json::{Value, json};

use super::*;
use crate::rules::fake::Fake;

fn valid(rule: &Value) -> bool {
    jsonschema::validator_for(&schema(&Fake::new())).unwrap().is_valid(rule)
}

fn rule(step: Value) -> Value {
    json!({ "name": "n", "on": "gruveo.call", "do": [step] })
}

#[test]
fn every_word_of_the_language_has_a_text_for_editors() {
    let schema = schema(&Fake::new());
    let place = |pointer: &str, key: &str| schema.pointer(pointer).and_then(|map| map.get(key)).cloned();
    for key in keys::RULE {
        let known = place("/properties", key).unwrap_or_else(|| panic!("`{key}` is not in the schema"));
        assert!(known.get("description").is_some(), "{key}: {known}");
    }
    for key in keys::STEP {
        let known =
            place("/definitions/step/properties", key).unwrap_or_else(|| panic!("`{key}` is not in the schema"));
        assert!(known.get("description").is_some(), "{key}: {known}");
    }
    for key in keys::TEST {
        assert_ne!(place("/definitions/test/properties", key), Some(json!({})), "{key}");
    }
    let call = place("/definitions/condition/properties", "event.resolution").unwrap();
    assert!(call.to_string().contains("answered"), "an editor offers the payload's places: {call}");
}

#[test]
fn inputs_take_literals_of_their_type_and_templates() {
    let note = |ticket: Value| rule(json!({ "groove.add_note": { "ticket": ticket, "body": "x" } }));
    assert!(valid(&note(json!(42))) && valid(&note(json!("{{ event.ticket }}"))) && valid(&note(json!("42"))));
    assert!(!valid(&note(json!([1]))) && !valid(&note(json!("many"))));
    assert!(!valid(&rule(json!({ "groove.add_note": { "body": "x" } }))), "`ticket` is required");
    assert!(!valid(&rule(json!({ "groove.add_note": { "ticket": 1, "body": "x", "colour": "red" } }))));
    assert!(!valid(&rule(json!({ "groove.add_nte": {} }))));
}

#[test]
fn misspelt_words_are_refused() {
    assert!(valid(
        &json!({ "name": "n", "on": "gruveo.call", "when": { "event.link": "x" }, "do": [{ "stop": "x" }] })
    ));
    assert!(!valid(&json!({ "name": "n", "on": "gruveo.call", "wehn": {}, "do": [] })));
    assert!(!valid(&json!({ "name": "n", "on": "gruveo.call", "when": { "event.link": { "equals": 1 } }, "do": [] })));
    assert!(!valid(&json!({ "on": "gruveo.call", "do": [] })), "a name is required");
    assert!(!valid(&rule(json!({ "wait": "soon" }))));
    assert!(valid(&rule(
        json!({ "wait": { "event": "groove.note_added", "when": { "incoming.x": 1 }, "for": "2d" } })
    )));
}
