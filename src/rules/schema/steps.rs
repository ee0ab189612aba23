//! What a step holds.

use serde_json::{Map, Value, json};

use super::{described, duration, inputs::input, map, reference};
use crate::rules::{Vocabulary, keys};

/// A step: words of the language, and every action that a pack offers.
pub(super) fn step(vocabulary: &dyn Vocabulary) -> Value {
    let mut properties: Map<String, Value> = keys::STEP.iter().map(|key| ((*key).to_owned(), step_key(key))).collect();
    for name in vocabulary.action_names() {
        let Some(info) = vocabulary.action(&name) else { continue };
        let inputs: Map<String, Value> = info.inputs.iter().map(|known| (known.name.clone(), input(known))).collect();
        let required: Vec<&str> =
            info.inputs.iter().filter(|known| known.required).map(|known| known.name.as_str()).collect();
        let mut action = map(&required, Value::Object(inputs));
        if required.is_empty()
            && let Some(object) = action.as_object_mut()
        {
            object.insert("type".to_owned(), json!(["object", "null"]));
        }
        let reads = if info.read { " It changes nothing." } else { "" };
        properties.insert(name, described(action, &format!("{}.{reads}", info.title)));
    }
    json!({ "type": "object", "additionalProperties": false, "properties": properties })
}

fn step_key(key: &str) -> Value {
    match key {
        "id" => {
            json!({ "type": "string", "pattern": "^[a-z][a-z0-9_]{0,63}$", "description": "Its name: later steps see `steps.ID.result`." })
        }
        "if" => described(reference("condition"), "The step is done where this holds, else skipped."),
        "then" => described(reference("steps"), "Done where `if` holds."),
        "else" => described(reference("steps"), "Done where `if` does not hold."),
        "retry" => described(reference("retry"), "When a failed attempt is tried again: a number of retries, or how."),
        "timeout" => duration("Of one attempt: 30s unless given, at most 120s."),
        "on_error" => json!({
            "anyOf": [{ "enum": ["stop", "continue"] }, reference("steps")],
            "description": "What follows when the step has finally failed: `stop` (the run fails), `continue`, or steps that see `error`."
        }),
        "connection" => {
            json!({ "type": "string", "description": "The connection that the action goes out by; the service's own unless given." })
        }
        "http" => http(),
        "stop" => json!({ "type": "string", "description": "Ends the run well, and says why." }),
        "fail" => json!({ "type": "string", "description": "Ends the run badly, and says why." }),
        "for_each" => {
            json!({ "type": ["string", "array"], "description": "Does the steps of `do` once for each element of this list." })
        }
        "as" => {
            json!({ "type": "string", "pattern": "^[a-z][a-z0-9_]{0,63}$", "description": "The name of the element in the loop's steps." })
        }
        "limit" => {
            json!({ "type": "integer", "minimum": 1, "maximum": 10_000, "description": "A longer list fails the step; 100 unless given." })
        }
        "do" => described(reference("steps"), "The steps of a loop."),
        "wait" => wait(),
        "profile" => described(
            with_change(
                json!({ "email": { "type": "string", "description": "Whose. E-mails compare without case." } }),
                "email",
            ),
            "Reads or changes what is known of a person; its result is the attributes after it.",
        ),
        "record" => described(
            with_change(
                json!({ "key": { "type": "string", "description": "Any text of one's own, such as `issue:{{ event.issue.id }}`." } }),
                "key",
            ),
            "Reads or changes what is known under a key; its result is the attributes after it.",
        ),
        "emit" => described(
            map(
                &["type"],
                json!({
                    "type": { "type": "string", "description": "Such as `calls.escalated`; rules listen to it with `on`." },
                    "data": { "description": "Its payload: `event` of the rules that hear it." }
                }),
            ),
            "Makes an event that starts rules as any other does.",
        ),
        "vars" => described(reference("values"), "Writes vars for the rest of the run."),
        _ => json!({}),
    }
}

fn with_change(own: Value, key: &str) -> Value {
    let mut properties = change();
    if let (Some(all), Value::Object(own)) = (properties.as_object_mut(), own) {
        all.extend(own);
    }
    map(&[key], properties)
}

/// The ways to change attributes.
pub(super) fn change() -> Value {
    json!({
        "set": { "type": "object", "description": "Attributes that get these values." },
        "add": { "type": "object", "description": "Attributes that count up by these numbers." },
        "append": { "type": "object", "description": "Lists that get these values at their end; the last 100 are kept." },
        "remove": { "type": "array", "items": { "type": "string" }, "description": "Attributes that go." }
    })
}

fn wait() -> Value {
    let hours = json!({ "type": "string", "description": "Only time inside these hours of bellwire.toml counts." });
    let event = json!({ "anyOf": [reference("event"), { "type": "array", "items": reference("event") }] });
    json!({
        "description": "Waits for a time, until a time, or for an event.",
        "anyOf": [
            reference("duration"),
            map(&[], json!({
                "for": duration("So long; with `event`, at most so long: then the outcome is timed_out."),
                "until": { "type": "string", "description": "Until that time." },
                "event": described(event, "For an event of this type."),
                "when": described(reference("condition"), "Which one: at least one equality on `incoming`, the payload that comes."),
                "hours": hours
            }))
        ]
    })
}

/// `retry`.
pub(super) fn retry() -> Value {
    let after =
        json!({ "type": "array", "items": reference("duration"), "description": "The delay before each retry." });
    let when = json!({
        "type": "array",
        "items": { "anyOf": [{ "enum": ["network", "4xx", "5xx"] }, { "type": "integer" }] },
        "description": "Failures that are tried again; network, 429 and 5xx unless given."
    });
    let unknown = json!({
        "enum": ["retry", "ask", "verify"],
        "description": "What follows when no answer came: try again, or hold the run until a person says."
    });
    json!({
        "anyOf": [
            { "type": "integer", "minimum": 0, "maximum": 100 },
            map(&[], json!({ "after": after, "when": when, "unknown": unknown }))
        ]
    })
}

/// Fields and files.
fn multipart() -> Value {
    let file = map(
        &["value"],
        json!({
            "value": { "description": "What it holds." },
            "filename": { "type": "string", "description": "What the file is called; without it the part is a field." },
            "content_type": { "type": "string", "description": "Such as text/csv." }
        }),
    );
    let value = json!({ "type": ["string", "number", "boolean", "null", "array"] });
    json!({
        "type": "object",
        "additionalProperties": { "anyOf": [value, file] },
        "description": "The body as multipart/form-data: name: value, or name: { value, filename, content_type }."
    })
}

fn http() -> Value {
    let auth = json!({
        "anyOf": [
            { "type": "string" },
            map(&[], json!({
                "bearer": { "type": "string", "description": "The name of a secret." },
                "basic": { "type": "object" },
                "header": { "type": "object" },
                "query": { "type": "object" },
                "connection": { "type": "string" }
            }))
        ],
        "description": "A scheme with the name of a secret, or the name of a connection. Never the secret itself."
    });
    let says = |text: &str| json!({ "description": text });
    let properties: Map<String, Value> = keys::HTTP
        .iter()
        .map(|key| {
            let schema = match *key {
                "method" => json!({ "enum": ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"], "default": "GET" }),
                "url" => json!({ "type": "string", "description": "Scheme and host are literal, or from [vars] of bellwire.toml." }),
                "auth" => auth.clone(),
                "headers" => json!({ "type": "object", "description": "Names are literal." }),
                "query" => json!({ "type": "object", "description": "Each value is encoded; null is left out." }),
                "json" => says("The body as JSON; templates in its leaves keep their type."),
                "form" => json!({ "type": "object", "description": "The body as a form; null is left out." }),
                "text" => json!({ "type": "string", "description": "The body as text." }),
                "xml" => json!({ "type": "object", "minProperties": 1, "maxProperties": 1, "description": "The body as XML, one name at its top: objects are elements, @name is an attribute, #text the text beside them, a list repeats." }),
                "multipart" => multipart(),
                _ => json!({}),
            };
            ((*key).to_owned(), schema)
        })
        .collect();
    described(map(&["url"], Value::Object(properties)), "Any HTTP request.")
}
