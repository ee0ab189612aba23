//! How deliveries of a service are taken: verified over the raw bytes, then parsed.

use sha2::{Digest as _, Sha256};

use super::{Bodies, Challenge, EventName, InputType, Pack, Proof, Reading, Subscribe, Target, Verify, coerce};
use crate::{
    clock::Time,
    model::{EventFlags, RefusalReason},
    secret::Secret,
    templates::{Context, Leaf, Limits, Sink},
    value::{Object, Parsed, Value},
};

/// Headers that are never shown to templates, beside the one with the proof.
const NEVER_SHOWN: [&str; 3] = ["authorization", "cookie", "proxy-authorization"];

/// What the templates of one delivery may use together: far above what a pack needs, far below what would be felt.
const LIMITS: Limits = Limits { steps: 10_000, bytes: 64 * 1024, time: std::time::Duration::from_millis(100) };

/// How deliveries of a service are taken.
#[derive(Debug)]
pub struct Hook {
    /// How a delivery proves where it comes from.
    pub verify: Verify,
    /// What it is asked when it is set up. `None`: nothing.
    pub challenge: Option<Challenge>,
    /// Which event it is.
    pub name: EventName,
    /// The service's own id of a delivery. `None`: the digest of type and raw body.
    pub dedupe: Option<Leaf>,
    /// How the body is read.
    pub body: Bodies,
    /// Computed for every event, laid over the body's names.
    pub fields: Vec<Field>,
    /// Equal to an action's echo: we caused this event.
    pub echo: Option<Leaf>,
    /// How webhooks are set up at the service. `None`: by hand alone.
    pub subscribe: Option<Subscribe>,
}

/// A value that a pack computes for every event.
#[derive(Debug)]
pub struct Field {
    /// Its name in `event`.
    pub name: String,
    /// What it is turned to: text, number, integer, boolean or email.
    pub kind: InputType,
    /// Over `{body, headers, type}`; of the headers, those that are kept.
    pub value: Leaf,
}

/// One HTTP request to a hook, as far as packs look at it. Header names in lower case; values are bytes.
#[derive(Debug, Clone, Copy)]
pub struct Request<'a> {
    /// Names and values, in order.
    pub headers: &'a [(String, Vec<u8>)],
    /// Decoded names and values, in order.
    pub query: &'a [(String, String)],
    /// Segments of the path after `/hooks/<source>`, decoded.
    pub path: &'a [String],
    /// The raw bytes.
    pub body: &'a [u8],
}

impl<'a> Request<'a> {
    /// The values of all headers of a name; its case does not count.
    pub(super) fn header(&self, name: &str) -> impl Iterator<Item = &'a [u8]> + use<'a, '_> {
        let name = name.to_owned();
        self.headers
            .iter()
            .filter(move |(known, _)| known.eq_ignore_ascii_case(&name))
            .map(|(_, value)| value.as_slice())
    }
}

/// Why a delivery is refused, and with which status.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refused {
    /// The HTTP status.
    pub status: u16,
    /// The word on the wire.
    pub reason: RefusalReason,
    /// What differed, for the operator: never the key, the expected value or a value of the sender's.
    pub detail: String,
    /// Seconds by which the clock of a sender who holds the key is behind ours, where that is why; below 0 where it is ahead.
    pub skew: Option<i64>,
}

impl Refused {
    pub(super) fn new(status: u16, reason: RefusalReason, detail: String) -> Self {
        Self { status, reason, detail, skew: None }
    }
}

/// A delivery that was verified and read.
#[derive(Debug)]
pub struct Read {
    /// The last part of the type: `call`, `note_added`.
    pub event: String,
    /// The parsed body.
    pub body: Value,
    /// How it was read: kept with the event.
    pub reading: Reading,
    /// What the pack computes; laid over the body's names in `event`.
    pub fields: Object,
    /// The dedupe key, 16 bytes of a SHA-256.
    pub dedupe: [u8; 16],
    /// The digest of type and raw body, 16 bytes of a SHA-256.
    pub digest: [u8; 16],
    /// Equal to an action's echo: we caused this event. `None` where the pack has none, or it failed or was empty.
    pub echo: Option<String>,
    /// What was odd.
    pub flags: EventFlags,
}

/// What templates of a hook see.
struct Sight {
    headers: Value,
    query: Value,
    event: Value,
}

impl Hook {
    /// Names of the secrets that deliveries are verified with.
    pub fn secret_names(&self) -> Vec<&str> {
        self.verify.secrets()
    }

    /// The same with the one that a challenge needs.
    pub fn all_secret_names(&self) -> Vec<&str> {
        let challenge = self.challenge.as_ref().and_then(Challenge::secret);
        self.verify.secrets().into_iter().chain(challenge).collect()
    }

    /// Checks the signature or token over the raw bytes, before anything is parsed. `secrets(name)` are the live values of the pack's
    /// name for it (several while one is rotated; the first two count).
    pub fn verify(
        &self,
        request: &Request<'_>,
        target: &Target<'_>,
        secrets: &dyn Fn(&str) -> Vec<Secret>,
        now: Time,
    ) -> Result<Proof, Refused> {
        self.verify.check(request, target, secrets, now)
    }

    /// Which headers and query names hold a proof or a token, and so are never kept (lower case).
    pub fn hidden(&self) -> Vec<&str> {
        let challenge = self.challenge.as_ref().and_then(Challenge::hidden);
        self.verify.hidden().into_iter().chain(challenge).collect()
    }

    /// Parses a verified delivery: type, body, fields, dedupe key, echo. `kept` are the headers that are stored with the event: fields see
    /// no others, since they are computed again from what is stored.
    pub fn read(
        &self,
        pack: &Pack,
        source: &str,
        request: &Request<'_>,
        kept: &Object,
        now: Time,
    ) -> Result<Read, Refused> {
        self.read_as(self.body, pack, source, request, kept, now)
    }

    /// The same with other bodies than the pack's: where the source asks for files, or where the body is at hand as JSON.
    pub fn read_as(
        &self,
        bodies: Bodies,
        pack: &Pack,
        source: &str,
        request: &Request<'_>,
        kept: &Object,
        now: Time,
    ) -> Result<Read, Refused> {
        let reading = Reading::decide(bodies, request.header("content-type"))?;
        let Parsed { value: body, duplicate_keys } = reading.read(request.body)?;
        let event = self.name.of(request, &body, source, &self.verify)?;
        let fields = self.fields(&event, &body, kept, now);
        let sight = Sight {
            headers: Value::Object(self.shown_headers(request)),
            query: Value::Object(self.shown_query(request)),
            event: Value::String(event.clone()),
        };
        let kind = format!("{}.{event}", pack.name);
        let digest = cut(&[kind.as_bytes(), b"\0", request.body]);
        let own = self.dedupe.as_ref().map(|leaf| sight.text(leaf, &body, now));
        let mut flags = EventFlags::default();
        let dedupe = match own {
            Some(Some(id)) => cut(&[id.as_bytes()]),
            Some(None) => {
                flags = flags.and(EventFlags::DEDUPE_FALLBACK);
                digest
            }
            None => digest,
        };
        if duplicate_keys {
            flags = flags.and(EventFlags::DUPLICATE_KEYS);
        }
        let echo = self.echo.as_ref().and_then(|leaf| sight.text(leaf, &body, now)).and_then(whole_echo);
        Ok(Read { event, body, reading, fields, dedupe, digest, echo, flags })
    }

    /// The fields of a delivery: again, from a stored one, with the same result as `read`. One that fails or is empty is null.
    pub fn fields(&self, event: &str, body: &Value, headers: &Object, now: Time) -> Object {
        if self.fields.is_empty() {
            return Object::new();
        }
        let headers = Value::Object(headers.clone());
        let event = Value::String(event.to_owned());
        let mut context = Context::new(now, LIMITS);
        context.set("body", body).set("headers", &headers).set("type", &event);
        let compute = |field: &Field| -> Value {
            let rendered = field.value.render(&context, Sink::Plain).unwrap_or(Value::Null);
            if rendered.as_str().is_some_and(str::is_empty) {
                return Value::Null;
            }
            coerce::to_kind(field.kind, &[], rendered).unwrap_or(Value::Null)
        };
        self.fields.iter().map(|field| (field.name.clone(), compute(field))).collect()
    }

    /// Headers as templates see them: names in lower case, the first value of each that is text, without proofs.
    fn shown_headers(&self, request: &Request<'_>) -> Object {
        let mut shown = Object::new();
        for (name, value) in request.headers {
            let hidden = NEVER_SHOWN.contains(&name.as_str()) || self.hidden().contains(&name.as_str());
            if let (false, Ok(text)) = (hidden, std::str::from_utf8(value)) {
                shown.entry(name.clone()).or_insert_with(|| Value::String(text.to_owned()));
            }
        }
        shown
    }

    fn shown_query(&self, request: &Request<'_>) -> Object {
        let mut shown = Object::new();
        for (name, value) in request.query {
            if !self.hidden().contains(&name.to_ascii_lowercase().as_str()) {
                shown.entry(name.clone()).or_insert_with(|| Value::String(value.clone()));
            }
        }
        shown
    }
}

impl Sight {
    /// A template's text over `{body, headers, query, type}`. `None` where it fails or is empty.
    fn text(&self, leaf: &Leaf, body: &Value, now: Time) -> Option<String> {
        let mut context = Context::new(now, LIMITS);
        context.set("body", body).set("headers", &self.headers).set("query", &self.query).set("type", &self.event);
        let text = match leaf.render(&context, Sink::Plain).ok()? {
            Value::String(text) => text,
            value @ (Value::Number(_) | Value::Bool(_)) => value.to_string(),
            Value::Null | Value::Array(_) | Value::Object(_) => return None,
        };
        (!text.trim().is_empty()).then_some(text)
    }
}

/// An echo such as `note_added:17`. `None` for one whose last part came out empty: it would equal every other such one.
pub(crate) fn whole_echo(text: String) -> Option<String> {
    let text = text.trim();
    (!text.is_empty() && !text.ends_with(':')).then(|| text.to_owned())
}

/// The first 16 bytes of the SHA-256 over the parts.
fn cut(parts: &[&[u8]]) -> [u8; 16] {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update(part);
    }
    let mut key = [0; 16];
    key.iter_mut().zip(hash.finalize()).for_each(|(to, from)| *to = from);
    key
}

#[cfg(test)]
mod tests;
