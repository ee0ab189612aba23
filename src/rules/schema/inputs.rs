//! What inputs of actions take.

use serde_json::{Value, json};

use super::reference;
use crate::rules::InputInfo;

/// The types of inputs, with the JSON types that a literal of them has.
pub(super) const KINDS: &[(&str, &[&str])] = &[
    ("text", &["string", "number", "boolean", "null"]),
    ("html", &["string", "number", "boolean", "null"]),
    ("integer", &["integer", "null"]),
    ("number", &["number", "null"]),
    ("boolean", &["boolean", "null"]),
    ("list", &["array", "null"]),
    ("object", &["object", "null"]),
    ("email", &["string", "null"]),
    ("url", &["string", "null"]),
    ("time", &["string", "null"]),
    ("enum", &["null"]),
];

/// A literal of its type, or a template.
pub(super) fn input(info: &InputInfo) -> Value {
    let kinds = KINDS.iter().find(|(kind, _)| *kind == info.kind).map_or(&["string"][..], |(_, kinds)| kinds);
    let mut ways = vec![json!({ "type": kinds }), reference("template")];
    if info.kind == "enum" {
        ways.insert(0, json!({ "enum": info.choices }));
    }
    if matches!(info.kind, "integer" | "number" | "boolean") {
        // A text that is exactly one is taken as one.
        ways.push(json!({ "type": "string", "pattern": "^(-?[0-9.]+|true|false)$" }));
    }
    let help = if info.help.is_empty() { String::new() } else { format!(": {}", info.help) };
    let required = if info.required { ", required" } else { "" };
    json!({ "anyOf": ways, "description": format!("{}{required}{help}", info.kind) })
}
