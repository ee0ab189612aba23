//! Which event a delivery is: named by a header, by the body, by the path, or always the same.

use super::{Refused, Request, TokenPlace, Verify};
use crate::value::{Path, Value};

/// Bytes of an event's name; leaves room for the service in a type of 128.
const LONGEST: usize = 64;

/// Where the last part of a delivery's type comes from, in this order.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct EventName {
    /// A header that holds it, as the pack writes it.
    pub header: Option<String>,
    /// Places in the body that hold it; what is there of them, joined by `_`. Made to fit.
    pub body: Vec<Path>,
    /// What is taken off its beginning, such as `zen:event-type:`. Empty: nothing.
    pub strip: String,
    /// A name from the header is made to fit too.
    pub fit: bool,
    /// The segment of the path after the source (and after a token in the path).
    pub path: bool,
    /// What it is where neither says anything.
    pub otherwise: Option<String>,
}

impl EventName {
    /// The name, or why there is none. `parsed` is the body.
    pub(super) fn of(
        &self,
        request: &Request<'_>,
        parsed: &Value,
        source: &str,
        verify: &Verify,
    ) -> Result<String, Refused> {
        let in_path = self.segment(request, verify)?.map(str::to_owned);
        let in_header = self.in_header(request)?.map(|name| if self.fit { self.fitted(name) } else { name.to_owned() });
        let found = in_header.or_else(|| self.in_body(parsed)).or(in_path).filter(|name| !name.is_empty());
        let Some(name) = found.or_else(|| self.otherwise.clone()) else { return Err(self.missing(source)) };
        if is_name(&name) {
            return Ok(name);
        }
        Err(Refused::new(
            400,
            "event_type",
            format!("the event's name is not of the form a-z, 0-9, _ ({LONGEST} at most); {}", self.way_out(source)),
        ))
    }

    fn segment<'r>(&self, request: &Request<'r>, verify: &Verify) -> Result<Option<&'r str>, Refused> {
        let taken = usize::from(matches!(verify, Verify::Token(token) if token.place == TokenPlace::Path));
        match request.path.get(taken..).unwrap_or_default() {
            [] => Ok(None),
            [name] if self.path => Ok(Some(name)),
            _ => Err(Refused::new(404, "not_found", "the path goes on where no event is named".to_owned())),
        }
    }

    fn in_header<'r>(&self, request: &Request<'r>) -> Result<Option<&'r str>, Refused> {
        let Some(header) = &self.header else { return Ok(None) };
        let mut values = request.header(header);
        let Some(value) = values.next() else { return Ok(None) };
        if values.next().is_some() {
            return Err(Refused::new(400, "duplicate_header", format!("header `{header}` stands more than once")));
        }
        match std::str::from_utf8(value) {
            Ok("") => Ok(None),
            Ok(text) => Ok(Some(text)),
            Err(_) => Err(Refused::new(400, "event_type", format!("header `{header}` is not text"))),
        }
    }

    fn in_body(&self, parsed: &Value) -> Option<String> {
        let texts = self.body.iter().filter_map(|path| path.find(parsed)).filter_map(Value::as_str);
        let names: Vec<String> = texts.map(|text| self.fitted(text)).filter(|name| !name.is_empty()).collect();
        (!names.is_empty()).then(|| names.join("_"))
    }

    /// A service's own word for an event as one of ours: `invitee.created` is `invitee_created`.
    fn fitted(&self, text: &str) -> String {
        let text = text.strip_prefix(self.strip.as_str()).unwrap_or(text);
        let lower = text.to_ascii_lowercase();
        let words =
            lower.split(|c: char| !c.is_ascii_lowercase() && !c.is_ascii_digit()).filter(|word| !word.is_empty());
        words.collect::<Vec<_>>().join("_")
    }

    fn missing(&self, source: &str) -> Refused {
        Refused::new(400, "event_type", format!("the event is not named; {}", self.way_out(source)))
    }

    fn way_out(&self, source: &str) -> String {
        let places: Vec<String> = self.body.iter().map(|path| format!("`{path}` of the body")).collect();
        let header = self.header.as_ref().map(|header| format!("the header `{header}`"));
        let named: Vec<String> = header.into_iter().chain(places).collect();
        match (named.as_slice(), self.path) {
            ([], _) => format!("post to /hooks/{source}/<event>"),
            (named, true) => format!("name it in {}, or post to /hooks/{source}/<event>", named.join(" or ")),
            (named, false) => format!("name it in {}", named.join(" or ")),
        }
    }
}

/// Whether a text can be the last part of a type.
pub(super) fn is_name(text: &str) -> bool {
    !text.is_empty()
        && text.len() <= LONGEST
        && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_')
}
