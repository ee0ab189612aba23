//! A JSON Schema of rule files, made from the words of the language and the packs at hand: completion, hover texts and errors for
//! editors that speak YAML Language Server. `check` knows more than any schema can say.

mod around;
mod conditions;
mod inputs;
mod steps;
mod tests_key;

use serde_json::{Map, Value, json};

use super::{Vocabulary, keys};

/// The schema of a rule file, draft 7: what YAML Language Server reads best.
pub fn schema(vocabulary: &dyn Vocabulary) -> Value {
    let properties: Map<String, Value> = keys::RULE.iter().map(|key| ((*key).to_owned(), rule_key(key))).collect();
    json!({
        "$schema": "http://json-schema.org/draft-07/schema#",
        "title": "Bellwire rule",
        "description": "When something happens (`on`), and it is the right thing (`when`), do this (`do`).",
        "type": "object",
        "required": ["name", "on", "do"],
        "additionalProperties": false,
        "properties": properties,
        "definitions": {
            "on": on(vocabulary),
            "event": event_types(vocabulary),
            "template": { "type": "string", "pattern": "\\{[{%]" },
            "duration": duration("A whole number with s, m, h, d or w, such as `10m`."),
            "anything": {},
            "values": { "type": "object", "description": "Names with values; a text may be a template." },
            "condition": conditions::condition(vocabulary),
            "operators": conditions::operators(),
            "step": steps::step(vocabulary),
            "steps": { "type": "array", "items": { "$ref": "#/definitions/step" } },
            "retry": steps::retry(),
            "change": steps::change(),
            "test": tests_key::test(),
            "testEvent": tests_key::event(vocabulary),
        }
    })
}

/// A schema with a text that editors show over it.
fn described(mut schema: Value, text: &str) -> Value {
    if let Some(object) = schema.as_object_mut() {
        // Beside a reference nothing else counts in draft 7.
        if object.contains_key("$ref") {
            return json!({ "description": text, "allOf": [schema] });
        }
        object.insert("description".to_owned(), json!(text));
    }
    schema
}

fn reference(name: &str) -> Value {
    json!({ "$ref": format!("#/definitions/{name}") })
}

fn duration(text: &str) -> Value {
    json!({ "type": "string", "pattern": "^[0-9]+[smhdw]$", "description": text })
}

/// A map that takes these keys and no others.
fn map(required: &[&str], properties: Value) -> Value {
    json!({ "type": "object", "additionalProperties": false, "required": required, "properties": properties })
}

fn rule_key(key: &str) -> Value {
    match key {
        "name" => {
            json!({ "type": "string", "minLength": 1, "maxLength": 200, "description": "What people call the rule." })
        }
        "description" => json!({ "type": "string", "description": "More about it, for people." }),
        "enabled" => json!({ "type": "boolean", "default": true, "description": "False: it starts no new runs." }),
        "on" => described(reference("on"), "What starts it: an event type, a list of them, or another way in."),
        "vars" => {
            described(reference("values"), "Values with names, computed when they are first needed: `vars.NAME`.")
        }
        "when" => described(reference("condition"), "What must hold. All of it, unless `any` or `not` says otherwise."),
        "threshold" => around::threshold(),
        "once" => around::once(),
        "digest" => around::digest(),
        "concurrency" => around::concurrency(),
        "timeout" => duration("Of a whole run, from its first step, without its waits."),
        "fuse" => around::fuse(),
        "do" => described(reference("steps"), "What it does, one step after another."),
        "on_error" => described(reference("steps"), "Steps for when the run has finally failed. They see `error`."),
        "tests" => {
            json!({ "type": "array", "items": reference("test"), "description": "Run by `bellwire test`, offline." })
        }
        _ => json!({}),
    }
}

fn event_types(vocabulary: &dyn Vocabulary) -> Value {
    let types = vocabulary.event_types();
    let mut services: Vec<String> =
        types.iter().filter_map(|kind| Some(format!("{}.*", kind.split('.').next()?))).collect();
    services.sort();
    services.dedup();
    json!({
        "anyOf": [
            { "enum": types },
            { "enum": services },
            { "type": "string", "pattern": "^[a-z0-9_-]+(\\.[a-z0-9_-]+)*\\.([a-z0-9_-]+|[*])$" }
        ],
        "description": "A service or source, a dot, and what happened: `gruveo.call`; `groove.*` is all of a service."
    })
}

fn on(vocabulary: &dyn Vocabulary) -> Value {
    let kinds: Vec<&str> = inputs::KINDS.iter().map(|(kind, _)| *kind).filter(|kind| *kind != "html").collect();
    let input = map(
        &["type"],
        json!({
            "type": { "enum": kinds },
            "required": { "type": "boolean" },
            "default": {},
            "choices": { "type": "array", "items": { "type": "string" } },
            "help": { "type": "string" }
        }),
    );
    let mut schedule = map(
        &[],
        json!({
            "cron": { "type": "string", "description": "Five fields as in crontab(5), or @daily and its kin." },
            "every": duration("Counted from the Unix epoch: 10m is at :00, :10, :20 of every hour."),
            "timezone": { "type": "string", "description": "Such as Europe/Athens; UTC unless given." },
            "catch_up": { "enum": ["none", "last", "all"], "default": "last", "description": "What is made up for after downtime." }
        }),
    );
    if let Some(object) = schedule.as_object_mut() {
        object.insert("oneOf".to_owned(), json!([{ "required": ["cron"] }, { "required": ["every"] }]));
        object.insert("dependencies".to_owned(), json!({ "timezone": ["cron"] }));
    }
    let entry = json!({
        "anyOf": [
            reference("event"),
            map(&[], json!({
                "event": { "anyOf": [reference("event"), { "type": "array", "minItems": 1, "items": reference("event") }] },
                "own": { "type": "boolean", "default": false, "description": "True: also events that our own actions caused." },
                "schedule": described(schedule, "At times."),
                "poll": poll(vocabulary),
                "manual": described(
                    map(&[], json!({ "inputs": { "type": "object", "additionalProperties": input } })),
                    "A person or a program starts it: `bellwire run RULE --input NAME=VALUE`. The inputs are `event`."
                )
            }))
        ]
    });
    json!({ "anyOf": [entry, { "type": "array", "minItems": 1, "items": entry }] })
}

fn poll(vocabulary: &dyn Vocabulary) -> Value {
    let path = |text: &str| json!({ "type": "string", "description": text });
    let mut properties = json!({
        "every": duration("How often: 10s at least."),
        "http": described(reference("step/properties/http"), "Asks for any address with GET; RSS and Atom are read."),
        "items": path("Where in the answer the items are: `result`, `result.tickets`; or `feed`. `result` unless given."),
        "key": path("Where in an item is what tells it from all others; `id` of a feed."),
        "order": {
            "enum": ["newest_first", "oldest_first"],
            "default": "newest_first",
            "description": "How the list is ordered; events are made oldest first."
        },
        "cursor": path("Where in the answer is what the next request sees as `poll.cursor`."),
        "backfill": {
            "type": "integer",
            "minimum": 0,
            "maximum": 1000,
            "default": 0,
            "description": "So many of the newest items of the first answer are events, too."
        },
        "connection": { "type": "string", "description": "The connection that the action goes out by." },
        "timeout": duration("Of one request: 30s unless given, at most 120s.")
    });
    let is_read = |name: &String| vocabulary.action(name).is_some_and(|action| action.read);
    for name in vocabulary.action_names().into_iter().filter(is_read) {
        if let Some(object) = properties.as_object_mut() {
            let action = reference(&format!("step/properties/{name}"));
            object.insert(name, action);
        }
    }
    described(map(&["every"], properties), "Asks again and again; what is new in the answer is an event.")
}

#[cfg(test)]
mod tests;
