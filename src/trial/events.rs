//! Events of a trial: from a sample, a fixture or a payload to what rules see of it.

use std::collections::BTreeSet;

use crate::{
    clock::Time,
    ids::EventId,
    matcher::{Came, Subject, trigger},
    rules::{On, Rule},
    services::{Bodies, Pack, Registry, Request, TokenPlace, Verify, payload},
    starts::{self, SCHEDULED, slot_payload},
    trial::world::NOON,
    value::{Object, Value, merge},
};

/// An event of a trial, before rules see it.
#[derive(Debug, Clone, PartialEq)]
pub struct Given {
    /// Its type.
    pub kind: String,
    /// What the service would send.
    pub body: Value,
    /// Names of the payload that were given by hand: a pack's computed field does not win over them.
    pub named: BTreeSet<String>,
}

impl Given {
    /// The body that a service sends.
    pub fn sent(kind: &str, body: Value) -> Self {
        Self { kind: kind.to_owned(), body, named: BTreeSet::new() }
    }

    /// A payload as rules shall see it.
    pub fn payload(kind: &str, payload: Value) -> Self {
        let named = payload.as_object().map(|object| object.keys().cloned().collect()).unwrap_or_default();
        Self { kind: kind.to_owned(), body: payload, named }
    }

    /// The event of a file: `{type, payload}`; or `{type, body}`, with what a service sends; or just that, where
    /// `only` says of which type it is. `Err` is a sentence and the way out.
    pub fn from_file(value: Value, only: Option<&str>) -> Result<Self, (String, String)> {
        let kind = value.get("type").and_then(Value::as_str).filter(|kind| kind.contains('.') || *kind == "manual");
        if let (Some(kind), Some(payload)) = (kind, value.get("payload")) {
            return Ok(Self::payload(kind, payload.clone()));
        }
        if let (Some(kind), Some(body)) = (kind, value.get("body")) {
            return Ok(Self::sent(kind, body.clone()));
        }
        match only {
            Some(only) => Ok(Self::sent(only, value)),
            None => Err((
                "the file does not say of which type the event is".to_owned(),
                "write the file as `{\"type\": \"gruveo.call\", \"payload\": {...}}`".to_owned(),
            )),
        }
    }

    /// The one type that a rule listens to. `None`: it listens to several, or to none.
    pub fn only_type(rule: &Rule) -> Option<&str> {
        match &rule.on[..] {
            [On::Type { event, .. }] => Some(event),
            [On::Poll(_)] => Some(starts::POLLED),
            _ => None,
        }
    }

    /// The same with `changes` laid over it: objects are merged, all else is replaced.
    #[must_use]
    pub fn set(mut self, changes: Value) -> Self {
        if let Value::Object(changes) = &changes {
            self.named.extend(changes.keys().cloned());
        }
        merge(&mut self.body, changes);
        self
    }

    /// What rules see of it when it comes at `at`, and what tells that one of our own actions caused it. `number` makes its id.
    /// `Err` is one sentence: its service would not have it.
    pub fn subject(&self, registry: &Registry, at: Time, number: i64) -> Result<(Subject, Option<String>), String> {
        let (service, event) = self.kind.split_once('.').unwrap_or((&self.kind, ""));
        let pack = registry.pack(service).filter(|pack| pack.hook.is_some());
        let (payload, echo) = match pack {
            Some(pack) => self.read(pack, event, at)?,
            None => (self.body.clone(), None),
        };
        let trigger = trigger(&Came {
            id: &EventId(number).to_string(),
            kind: &self.kind,
            source: service,
            service: pack.map(|pack| pack.name.as_str()),
            received_at: at,
            verified: "trial",
            depth: 0,
            meta: &Object::new(),
        });
        let kind = self.kind.clone();
        Ok((Subject { kind, own: false, event: payload, trigger, received_at: at }, echo))
    }

    /// The way of a delivery, from the bytes on.
    fn read(&self, pack: &Pack, event: &str, at: Time) -> Result<(Value, Option<String>), String> {
        let Some(hook) = &pack.hook else { return Ok((self.body.clone(), None)) };
        let bytes = self.body.to_string().into_bytes();
        let mut headers = vec![("content-type".to_owned(), b"application/json".to_vec())];
        headers.extend(hook.name.header.iter().map(|name| (name.to_lowercase(), event.as_bytes().to_vec())));
        // A service that always sends the same event names it nowhere.
        let in_path = hook.name.path && hook.name.header.is_none();
        let mut path = if in_path { vec![event.to_owned()] } else { Vec::new() };
        if matches!(&hook.verify, Verify::Token(token) if token.place == TokenPlace::Path) {
            path.insert(0, String::new());
        }
        let request = Request { headers: &headers, query: &[], path: &path, body: &bytes };
        // Samples and fixtures hold what rules see of a body, whatever it is written in.
        let read = hook
            .read_as(Bodies::JSON, pack, &pack.name, &request, &Object::new(), at)
            .map_err(|refused| format!("`{}` would be refused: {}", self.kind, refused.detail))?;
        let fields = read.fields.into_iter().filter(|(name, _)| !self.named.contains(name)).collect();
        Ok((payload(read.body, fields), read.echo))
    }
}

/// What the first schedule of a rule fires, at noon of a Monday or the first slot after it. `None`: the sample is another, or the rule
/// has no schedule.
pub(super) fn of_schedule(rule: &Rule, written: &str) -> Option<Given> {
    let schedule = rule.schedules().next().filter(|_| written == SCHEDULED)?;
    let slot = schedule.next_after(Time(NOON.0 - 1)).unwrap_or(NOON);
    Some(Given::payload(SCHEDULED, slot_payload(schedule, slot, 0)))
}

/// The sample that `gruveo.call/missed` names; `gruveo.call` is the first of its samples. `Err` is a sentence and the way out.
pub fn sample(registry: &Registry, written: &str) -> Result<Given, (String, String)> {
    let (kind, name) = written.split_once('/').map_or((written, None), |(kind, name)| (kind, Some(name)));
    let (service, event) = kind.split_once('.').unwrap_or((kind, ""));
    let known = registry.pack(service).and_then(|pack| pack.events.get(event));
    let Some(known) = known else {
        let packs = registry.packs.values();
        let kinds: Vec<String> =
            packs.flat_map(|pack| pack.events.keys().map(|event| format!("{}.{event}", pack.name))).collect();
        let help = crate::rules::suggestion(kind, kinds.iter().map(String::as_str));
        let help = if help.is_empty() { "write one such as gruveo.call/missed".to_owned() } else { help };
        return Err((format!("no service has samples of `{}`", crate::rules::shortened(kind)), help));
    };
    let found = match name {
        None => known.samples.first(),
        Some(name) => known.samples.iter().find(|(known, _)| known == name),
    };
    if let Some((_, body)) = found {
        return Ok(Given::sent(kind, body.clone()));
    }
    let shown = crate::rules::shortened(name.unwrap_or_default());
    let names = known.samples.iter().map(|(name, _)| name.as_str());
    let help = crate::rules::suggestion(name.unwrap_or_default(), names);
    let help = if help.is_empty() { "write `type` and `payload` instead".to_owned() } else { help };
    Err((format!("`{kind}` has no sample `{shown}`"), help))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use serde_json::json;

    use super::*;

    fn registry() -> Registry {
        Registry::load(&BTreeMap::new()).unwrap()
    }

    #[test]
    fn a_sample_is_the_body_and_the_packs_fields_are_computed() {
        let given = sample(&registry(), "groove.customer_replied").unwrap();
        let (subject, echo) = given.subject(&registry(), NOON, 1).unwrap();
        assert!(subject.event["customer_email"].is_string(), "{}", subject.event);
        assert!(echo.unwrap().starts_with("customer_replied:"));
        assert_eq!((&subject.trigger["service"], &subject.trigger["type"]), (&json!("groove"), &json!(given.kind)));
    }

    #[test]
    fn what_is_set_by_hand_wins_over_what_the_pack_computes() {
        let given =
            sample(&registry(), "groove.customer_replied").unwrap().set(json!({"customer_email": "a@example.com"}));
        assert_eq!(given.subject(&registry(), NOON, 1).unwrap().0.event["customer_email"], "a@example.com");
        let given = Given::payload(
            "groove.note_added",
            json!({"ticket_number": 7, "links": {"author": {"href": "x/b@example.com"}}}),
        );
        let event = given.subject(&registry(), NOON, 1).unwrap().0.event;
        assert_eq!((&event["ticket_number"], &event["author_email"]), (&json!(7), &json!("b@example.com")));
    }

    #[test]
    fn an_unknown_sample_is_told_with_a_near_one() {
        let (why, help) = sample(&registry(), "gruveo.call/misd").unwrap_err();
        assert_eq!((why.as_str(), help.as_str()), ("`gruveo.call` has no sample `misd`", "did you mean `missed`?"));
        assert_eq!(sample(&registry(), "gruveo.cal").unwrap_err().1, "did you mean `gruveo.call`?");
    }

    #[test]
    fn a_payload_of_no_service_is_taken_as_it_is() {
        let given = Given::payload("calls.escalated", json!({"a": 1}));
        assert_eq!(given.subject(&registry(), NOON, 1).unwrap().0.event, json!({"a": 1}));
    }
}
