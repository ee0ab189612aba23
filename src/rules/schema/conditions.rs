//! What `when`, `if` and their kin hold.

use serde_json::{Map, Value, json};

use super::{described, reference};
use crate::rules::{OperatorKind, Vocabulary};

/// How deep the places of payloads are offered.
const DEPTH: usize = 4;

/// A map of places with what must hold there.
pub(super) fn condition(vocabulary: &dyn Vocabulary) -> Value {
    let mut places = Map::new();
    for kind in vocabulary.event_types() {
        if let Some(event) = vocabulary.event(&kind) {
            offer(event.schema, "event", &kind, DEPTH, &mut places);
        }
    }
    let list = json!({ "type": "array", "items": reference("condition") });
    places.insert("all".to_owned(), described(list.clone(), "Every one of these holds."));
    places.insert("any".to_owned(), described(list, "At least one of these holds."));
    places.insert("not".to_owned(), described(reference("condition"), "This does not hold."));
    json!({
        "type": "object",
        "properties": places,
        "additionalProperties": reference("operators"),
        "description": "Places (`event.resolution`, `vars.x`, `steps.find.result`) with a value, or with operators."
    })
}

/// The places of a payload, so that an editor can complete them.
fn offer(schema: &Value, at: &str, kind: &str, depth: usize, into: &mut Map<String, Value>) {
    if depth == 0 {
        return;
    }
    let plain = schema.get("anyOf").and_then(Value::as_array).and_then(|list| list.first()).unwrap_or(schema);
    for (name, inner) in plain.get("properties").and_then(Value::as_object).into_iter().flatten() {
        let place = format!("{at}.{name}");
        let values = inner.get("enum").map(|values| format!(" One of {values}.")).unwrap_or_default();
        let what = inner.get("description").and_then(Value::as_str).map(|text| format!(" {text}")).unwrap_or_default();
        let seen = into.get(&place).and_then(|known| known.get("description")?.as_str().map(str::to_owned));
        let text = match seen {
            Some(seen) if seen.contains(kind) => seen,
            Some(seen) => format!("{kind}, {seen}"),
            None => format!("{kind}.{what}{values}"),
        };
        into.insert(place.clone(), described(reference("operators"), &text));
        offer(inner, &place, kind, depth - 1, into);
    }
}

/// The right side: a value, or operators.
pub(super) fn operators() -> Value {
    let mut words: Map<String, Value> =
        OperatorKind::WORDS.iter().map(|(word, kind)| ((*word).to_owned(), operator(*kind))).collect();
    let ignore = json!({ "type": "boolean", "description": "Texts compare without case." });
    words.insert("ignore_case".to_owned(), ignore);
    json!({
        "anyOf": [
            { "type": ["string", "number", "boolean", "null"] },
            { "type": "array" },
            { "type": "object", "additionalProperties": false, "properties": words }
        ]
    })
}

fn operator(kind: OperatorKind) -> Value {
    let text = json!({ "type": "string" });
    let number = json!({ "type": ["number", "string"] });
    let (schema, says) = match kind {
        OperatorKind::Is => (json!({}), "Equal; the way to compare with an object or null."),
        OperatorKind::Not => (json!({}), "Not equal to a value, or not what the operators in it say."),
        OperatorKind::In => (json!({ "type": ["array", "string"] }), "Equal to one of a list."),
        OperatorKind::Gt => (number, "A greater number."),
        OperatorKind::Gte => (number, "A number that is equal or greater."),
        OperatorKind::Lt => (number, "A smaller number."),
        OperatorKind::Lte => (number, "A number that is equal or smaller."),
        OperatorKind::Between => (
            json!({ "type": ["array", "string"], "minItems": 2, "maxItems": 2 }),
            "A number from the first to the second, both included.",
        ),
        OperatorKind::Contains => (json!({}), "The text has this part, or the list this element."),
        OperatorKind::StartsWith => (text, "The text begins so."),
        OperatorKind::EndsWith => (text, "The text ends so."),
        OperatorKind::Matches => (text, "The pattern is found in the text; anchor it with ^ and $."),
        OperatorKind::Exists => (json!({ "type": "boolean" }), "It is there and not null; false: it is not."),
        OperatorKind::Empty => (json!({ "type": "boolean" }), "Missing, null, \"\", [] or {}; false: none of them."),
        OperatorKind::Length => (
            json!({ "type": ["integer", "object", "string"] }),
            "So many characters, elements or keys; a number, or operators.",
        ),
        OperatorKind::Type => {
            (json!({ "enum": ["text", "number", "boolean", "null", "list", "object"] }), "What kind of value it is.")
        }
        OperatorKind::Before => (text, "A time before this one, or longer ago: `4h ago`."),
        OperatorKind::After => (text, "A time after this one, or less long ago: `4h ago`."),
        OperatorKind::InHours => (text, "A time in hours of bellwire.toml, such as `office`."),
    };
    described(schema, says)
}
