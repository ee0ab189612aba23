//! The values of a payload, as its schema names them.

use crate::value::Value;

/// Letters of a name or choice that are shown.
const SHOWN: usize = 60;

/// The paths that a schema of an event names, as rules write them, with their types; of a list, those of an element.
pub fn values_of(schema: &Value) -> Vec<(String, String)> {
    let mut found = Vec::new();
    collect("event", schema, &mut found);
    found
}

fn shortened(text: &str) -> String {
    text.chars().take(SHOWN).collect()
}

/// The values that a schema names, with their types; of a list, those of an element.
fn collect(path: &str, schema: &Value, found: &mut Vec<(String, String)>) {
    if let Some(properties) = schema.get("properties").and_then(Value::as_object) {
        for (name, inner) in properties {
            let fits = name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
            let path = if fits { format!("{path}.{name}") } else { format!("{path}[\"{}\"]", shortened(name)) };
            let has_more = inner.get("properties").is_some() || inner.pointer("/items/properties").is_some();
            if !has_more {
                found.push((path.clone(), type_of(inner)));
            }
            collect(&path, inner, found);
        }
    }
    if let Some(items) = schema.get("items") {
        collect(&format!("{path}.*"), items, found);
    }
}

fn type_of(schema: &Value) -> String {
    if let Some(choices) = schema.get("enum").and_then(Value::as_array) {
        return choices.iter().map(|choice| shortened(&choice.to_string())).collect::<Vec<_>>().join(" | ");
    }
    let word = |word: &str| if word == "string" { "text".to_owned() } else { word.to_owned() };
    match schema.get("type") {
        Some(Value::String(one)) => word(one),
        Some(Value::Array(list)) => list.iter().filter_map(Value::as_str).map(word).collect::<Vec<_>>().join(" or "),
        _ => "anything".to_owned(),
    }
}
