//! Which event a delivery is: named by a header, by the path, or always the same.

use super::{Refused, Request, TokenPlace, Verify};

/// Bytes of an event's name; leaves room for the service in a type of 128.
const LONGEST: usize = 64;

/// Where the last part of a delivery's type comes from, in this order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EventName {
    /// A header that holds it, as the pack writes it.
    pub header: Option<String>,
    /// The segment of the path after the source (and after a token in the path).
    pub path: bool,
    /// What it is where neither says anything.
    pub otherwise: Option<String>,
}

impl EventName {
    /// The name, or why there is none.
    pub(super) fn of(&self, request: &Request<'_>, source: &str, verify: &Verify) -> Result<String, Refused> {
        let in_path = self.segment(request, verify)?;
        let in_header = self.in_header(request)?;
        let name = in_header.or(in_path).map(str::to_owned).or_else(|| self.otherwise.clone());
        let Some(name) = name else { return Err(self.missing(source)) };
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

    fn missing(&self, source: &str) -> Refused {
        Refused::new(400, "event_type", format!("the event is not named; {}", self.way_out(source)))
    }

    fn way_out(&self, source: &str) -> String {
        match (&self.header, self.path) {
            (Some(header), true) => {
                format!("name it in the header `{header}`, or post to /hooks/{source}/<event>")
            }
            (Some(header), false) => format!("name it in the header `{header}`"),
            (None, _) => format!("post to /hooks/{source}/<event>"),
        }
    }
}

/// Whether a text can be the last part of a type.
pub(super) fn is_name(text: &str) -> bool {
    !text.is_empty()
        && text.len() <= LONGEST
        && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_')
}
