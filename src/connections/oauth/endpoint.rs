//! The place where tokens are had (RFC 6749, sections 3.2, 4.1.3, 4.4 and 6): one request, and what its answer means.

use std::time::Duration;

use base64::{Engine, engine::general_purpose::STANDARD};
use http::{HeaderMap, HeaderValue, Method, header};
use serde_json::{Map, Value};
use url::{Url, form_urlencoded};
use zeroize::Zeroizing;

use crate::{
    clock::Time,
    net::{Client, Outgoing},
    secret::{SHORTEST, Secret},
    services::OAuth2,
    store::NewGrant,
};

/// Of the whole exchange: a step waits for it.
const TIMEOUT: Duration = Duration::from_secs(15);
/// Bytes of an answer; tokens with all that is told beside them take a few thousand.
const LARGEST: usize = 64 * 1024;
/// Bytes of a token: what fits a header of common servers.
const LONGEST_TOKEN: usize = 16 * 1024;
/// Characters of what the other side says that are kept.
const SAID: usize = 200;
/// Longer than any token lives: what is above is a slip.
const LONGEST_LIFE: u64 = 10 * 366 * 86_400;

/// Words for "this grant is no more": RFC 6749, section 5.2, and those of services that have their own (GitHub; Slack).
const GONE: [&str; 3] = ["invalid_grant", "bad_refresh_token", "invalid_refresh_token"];

/// Where a connection's tokens are had, and as whom.
#[derive(Clone)]
pub(in crate::connections) struct Endpoint {
    pub(in crate::connections) connection: String,
    pub(in crate::connections) oauth2: OAuth2,
    pub(in crate::connections) url: Url,
    pub(in crate::connections) client_id: Secret,
    pub(in crate::connections) client_secret: Option<Secret>,
}

/// What came of asking for tokens. Sentences may hold what the other side has echoed: mask them.
pub(super) enum Asked {
    /// There they are.
    Granted(Box<NewGrant>),
    /// Not now.
    Later(String),
    /// The grant is no more.
    Gone(String),
    /// Something is set wrong here or there: asking again as it is leads to nothing.
    Refused(String),
}

impl Endpoint {
    /// Asks with these values of the form; `now` is when.
    pub(super) async fn ask(&self, client: &Client, form: &[(&str, &str)], now: Time) -> Asked {
        let host = self.url.host_str().unwrap_or_default().to_owned();
        let outgoing = match self.outgoing(form) {
            Ok(outgoing) => outgoing,
            Err(why) => return Asked::Refused(why),
        };
        let reply = match client.send(outgoing).await {
            Ok(reply) => reply,
            Err(error) if error.class == crate::model::ErrorClass::EgressDenied => {
                return Asked::Refused(error.message);
            }
            Err(error) => return Asked::Later(error.message),
        };
        let status = reply.status;
        if status >= 500 || matches!(status, 408 | 425 | 429) {
            return Asked::Later(format!("`{host}` answered {status} where tokens are had"));
        }
        if (300..400).contains(&status) {
            return Asked::Refused(format!(
                "`{host}` redirects where tokens are had ({status}), which is not followed"
            ));
        }
        let fits = !reply.truncated && reply.body.len() <= LARGEST;
        let body = if fits { reply.body } else { Vec::new() };
        let answer: Option<Map<String, Value>> = serde_json::from_slice(&body).ok();
        match (answer, status) {
            (Some(answer), _) => read(&answer, status, &host, now),
            // A page of somebody who stands in between.
            (None, 200..=299) => Asked::Later(format!("`{host}` answered {status} without JSON where tokens are had")),
            (None, _) => Asked::Refused(format!("`{host}` answered {status} where tokens are had")),
        }
    }

    fn outgoing(&self, form: &[(&str, &str)]) -> Result<Outgoing, String> {
        let mut headers = HeaderMap::new();
        headers.insert(header::ACCEPT, HeaderValue::from_static("application/json"));
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/x-www-form-urlencoded"));
        let mut body = form_urlencoded::Serializer::new(String::new());
        body.extend_pairs(form);
        let id = self.client_id.expose();
        match &self.client_secret {
            Some(secret) if !self.oauth2.in_form => {
                // RFC 6749, section 2.3.1: both are encoded as in a form first.
                let encode = |text: &str| form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>();
                let pair = Zeroizing::new(format!("{}:{}", encode(id), encode(secret.expose())));
                let value = Zeroizing::new(format!("Basic {}", STANDARD.encode(pair.as_bytes())));
                let mut value = HeaderValue::from_str(&value).map_err(|error| error.to_string())?;
                value.set_sensitive(true);
                headers.insert(header::AUTHORIZATION, value);
            }
            Some(secret) => {
                body.append_pair("client_id", id).append_pair("client_secret", secret.expose());
            }
            None => {
                body.append_pair("client_id", id);
            }
        }
        let body = Some(body.finish().into_bytes());
        Ok(Outgoing { method: Method::POST, url: self.url.clone(), headers, body, timeout: TIMEOUT })
    }
}

/// An answer in JSON. Some services tell errors with a 200.
fn read(answer: &Map<String, Value>, status: u16, host: &str, now: Time) -> Asked {
    let text = |name: &str| answer.get(name).and_then(Value::as_str).filter(|text| !text.is_empty());
    if let Some(error) = text("error") {
        let told = text("error_description").map(|more| format!(": {more}")).unwrap_or_default();
        let said = one_line(&format!("{error}{told}"));
        let sentence = format!("`{host}` says {said}");
        return match error {
            _ if GONE.contains(&error) => Asked::Gone(sentence),
            // RFC 6749, section 4.1.2.1, has these for the page; some answer so here too.
            "temporarily_unavailable" | "server_error" | "slow_down" => Asked::Later(sentence),
            _ => Asked::Refused(sentence),
        };
    }
    let (Some(access), 200..=299) = (text("access_token"), status) else {
        return Asked::Refused(format!("`{host}` answered {status} without an access token"));
    };
    let usable = |token: &str| {
        let fits = (SHORTEST..=LONGEST_TOKEN).contains(&token.len()) && HeaderValue::from_str(token).is_ok();
        fits.then(|| Secret::new(token.to_owned()))
    };
    let Some(access) = usable(access) else {
        return Asked::Refused(format!("`{host}` gave an access token that no header can hold"));
    };
    let refresh = match text("refresh_token") {
        Some(token) if token.len() <= LONGEST_TOKEN && token.len() >= SHORTEST => Some(Secret::new(token.to_owned())),
        Some(_) => return Asked::Refused(format!("`{host}` gave a refresh token that cannot be kept")),
        None => None,
    };
    let life = answer.get("expires_in").and_then(|life| match life {
        Value::Number(number) => number.as_u64().or_else(|| number.as_f64().map(seconds)),
        Value::String(text) => text.parse().ok(),
        _ => None,
    });
    let expires_at = life.map(|life| now.plus(Duration::from_secs(life.min(LONGEST_LIFE))));
    let scopes = one_line(text("scope").unwrap_or_default());
    Asked::Granted(Box::new(NewGrant { access, refresh, expires_at, scopes }))
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a float cast saturates; below a second is 0"
)]
fn seconds(life: f64) -> u64 {
    life as u64
}

/// What the other side says, in one line, cut.
pub(super) fn one_line(said: &str) -> String {
    let line: Vec<&str> = said.split_whitespace().collect();
    line.join(" ").chars().filter(|c| !c.is_control()).take(SAID).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn of(status: u16, answer: Value) -> Asked {
        read(answer.as_object().unwrap(), status, "auth.example.com", Time(1_000_000))
    }

    #[test]
    fn tokens_are_read_with_their_end() {
        for (life, wanted) in [
            (json!(3600), Some(Time(4_600_000))),
            (json!("60"), Some(Time(1_060_000))),
            (json!(1.9), Some(Time(1_001_000))),
            (json!(null), None),
            (json!(-5), Some(Time(1_000_000))),
            (json!("soon"), None),
            (json!(1e300), Some(Time(1_000_000).plus(Duration::from_secs(LONGEST_LIFE)))),
        ] {
            let answer = json!({"access_token": "an-access-token", "refresh_token": "a-refresh-token", "expires_in": life, "scope": "a  b"});
            let Asked::Granted(grant) = of(200, answer) else { panic!("{life}") };
            assert_eq!(grant.expires_at, wanted, "{life}");
            assert_eq!((grant.access.expose(), grant.scopes.as_str()), ("an-access-token", "a b"));
            assert_eq!(grant.refresh.as_ref().map(Secret::expose), Some("a-refresh-token"));
        }
    }

    #[test]
    fn only_what_says_so_is_gone() {
        for error in GONE {
            assert!(matches!(of(400, json!({"error": error})), Asked::Gone(_)), "{error}");
            assert!(matches!(of(200, json!({"error": error})), Asked::Gone(_)), "{error}");
        }
        for (status, answer) in [
            (400, json!({"error": "invalid_client", "error_description": "no\nsuch\u{1b}client"})),
            (401, json!({"message": "unauthorized"})),
            (200, json!({"ok": false})),
            (200, json!({"access_token": ""})),
            (200, json!({"access_token": "short"})),
            (200, json!({"access_token": "two\nlines of it"})),
            (400, json!({"access_token": "an-access-token"})),
            (200, json!({"access_token": "an-access-token", "refresh_token": "short"})),
        ] {
            let Asked::Refused(why) = of(status, answer.clone()) else { panic!("{answer}") };
            assert!(!why.contains('\n') && !why.contains('\u{1b}') && !why.contains("an-access-token"), "{why}");
        }
        assert!(matches!(of(400, json!({"error": "temporarily_unavailable"})), Asked::Later(_)));
    }
}
