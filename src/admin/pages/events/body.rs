//! The body of an event: shown, as a command that sends it again, and to be saved.

use std::{fmt::Write as _, io::Cursor};

use rocket::{
    Request, Response, State,
    http::Header,
    response::{self, Responder},
};

use crate::{
    admin::{refused::Refused, state::Admin},
    ids::EventId,
    model::Person,
    store::StoredEvent,
    value::Value,
};

/// Bytes of a body that are shown.
const SHOWN: usize = 64 * 1024;
/// Bytes of a body that a command line holds.
const IN_COMMAND: usize = 16 * 1024;

/// A body for the page.
pub(super) struct Body {
    pub(super) text: String,
    /// More than is shown.
    pub(super) is_cut: bool,
}

/// The body as JSON on lines, or as it is where it is none.
pub(super) fn pretty(bytes: &[u8]) -> Body {
    match serde_json::from_slice::<Value>(bytes).and_then(|value| serde_json::to_string_pretty(&value)) {
        Ok(text) => cut(&text),
        Err(_) => raw(bytes),
    }
}

/// The bytes as text; those that are none as the sign for it.
pub(super) fn raw(bytes: &[u8]) -> Body {
    let start = bytes.get(..SHOWN.min(bytes.len())).unwrap_or(bytes);
    let text = String::from_utf8_lossy(start).into_owned();
    Body { text, is_cut: bytes.len() > SHOWN }
}

/// A text, cut at a character.
pub(super) fn cut(text: &str) -> Body {
    let end = text.floor_char_boundary(SHOWN);
    Body { text: text.get(..end).unwrap_or_default().to_owned(), is_cut: end < text.len() }
}

/// A command that sends the delivery again, without its proof. `None` for an event that no delivery brought.
pub(super) fn curl(event: &StoredEvent, base: &str) -> Option<String> {
    let headers = event.meta.get("headers").and_then(Value::as_object)?;
    let name = event.kind.strip_prefix(&event.source).and_then(|rest| rest.strip_prefix('.'));
    let path = match name {
        Some(name) if event.service.is_none() && name != "received" => format!("/hooks/{}/{name}", event.source),
        _ => format!("/hooks/{}", event.source),
    };
    let mut address = format!("{}{path}", base.trim_end_matches('/'));
    if let Some(query) = event.meta.get("query").and_then(Value::as_object)
        && !query.is_empty()
    {
        let mut pairs = url::form_urlencoded::Serializer::new(String::new());
        for (name, value) in query {
            pairs.append_pair(name, value.as_str().unwrap_or_default());
        }
        let _infallible = write!(address, "?{}", pairs.finish());
    }
    let mut command = format!("curl -X POST {}", quoted(&address));
    for (name, value) in headers {
        let _infallible = write!(command, " \\\n  -H {}", quoted(&format!("{name}: {}", value.as_str()?)));
    }
    let data = match event.body.as_deref() {
        Some(body) if body.len() <= IN_COMMAND && !body.contains(&0) => {
            std::str::from_utf8(body).ok().map(|text| format!("--data-raw {}", quoted(text)))
        }
        _ => None,
    };
    let data = data.unwrap_or_else(|| format!("--data-binary @{}.bin", event.id));
    let _infallible = write!(command, " \\\n  {data}");
    Some(command)
}

/// A word of a shell that means itself, whatever stands in it.
fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', "'\\''"))
}

/// A body to be saved: never shown by the browser, whatever it holds.
pub(super) struct Download {
    name: String,
    bytes: Vec<u8>,
}

impl<'r> Responder<'r, 'static> for Download {
    fn respond_to(self, _request: &'r Request<'_>) -> response::Result<'static> {
        let mut response = Response::build();
        response.header(Header::new("Content-Type", "application/octet-stream"));
        response.header(Header::new("Content-Disposition", format!("attachment; filename=\"{}\"", self.name)));
        response.header(Header::new("Content-Security-Policy", "sandbox; default-src 'none'"));
        response.header(Header::new("X-Content-Type-Options", "nosniff"));
        response.header(Header::new("Cache-Control", "no-store"));
        response.sized_body(self.bytes.len(), Cursor::new(self.bytes)).ok()
    }
}

/// `/events/<id>/body`: the raw bytes as they came.
#[rocket::get("/events/<id>/body")]
pub(super) async fn download(id: &str, admin: &State<Admin>, _person: &Person) -> Result<Download, Refused> {
    let id: EventId = id.parse().map_err(|_| Refused::missing("such event"))?;
    let detail = admin.store.event(id).await?.ok_or_else(|| Refused::missing(&format!("event {id}")))?;
    let gone = || Refused::new(404, "not_found", format!("The body of {id} was deleted by retention."));
    // The name is made of our id alone: nothing of the sender's stands in it.
    Ok(Download { name: format!("{id}.bin"), bytes: detail.event.body.ok_or_else(gone)? })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quoted_word_means_itself() {
        assert_eq!(quoted("it's $(rm) `x`"), "'it'\\''s $(rm) `x`'");
    }

    #[test]
    fn long_texts_are_cut_at_a_character() {
        let body = cut(&"ü".repeat(SHOWN));
        assert!(body.is_cut && body.text.len() <= SHOWN);
        assert!(!cut("short").is_cut);
    }
}
