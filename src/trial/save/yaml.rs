//! A value as YAML that people would have written: short things on one line, long ones in blocks.

use crate::value::{Object, Value};

/// Columns that a list or map on one line may take.
const LINE: usize = 88;

/// A value on one line.
pub(super) fn flow(value: &Value) -> String {
    match value {
        Value::Array(list) if list.is_empty() => "[]".to_owned(),
        Value::Array(list) => format!("[{}]", list.iter().map(flow).collect::<Vec<_>>().join(", ")),
        Value::Object(map) if map.is_empty() => "{}".to_owned(),
        Value::Object(map) => {
            let entries: Vec<String> =
                map.iter().map(|(name, value)| format!("{}: {}", text(name), flow(value))).collect();
            format!("{{ {} }}", entries.join(", "))
        }
        Value::String(string) => text(string),
        other => other.to_string(),
    }
}

/// The entries of a map in lines of their own.
pub(super) fn lines(map: &Object) -> Vec<String> {
    let mut all = Vec::new();
    for (name, value) in map {
        let short = flow(value);
        let fits = short.chars().count() + name.len() <= LINE;
        match value {
            Value::Object(inner) if !inner.is_empty() && !fits => {
                all.push(format!("{}:", text(name)));
                all.extend(indented(lines(inner)));
            }
            // A list of effects reads best with one in a line.
            Value::Array(list) if !list.is_empty() && (!fits || name == "expect") => {
                all.push(format!("{}:", text(name)));
                all.extend(indented(elements(list)));
            }
            _ => all.push(format!("{}: {short}", text(name))),
        }
    }
    all
}

/// The elements of a list, each with its dash.
pub(super) fn elements(list: &[Value]) -> Vec<String> {
    let mut all = Vec::new();
    for value in list {
        let inner = match value {
            Value::Object(map) if !map.is_empty() => lines(map),
            other => vec![flow(other)],
        };
        for (at, line) in inner.into_iter().enumerate() {
            all.push(format!("{}{line}", if at == 0 { "- " } else { "  " }));
        }
    }
    all
}

fn indented(lines: Vec<String>) -> impl Iterator<Item = String> {
    lines.into_iter().map(|line| format!("  {line}"))
}

/// A text without quotes where every reader takes it for the same text.
fn text(text: &str) -> String {
    let first = text.chars().next();
    let is_plain = first.is_some_and(|c| c.is_ascii_alphabetic() || c == '_')
        && text.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '/' | '-'))
        && !matches!(
            text.to_ascii_lowercase().as_str(),
            "true" | "false" | "null" | "yes" | "no" | "on" | "off" | "y" | "n" | "nan"
        );
    if is_plain { text.to_owned() } else { quoted(text) }
}

fn quoted(text: &str) -> String {
    let mut quoted = String::from("\"");
    for c in text.chars() {
        match c {
            '"' => quoted.push_str("\\\""),
            '\\' => quoted.push_str("\\\\"),
            '\n' => quoted.push_str("\\n"),
            '\r' => quoted.push_str("\\r"),
            '\t' => quoted.push_str("\\t"),
            _ if is_invisible(c) => {
                let code = u32::from(c);
                quoted.push_str(&if code > 0xffff { format!("\\U{code:08X}") } else { format!("\\u{code:04X}") });
            }
            _ => quoted.push(c),
        }
    }
    quoted.push('"');
    quoted
}

/// Characters that our own reader refuses unless they are written out.
fn is_invisible(c: char) -> bool {
    c.is_control()
        || matches!(
            c,
            '\u{61c}'
                | '\u{180e}'
                | '\u{200b}'..='\u{200f}'
                | '\u{2028}'..='\u{202e}'
                | '\u{2060}'..='\u{206f}'
                | '\u{feff}'
                | '\u{fff9}'..='\u{fffb}'
                | '\u{e0000}'..='\u{e007f}'
        )
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;
    use crate::value::{YamlLimits, read_yaml};

    fn value() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(json!(null)),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            ".{0,12}".prop_map(Value::from),
            "[-#:?,{}\\[\\]&*!|>'\"%@` a~0-9\\n]{0,6}".prop_map(Value::from),
            Just(json!("x".repeat(120))),
        ];
        leaf.prop_recursive(4, 24, 4, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
                prop::collection::btree_map("[-#: a~0-9.]{0,5}|true|expect", inner, 0..4)
                    .prop_map(|map| Value::Object(map.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]
        #[test]
        fn what_is_written_reads_as_the_same_value(value in value()) {
            let text = elements(&[json!({"name": "x", "value": value})]).join("\n");
            let read = read_yaml(&text, YamlLimits::default());
            prop_assert!(read.is_ok(), "{text}\n{read:?}");
            prop_assert_eq!(read.map(|read| read.value).ok(), Some(json!([{"name": "x", "value": value}])), "{}", text);
            let text = flow(&value);
            prop_assert_eq!(read_yaml(&text, YamlLimits::default()).map(|read| read.value).ok(), Some(value), "{}", text);
        }
    }
}
