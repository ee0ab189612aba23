//! A whole answer as data: its parsed body, its result, what the service says of a refusal.

use super::read::ECHO_LIMITS;
use crate::{
    clock::Time,
    model::{ErrorClass, SMTP_CODE},
    templates::{Context, Leaf, Sink},
    value::{JsonLimits, Object, Path, Value, read_json},
};

/// A whole answer.
#[derive(Debug, Clone, Copy)]
pub(super) struct Reply<'a> {
    pub(super) status: u16,
    pub(super) headers: &'a [(String, String)],
    pub(super) body: &'a [u8],
    /// The body was longer than what is read.
    pub(super) truncated: bool,
}

impl Reply<'_> {
    /// The values of a header, whatever its case.
    pub(super) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }

    /// The status with its usual words (`404 Not Found`); of a mail server its own code (`550`).
    pub(super) fn status_words(&self) -> String {
        self.header(SMTP_CODE).map_or_else(|| status_words(self.status), str::to_owned)
    }

    /// `{status, headers}` as rules see it: names in lower case, values of one name joined by a comma.
    pub(super) fn response(&self) -> Value {
        let mut headers = Object::new();
        for (name, value) in self.headers {
            match headers.get_mut(&name.to_ascii_lowercase()) {
                Some(Value::String(before)) => *before = format!("{before}, {value}"),
                _ => {
                    headers.insert(name.to_ascii_lowercase(), Value::String(value.clone()));
                }
            }
        }
        let mut response = Object::new();
        response.insert("status".to_owned(), self.status.into());
        response.insert("headers".to_owned(), Value::Object(headers));
        Value::Object(response)
    }

    /// The body as data: JSON where the content type says so or it is JSON all the same, else text, null where it is empty. `Err` says
    /// why it cannot be read.
    pub(super) fn parsed(&self) -> Result<Value, String> {
        if self.truncated {
            return Err(format!("the answer is longer than the {} bytes that are read", self.body.len()));
        }
        if self.body.iter().all(u8::is_ascii_whitespace) {
            return Ok(Value::Null);
        }
        let error = match read_json(self.body, JsonLimits::default()) {
            Ok(parsed) => return Ok(parsed.value),
            Err(error) => error,
        };
        if self.is_json() {
            return Err(format!("the answer says that it is JSON and is refused: {error}"));
        }
        match std::str::from_utf8(self.body) {
            Ok(text) => Ok(Value::String(text.to_owned())),
            Err(_) => Err("the answer is neither JSON nor text in UTF-8".to_owned()),
        }
    }

    fn is_json(&self) -> bool {
        let kind = self.header("content-type").unwrap_or_default().to_ascii_lowercase();
        let media = kind.split(';').next().unwrap_or_default().trim();
        media == "application/json" || media == "text/json" || media.ends_with("+json")
    }

    /// What stands at a place in `{status, headers, body}`; null where there is nothing.
    pub(super) fn at(&self, place: &Path, body: Value) -> Value {
        let mut whole = self.response();
        if let Value::Object(object) = &mut whole {
            object.insert("body".to_owned(), body);
        }
        place.find(&whole).cloned().unwrap_or(Value::Null)
    }

    /// What a template of `errors` says over `{status, headers, body}`, in one line. `None` for blank text and null; `Err` is one
    /// sentence: it cannot be rendered.
    pub(super) fn said(&self, leaf: &Leaf, body: &Value, now: Time) -> Result<Option<String>, String> {
        let whole = self.response();
        let nothing = Value::Null;
        let mut context = Context::new(now, ECHO_LIMITS);
        for name in ["status", "headers"] {
            context.set(name, whole.get(name).unwrap_or(&nothing));
        }
        context.set("body", body);
        let said = leaf.render(&context, Sink::Plain).map_err(|error| error.to_string())?;
        Ok(if said == Value::Bool(false) { None } else { one_line(said) })
    }

    /// The service's own message, in one line. `None` where it gives none that is text. It is not cut: whoever keeps it masks it first,
    /// since a secret that a cut has split is not found.
    pub(super) fn message(&self, places: &[Path]) -> Option<String> {
        if places.is_empty() {
            return None;
        }
        let body = self.parsed().ok()?;
        places.iter().find_map(|place| one_line(self.at(place, body.clone())))
    }
}

/// A service's message in one line. `None` for one that is blank or null.
fn one_line(said: Value) -> Option<String> {
    let text = match said {
        Value::Null => return None,
        Value::String(text) => text,
        other => other.to_string(),
    };
    let line: Vec<&str> = text.split_whitespace().collect();
    let line: String = line.join(" ").chars().filter(|c| !c.is_control()).collect();
    (!line.is_empty()).then_some(line)
}

/// What class a status that is no success belongs to.
pub(super) fn class_of(status: u16) -> ErrorClass {
    match status {
        300..=399 => ErrorClass::Redirect,
        400..=599 => ErrorClass::Status,
        _ => ErrorClass::BadReply,
    }
}

/// A status with its usual words: `404 Not Found`.
fn status_words(status: u16) -> String {
    let words = http::StatusCode::from_u16(status).ok().and_then(|code| code.canonical_reason());
    words.map_or_else(|| status.to_string(), |words| format!("{status} {words}"))
}

/// The host of a `Location`, for a message. `None` where it has none: then it points to the same host.
pub(super) fn location_host(location: &str) -> Option<String> {
    url::Url::parse(location).ok()?.host_str().map(str::to_owned)
}
