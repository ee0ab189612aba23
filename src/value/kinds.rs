//! What a value is, or exactly spells: numbers in text, e-mail addresses, addresses of the web.

use super::{JsonLimits, Value, read_json};

/// Bytes of an e-mail address at most (RFC 5321).
const LONGEST_EMAIL: usize = 254;

/// The JSON number that a value is or, if it is text, exactly spells.
pub fn number_of(value: &Value) -> Option<Value> {
    match value {
        Value::Number(_) => Some(value.clone()),
        Value::String(text) => {
            // JSON allows white space around a value; "exactly" does not.
            let bare = text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'-' | b'+' | b'.' | b'e' | b'E'));
            let parsed = bare.then(|| read_json(text.as_bytes(), JsonLimits::default()).ok()).flatten()?;
            parsed.value.is_number().then_some(parsed.value)
        }
        _ => None,
    }
}

/// The whole number of 64 bits that a value is or, if it is text, exactly spells. `42.0` is `42`.
pub fn whole_number_of(value: &Value) -> Option<Value> {
    /// Above this not every whole number is a float (2^53).
    const EXACT: f64 = 9_007_199_254_740_992.0;
    let Value::Number(number) = number_of(value)? else { return None };
    if number.is_i64() || number.is_u64() {
        return Some(Value::Number(number));
    }
    let float = number.as_f64().filter(|float| float.fract() == 0.0 && float.abs() <= EXACT)?;
    #[expect(clippy::cast_possible_truncation, reason = "whole and within 2^53")]
    let whole = float as i64;
    Some(whole.into())
}

/// Whether a text is one address: a name, `@`, a domain, and nothing that could make it two or end a header.
pub fn is_email(text: &str) -> bool {
    let odd = |c: char| c.is_whitespace() || c.is_control() || matches!(c, ',' | ';' | '<' | '>' | '"' | '(' | ')');
    let Some((name, domain)) = text.rsplit_once('@') else { return false };
    text.len() <= LONGEST_EMAIL
        && !name.is_empty()
        && !name.contains('@')
        && !domain.is_empty()
        && !domain.starts_with('.')
        && !domain.contains('/')
        && !text.contains(odd)
}

/// Whether a text is a whole URL of http or https.
pub fn is_web_url(text: &str) -> bool {
    url::Url::parse(text).is_ok_and(|url| matches!(url.scheme(), "http" | "https") && url.has_host())
}
