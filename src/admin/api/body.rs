//! What a request of the API has sent: JSON of a known form.

use rocket::{
    Data, Request,
    data::{FromData, Outcome},
    http::Status,
};
use serde::{
    Deserialize, Deserializer,
    de::{DeserializeOwned, Error as _},
};
use serde_json::{Map, Value, json};
use sha2::{Digest as _, Sha256};
use utoipa::ToSchema;

use crate::admin::{refused::Refused, sent::Sent};

/// A JSON body: `sent: Result<Body<T>, Refused>`, and `let sent = sent?;` first.
#[derive(Debug)]
pub(super) struct Body<T> {
    /// What was sent.
    pub(super) value: T,
    /// Of the method, the address and the body: what makes two requests the same.
    pub(super) digest: [u8; 32],
}

/// The body of a write that needs no words: none, `null` or `{}`.
/// The document leaves it out.
#[derive(Debug, ToSchema)]
pub(super) struct Empty;

impl<'de> Deserialize<'de> for Empty {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let value = Option::<Map<String, Value>>::deserialize(deserializer)?;
        if value.is_none_or(|map| map.is_empty()) {
            return Ok(Self);
        }
        Err(D::Error::custom("nothing wanted, or an empty object"))
    }
}

#[rocket::async_trait]
impl<'r, T: DeserializeOwned + Send> FromData<'r> for Body<T> {
    type Error = Refused;

    async fn from_data(request: &'r Request<'_>, mut data: Data<'r>) -> Outcome<'r, Self, Refused> {
        let kind = request.headers().get_one("Content-Type");
        let is_json = request.content_type().is_some_and(|kind| kind.is_json());
        let wrong = kind.is_some() && !is_json;
        let has_body = !data.peek(1).await.is_empty();
        if wrong || (kind.is_none() && has_body) {
            let refused = Refused::new(415, "content_type", "Send a JSON body, with Content-Type: application/json.");
            return Outcome::Error((Status::UnsupportedMediaType, refused));
        }
        match Sent::from_data(request, data).await {
            Outcome::Success(sent) => match read(request, &sent) {
                Ok(body) => Outcome::Success(body),
                Err(refused) => Outcome::Error((Status::new(refused.status), refused)),
            },
            Outcome::Error(error) => Outcome::Error(error),
            Outcome::Forward(forward) => Outcome::Forward(forward),
        }
    }
}

fn read<T: DeserializeOwned>(request: &Request<'_>, sent: &Sent) -> Result<Body<T>, Refused> {
    let given = sent.body();
    let value = given.cloned().unwrap_or_default();
    if let Some(place) = nul_in(&value, "") {
        let place = place.trim_start_matches('.').to_owned();
        let refused =
            Refused::new(422, "invalid", format!("`{place}` holds a NUL character, which nothing here can hold."));
        return Err(refused.with(json!({ "path": place })));
    }
    if !matches!(value, Value::Object(_) | Value::Null) {
        return Err(Refused::new(422, "invalid", "The body does not fit: an object wanted."));
    }
    let mut digest = Sha256::new();
    for part in [request.method().as_str(), "\n", &request.uri().to_string(), "\n", &value.to_string()] {
        digest.update(part.as_bytes());
    }
    let read = serde_path_to_error::deserialize(value).map_err(|error| {
        if given.is_none() {
            return Refused::invalid("Send a JSON body, with Content-Type: application/json.");
        }
        let place = error.path().to_string();
        let at = if place == "." { String::new() } else { format!(" at `{place}`") };
        let message = format!("The body does not fit{at}: {}.", error.inner());
        Refused::new(422, "invalid", message).with(json!({ "path": place }))
    })?;

    Ok(Body { value: read, digest: digest.finalize().into() })
}

/// Reads a list of objects: `serde` would take a list of values for one too.
pub(super) fn objects<'de, D: Deserializer<'de>, T: DeserializeOwned>(deserializer: D) -> Result<Vec<T>, D::Error> {
    let list = Vec::<Map<String, Value>>::deserialize(deserializer)?;
    let read = |map| serde_json::from_value(Value::Object(map)).map_err(D::Error::custom);
    list.into_iter().map(read).collect()
}

/// Where a name or a text holds a NUL character, which PostgreSQL does not store. `None`: nowhere.
fn nul_in(value: &Value, at: &str) -> Option<String> {
    match value {
        Value::String(text) => text.contains('\0').then(|| at.to_owned()),
        Value::Array(list) => {
            list.iter().zip(0_usize..).find_map(|(value, place)| nul_in(value, &format!("{at}[{place}]")))
        }
        Value::Object(map) => map.iter().find_map(|(name, value)| {
            let place = format!("{at}.{}", name.replace('\0', "\u{fffd}"));
            if name.contains('\0') { Some(place) } else { nul_in(value, &place) }
        }),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_nul_character_is_found_wherever_it_stands() {
        assert_eq!(nul_in(&json!({"a": [1, {"b": "x\0"}]}), ""), Some(".a[1].b".to_owned()));
        assert_eq!(nul_in(&json!({"a\0": 1}), ""), Some(".a\u{fffd}".to_owned()));
        assert_eq!(nul_in(&json!({"a": ["\\u0000"]}), ""), None);
    }
}
