//! `trigger` as rules see it: made in one place, so that it is the same while a delivery is matched and when its runs go on.

use serde_json::{Map, json};

use crate::{
    clock::Time,
    value::{Object, Value},
};

/// Where an event came from, as it is stored.
#[derive(Debug, Clone, Copy)]
pub struct Came<'a> {
    /// The event's id, `evt_...`.
    pub id: &'a str,
    /// Its type.
    pub kind: &'a str,
    /// The source it came in by.
    pub source: &'a str,
    /// The source's service. `None` for a generic source.
    pub service: Option<&'a str>,
    /// When it came.
    pub received_at: Time,
    /// How it was verified; empty where it was not.
    pub verified: &'a str,
    /// How many of our own events stand between it and one from outside.
    pub depth: u8,
    /// `{headers, query}` as they are kept.
    pub meta: &'a Object,
}

/// `{id, type, source, service, received_at, verified, depth, headers, query}`. `verified` is whether, not how; headers and query are
/// empty objects where none are kept.
pub fn trigger(came: &Came<'_>) -> Value {
    let part = |name: &str| came.meta.get(name).cloned().unwrap_or_else(|| Value::Object(Map::new()));
    json!({
        "id": came.id,
        "type": came.kind,
        "source": came.source,
        "service": came.service,
        "received_at": came.received_at.to_string(),
        "verified": !came.verified.is_empty(),
        "depth": came.depth,
        "headers": part("headers"),
        "query": part("query"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_server_says_whether_a_delivery_was_verified() {
        let Value::Object(meta) = json!({"headers": {"verified": "yes"}, "query": {"a": "b"}, "verified": true}) else {
            panic!("an object is one")
        };
        let came = Came {
            id: "evt_1",
            kind: "box.received",
            source: "box",
            service: None,
            received_at: Time(0),
            verified: "",
            depth: 2,
            meta: &meta,
        };
        let seen = trigger(&came);
        assert_eq!((&seen["verified"], &seen["headers"]["verified"]), (&json!(false), &json!("yes")));
        assert_eq!((&seen["service"], &seen["depth"], &seen["query"]), (&json!(null), &json!(2), &json!({"a": "b"})));
        let verified = trigger(&Came { verified: "hex", meta: &Object::new(), ..came });
        assert_eq!((&verified["verified"], &verified["headers"]), (&json!(true), &json!({})));
    }
}
