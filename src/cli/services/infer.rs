//! A JSON Schema of what was seen.

use serde_json::{Value, json};

use crate::value::Object;

/// Samples of a list that are looked at.
const MOST: usize = 1_000;

/// The schema of values of one place. What all of them have is required; a null says nothing of a type; a format is noted where every text
/// has it.
pub(super) fn schema(seen: &[&Value]) -> Value {
    let mut kinds: Vec<&str> = Vec::new();
    for kind in seen.iter().map(|value| kind(value)) {
        if !kinds.contains(&kind) {
            kinds.push(kind);
        }
    }
    // A number with a fraction makes all of them numbers.
    if kinds.contains(&"number") {
        kinds.retain(|kind| *kind != "integer");
    }
    let mut schema = Object::new();
    match kinds.as_slice() {
        // Nothing is known of what is always null or was never seen: any condition on it may hold one day.
        [] | ["null"] => return Value::Object(schema),
        [one] => schema.insert("type".to_owned(), (*one).into()),
        several => schema.insert("type".to_owned(), json!(several)),
    };
    let objects: Vec<&Object> = seen.iter().filter_map(|value| value.as_object()).collect();
    if !objects.is_empty() {
        of_objects(&objects, &mut schema);
    }
    let elements: Vec<&Value> = seen.iter().filter_map(|value| value.as_array()).flatten().take(MOST).collect();
    if kinds.contains(&"array") {
        schema.insert("items".to_owned(), self::schema(&elements));
    }
    let texts: Vec<&str> = seen.iter().filter_map(|value| value.as_str()).filter(|text| !text.is_empty()).collect();
    if let Some(format) = FORMATS.iter().find(|(_, is)| !texts.is_empty() && texts.iter().all(|text| is(text))) {
        schema.insert("format".to_owned(), format.0.into());
    }
    Value::Object(schema)
}

fn of_objects(objects: &[&Object], schema: &mut Object) {
    let mut names: Vec<&String> = Vec::new();
    for name in objects.iter().flat_map(|object| object.keys()) {
        if !names.contains(&name) {
            names.push(name);
        }
    }
    let mut properties = Object::new();
    for name in &names {
        let values: Vec<&Value> = objects.iter().filter_map(|object| object.get(*name)).collect();
        properties.insert((*name).clone(), self::schema(&values));
    }
    let always: Vec<&String> =
        names.into_iter().filter(|name| objects.iter().all(|object| object.contains_key(*name))).collect();
    schema.insert("properties".to_owned(), Value::Object(properties));
    if !always.is_empty() {
        schema.insert("required".to_owned(), json!(always));
    }
}

fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(number) if number.is_f64() => "number",
        Value::Number(_) => "integer",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    }
}

/// A format's word in JSON Schema, and what tells whether a text has it.
type Format = (&'static str, fn(&str) -> bool);

/// Formats that are noted.
const FORMATS: [Format; 4] = [("date-time", is_time), ("date", is_date), ("email", is_email), ("uri", is_url)];

fn is_time(text: &str) -> bool {
    text.len() >= 20 && text.parse::<jiff::Timestamp>().is_ok()
}

fn is_date(text: &str) -> bool {
    text.len() == 10 && text.parse::<jiff::civil::Date>().is_ok()
}

fn is_email(text: &str) -> bool {
    let Some((name, host)) = text.split_once('@') else { return false };
    let plain =
        |text: &str| !text.is_empty() && !text.chars().any(|c| c.is_whitespace() || matches!(c, '@' | '<' | '>'));
    plain(name) && plain(host) && host.contains('.')
}

fn is_url(text: &str) -> bool {
    text.contains("://") && url::Url::parse(text).is_ok_and(|url| url.has_host())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(values: &[Value]) -> Value {
        schema(&values.iter().collect::<Vec<_>>())
    }

    #[test]
    fn types_formats_and_what_may_be_missing_are_seen() {
        assert_eq!(
            of(&[
                json!({"id": 1, "at": "2026-11-21T09:00:00Z", "by": "a@example.com", "tags": ["x"], "gone": null, "n": 1}),
                json!({"id": 2, "at": "2026-11-21T09:00:00+02:00", "by": "b@example.com", "tags": [], "n": 1.5, "url": "https://a.example/x"}),
            ]),
            json!({
                "type": "object",
                "properties": {
                    "id": {"type": "integer"},
                    "at": {"type": "string", "format": "date-time"},
                    "by": {"type": "string", "format": "email"},
                    "tags": {"type": "array", "items": {"type": "string"}},
                    "gone": {},
                    "n": {"type": "number"},
                    "url": {"type": "string", "format": "uri"},
                },
                "required": ["id", "at", "by", "tags", "n"],
            })
        );
    }

    #[test]
    fn elements_of_a_list_share_one_schema() {
        assert_eq!(
            of(&[json!([{"a": "2026-11-21", "b": true}, {"a": "x"}])]),
            json!({
                "type": "array",
                "items": {
                    "type": "object",
                    "properties": {"a": {"type": "string"}, "b": {"type": "boolean"}},
                    "required": ["a"],
                },
            })
        );
        assert_eq!(of(&[json!([])]), json!({"type": "array", "items": {}}));
        assert_eq!(of(&[json!("x"), Value::Null]), json!({"type": ["string", "null"]}));
        assert_eq!(of(&[json!("")]), json!({"type": "string"}));
    }
}
