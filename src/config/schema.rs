//! A JSON Schema of `bellwire.toml`, made from `defaults.toml`: its comments are what editors show.

use serde_json::{Map, Value, json};

use super::DEFAULTS;

/// The schema of `bellwire.toml`.
pub fn schema() -> Value {
    let mut sections = sections();
    let names = |what: &str, properties: Value| {
        json!({
            "type": "object",
            "description": what,
            "additionalProperties": { "type": "object", "additionalProperties": false, "properties": properties }
        })
    };
    let rate = json!({ "type": "string", "pattern": "^([0-9]+/(s|min|h|d)|unlimited)$", "description": "Such as 24/min, or unlimited." });
    let concurrent = json!({ "type": "integer", "minimum": 1, "description": "Requests that are open at once." });
    let secrets = json!({ "type": "object", "additionalProperties": { "type": "string" }, "description": "The pack's name of a secret = ours." });
    let base_url = json!({ "type": "string", "description": "Where its actions go." });
    let service = json!({ "type": "string", "description": "The pack." });
    let words = json!({ "enum": super::BodyWord::ALL.map(|(word, _)| word) });
    let body = json!({ "anyOf": [words, { "type": "array", "items": words }], "description": "Of a generic source, by Content-Type; JSON alone unless set." });
    let files = json!({ "type": "boolean", "description": "Take the files of multipart bodies." });
    let max_body =
        json!({ "type": ["string", "integer"], "description": "Bytes of a body at most; limits.body unless set." });
    let own = [
        (
            "sources",
            names(
                "[sources.NAME]: one way in, at /hooks/NAME.",
                json!({ "service": service, "secrets": secrets, "enabled": { "type": "boolean" }, "public": { "type": "boolean" }, "expect": { "type": "string", "pattern": "^(every )?[0-9]+[smhdw]$", "description": "Silence for so long is a problem, such as 1h." }, "verify": { "type": ["string", "object"], "description": "How a generic source's deliveries are checked: a preset such as github, or a map as in a pack." }, "body": body, "files": files, "max_body": max_body }),
            ),
        ),
        (
            "connections",
            names(
                "[connections.NAME]: one way out.",
                json!({ "service": service, "base_url": base_url, "hosts": { "type": "object", "additionalProperties": base_url, "description": "Further hosts of the service, by the pack's name." }, "secrets": secrets, "rate": rate, "concurrent": concurrent }),
            ),
        ),
        (
            "services",
            names(
                "[services.NAME]: the short form for the service's own connection.",
                json!({ "base_url": base_url, "rate": rate, "concurrent": concurrent }),
            ),
        ),
        ("vars", json!({ "type": "object", "description": "Values that rules see as vars.NAME." })),
        (
            "hours",
            json!({
                "type": "object",
                "description": "[hours.NAME]: working hours, for conditions and waits.",
                "additionalProperties": {
                    "type": "object",
                    "required": ["timezone"],
                    "properties": {
                        "timezone": { "type": "string", "description": "Such as Europe/Athens." },
                        "closed": { "type": "array", "items": { "type": "string" }, "description": "Days such as 2026-12-25." }
                    },
                    "additionalProperties": { "type": "array", "items": { "type": "string", "pattern": "^[0-9]{2}:[0-9]{2}-[0-9]{2}:[0-9]{2}$" } }
                }
            }),
        ),
    ];
    sections.extend(own.map(|(name, schema)| (name.to_owned(), schema)));
    json!({
        "$schema": "http://json-schema.org/draft-07/schema#",
        "title": "bellwire.toml",
        "type": "object",
        "additionalProperties": false,
        "properties": sections
    })
}

/// The sections whose keys are known, with their keys.
fn sections() -> Map<String, Value> {
    let mut sections = Map::new();
    let (mut section, mut comment) = (String::new(), String::new());
    for line in DEFAULTS.lines() {
        if let Some(name) = line.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
            name.clone_into(&mut section);
            comment.clear();
            let keys = json!({ "type": "object", "additionalProperties": false, "properties": {} });
            sections.insert(section.clone(), keys);
            continue;
        }
        let commented = line.strip_prefix("# ");
        let (key, value) = match commented.unwrap_or(line).split_once(" = ") {
            Some((key, value)) if is_key(key) => (key, value),
            _ => {
                match commented {
                    Some(text) => comment = [comment.as_str(), text].join(" "),
                    None => comment.clear(),
                }
                continue;
            }
        };
        let keys =
            sections.get_mut(&section).and_then(|keys| keys.get_mut("properties")).and_then(Value::as_object_mut);
        if let Some(keys) = keys {
            keys.insert(key.to_owned(), of_default(value, &comment, commented.is_some()));
        }
    }
    sections
}

fn is_key(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_')
}

/// A setting's schema after its default.
fn of_default(value: &str, comment: &str, unset: bool) -> Value {
    let (kind, default) = match value {
        "true" | "false" => ("boolean", json!(value == "true")),
        list if list.starts_with('[') => ("array", json!([])),
        number if number.parse::<i64>().is_ok() => ("integer", json!(number.parse::<i64>().unwrap_or_default())),
        text => ("string", json!(text.trim_matches('"'))),
    };
    let mut schema = json!({ "type": kind, "description": comment.trim() });
    if let (false, Some(object)) = (unset, schema.as_object_mut()) {
        object.insert("default".to_owned(), default);
    }
    // A size may be a number of bytes too.
    if comment.contains("Bytes")
        && kind == "string"
        && let Some(object) = schema.as_object_mut()
    {
        object.insert("type".to_owned(), json!(["string", "integer"]));
    }
    schema
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_setting_has_its_comment_and_default() {
        let schema = schema();
        let listen = schema.pointer("/properties/server/properties/listen").unwrap();
        assert_eq!(listen["default"], "127.0.0.1:8000");
        assert!(listen["description"].as_str().is_some_and(|text| text.starts_with("Where deliveries come in")));
        let url = schema.pointer("/properties/database/properties/url").unwrap();
        assert!(
            url.get("default").is_none() && url["description"].as_str().is_some_and(|text| text.contains("PostgreSQL"))
        );
        for section in schema["properties"].as_object().unwrap().values() {
            for (key, setting) in section.get("properties").and_then(Value::as_object).into_iter().flatten() {
                assert!(setting.get("type").is_some(), "{key}");
            }
        }
    }

    #[test]
    fn settings_fit_and_a_slip_does_not() {
        let validator = jsonschema::validator_for(&schema()).unwrap();
        assert!(validator.is_valid(&json!({ "server": { "listen": "127.0.0.1:1" }, "vars": { "x": 1 } })));
        assert!(!validator.is_valid(&json!({ "server": { "lisen": "127.0.0.1:1" } })));
        assert!(!validator.is_valid(&json!({ "limits": { "runs_per_event": "many" } })));
        assert!(
            validator.is_valid(&json!({ "hours": { "office": { "timezone": "UTC", "mon-fri": ["09:00-17:00"] } } }))
        );
    }
}
