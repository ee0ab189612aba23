//! A few fields of a body, by which its row is told from the others.

use crate::{
    services::Reading,
    store::StoredEvent,
    value::{Object, Value},
};

/// Characters of it all, and of one value.
const LONGEST: usize = 80;
const VALUE: usize = 40;
/// Fields that are looked at.
const FIELDS: usize = 64;
/// Names that tell the most, in this order; others follow as they stand.
const TELLING: [&str; 16] = [
    "title",
    "subject",
    "resolution",
    "status",
    "state",
    "location",
    "ticket",
    "ticket_number",
    "number",
    "name",
    "email",
    "from",
    "link",
    "summary",
    "message",
    "text",
];

/// `resolution: missed · location: Greece · name: John Smith`. Empty where the body has nothing to tell.
pub(super) fn excerpt(event: &StoredEvent) -> String {
    let Some(bytes) = &event.body else { return String::new() };
    let Ok(read) = Reading::kept(&event.meta).read(bytes) else { return String::new() };
    match &read.value {
        Value::Object(object) => of_object(object),
        Value::String(text) => plain(text, LONGEST),
        _ => String::new(),
    }
}

fn of_object(object: &Object) -> String {
    let mut fields: Vec<(&str, String)> = Vec::new();
    gather(object, &mut fields);
    for value in object.values() {
        if let Value::Object(inner) = value {
            gather(inner, &mut fields);
        }
    }
    let rank = |name: &str| TELLING.iter().position(|known| known.eq_ignore_ascii_case(name)).unwrap_or(TELLING.len());
    fields.sort_by_key(|(name, _)| rank(name));
    let mut text = String::new();
    for (name, value) in fields {
        let part = format!("{}: {value}", plain(name, VALUE));
        let joint = if text.is_empty() { "" } else { " · " };
        if text.chars().count() + joint.chars().count() + part.chars().count() > LONGEST {
            continue;
        }
        text.push_str(joint);
        text.push_str(&part);
    }
    text
}

/// Texts and numbers of an object, but for those that tell nobody anything: ids, times and addresses of the web.
fn gather<'o>(object: &'o Object, fields: &mut Vec<(&'o str, String)>) {
    for (name, value) in object {
        let lower = name.to_ascii_lowercase();
        let is_odd = lower == "id"
            || ["_id", "_at", "time", "timestamp", "url", "href", "token", "uuid"]
                .iter()
                .any(|end| lower.ends_with(end));
        if is_odd || fields.len() >= FIELDS {
            continue;
        }
        let shown = match value {
            Value::String(text) if !text.trim().is_empty() && !text.starts_with("http") => plain(text, VALUE),
            Value::Number(number) => number.to_string(),
            _ => continue,
        };
        fields.push((name, shown));
    }
}

/// A text on one line, cut; what turns the direction of writing is left out.
fn plain(text: &str, most: usize) -> String {
    let is_turn = |c: char| matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    let mut shown: String =
        text.chars().filter(|c| !is_turn(*c)).map(|c| if c.is_control() { ' ' } else { c }).take(most + 1).collect();
    if shown.chars().count() > most {
        shown = shown.chars().take(most - 1).collect();
        shown.push('…');
    }
    shown.trim().to_owned()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_tells_most_comes_first_and_no_more_than_fits() {
        let Value::Object(object) = json!({
            "timestamp": 1_598_615_831_871_i64, "duration": 183, "location": "Greece", "resolution": "missed",
            "user": {"name": "John\u{202e}\nSmith"}, "tracking": {"ticket": "42"}, "account": {"id": "9cf7336a"},
            "long": "x".repeat(500),
        }) else {
            panic!("an object");
        };
        let text = of_object(&object);
        assert!(text.starts_with("resolution: missed · location: Greece · ticket: 42 · name: John Smith"), "{text}");
        assert!(text.chars().count() <= LONGEST && !text.contains("9cf7336a"), "{text}");
        assert_eq!(of_object(&Object::new()), "");
        assert_eq!(plain(&"ü".repeat(50), 10), format!("{}…", "ü".repeat(9)));
    }
}
