//! `tests`.

use serde_json::{Map, Value, json};

use super::{described, duration, map, reference};
use crate::rules::{Vocabulary, keys};

pub(super) fn test() -> Value {
    let properties: Map<String, Value> = keys::TEST.iter().map(|key| ((*key).to_owned(), test_key(key))).collect();
    json!({
        "type": "object",
        "required": ["name"],
        "additionalProperties": false,
        "properties": properties,
        "patternProperties": { "^steps\\.": { "description": "What a step came to: `steps.ID.attempts`, `steps.ID.outcome`." } }
    })
}

fn test_key(key: &str) -> Value {
    let object = |text: &str| json!({ "type": "object", "description": text });
    match key {
        "name" => json!({ "type": "string", "minLength": 1 }),
        "event" => described(reference("testEvent"), "What comes in."),
        "events" => {
            json!({ "type": "array", "items": reference("testEvent"), "description": "What comes in, one after another." })
        }
        "now" => json!({ "type": "string", "description": "When the first event comes: RFC 3339." }),
        "replies" => {
            object("What steps are answered, by id: `{status, json | text | error | timeout}`, or a list of them.")
        }
        "profiles" => object("Profiles that are known, by e-mail."),
        "records" => object("Records that are known, by key."),
        "vars" => object("Values of [vars] in bellwire.toml."),
        "expect" => json!({
            "type": "array",
            "items": { "type": "object" },
            "description": "The effects in order: each names an action; below it stands a condition on its inputs."
        }),
        "verdict" => json!({
            "type": ["object", "string", "boolean"],
            "description": "What the rule says to the event: `{matched: false, because: event.resolution}`."
        }),
        "outcome" => json!({ "type": "string", "description": "How the run ends: ok, failed, skipped or cancelled." }),
        _ => json!({}),
    }
}

/// An event of a test.
pub(super) fn event(vocabulary: &dyn Vocabulary) -> Value {
    let kinds = vocabulary.event_types();
    let samples: Vec<String> = kinds.iter().map(|kind| format!("{kind}/...")).collect();
    json!({
        "anyOf": [
            map(&[], json!({
                "sample": { "type": "string", "examples": samples, "description": "A sample of a pack: TYPE/NAME, such as gruveo.call/missed." },
                "fixture": { "type": "string", "description": "A JSON file in `fixtures/` beside the rule." },
                "type": { "type": "string" },
                "payload": {},
                "set": { "type": "object", "description": "Laid over the payload: objects are merged, all else is replaced." },
                "headers": { "type": "object" },
                "query": { "type": "object" },
                "inputs": { "type": "object" },
                "at": duration("So long after the first event.")
            }))
        ]
    })
}
