//! Looks a path up in the JSON Schema of a payload.

use std::collections::BTreeSet;

use crate::value::{Segment, Value};

/// Levels of `$ref`, `anyOf` and `allOf` that are followed.
const DEPTH: usize = 32;

/// What a schema says of a place.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Walk<'s> {
    /// Nothing: anything may be there.
    Unknown,
    /// There is no such place; the names that are there instead.
    Missing { name: String, known: Vec<&'s str> },
    /// It is there, by one of these schemas; `optional` where it may be missing or null.
    Found { schemas: Vec<&'s Value>, optional: bool },
}

/// Looks `segments` up in `schema`. In templates a list has `size`, `first` and `last` too.
///
/// Where an object lists `properties` and says nothing of others, others are taken for mistakes: that is what a misspelt name is.
/// `additionalProperties: true` says that there are others.
pub(super) fn walk<'s>(schema: &'s Value, segments: &[Segment], template: bool) -> Walk<'s> {
    Walker { root: schema, template }.step(schema, segments, 0)
}

#[derive(Clone, Copy)]
struct Walker<'s> {
    root: &'s Value,
    template: bool,
}

impl<'s> Walker<'s> {
    fn step(self, schema: &'s Value, segments: &[Segment], depth: usize) -> Walk<'s> {
        let Some(schema) = resolve(self.root, schema) else { return Walk::Unknown };
        let Some(object) = schema.as_object() else { return Walk::Unknown };
        if depth > DEPTH {
            return Walk::Unknown;
        }
        let branches = |name: &str| {
            let list = object.get(name).and_then(Value::as_array).into_iter().flatten();
            list.map(|branch| self.step(branch, segments, depth + 1)).collect::<Vec<_>>()
        };
        let alternatives: Vec<Walk<'s>> = branches("anyOf").into_iter().chain(branches("oneOf")).collect();
        let mut together = branches("allOf");
        if !alternatives.is_empty() {
            together.push(either(alternatives));
        }
        if segments.is_empty() {
            let optional = has_type(schema, "null")
                || together.iter().any(|walk| matches!(walk, Walk::Found { optional: true, .. }));
            return Walk::Found { schemas: vec![schema], optional };
        }
        if together.is_empty() || object.contains_key("properties") || object.contains_key("items") {
            together.push(self.own(schema, segments, depth));
        }
        both(together)
    }

    /// What the schema itself says, its `anyOf` and kin aside.
    fn own(self, schema: &'s Value, segments: &[Segment], depth: usize) -> Walk<'s> {
        let Some((first, rest)) = segments.split_first() else { return Walk::Unknown };
        let nullable = has_type(schema, "null");
        match first {
            Segment::Any if has_type(schema, "object") => Walk::Unknown,
            Segment::Any => self.element(schema, 0, rest, depth, nullable),
            Segment::Index(index) if schema.get("properties").is_none() => {
                self.element(schema, *index, rest, depth, true)
            }
            Segment::Index(index) => self.name(schema, &index.to_string(), rest, depth, nullable),
            Segment::Name(name) => self.name(schema, name, rest, depth, nullable),
        }
    }

    fn element(self, schema: &'s Value, index: usize, rest: &[Segment], depth: usize, optional: bool) -> Walk<'s> {
        let first = schema.get("prefixItems").and_then(|list| list.get(index));
        match first.or_else(|| schema.get("items")) {
            Some(items) => or_optional(self.step(items, rest, depth + 1), optional),
            None if known_types(schema).is_some_and(|types| !types.contains("list") && !types.contains("object")) => {
                Walk::Missing { name: index.to_string(), known: Vec::new() }
            }
            None => Walk::Unknown,
        }
    }

    fn name(self, schema: &'s Value, name: &str, rest: &[Segment], depth: usize, nullable: bool) -> Walk<'s> {
        let properties = schema.get("properties").and_then(Value::as_object);
        if let Some(inner) = properties.and_then(|properties| properties.get(name)) {
            let required = schema.get("required").and_then(Value::as_array).into_iter().flatten();
            let optional = nullable || !required.filter_map(Value::as_str).any(|required| required == name);
            return or_optional(self.step(inner, rest, depth + 1), optional);
        }
        if self.template && matches!(name, "size" | "first" | "last") && !has_type(schema, "object") {
            return match (name, schema.get("items")) {
                ("first" | "last", Some(items)) => or_optional(self.step(items, rest, depth + 1), true),
                _ => Walk::Unknown,
            };
        }
        let missing = |known| Walk::Missing { name: name.to_owned(), known };
        match (schema.get("additionalProperties"), properties) {
            _ if schema.get("patternProperties").is_some() => Walk::Unknown,
            (Some(Value::Bool(true)), _) => Walk::Unknown,
            (Some(other @ Value::Object(_)), _) => or_optional(self.step(other, rest, depth + 1), true),
            (_, Some(properties)) if !properties.is_empty() => missing(properties.keys().map(String::as_str).collect()),
            (Some(Value::Bool(false)), _) => missing(Vec::new()),
            _ if known_types(schema).is_some_and(|types| !types.contains("object")) => missing(Vec::new()),
            _ => Walk::Unknown,
        }
    }
}

fn or_optional(walk: Walk<'_>, optional: bool) -> Walk<'_> {
    match walk {
        Walk::Found { schemas, optional: already } => Walk::Found { schemas, optional: already || optional },
        other => other,
    }
}

/// One of these is true.
pub(super) fn either(walks: Vec<Walk<'_>>) -> Walk<'_> {
    let (mut found, mut maybe, mut unknown, mut missing) = (Vec::new(), false, false, None);
    for walk in walks {
        match walk {
            Walk::Unknown => unknown = true,
            Walk::Found { schemas, optional } => {
                found.extend(schemas);
                maybe |= optional;
            }
            Walk::Missing { name, known } => match &mut missing {
                None => missing = Some((name, known)),
                Some((_, all)) => all.extend(known),
            },
        }
    }
    match missing {
        _ if unknown => Walk::Unknown,
        missing if !found.is_empty() => Walk::Found { schemas: found, optional: maybe || missing.is_some() },
        Some((name, known)) => Walk::Missing { name, known },
        None => Walk::Unknown,
    }
}

/// All of these are true.
fn both(walks: Vec<Walk<'_>>) -> Walk<'_> {
    let mut result: Option<Walk<'_>> = None;
    for walk in walks {
        result = Some(match (result, walk) {
            (None, walk) => walk,
            (Some(found @ Walk::Found { .. }), _) | (_, found @ Walk::Found { .. }) => found,
            (Some(Walk::Missing { name, mut known }), Walk::Missing { known: more, .. }) => {
                known.extend(more);
                Walk::Missing { name, known }
            }
            _ => Walk::Unknown,
        });
    }
    result.unwrap_or(Walk::Unknown)
}

fn resolve<'s>(root: &'s Value, schema: &'s Value) -> Option<&'s Value> {
    let mut here = schema;
    for _ in 0..DEPTH {
        let Some(target) = here.get("$ref").and_then(Value::as_str) else { return Some(here) };
        here = root.pointer(target.strip_prefix('#')?)?;
    }
    None
}

fn has_type(schema: &Value, wanted: &str) -> bool {
    match schema.get("type") {
        Some(Value::String(kind)) => kind == wanted,
        Some(Value::Array(kinds)) => kinds.iter().any(|kind| kind == wanted),
        _ => false,
    }
}

fn word(json_type: &str) -> &'static str {
    match json_type {
        "string" => "text",
        "integer" => "whole number",
        "number" => "number",
        "boolean" => "boolean",
        "array" => "list",
        "object" => "object",
        _ => "null",
    }
}

fn known_types(schema: &Value) -> Option<BTreeSet<&'static str>> {
    match schema.get("type")? {
        Value::String(kind) => Some(BTreeSet::from([word(kind)])),
        Value::Array(kinds) => Some(kinds.iter().filter_map(Value::as_str).map(word).collect()),
        _ => None,
    }
}

/// The types a value by one of these schemas may have, in the words of rules (`whole number` too). `None` where they are not known.
pub(super) fn types(root: &Value, schemas: &[&Value]) -> Option<BTreeSet<&'static str>> {
    types_within(root, schemas, 0)
}

fn types_within(root: &Value, schemas: &[&Value], depth: usize) -> Option<BTreeSet<&'static str>> {
    let mut all = BTreeSet::new();
    for schema in schemas {
        if depth > DEPTH {
            return None;
        }
        let schema = resolve(root, schema)?;
        if let Some(types) = known_types(schema) {
            all.extend(types);
        } else if let Some(values) = allowed(schema) {
            all.extend(values.into_iter().map(crate::value::type_name));
        } else {
            let branches = schema.get("anyOf").or_else(|| schema.get("oneOf"))?.as_array()?;
            all.extend(types_within(root, &branches.iter().collect::<Vec<_>>(), depth + 1)?);
        }
    }
    Some(all)
}

fn allowed(schema: &Value) -> Option<Vec<&Value>> {
    match (schema.get("const"), schema.get("enum")) {
        (Some(value), _) => Some(vec![value]),
        (None, Some(Value::Array(values))) => Some(values.iter().collect()),
        _ => None,
    }
}

/// The only values there can be. `None` where any of the type can.
pub(super) fn choices<'s>(root: &'s Value, schemas: &[&'s Value]) -> Option<Vec<&'s Value>> {
    let mut all = Vec::new();
    for schema in schemas {
        let schema = resolve(root, schema)?;
        match allowed(schema) {
            Some(values) => all.extend(values),
            None if known_types(schema).is_some_and(|types| types.len() == 1 && types.contains("null")) => {}
            None => {
                let branches = schema.get("anyOf").or_else(|| schema.get("oneOf"))?.as_array()?;
                for branch in branches {
                    let branch = resolve(root, branch)?;
                    match allowed(branch) {
                        Some(values) => all.extend(values),
                        None if has_type(branch, "null") && branch.get("type").is_some_and(Value::is_string) => {}
                        None => return None,
                    }
                }
            }
        }
    }
    Some(all)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::value::Path;

    fn at<'s>(schema: &'s Value, path: &str) -> Walk<'s> {
        walk(schema, path.parse::<Path>().unwrap().segments(), true)
    }

    fn found(walk: &Walk<'_>) -> Option<bool> {
        match walk {
            Walk::Found { optional, .. } => Some(*optional),
            _ => None,
        }
    }

    #[test]
    fn a_path_is_followed_through_a_schema() {
        let schema = json!({
            "$defs": {"person": {"type": "object", "properties": {"email": {"type": "string"}}, "required": ["email"]}},
            "type": "object",
            "required": ["link", "people", "user"],
            "properties": {
                "link": {"type": "string"},
                "user": {"anyOf": [{"$ref": "#/$defs/person"}, {"type": "null"}]},
                "people": {"type": "array", "items": {"$ref": "#/$defs/person"}},
                "tracking": {"type": ["object", "null"], "additionalProperties": {"type": "string"}},
                "open": {"type": "object", "properties": {"a": {}}, "additionalProperties": true},
                "loop": {"$ref": "#/properties/loop"}
            }
        });
        assert_eq!(found(&at(&schema, "link")), Some(false));
        assert_eq!(found(&at(&schema, "user.email")), Some(true));
        assert_eq!(found(&at(&schema, "people.*.email")), Some(false));
        assert_eq!(found(&at(&schema, "people.0.email")), Some(true));
        assert_eq!(found(&at(&schema, "tracking.ticket")), Some(true));
        assert_eq!(at(&schema, "open.b.c"), Walk::Unknown);
        assert_eq!(at(&schema, "loop.x"), Walk::Unknown);
        assert_eq!(at(&schema, "people.size"), Walk::Unknown);
        assert!(matches!(at(&schema, "lnk"), Walk::Missing { known, .. } if known.contains(&"link")));
        assert!(matches!(at(&schema, "user.mail"), Walk::Missing { known, .. } if known == ["email"]));
        assert!(matches!(at(&schema, "link.x"), Walk::Missing { .. }));
        assert_eq!(at(&json!({}), "a.b"), Walk::Unknown);
        let Walk::Found { schemas, .. } = at(&schema, "user") else { panic!() };
        assert_eq!(types(&schema, &schemas), Some(BTreeSet::from(["object", "null"])));
    }
}
