//! What the query of a request asks for: known parameters alone, each once, each of its kind.

use std::{fmt::Display, str::FromStr};

use rocket::{
    Request,
    http::Status,
    request::{FromRequest, Outcome},
};
use serde::{
    Deserialize, Deserializer,
    de::{DeserializeOwned, Error as _},
};
use serde_json::{Map, Value};
use utoipa::IntoParams;

use crate::{admin::refused::Refused, clock::Time};

/// The most rows of a page.
const MOST: usize = 1000;
/// The rows of a page that is not asked for otherwise.
const USUAL: usize = 50;

/// The query of a request: `asked: Result<Asked<T>, Refused>`, and `let Asked(asked) = asked?;` first.
#[derive(Debug)]
pub(super) struct Asked<T>(pub(super) T);

#[rocket::async_trait]
impl<'r, T: DeserializeOwned> FromRequest<'r> for Asked<T> {
    type Error = Refused;

    async fn from_request(request: &'r Request<'_>) -> Outcome<Self, Refused> {
        let query = request.uri().query().map(|query| query.as_str()).unwrap_or_default();
        match read(query) {
            Ok(asked) => Outcome::Success(Self(asked)),
            Err(refused) => Outcome::Error((Status::new(refused.status), refused)),
        }
    }
}

fn read<T: DeserializeOwned>(query: &str) -> Result<T, Refused> {
    let mut map = Map::new();
    for (name, value) in url::form_urlencoded::parse(query.as_bytes()) {
        if name.contains('\0') || value.contains('\0') {
            return Err(Refused::invalid("The query holds a NUL character, which nothing here can hold."));
        }
        if map.insert(name.to_string(), Value::String(value.into_owned())).is_some() {
            return Err(Refused::invalid(format!("The query has `{name}` twice.")));
        }
    }
    serde_path_to_error::deserialize(Value::Object(map)).map_err(|error| {
        let why = error.inner().to_string().replace("unknown field", "unknown parameter");
        match error.path().to_string().as_str() {
            "." => Refused::invalid(format!("The query: {why}.")),
            name if why.contains("unknown parameter") => {
                Refused::invalid(format!("The query: {why}.")).with(serde_json::json!({"parameter": name}))
            }
            name => {
                Refused::invalid(format!("The query's `{name}`: {why}.")).with(serde_json::json!({"parameter": name}))
            }
        }
    })
}

/// No parameters at all.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Nothing {}

/// A page, and nothing else.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct Page {
    /// Items of a page: 50 unless set.
    #[param(value_type = u32, required = false, minimum = 1, maximum = 1000)]
    #[serde(default)]
    pub(super) limit: Limit,
    /// `next` of the page before.
    #[param(value_type = String, required = false)]
    pub(super) cursor: Option<String>,
}

/// How many items of a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Limit(pub(super) usize);

impl Default for Limit {
    fn default() -> Self {
        Self(USUAL)
    }
}

impl<'de> Deserialize<'de> for Limit {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let number = plain_number(&text).filter(|number| (1..=MOST).contains(number));
        number.map(Self).ok_or_else(|| D::Error::custom(format!("a whole number from 1 to {MOST} wanted")))
    }
}

/// Digits alone: `parse` would take a plus too.
fn plain_number(text: &str) -> Option<usize> {
    text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse().ok()).flatten()
}

/// Anything that is read of a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Text<T>(pub(super) T);

impl<'de, T: FromStr<Err: Display>> Deserialize<'de> for Text<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map(Self).map_err(D::Error::custom)
    }
}

/// An instant: RFC 3339 with offset.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct At(pub(super) Time);

impl FromStr for At {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Time::parse(text).map(Self).ok_or("a time with its offset wanted, such as 2026-03-01T10:00:00Z")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_known_stands_twice_or_does_not_fit_is_named() {
        for (query, part) in [
            ("limits=5", "`limits`"),
            ("limit=5&limit=6", "`limit` twice"),
            ("limit=0", "`limit`: a whole number from 1 to 1000"),
            ("limit=+7", "whole number"),
            ("limit=1001", "whole number"),
            ("cursor=%00", "NUL"),
        ] {
            let refused = read::<Page>(query).err();
            assert!(refused.as_ref().is_some_and(|refused| refused.status == 400), "{query}: {refused:?}");
            assert!(refused.as_ref().is_some_and(|refused| refused.message.contains(part)), "{query}: {refused:?}");
        }
        let page = read::<Page>("limit=7&cursor=a%2Fb").unwrap();
        assert_eq!((page.limit, page.cursor.as_deref()), (Limit(7), Some("a/b")));
        assert_eq!(read::<Page>("").unwrap().limit, Limit(50));
        assert!(read::<Nothing>("").is_ok() && read::<Nothing>("a=1").is_err());
    }
}
