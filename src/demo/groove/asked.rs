//! A request as the stand-in reads it.

use url::form_urlencoded;

use crate::value::{Object, Value};

/// What was asked, parsed.
#[derive(Debug)]
pub(super) struct Asked {
    pub(super) method: http::Method,
    /// Segments of the path, decoded, `v1` first.
    pub(super) path: Vec<String>,
    pub(super) query: Vec<(String, String)>,
    pub(super) token: Option<String>,
    /// `None` where the body is neither JSON nor a form.
    pub(super) body: Option<Object>,
    /// The body where it is JSON of any kind.
    pub(super) json: Option<Value>,
    /// The path as it came.
    pub(super) raw_path: String,
    /// The content type.
    pub(super) kind: Option<String>,
    /// Bytes of the body.
    pub(super) length: usize,
}

impl Asked {
    /// From a request's head and whole body.
    pub(super) fn read(head: &http::request::Parts, body: &[u8]) -> Self {
        let decode = |part: &str| percent_encoding::percent_decode_str(part).decode_utf8_lossy().into_owned();
        let query: Vec<(String, String)> =
            form_urlencoded::parse(head.uri.query().unwrap_or_default().as_bytes()).into_owned().collect();
        let header = |name| head.headers.get(name).and_then(|value: &http::HeaderValue| value.to_str().ok());
        let bearer = header(http::header::AUTHORIZATION).and_then(|value| value.strip_prefix("Bearer "));
        let in_query = query.iter().find(|(name, _)| name == "access_token").map(|(_, value)| value.clone());
        let is_form = header(http::header::CONTENT_TYPE)
            .is_some_and(|kind| kind.starts_with("application/x-www-form-urlencoded"));
        let (length, json) = (body.len(), serde_json::from_slice(body).ok());
        let body = match (body, is_form) {
            ([], _) => Some(Object::new()),
            (body, true) => Some(form(body)),
            (body, false) => serde_json::from_slice(body).ok(),
        };
        Self {
            method: head.method.clone(),
            path: head.uri.path().split('/').skip(1).map(decode).collect(),
            token: bearer.map(str::to_owned).or(in_query),
            query,
            body,
            json,
            raw_path: head.uri.path().to_owned(),
            kind: header(http::header::CONTENT_TYPE).map(str::to_owned),
            length,
        }
    }

    /// The first value of a name in the query.
    pub(super) fn query(&self, name: &str) -> Option<&str> {
        self.query.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }
}

/// A form as an object: texts, and `a[b]=c` one level deep.
fn form(body: &[u8]) -> Object {
    let mut object = Object::new();
    for (name, value) in form_urlencoded::parse(body) {
        match name.strip_suffix(']').and_then(|name| name.split_once('[')) {
            Some((outer, inner)) => {
                let place = object.entry(outer).or_insert_with(|| Object::new().into());
                if let Some(place) = place.as_object_mut() {
                    place.insert(inner.to_owned(), value.into());
                }
            }
            None => drop(object.insert(name.into_owned(), value.into())),
        }
    }
    object
}

/// A text that is there and not empty. `Err` names the field.
pub(super) fn text<'b>(body: &'b Object, name: &str) -> Result<&'b str, String> {
    match body.get(name).and_then(Value::as_str) {
        Some(text) if !text.trim().is_empty() => Ok(text),
        _ => Err(format!("{name} is required")),
    }
}

/// An e-mail, or an object that has one in `email`.
pub(super) fn person<'b>(body: &'b Object, name: &str) -> Result<&'b str, String> {
    let given = body.get(name).map(|value| value.get("email").unwrap_or(value)).and_then(Value::as_str);
    given.filter(|email| !email.is_empty()).ok_or_else(|| format!("{name} is required"))
}

/// A boolean, as JSON or as a form has it; false where there is none.
pub(super) fn flag(body: &Object, name: &str) -> Result<bool, String> {
    match body.get(name) {
        None | Some(Value::Null) => Ok(false),
        Some(Value::Bool(flag)) => Ok(*flag),
        Some(Value::String(text)) if text == "true" || text == "1" => Ok(true),
        Some(Value::String(text)) if text == "false" || text == "0" => Ok(false),
        Some(_) => Err(format!("{name} is not a boolean")),
    }
}
