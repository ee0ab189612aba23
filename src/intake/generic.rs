//! A delivery to a source without a service: read by its Content-Type, its type from the source's name and the path.

use sha2::{Digest, Sha256};

use super::kept::Parts;
use crate::{
    clock::Time,
    model::{EventFlags, EventType},
    services::{Bodies, Proof, Reading, Refused},
    store::Dedupe,
    value::Value,
    web::Fault,
};
use std::time::Duration;

/// The header by which a sender says that two deliveries are one.
const KEY: &str = "idempotency-key";

/// A delivery that was read.
#[derive(Debug)]
pub(super) struct Generic {
    pub(super) kind: String,
    pub(super) event: Value,
    /// How the body was read: kept with the event.
    pub(super) reading: Reading,
    pub(super) flags: EventFlags,
    /// Only where the sender gave a key: two deliveries of the same bytes are two rings of a bell.
    pub(super) dedupe: Option<Dedupe>,
}

/// Reads a delivery to `source`; `event` is the path's last part, `bodies` what the source takes.
pub(super) fn read(
    source: &str,
    event: Option<&str>,
    bodies: Bodies,
    parts: &Parts,
    body: &[u8],
    now: Time,
    window: Duration,
) -> Result<Generic, Fault> {
    let kind = format!("{source}.{}", event.unwrap_or("received"));
    if event.is_some_and(|event| event.contains('.')) || kind.parse::<EventType>().is_err() {
        return Err(Fault::NOT_FOUND);
    }
    let types = parts.headers.iter().filter(|(name, _)| name == "content-type").map(|(_, value)| value.as_slice());
    let refused =
        |refused: Refused| Fault { message: refused.detail.into(), ..Fault::new(refused.status, refused.reason, "") };
    let reading = Reading::decide(bodies, types).map_err(refused)?;
    let parsed = reading.read(body).map_err(refused)?;
    let flags = if parsed.duplicate_keys { EventFlags::DUPLICATE_KEYS } else { EventFlags::default() };
    let dedupe = parts.one(KEY).filter(|key| !key.is_empty()).map(|key| Dedupe {
        key: half(&[key.as_bytes()]),
        digest: half(&[kind.as_bytes(), b"\0", body]),
        expires: now.plus(window),
    });
    Ok(Generic { kind, event: parsed.value, reading, flags, dedupe })
}

/// The key of a delivery whose proof holds. The id that is signed says which it is. Without one a key of the sender's counts, and else the
/// bytes with the time that is signed: what is sent again as it was is a duplicate, and two rings of a bell have two times.
pub(super) fn signed_dedupe(
    proof: &Proof,
    kind: &str,
    body: &[u8],
    now: Time,
    window: Duration,
    own: Option<Dedupe>,
) -> Option<Dedupe> {
    let digest = half(&[kind.as_bytes(), b"\0", body]);
    let expires = now.plus(window);
    match (&proof.id, own) {
        (Some(id), _) => Some(Dedupe { key: half(&[b"id\0", id.as_bytes()]), digest, expires }),
        (None, Some(own)) => Some(own),
        (None, None) => {
            let time = proof.time.as_deref().unwrap_or_default();
            let key = half(&[kind.as_bytes(), b"\0", time.as_bytes(), b"\0", body]);
            Some(Dedupe { key, digest, expires })
        }
    }
}

/// The first 16 bytes of the SHA-256 of all pieces.
fn half(pieces: &[&[u8]]) -> [u8; 16] {
    let mut hash = Sha256::new();
    for piece in pieces {
        hash.update(piece);
    }
    let whole = hash.finalize();
    let mut half = [0; 16];
    half.copy_from_slice(whole.get(..16).unwrap_or(&[0; 16]));
    half
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn parts(headers: &[(&str, &str)]) -> Parts {
        let headers = headers.iter().map(|(name, value)| ((*name).to_owned(), value.as_bytes().to_vec())).collect();
        Parts { headers, query: Vec::new() }
    }

    fn take(event: Option<&str>, headers: &[(&str, &str)], body: &str) -> Result<Generic, Fault> {
        read("door", event, Bodies::DEFAULT, &parts(headers), body.as_bytes(), Time(0), Duration::from_secs(1))
    }

    #[test]
    fn the_type_is_of_source_and_path() {
        assert_eq!(take(None, &[], "{}").unwrap().kind, "door.received");
        let rung = take(Some("rung_2"), &[], "[1]").unwrap();
        assert_eq!((rung.kind.as_str(), rung.event), ("door.rung_2", json!([1])));
        for event in ["A", "a.b", "", "ä", "a b", "../x"] {
            assert_eq!(take(Some(event), &[], "{}").unwrap_err(), Fault::NOT_FOUND, "{event}");
        }
    }

    #[test]
    fn only_json_is_taken_and_what_says_nothing_is_json() {
        for (media, taken) in [
            ("application/json", true),
            ("Application/JSON; charset=\"UTF-8\"", true),
            ("application/cloudevents+json", true),
            ("application/json; charset=utf-16", false),
            ("text/plain", false),
            ("multipart/form-data; boundary=x", false),
            ("", false),
        ] {
            assert_eq!(take(None, &[("content-type", media)], "{}").is_ok(), taken, "{media}");
        }
        let twice = [("content-type", "application/json"), ("content-type", "application/json")];
        assert_eq!(take(None, &twice, "{}").unwrap_err().status, 415);
    }

    #[test]
    fn bodies_that_are_no_json_are_refused_with_their_reason() {
        for (body, code) in
            [("", "not_json"), ("{", "not_json"), ("1e400", "number"), (&"[".repeat(100_000), "too_deep")]
        {
            assert_eq!(take(None, &[], body).unwrap_err().code, code);
        }
        assert!(take(None, &[], r#"{"a":1,"a":2}"#).unwrap().flags.has(EventFlags::DUPLICATE_KEYS));
    }

    #[test]
    fn a_delivery_is_a_duplicate_only_by_a_key_of_the_sender() {
        assert!(take(None, &[], "{}").unwrap().dedupe.is_none());
        let keyed = |key: &str, body: &str| take(None, &[(KEY, key)], body).unwrap().dedupe.unwrap();
        assert_eq!(keyed("a", "{}").key, keyed("a", "[]").key);
        assert_ne!(keyed("a", "{}").digest, keyed("a", "[]").digest);
        assert_ne!(keyed("a", "{}").key, keyed("b", "{}").key);
        assert_eq!(keyed("a", "{}").expires, Time(1000));
    }
}
