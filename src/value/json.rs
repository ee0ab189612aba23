//! Reads JSON from outside: bounded, and never silently rounded.

use std::{cell::Cell, fmt};

use serde::de::{DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::{Number, Value};

use super::Object;

/// What a JSON text may hold at most.
#[derive(Debug, Clone, Copy)]
pub struct JsonLimits {
    /// Levels of lists and objects.
    pub depth: usize,
    /// Names of all objects together.
    pub keys: usize,
    /// Bytes of one name.
    pub key_bytes: usize,
}

impl Default for JsonLimits {
    fn default() -> Self {
        Self { depth: 64, keys: 10_000, key_bytes: 1024 }
    }
}

/// A JSON text that was read.
#[derive(Debug, Clone, PartialEq)]
pub struct Parsed {
    /// The value; of a name that stands twice in an object, the last.
    pub value: Value,
    /// Whether a name stood twice in an object.
    pub duplicate_keys: bool,
}

/// Why bytes are not JSON that is taken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum JsonError {
    /// Not JSON at all, with line and column (from 1).
    #[error("not JSON at line {line}, column {column}")]
    Syntax { line: usize, column: usize },
    /// More levels than allowed.
    #[error("nested deeper than {0} levels")]
    TooDeep(usize),
    /// More names than allowed, or a longer one.
    #[error("more than {0} names in objects")]
    TooManyKeys(usize),
    /// A longer name than allowed.
    #[error("a name longer than {0} bytes")]
    LongKey(usize),
    /// An integer that cannot be kept digit for digit, or a number out of range.
    #[error("a number that cannot be kept exactly")]
    Number,
}

impl JsonError {
    /// The word of this refusal on the wire.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Syntax { .. } => "not_json",
            Self::TooDeep(_) => "too_deep",
            Self::TooManyKeys(_) => "too_many_keys",
            Self::LongKey(_) => "long_key",
            Self::Number => "number",
        }
    }
}

/// Reads one JSON value, and nothing after it but white space.
pub fn read_json(bytes: &[u8], limits: JsonLimits) -> Result<Parsed, JsonError> {
    let seen = Seen { limits, keys: Cell::new(0), duplicate: Cell::new(false), fault: Cell::new(None) };
    let mut deserializer = serde_json::Deserializer::from_slice(bytes);
    // Our own limit is lower, and serde_json's own one stays on as the second.
    let read = Node { seen: &seen, depth: 0 }.deserialize(&mut deserializer);
    let read = read.and_then(|value| deserializer.end().map(|()| value));
    match read {
        Ok(value) if integers_fit(bytes) => Ok(Parsed { value, duplicate_keys: seen.duplicate.get() }),
        Ok(_) => Err(JsonError::Number),
        Err(error) => Err(seen.fault.take().unwrap_or_else(|| syntax(&error))),
    }
}

fn syntax(error: &serde_json::Error) -> JsonError {
    let text = error.to_string();
    if text.starts_with("number out of range") {
        return JsonError::Number;
    }
    if text.starts_with("recursion limit") {
        return JsonError::TooDeep(JsonLimits::default().depth);
    }
    JsonError::Syntax { line: error.line(), column: error.column() }
}

struct Seen {
    limits: JsonLimits,
    keys: Cell<usize>,
    duplicate: Cell<bool>,
    fault: Cell<Option<JsonError>>,
}

impl Seen {
    fn refuse<E: serde::de::Error>(&self, fault: JsonError) -> E {
        let error = E::custom(&fault);
        self.fault.set(Some(fault));
        error
    }
}

#[derive(Clone, Copy)]
struct Node<'s> {
    seen: &'s Seen,
    depth: usize,
}

impl Node<'_> {
    fn deeper<E: serde::de::Error>(self) -> Result<Self, E> {
        let limit = self.seen.limits.depth;
        if self.depth >= limit {
            return Err(self.seen.refuse(JsonError::TooDeep(limit)));
        }
        Ok(Self { depth: self.depth + 1, ..self })
    }
}

impl<'de> DeserializeSeed<'de> for Node<'_> {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Node<'_> {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(Value::Number(value.into()))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(Value::Number(value.into()))
    }

    fn visit_f64<E: serde::de::Error>(self, value: f64) -> Result<Value, E> {
        Number::from_f64(value).map(Value::Number).ok_or_else(|| self.seen.refuse(JsonError::Number))
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(Value::String(value.to_owned()))
    }

    fn visit_string<E>(self, value: String) -> Result<Value, E> {
        Ok(Value::String(value))
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut access: A) -> Result<Value, A::Error> {
        let inner = self.deeper()?;
        let mut list = Vec::new();
        while let Some(value) = access.next_element_seed(inner)? {
            list.push(value);
        }
        Ok(Value::Array(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<Value, A::Error> {
        let inner = self.deeper()?;
        let limits = self.seen.limits;
        let mut object = Object::new();
        while let Some(name) = access.next_key::<String>()? {
            if name.len() > limits.key_bytes {
                return Err(self.seen.refuse(JsonError::LongKey(limits.key_bytes)));
            }
            self.seen.keys.set(self.seen.keys.get() + 1);
            if self.seen.keys.get() > limits.keys {
                return Err(self.seen.refuse(JsonError::TooManyKeys(limits.keys)));
            }
            let value = access.next_value_seed(inner)?;
            if object.insert(name, value).is_some() {
                self.seen.duplicate.set(true);
            }
        }
        Ok(Value::Object(object))
    }
}

/// Whether every integer literal of a valid JSON text fits 64 bits: a longer one would silently become a float.
fn integers_fit(json: &[u8]) -> bool {
    /// Digits that always fit.
    const SAFE: usize = 18;
    let mut at = 0;
    while let Some(&byte) = json.get(at) {
        if byte == b'"' {
            at = end_of_string(json, at);
            continue;
        }
        if !(byte == b'-' || byte.is_ascii_digit()) {
            at += 1;
            continue;
        }
        let rest = json.get(at..).unwrap_or_default();
        let length = rest.iter().position(|b| !matches!(b, b'0'..=b'9' | b'-' | b'+' | b'.' | b'e' | b'E'));
        let literal = rest.get(..length.unwrap_or(rest.len())).unwrap_or_default();
        if literal.len() > SAFE && literal.iter().all(|b| b.is_ascii_digit() || *b == b'-') {
            let text = std::str::from_utf8(literal).unwrap_or_default();
            if text.parse::<i64>().is_err() && text.parse::<u64>().is_err() {
                return false;
            }
        }
        at += literal.len();
    }
    true
}

fn end_of_string(json: &[u8], start: usize) -> usize {
    let mut at = start + 1;
    while let Some(&byte) = json.get(at) {
        match byte {
            b'"' => return at + 1,
            b'\\' => at += 2,
            _ => at += 1,
        }
    }
    at
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn read(text: &str) -> Result<Parsed, JsonError> {
        read_json(text.as_bytes(), JsonLimits::default())
    }

    fn nested(depth: usize) -> String {
        format!("{}{}", "[".repeat(depth), "]".repeat(depth))
    }

    #[test]
    fn values_are_read_in_order() {
        let parsed = read(r#"{"b":1,"a":[true,null,"x",-0.5],"\u0000":18446744073709551615}"#).unwrap();
        assert_eq!(parsed.value, json!({"b": 1, "a": [true, null, "x", -0.5], "\0": u64::MAX}));
        assert!(!parsed.duplicate_keys);
        let text = serde_json::to_string(&parsed.value).unwrap();
        assert_eq!(text, r#"{"b":1,"a":[true,null,"x",-0.5],"\u0000":18446744073709551615}"#);
    }

    #[test]
    fn a_name_that_stands_twice_is_told() {
        let parsed = read(r#"{"a":1,"\u0061":2}"#).unwrap();
        assert_eq!(parsed, Parsed { value: json!({"a": 2}), duplicate_keys: true });
    }

    #[test]
    fn depth_and_keys_are_bounded() {
        assert!(read(&nested(64)).is_ok());
        assert_eq!(read(&nested(65)), Err(JsonError::TooDeep(64)));
        assert_eq!(read(&nested(100_000)), Err(JsonError::TooDeep(64)));
        assert_eq!(read(&format!("{{\"{}\":1}}", "k".repeat(1025))), Err(JsonError::LongKey(1024)));
        let many: Vec<String> = (0..10_001).map(|n| format!("\"k{n}\":0")).collect();
        assert_eq!(read(&format!("{{{}}}", many.join(","))), Err(JsonError::TooManyKeys(10_000)));
    }

    #[test]
    fn numbers_are_kept_exactly_or_refused() {
        assert_eq!(read("1e400"), Err(JsonError::Number));
        assert_eq!(read("18446744073709551616"), Err(JsonError::Number));
        assert_eq!(read("[-9223372036854775809]"), Err(JsonError::Number));
        assert_eq!(read("-9223372036854775808").unwrap().value, json!(i64::MIN));
        assert_eq!(read(r#""18446744073709551616""#).unwrap().value, json!("18446744073709551616"));
        assert_eq!(read(r#"{"18446744073709551616\"":1.5}"#).unwrap().value, json!({"18446744073709551616\"": 1.5}));
        assert_eq!(read("-0").unwrap().value.to_string(), "-0.0");
    }

    #[test]
    fn what_is_not_json_is_refused() {
        for bytes in [
            &b"NaN"[..],
            b"",
            b"{",
            b"1 2",
            b"\"\\ud800\"",
            b"\"\xff\"",
            b"\xef\xbb\xbf1",
            b"Infinity",
            b"\"\xc0\x80\"",
        ] {
            assert!(matches!(read_json(bytes, JsonLimits::default()), Err(JsonError::Syntax { .. })), "{bytes:?}");
        }
    }
}
