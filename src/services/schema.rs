//! A JSON Schema of packs (`templates/services/*.yaml`), for editors.

use serde_json::{Value, json};

use super::InputType;

fn map(required: &[&str], properties: Value) -> Value {
    json!({ "type": "object", "additionalProperties": false, "required": required, "properties": properties })
}

fn text(says: &str) -> Value {
    json!({ "type": "string", "description": says })
}

/// The schema of a pack.
pub fn schema() -> Value {
    let file = json!({ "anyOf": [{ "type": "string", "description": "A JSON file below templates/services/." }, { "type": ["object", "array"] }] });
    let event = map(
        &["title"],
        json!({
            "title": text("For people."),
            "schema": file,
            "samples": { "type": "array", "items": { "type": "string" }, "description": "JSON files below templates/services/; the file's name is the sample's." },
            "stamp": map(&["path", "unit"], json!({ "path": text("Where in the payload the time is."), "unit": { "enum": ["ms", "s", "rfc3339"] } })),
            "untrusted": { "type": "array", "items": { "type": "string" }, "description": "Places that a stranger can write." }
        }),
    );
    json!({
        "$schema": "http://json-schema.org/draft-07/schema#",
        "title": "Bellwire pack",
        "description": "One kind of outside system: how its deliveries are verified, what it sends, what it offers.",
        "type": "object",
        "additionalProperties": false,
        "required": ["name", "title"],
        "properties": {
            "name": { "type": "string", "pattern": "^[a-z0-9][a-z0-9_-]{0,62}$", "description": "The file's name without its ending." },
            "title": text("For people."),
            "description": text("More about it."),
            "base_url": text("Where its actions go; a connection's own wins."),
            "auth": auth(),
            "limits": map(&[], json!({
                "rate": text("Such as 24/min, for each connection."),
                "concurrent": { "type": "integer", "minimum": 1, "description": "Requests open at once, for each connection." }
            })),
            "errors": map(&[], json!({
                "message": text("Where in a refusal the service says why, such as body.error."),
                "throttled": { "type": "array", "items": { "type": "integer" }, "description": "Statuses that mean: slow down." }
            })),
            "hook": hook(),
            "events": { "type": "object", "description": "What it sends, by the last part of the type.", "additionalProperties": event },
            "actions": { "type": "object", "description": "What it offers, by name.", "additionalProperties": action() }
        }
    })
}

fn auth() -> Value {
    json!({
        "description": "How its actions prove who we are. Names are names of secrets.",
        "type": "object",
        "additionalProperties": false,
        "properties": {
            "bearer": text("The secret of Authorization: Bearer."),
            "basic": map(&["user", "password"], json!({ "user": text("A secret."), "password": text("A secret.") })),
            "header": map(&["name", "secret"], json!({ "name": text("The header."), "secret": text("A secret."), "prefix": text("What stands before it.") })),
            "query": map(&["name", "secret"], json!({ "name": text("The parameter."), "secret": text("A secret.") }))
        }
    })
}

fn hook() -> Value {
    let hmac = map(
        &["header", "algorithm", "encoding", "over", "secret"],
        json!({
            "header": text("The header that holds the signature."),
            "algorithm": { "enum": ["sha1", "sha256", "sha512"] },
            "encoding": { "enum": ["hex", "base64", "auto"] },
            "over": text("What is signed: body."),
            "prefix": text("What stands before the signature, such as sha256=."),
            "secret": text("The name of the secret.")
        }),
    );
    let token = map(
        &["in", "secret"],
        json!({
            "in": { "enum": ["query", "header", "path"] },
            "name": text("Of the parameter or header."),
            "prefix": text("What stands before it, such as Bearer."),
            "secret": text("The name of the secret.")
        }),
    );
    let kinds: Vec<&str> = InputType::ALL.iter().map(|(word, _)| *word).collect();
    let field = map(
        &["type", "value"],
        json!({ "type": { "enum": kinds }, "value": text("A template over body, headers and type.") }),
    );
    json!({
        "type": "object",
        "additionalProperties": false,
        "required": ["verify", "type"],
        "description": "How its deliveries are taken.",
        "properties": {
            "verify": { "anyOf": [{ "const": "none" }, map(&[], json!({ "hmac": hmac, "token": token }))] },
            "type": {
                "anyOf": [
                    { "const": "path" },
                    map(&[], json!({ "header": text("The header that names the event."), "or": { "const": "path" }, "fixed": text("The one event there is.") }))
                ]
            },
            "dedupe": text("digest, or a template of the service's own id of a delivery."),
            "body": { "enum": ["json"], "description": "JSON whatever the Content-Type says." },
            "fields": { "type": "object", "description": "Computed for every event, and added to it.", "additionalProperties": field },
            "echo": text("Equal to an action's echo: we caused this event."),
            "untrusted": { "type": "array", "items": { "type": "string" }, "description": "Places that a stranger can write." }
        }
    })
}

fn action() -> Value {
    let kinds: Vec<&str> = InputType::ALL.iter().map(|(word, _)| *word).collect();
    let input = map(
        &["type"],
        json!({
            "type": { "enum": kinds },
            "required": { "type": "boolean" },
            "default": {},
            "choices": { "type": "array", "items": { "type": "string" }, "description": "Of an enum." },
            "help": text("What it means, in a line."),
            "target": { "type": "boolean", "description": "It says whom or what the action works on." }
        }),
    );
    let request = map(
        &["method", "path"],
        json!({
            "method": { "enum": ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"] },
            "path": { "type": "string", "pattern": "^/[^?#]*$", "description": "After the base URL; values in it are encoded as one segment." },
            "query": { "type": "object" },
            "headers": { "type": "object" },
            "json": {},
            "form": { "type": "object" },
            "text": { "type": "string" }
        }),
    );
    map(
        &["title", "request"],
        json!({
            "title": text("For people: what it does."),
            "inputs": { "type": "object", "additionalProperties": input },
            "request": request,
            "result": text("Where in {status, headers, body} the result is, such as body.ticket."),
            "echo": text("A template over result: equal to the hook's echo of the event that this action causes."),
            "read": { "type": "boolean", "description": "It changes nothing." },
            "idempotent": { "type": "boolean", "description": "Twice has the effect of once." },
            "sample": { "description": "An answer, for tests: a value, or a JSON file below templates/services/." }
        }),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::value::{YamlLimits, read_yaml};

    #[test]
    fn the_built_in_packs_fit_and_a_slip_does_not() {
        let validator = jsonschema::validator_for(&schema()).unwrap();
        for (path, text) in crate::services::builtin_files().iter().filter(|(path, _)| path.ends_with(".yaml")) {
            let pack = read_yaml(text, YamlLimits::default()).unwrap().value;
            let errors: Vec<String> =
                validator.iter_errors(&pack).map(|error| format!("{}: {error}", error.instance_path())).collect();
            assert!(errors.is_empty(), "{path}: {errors:?}");
            let mut slip = pack.clone();
            slip["actoins"] = json!({});
            assert!(!validator.is_valid(&slip), "{path}");
        }
    }
}
