//! Reads `on: {manual: {inputs}}`.

use super::span::{NAME_HELP, is_name};
use crate::{
    rules::{
        InputInfo, ManualInput, On, check, codes, keys,
        reader::{Node, Reader, has_template},
    },
    value::{Object, Value},
};

/// What an input can be.
const KINDS: [&str; 10] = ["text", "integer", "number", "boolean", "list", "object", "email", "url", "time", "enum"];

/// What other tools call them.
const FOREIGN_KINDS: [(&str, &str); 7] = [
    ("string", "text"),
    ("int", "integer"),
    ("float", "number"),
    ("bool", "boolean"),
    ("array", "list"),
    ("map", "object"),
    ("choice", "enum"),
];

/// Reads the inputs of a manual event. `manual:` alone has none.
pub(super) fn read_manual<'a>(reader: &Reader<'a>, node: &Node<'a>) -> Option<On> {
    if node.value.is_null() {
        return Some(On::Manual { inputs: Vec::new() });
    }
    reader.object(node, "`manual`")?;
    let before = reader.count();
    reader.only_keys(node, &["inputs"], "`manual`", &[("input", "`inputs`"), ("fields", "`inputs`")]);
    let Some(written) = node.get("inputs") else { return Some(On::Manual { inputs: Vec::new() }) };
    let object = reader.object(&written, "`inputs`")?;
    let inputs = object.keys().filter_map(|name| read_input(reader, &written.child(name), name)).collect();
    (reader.count() == before).then_some(On::Manual { inputs })
}

fn read_input<'a>(reader: &Reader<'a>, node: &Node<'a>, name: &str) -> Option<ManualInput> {
    if !is_name(name) {
        let message = format!("`{}` cannot be the name of an input", keys::shortened(name));
        reader.error(codes::NAME, reader.key_place(node), message, NAME_HELP);
        return None;
    }
    if !node.value.is_null() {
        reader.object(node, &format!("the input `{name}`"))?;
    }
    let foreign = [("description", "`help`"), ("options", "`choices`"), ("enum", "`choices`"), ("values", "`choices`")];
    reader.only_keys(node, &["type", "required", "default", "choices", "help"], "an input", &foreign);
    let kind = match node.get("type") {
        Some(inner) => read_kind(reader, &inner)?,
        None => "text",
    };
    let required = node.get("required").is_some_and(|inner| reader.boolean(&inner, "`required`").unwrap_or_default());
    let help = node.get("help").and_then(|inner| reader.text(&inner, "`help`")).unwrap_or_default();
    let choices = read_choices(reader, node, kind, name);
    let default = node.get("default");
    if let Some(inner) = &default {
        if has_template(inner.value) {
            let help = "a template can be written in `vars`: `\"{{ event.ticket | default: ... }}\"`";
            reader.error(codes::NOT_LITERAL, reader.place(inner), "the default of an input must be literal", help);
        } else {
            let info = InputInfo {
                name: name.to_owned(),
                kind,
                required: false,
                choices: choices.clone(),
                help: String::new(),
                target: false,
            };
            check::literal_input(reader, inner, &info);
        }
    }
    Some(ManualInput {
        name: name.to_owned(),
        kind: kind.to_owned(),
        required,
        default: default.map(|inner| inner.value.clone()).unwrap_or_default(),
        choices,
        help: help.to_owned(),
    })
}

fn read_kind<'a>(reader: &Reader<'a>, node: &Node<'a>) -> Option<&'static str> {
    let word = reader.text(node, "`type` of an input")?;
    let known = KINDS.into_iter().find(|known| *known == word);
    if known.is_none() {
        let help = match FOREIGN_KINDS.iter().find(|(theirs, _)| *theirs == word) {
            Some((_, ours)) => format!("here it is called `{ours}`"),
            None => keys::suggestion(word, KINDS),
        };
        let message = format!("`{}` is no type of an input", keys::shortened(word));
        reader.error(codes::CHOICE, reader.place(node), message, help);
    }
    known
}

fn read_choices<'a>(reader: &Reader<'a>, node: &Node<'a>, kind: &str, name: &str) -> Vec<String> {
    let Some(inner) = node.get("choices") else {
        if kind == "enum" {
            let message = format!("the input `{name}` needs `choices`");
            reader.error(codes::MISSING_KEY, reader.key_place(node), message, "write `choices: [low, high]`");
        }
        return Vec::new();
    };
    if kind != "enum" {
        let at = reader.key_place(&inner);
        reader.error(codes::NO_MEANING, at, "`choices` means nothing here", "they belong to `type: enum`");
        return Vec::new();
    }
    let Some(list) = reader.list(&inner, "`choices`") else { return Vec::new() };
    if list.is_empty() {
        reader.error(codes::RANGE, reader.place(&inner), "`choices` is empty", "write `choices: [low, high]`");
    }
    let nodes = (0..).zip(list).map(|(index, value)| inner.element(index, value));
    nodes.filter_map(|node| reader.text(&node, "a choice").map(str::to_owned)).collect()
}

/// JSON Schema of the payload that the inputs become, for checks of `event.x`.
pub(crate) fn inputs_schema(inputs: &[ManualInput]) -> Value {
    let mut properties = Object::new();
    for input in inputs {
        let mut schema = Object::new();
        let kind = match input.kind.as_str() {
            "integer" => "integer",
            "number" => "number",
            "boolean" => "boolean",
            "list" => "array",
            "object" => "object",
            _ => "string",
        };
        schema.insert("type".to_owned(), kind.into());
        if input.kind == "enum" {
            schema.insert("enum".to_owned(), input.choices.clone().into());
        }
        properties.insert(input.name.clone(), Value::Object(schema));
    }
    let there = inputs.iter().filter(|input| input.required || !input.default.is_null());
    let required: Vec<&str> = there.map(|input| input.name.as_str()).collect();
    serde_json::json!({
        "type": "object",
        "properties": properties,
        "required": required,
        "additionalProperties": false,
    })
}
