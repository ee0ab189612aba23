//! The event that a verb is to work on: stored, in a file, or a sample of a pack.

use std::{fs, path::Path};

use super::{failure::Failure, open};
use crate::{
    clock::Time,
    config::Config,
    ids::EventId,
    matcher::{self, Came, Subject},
    services::{self, Registry},
    starts,
    store::Mode,
    value::{JsonLimits, Object, Value, read_json},
};

/// What an argument such as `evt_...`, `sample:gruveo.call/missed` or `call.json` names. A file holds a payload, or `{type, payload}`;
/// `kind` is the type of one that does not say its own.
pub(super) fn event_given(
    config: &Config,
    registry: &Registry,
    given: &str,
    kind: Option<&str>,
) -> Result<Subject, Failure> {
    if let Ok(id) = given.parse::<EventId>() {
        return stored(config, registry, id);
    }
    match given.strip_prefix("sample:") {
        Some(name) => sample(registry, name),
        None => file(registry, Path::new(given), kind),
    }
}

fn stored(config: &Config, registry: &Registry, id: EventId) -> Result<Subject, Failure> {
    if open::is_unborn(config)? {
        return Err(Failure::No(format!("there is no event {id}: nothing was stored in this workspace yet")));
    }
    let detail = open::block_on(async { Ok(open::store(config, Mode::Read)?.event(id).await?) })?;
    let Some(detail) = detail else {
        return Err(Failure::No(format!("there is no event {id}; `bellwire events list` shows those there are")));
    };
    starts::subject_of(&detail.event, registry).map_err(|why| Failure::No(format!("{id}: {why}")))
}

fn sample(registry: &Registry, name: &str) -> Result<Subject, Failure> {
    let (kind, wanted) = name.split_once('/').map_or((name, None), |(kind, sample)| (kind, Some(sample)));
    let (service, event) = kind.split_once('.').unwrap_or((kind, ""));
    let known = registry.pack(service).and_then(|pack| pack.events.get(event));
    let Some(known) = known else {
        return Err(Failure::No(format!(
            "no pack sends `{kind}`; write sample:TYPE/NAME, such as sample:gruveo.call/missed"
        )));
    };
    let found = known.samples.iter().find(|(name, _)| wanted.is_none_or(|wanted| wanted == name));
    match found {
        Some((_, body)) => Ok(subject(registry, kind, body.clone())),
        None => {
            let names: Vec<&str> = known.samples.iter().map(|(name, _)| name.as_str()).collect();
            Err(Failure::No(format!("`{kind}` has no such sample; there are {}", names.join(", "))))
        }
    }
}

fn file(registry: &Registry, path: &Path, kind: Option<&str>) -> Result<Subject, Failure> {
    let shown = path.display();
    let bytes = fs::read(path).map_err(|error| {
        Failure::No(format!("{shown} cannot be read: {error}; an event is evt_..., sample:TYPE/NAME or a JSON file"))
    })?;
    let value = read_json(&bytes, JsonLimits::default())
        .map_err(|error| Failure::No(format!("{shown} is not JSON: {error}")))?
        .value;
    let own = value.as_object().filter(|object| object.len() == 2 && object.contains_key("type"));
    let own = own.and_then(|object| Some((object.get("type")?.as_str()?.to_owned(), object.get("payload")?.clone())));
    let (kind, body) = own.unwrap_or_else(|| (kind.unwrap_or("file.received").to_owned(), value));
    Ok(subject(registry, &kind, body))
}

/// A payload as a delivery of now would bring it.
fn subject(registry: &Registry, kind: &str, body: Value) -> Subject {
    let now = open::clock().now();
    let (service, event) = kind.split_once('.').unwrap_or((kind, ""));
    let hook = registry.pack(service).and_then(|pack| pack.hook.as_ref());
    let fields = hook.map(|hook| hook.fields(event, &body, &Object::new(), now)).unwrap_or_default();
    Subject {
        kind: kind.to_owned(),
        own: false,
        event: services::payload(body, fields),
        trigger: trigger(kind, service, hook.is_some(), now),
        received_at: now,
    }
}

fn trigger(kind: &str, service: &str, known: bool, now: Time) -> Value {
    matcher::trigger(&Came {
        id: "evt_0",
        kind,
        source: service,
        service: known.then_some(service),
        received_at: now,
        verified: "file",
        depth: 0,
        meta: &Object::new(),
    })
}
