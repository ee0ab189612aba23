//! Handshakes: what a service asks once, when a hook is set up, to know that the address is ours.

use subtle::ConstantTimeEq as _;

use super::{Request, signature::is_one_of};
use crate::{
    secret::Secret,
    value::{JsonLimits, Path, Value, read_json},
};

/// Letters of a challenge that are sent back.
const LONGEST: usize = 256;

/// A handshake, as data.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Challenge {
    /// A delivery that was verified, whose body has these values, is answered with the text at a place in it.
    Body {
        /// Places in the body and what must stand there.
        when: Vec<(Path, String)>,
        /// Where the answer stands.
        answer: Path,
    },
    /// A `GET` whose query has these values and a token of ours is answered with the value of a parameter.
    Query {
        /// Parameters and what they must be.
        when: Vec<(String, String)>,
        /// The parameter that holds the token.
        token: String,
        /// The name of the secret that the token must be.
        secret: String,
        /// The parameter that is sent back.
        answer: String,
    },
    /// An `OPTIONS` with `WebHook-Request-Origin` of one of these is allowed, as the webhook specification of `CloudEvents` has it.
    Origins(Vec<String>),
}

impl Challenge {
    /// The name of the secret that it needs. `None`: none.
    pub fn secret(&self) -> Option<&str> {
        match self {
            Self::Query { secret, .. } => Some(secret),
            Self::Body { .. } | Self::Origins(_) => None,
        }
    }

    /// The same with another name of its secret.
    pub(super) fn with_secret(mut self, name: impl Fn(&str) -> String) -> Self {
        if let Self::Query { secret, .. } = &mut self {
            *secret = name(secret);
        }
        self
    }

    /// The parameter of the query that holds a token, and so is never kept.
    pub(super) fn hidden(&self) -> Option<&str> {
        match self {
            Self::Query { token, .. } => Some(token),
            Self::Body { .. } | Self::Origins(_) => None,
        }
    }

    /// The answer to a delivery that was verified. `None`: it is an event like others.
    pub fn of_body(&self, body: &[u8]) -> Option<String> {
        let Self::Body { when, answer } = self else { return None };
        let parsed = read_json(body, JsonLimits::default()).ok()?;
        let is = |(path, wanted): &(Path, String)| path.find(&parsed.value).and_then(Value::as_str) == Some(wanted);
        let text = when.iter().all(is).then(|| answer.find(&parsed.value).and_then(Value::as_str)).flatten()?;
        is_plain(text).then(|| text.to_owned())
    }

    /// The answer to a `GET`. `Err` says for the operator what did not fit. `live` are the values of `secret`.
    pub fn of_query(&self, request: &Request<'_>, live: &[Secret]) -> Result<String, &'static str> {
        let Self::Query { when, token, answer, .. } = self else { return Err("this source answers none by GET") };
        let one = |name: &str| {
            let mut values = request.query.iter().filter(|(known, _)| known == name).map(|(_, value)| value.as_str());
            values.next().filter(|_| values.next().is_none())
        };
        let fits = |(name, wanted): &(String, String)| {
            one(name).is_some_and(|value| bool::from(value.as_bytes().ct_eq(wanted.as_bytes())))
        };
        if !when.iter().all(fits) {
            return Err("the query is not that of a challenge");
        }
        let token = one(token).ok_or("the token is missing")?;
        if !is_one_of(token.as_bytes(), live) {
            return Err("the token is not that of the secret");
        }
        let text = one(answer).ok_or("the challenge is missing")?;
        if is_plain(text) { Ok(text.to_owned()) } else { Err("the challenge has other letters than A-Z a-z 0-9 . _ -") }
    }

    /// The origin that may send, of an `OPTIONS`. `None`: it may not.
    pub fn of_origin(&self, request: &Request<'_>) -> Option<String> {
        let Self::Origins(known) = self else { return None };
        let mut values = request.header("webhook-request-origin");
        let value = values.next().filter(|_| values.next().is_none())?;
        let text = std::str::from_utf8(value).ok().filter(|text| is_plain(text))?;
        known.iter().find(|origin| origin.eq_ignore_ascii_case(text)).cloned()
    }
}

/// Whether a text may be sent back: short, and nothing that a browser could take for a page.
fn is_plain(text: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-');
    !text.is_empty() && text.len() <= LONGEST && text.bytes().all(plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn query(pairs: &[(&str, &str)]) -> Result<String, &'static str> {
        let challenge = crate::services::presets::challenge("meta").unwrap();
        let query: Vec<_> = pairs.iter().map(|(n, v)| ((*n).to_owned(), (*v).to_owned())).collect();
        let request = Request { headers: &[], query: &query, path: &[], body: b"" };
        challenge.of_query(&request, &[Secret::new("our-own-token".to_owned())])
    }

    #[test]
    fn a_get_is_answered_for_the_token_alone() {
        let mode = ("hub.mode", "subscribe");
        let token = ("hub.verify_token", "our-own-token");
        assert_eq!(query(&[mode, token, ("hub.challenge", "1158201444")]).as_deref(), Ok("1158201444"));
        let long = "1".repeat(257);
        for wrong in [
            vec![],
            vec![mode, token],
            vec![mode, ("hub.challenge", "1")],
            vec![token, ("hub.challenge", "1")],
            vec![("hub.mode", "unsubscribe"), token, ("hub.challenge", "1")],
            vec![mode, ("hub.verify_token", "our-own-toke"), ("hub.challenge", "1")],
            vec![mode, ("hub.verify_token", ""), ("hub.challenge", "1")],
            vec![mode, token, token, ("hub.challenge", "1")],
            vec![mode, token, ("hub.challenge", "1"), ("hub.challenge", "2")],
            vec![mode, token, ("hub.challenge", "<script>")],
            vec![mode, token, ("hub.challenge", "")],
            vec![mode, token, ("hub.challenge", long.as_str())],
        ] {
            assert!(query(&wrong).is_err(), "{wrong:?}");
        }
    }

    #[test]
    fn a_body_is_answered_where_it_asks() {
        let challenge = crate::services::presets::challenge("slack").unwrap();
        let of = |body: &str| challenge.of_body(body.as_bytes());
        assert_eq!(of(r#"{"type":"url_verification","challenge":"3eZbrw1aBm2r"}"#).as_deref(), Some("3eZbrw1aBm2r"));
        for other in [
            r#"{"type":"event_callback","challenge":"3eZ"}"#,
            r#"{"type":"url_verification"}"#,
            r#"{"type":"url_verification","challenge":"<b>"}"#,
            r#"{"type":"url_verification","challenge":5}"#,
            "url_verification",
        ] {
            assert_eq!(of(other), None, "{other}");
        }
    }
}
