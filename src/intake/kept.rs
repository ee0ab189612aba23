//! What of a delivery's headers and query is kept for rules to see: few, short, and nothing that proves anything.

use std::borrow::Cow;

use rocket::Request;
use serde_json::{Map, Value};

/// The header that counts the hops of a chain of our own events; our actions send it with the depth of the event they act on, plus one.
pub const DEPTH: &str = "bellwire-depth";

/// Headers, and query values, that are kept.
const MOST: usize = 50;
/// Bytes of a value that are kept.
const LONGEST: usize = 1024;
/// Never kept: proofs, what is of one hop, what says nothing about the event.
const DROPPED: [&str; 20] = [
    "authorization",
    "proxy-authorization",
    "cookie",
    "accept",
    "accept-encoding",
    "accept-language",
    "cache-control",
    "connection",
    "content-encoding",
    "content-length",
    "expect",
    "forwarded",
    "host",
    "keep-alive",
    "pragma",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
    "referer",
];
/// Parts of a name that tell of a proof, whoever invented it.
const TELLING: [&str; 8] = ["signature", "token", "secret", "hmac", "password", "api-key", "apikey", "api_key"];

/// The parts of a request that packs look at, decoded once.
#[derive(Debug)]
pub(super) struct Parts {
    /// Names in lower case.
    pub(super) headers: Vec<(String, Vec<u8>)>,
    pub(super) query: Vec<(String, String)>,
}

impl Parts {
    pub(super) fn of(request: &Request<'_>) -> Self {
        let headers = request
            .headers()
            .iter()
            .map(|header| (header.name().as_str().to_ascii_lowercase(), header.value().as_bytes().to_vec()))
            .filter(|(name, _)| !name.starts_with("x-bellwire-"))
            .collect();
        let query = request.uri().query().map_or("", |query| query.as_str());
        let query = url::form_urlencoded::parse(query.as_bytes())
            .map(|(name, value)| (name.into_owned(), value.into_owned()))
            .collect();
        Self { headers, query }
    }

    /// The value of a header that stands there once, as text. `None` otherwise.
    pub(super) fn one(&self, name: &str) -> Option<Cow<'_, str>> {
        let mut values = self.headers.iter().filter(|(known, _)| known == name).map(|(_, value)| value);
        let value = values.next()?;
        values.next().is_none().then(|| String::from_utf8_lossy(value))
    }

    /// How deep in a chain of our own events this one stands: the largest that a header says, 0 where none does.
    pub(super) fn depth(&self) -> u8 {
        let values = self.headers.iter().filter(|(name, _)| name == DEPTH);
        let number = |value: &[u8]| {
            let digits = std::str::from_utf8(value).ok()?.trim();
            let is_number = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
            is_number.then(|| digits.parse::<u8>().unwrap_or(u8::MAX))
        };
        values.filter_map(|(_, value)| number(value)).max().unwrap_or(0)
    }

    /// `{headers, query}` without what `hidden` (lower case) and the lists above name. A name that stands twice is joined by `, `.
    pub(super) fn kept(&self, hidden: &[&str]) -> Map<String, Value> {
        let headers = self.headers.iter().map(|(name, value)| (name.as_str(), String::from_utf8_lossy(value)));
        let query = self.query.iter().map(|(name, value)| (name.as_str(), Cow::Borrowed(value.as_str())));
        let mut kept = Map::new();
        kept.insert("headers".to_owned(), Value::Object(few(headers, hidden)));
        kept.insert("query".to_owned(), Value::Object(few(query, hidden)));
        kept
    }
}

fn few<'v>(pairs: impl Iterator<Item = (&'v str, Cow<'v, str>)>, hidden: &[&str]) -> Map<String, Value> {
    let mut kept = Map::new();
    for (name, value) in pairs {
        let lower = name.to_ascii_lowercase();
        let is_proof = hidden.contains(&lower.as_str()) || TELLING.iter().any(|part| lower.contains(part));
        if is_proof || DROPPED.contains(&lower.as_str()) || name.len() > 128 {
            continue;
        }
        if let Some(Value::String(known)) = kept.get_mut(name) {
            *known = cut(&format!("{known}, {value}"));
        } else if kept.len() < MOST {
            kept.insert(name.to_owned(), Value::String(cut(&value)));
        }
    }
    kept
}

/// The text, no longer than is kept.
fn cut(text: &str) -> String {
    let mut end = LONGEST.min(text.len());
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    text.get(..end).unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn parts(headers: &[(&str, &[u8])], query: &[(&str, &str)]) -> Parts {
        Parts {
            headers: headers.iter().map(|(name, value)| ((*name).to_owned(), value.to_vec())).collect(),
            query: query.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect(),
        }
    }

    #[test]
    fn proofs_are_not_kept_and_the_rest_is() {
        let parts = parts(
            &[
                ("authorization", b"Bearer abc"),
                ("cookie", b"a=b"),
                ("x-gruveo-sha256-hmac", b"00"),
                ("x-hub-signature-256", b"00"),
                ("x-odd", b"hidden by the pack"),
                ("host", b"a"),
                ("content-type", b"application/json"),
                ("x-two", b"1"),
                ("x-two", b"caf\xe9"),
            ],
            &[("token", "abc"), ("api_token", "abc"), ("ticket", "42"), ("key", "abc")],
        );
        let kept = parts.kept(&["x-odd", "key"]);
        let headers = json!({"content-type": "application/json", "x-two": "1, caf\u{fffd}"});
        assert_eq!(Value::Object(kept), json!({"headers": headers, "query": {"ticket": "42"}}));
    }

    #[test]
    fn what_is_kept_is_few_and_short() {
        let long = "é".repeat(2000);
        let names: Vec<String> = (0..200).map(|n| format!("x-{n}")).collect();
        let headers: Vec<(&str, &[u8])> = names.iter().map(|name| (name.as_str(), long.as_bytes())).collect();
        let kept = parts(&headers, &[]).kept(&[]);
        let headers = kept.get("headers").and_then(Value::as_object).unwrap();
        assert_eq!(headers.len(), MOST);
        assert!(headers.values().all(|value| value.as_str().unwrap().len() == LONGEST));
    }

    #[test]
    fn the_depth_is_the_largest_that_is_a_number() {
        let depth = |values: &[&[u8]]| {
            let headers: Vec<(&str, &[u8])> = values.iter().map(|value| (DEPTH, *value)).collect();
            parts(&headers, &[]).depth()
        };
        assert_eq!(depth(&[]), 0);
        assert_eq!(depth(&[b"3"]), 3);
        assert_eq!(depth(&[b"1", b"6"]), 6);
        assert_eq!(depth(&[b"99999999999"]), 255);
        assert_eq!(depth(&[b"-1", b"x", b"", b"+4"]), 0);
    }
}
