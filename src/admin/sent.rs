//! What a request that writes has sent: the fields of a form, or JSON. Its token against forgery is checked before anything is read of it.

use std::io::Cursor;

use rocket::{
    Data, Request,
    data::{FromData, Outcome, ToByteUnit},
    http::Status,
};
use subtle::ConstantTimeEq;

use super::{auth, guard::Visitor, refused::Refused, state::Admin};
use crate::model::Via;

/// The most that a page or the API takes, in bytes.
const LARGEST: u64 = 2 * 1024 * 1024;
/// The most fields of a form.
const FIELDS: usize = 2_000;

/// What was sent. Every handler that writes takes it: `#[post("/x", data = "<sent>")] fn x(sent: Sent, ..)`.
#[derive(Debug, Default)]
pub(super) struct Sent {
    fields: Vec<(String, String)>,
    /// The body where it is JSON.
    json: Option<serde_json::Value>,
}

impl Sent {
    /// A field; `None` where it is missing. A field that stands twice is refused unless asked for by `all`.
    pub(super) fn text(&self, name: &str) -> Result<Option<&str>, Refused> {
        let mut found = self.all(name);
        let first = found.next();
        if found.next().is_some() {
            return Err(Refused::invalid(format!("`{name}` was sent twice.")));
        }
        Ok(first)
    }

    /// A field that must be there and not be blank.
    pub(super) fn wanted(&self, name: &str) -> Result<&str, Refused> {
        let missing = || Refused::invalid(format!("`{name}` is missing."));
        self.text(name)?.filter(|text| !text.trim().is_empty()).ok_or_else(missing)
    }

    /// All values of a field, in order.
    pub(super) fn all<'s, 'n>(&'s self, name: &'n str) -> impl Iterator<Item = &'s str> + use<'s, 'n> {
        self.fields.iter().filter(move |(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// Whether a checkbox was ticked.
    pub(super) fn is_ticked(&self, name: &str) -> bool {
        self.all(name).any(|value| matches!(value, "on" | "true" | "1"))
    }

    /// The body where it is JSON.
    pub(super) fn body(&self) -> Option<&serde_json::Value> {
        self.json.as_ref()
    }

    /// The body as JSON of this form. The error names the place.
    pub(super) fn json<T: serde::de::DeserializeOwned>(&self) -> Result<T, Refused> {
        let value = self
            .json
            .clone()
            .ok_or_else(|| Refused::invalid("Send a JSON body, with Content-Type: application/json."))?;
        serde_path_to_error::deserialize(value).map_err(|error| Refused::new(422, "invalid", format!("{error}")))
    }
}

#[rocket::async_trait]
impl<'r> FromData<'r> for Sent {
    type Error = Refused;

    async fn from_data(request: &'r Request<'_>, data: Data<'r>) -> Outcome<'r, Self, Refused> {
        match read(request, data).await {
            Ok(sent) => Outcome::Success(sent),
            Err(refused) => Outcome::Error((Status::new(refused.status), refused)),
        }
    }
}

async fn read(request: &Request<'_>, data: Data<'_>) -> Result<Sent, Refused> {
    let mut bytes = Cursor::new(Vec::new());
    let streamed = data.open(LARGEST.bytes()).stream_to(&mut bytes).await;
    let streamed = streamed.map_err(|_| Refused::invalid("The body ended early."))?;
    if !streamed.complete {
        return Err(Refused::new(413, "body_too_large", "More than 2 MiB were sent."));
    }
    let bytes = bytes.into_inner();
    let kind = request.content_type();
    let sent = if bytes.is_empty() {
        Sent::default()
    } else if kind.is_some_and(|kind| kind.is_json()) {
        let value =
            serde_json::from_slice(&bytes).map_err(|error| Refused::invalid(format!("This is no JSON: {error}.")))?;
        Sent { json: Some(value), ..Sent::default() }
    } else if kind.is_some_and(|kind| kind.is_form()) {
        let fields: Vec<(String, String)> = url::form_urlencoded::parse(&bytes)
            .take(FIELDS + 1)
            .map(|(name, value)| (name.into_owned(), value.into_owned()))
            .collect();
        if fields.len() > FIELDS {
            return Err(Refused::new(413, "too_many_fields", format!("More than {FIELDS} fields were sent.")));
        }
        Sent { fields, ..Sent::default() }
    } else {
        return Err(Refused::new(415, "content_type", "Send a form (application/x-www-form-urlencoded) or JSON."));
    };
    check_token(request, &sent).await?;
    Ok(sent)
}

/// A session's request carries the session's token, in a field or in a header; a bearer token's needs none.
async fn check_token(request: &Request<'_>, sent: &Sent) -> Result<(), Refused> {
    let Some(person) = &request.local_cache(|| Visitor(None)).0 else { return Ok(()) };
    let Via::Session { csrf, .. } = &person.via else { return Ok(()) };
    let given = request.headers().get_one("X-CSRF").or(sent.all("csrf").next()).unwrap_or_default();
    if bool::from(given.as_bytes().ct_eq(csrf.as_bytes())) {
        return Ok(());
    }
    if let Some(admin) = request.rocket().state::<Admin>() {
        auth::refuse(request, admin, Some(person), "the token against forgery is missing or wrong").await;
    }
    Err(Refused::new(
        403,
        "csrf",
        "This page is older than your session, or the request came from elsewhere. Load it again and repeat what you did.",
    ))
}
