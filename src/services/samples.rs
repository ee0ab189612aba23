//! Files that a pack names: samples and schemas, beside it in `templates/services`.

use std::collections::BTreeMap;

use super::{Field, InputType, raw::Node};
use crate::value::{JsonLimits, Object, Value, read_json};

/// Where packs and their files are, in a workspace.
pub(super) const FOLDER: &str = "templates/services/";

/// Texts by their path in the workspace, built-in ones below those of the workspace.
pub(super) type Texts<'t> = BTreeMap<&'t str, &'t str>;

/// A schema or sample: a map or list as it stands, or the JSON of the file that a text names.
pub(super) fn value(node: &Node<'_>, texts: &Texts<'_>) -> Option<Value> {
    match node.value {
        Value::Object(_) | Value::Array(_) => Some(node.value.clone()),
        _ => file(node, texts),
    }
}

/// The JSON of the file that a text names.
fn file(node: &Node<'_>, texts: &Texts<'_>) -> Option<Value> {
    let name = node.text()?;
    let path = format!("{FOLDER}{name}");
    let Some(text) = texts.get(path.as_str()) else {
        node.finding("P006", format!("there is no file `{path}`"), format!("files are named from {FOLDER}"));
        return None;
    };
    match read_json(text.as_bytes(), JsonLimits::default()) {
        Ok(parsed) => Some(parsed.value),
        Err(error) => {
            node.finding("P006", format!("`{path}`: {error}"), "");
            None
        }
    }
}

/// Samples by name: `[gruveo/missed.json]` holds one that is called `missed`.
pub(super) fn samples(node: &Node<'_>, texts: &Texts<'_>) -> Vec<(String, Value)> {
    let named = |node: Node<'_>| {
        let value = file(&node, texts)?;
        let name = node.text()?;
        let stem = name.rsplit('/').next().unwrap_or_default();
        Some((stem.split('.').next().unwrap_or_default().to_owned(), value))
    };
    node.list().into_iter().filter_map(named).collect()
}

/// A payload's schema with the fields that the pack adds: any of them may be null. One that knows no properties stays as it is.
pub(super) fn with_fields(mut schema: Value, fields: &[Field]) -> Value {
    let Some(properties) = schema.get_mut("properties").and_then(Value::as_object_mut) else { return schema };
    for field in fields {
        let kind = match field.kind {
            InputType::Integer => "integer",
            InputType::Number => "number",
            InputType::Boolean => "boolean",
            _ => "string",
        };
        let mut own = Object::new();
        own.insert("type".to_owned(), Value::Array(vec![kind.into(), "null".into()]));
        properties.insert(field.name.clone(), Value::Object(own));
    }
    schema
}
