//! Reads `application/x-www-form-urlencoded` from outside: bounded, and nothing guessed.

use std::borrow::Cow;

use super::{Object, Value};

/// Pairs of a form, and parts of a multipart body, at most.
pub const MOST_PAIRS: usize = 1_000;
/// Bytes of one name.
pub const LONGEST_NAME: usize = 1024;

/// Why bytes are not a form that is taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum FormError {
    /// A `%` without two hex digits behind it: which pair, from 1.
    #[error("a `%` without two hex digits in pair {0}")]
    Escape(usize),
    /// Not UTF-8 once decoded: which pair, from 1.
    #[error("pair {0} is not UTF-8")]
    NotUtf8(usize),
    /// More than [`MOST_PAIRS`].
    #[error("more than {MOST_PAIRS} pairs")]
    TooMany,
    /// A name longer than [`LONGEST_NAME`].
    #[error("a name longer than {LONGEST_NAME} bytes")]
    LongName,
}

impl FormError {
    /// The word of this refusal on the wire.
    pub fn code(self) -> &'static str {
        match self {
            Self::Escape(_) => "bad_escape",
            Self::NotUtf8(_) => "not_utf8",
            Self::TooMany => "too_many_pairs",
            Self::LongName => "long_key",
        }
    }
}

/// Reads a form: an object in the order of its names, a name that stands more than once with a list, every value a text. Empty bytes are an
/// empty object.
pub fn read_form(bytes: &[u8]) -> Result<Value, FormError> {
    let mut fields = Object::new();
    let mut seen = 0;
    for pair in bytes.split(|byte| *byte == b'&').filter(|pair| !pair.is_empty()) {
        seen += 1;
        if seen > MOST_PAIRS {
            return Err(FormError::TooMany);
        }
        let mut halves = pair.splitn(2, |byte| *byte == b'=');
        let name = decoded(halves.next().unwrap_or_default(), seen)?;
        if name.len() > LONGEST_NAME {
            return Err(FormError::LongName);
        }
        let value = decoded(halves.next().unwrap_or_default(), seen)?;
        put_field(&mut fields, name.into_owned(), Value::String(value.into_owned()));
    }
    Ok(Value::Object(fields))
}

/// Puts a value beside those of the same name: the second makes a list of them. Values are never lists themselves.
pub fn put_field(fields: &mut Object, name: String, value: Value) {
    match fields.get_mut(&name) {
        Some(Value::Array(list)) => list.push(value),
        Some(first) => *first = Value::Array(vec![first.take(), value]),
        None => {
            fields.insert(name, value);
        }
    }
}

fn decoded(bytes: &[u8], pair: usize) -> Result<Cow<'_, str>, FormError> {
    if !bytes.iter().any(|byte| matches!(byte, b'%' | b'+')) {
        return std::str::from_utf8(bytes).map(Cow::Borrowed).map_err(|_| FormError::NotUtf8(pair));
    }
    let mut plain = Vec::with_capacity(bytes.len());
    let mut rest = bytes.iter();
    while let Some(&byte) = rest.next() {
        plain.push(match byte {
            b'+' => b' ',
            b'%' => {
                let mut digit = || rest.next().and_then(|digit| char::from(*digit).to_digit(16));
                let (high, low) = (digit(), digit());
                let value = high.zip(low).and_then(|(high, low)| u8::try_from(high * 16 + low).ok());
                value.ok_or(FormError::Escape(pair))?
            }
            byte => byte,
        });
    }
    String::from_utf8(plain).map(Cow::Owned).map_err(|_| FormError::NotUtf8(pair))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn fields_are_texts_and_a_name_that_repeats_is_a_list() {
        let read = |text: &str| read_form(text.as_bytes()).unwrap();
        assert_eq!(
            read("b=1&a=x+y&b=%C3%A4&c&d=&b=%2B&a[]=1"),
            json!({"b": ["1", "ä", "+"], "a": "x y", "c": "", "d": "", "a[]": "1"})
        );
        assert_eq!(read(""), json!({}));
        assert_eq!(read("&&=x&"), json!({"": "x"}));
        assert_eq!(read("a=b=c%3D"), json!({"a": "b=c="}));
        assert_eq!(read("a=%00"), json!({"a": "\0"}), "data, as in JSON");
    }

    #[test]
    fn bad_escapes_and_bad_text_are_refused() {
        for (text, error) in [
            (&b"a=%zz"[..], FormError::Escape(1)),
            (b"x=1&a=%4", FormError::Escape(2)),
            (b"a%", FormError::Escape(1)),
            (b"a=%+1", FormError::Escape(1)),
            (b"a=%ff", FormError::NotUtf8(1)),
            (b"a=\xff", FormError::NotUtf8(1)),
            (b"a=%c0%80", FormError::NotUtf8(1)),
        ] {
            assert_eq!(read_form(text), Err(error), "{text:?}");
        }
    }

    #[test]
    fn pairs_and_names_are_bounded() {
        assert!(read_form("a=1&".repeat(MOST_PAIRS).as_bytes()).is_ok());
        assert_eq!(read_form("a=1&".repeat(100_000).as_bytes()), Err(FormError::TooMany));
        assert_eq!(read_form("k".repeat(LONGEST_NAME + 1).as_bytes()), Err(FormError::LongName));
    }
}
