//! What a verb says: text for people or JSON for machines, and an exit code.

use serde::Serialize;
use serde_json::Value;

use crate::clock::Time;

/// What a verb says.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Answer {
    /// For standard output, with its line ends.
    pub(super) out: String,
    /// For standard error.
    pub(super) err: String,
    /// 0 fine, 1 the answer is no.
    pub(super) exit: u8,
}

impl Answer {
    /// A text for people; gets a line end where it has none.
    pub(super) fn text(text: impl Into<String>) -> Self {
        let mut out = text.into();
        if !out.is_empty() && !out.ends_with('\n') {
            out.push('\n');
        }
        Self { out, ..Self::default() }
    }

    /// The machine's form.
    pub(super) fn json(value: &Value) -> Self {
        // A value with text keys always has a text.
        Self::text(serde_json::to_string_pretty(value).unwrap_or_default())
    }

    /// The same with a note for standard error.
    pub(super) fn note(mut self, note: &str) -> Self {
        self.err = format!("{note}\n");
        self
    }

    /// The same with another exit code.
    pub(super) fn exit(mut self, exit: u8) -> Self {
        self.exit = exit;
        self
    }
}

/// A value of ours as JSON, its times (`..._at` in milliseconds) as RFC 3339 texts.
pub(super) fn machine(value: &impl Serialize) -> Value {
    let mut value = serde_json::to_value(value).unwrap_or_default();
    show_times(&mut value);
    value
}

fn show_times(value: &mut Value) {
    match value {
        Value::Object(map) => {
            for (key, value) in map.iter_mut() {
                if let Some(at) = value.as_i64().filter(|_| key.ends_with("_at") || key == "at") {
                    *value = Value::String(Time(at).to_string());
                }
            }
        }
        Value::Array(list) => list.iter_mut().for_each(show_times),
        _ => {}
    }
}

/// A text from outside for a terminal: control characters escaped, cut to `most` characters.
pub(super) fn clean(text: &str, most: usize) -> String {
    let mut shown = String::new();
    for (at, c) in text.chars().enumerate() {
        if at == most {
            shown.push('…');
            break;
        }
        // Marks that turn the direction of writing could make a line read as another.
        if c.is_control() || matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}') {
            shown.extend(c.escape_default());
        } else {
            shown.push(c);
        }
    }
    shown
}

/// The same for a text of several lines: line ends and tabs stay.
pub(super) fn clean_lines(text: &str, most: usize) -> String {
    clean(text, most).replace("\\r\\n", "\n").replace("\\n", "\n").replace("\\t", "\t")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_text_from_outside_cannot_steer_the_terminal() {
        assert_eq!(clean("a\u{1b}[31mb\nc\u{202e}", 100), "a\\u{1b}[31mb\\nc\\u{202e}");
        assert_eq!(clean("ääää", 2), "ää…");
        assert_eq!(clean_lines("{\n\t\"a\": \u{1b}}", 100), "{\n\t\"a\": \\u{1b}}");
    }

    #[test]
    fn times_are_texts_in_the_machines_form() {
        assert_eq!(
            machine(&json!([{"created_at": 0, "ended_at": null, "seen": 3}])),
            json!([{"created_at": "1970-01-01T00:00:00Z", "ended_at": null, "seen": 3}])
        );
    }
}
