//! A stored event as rules see it.

use crate::{
    matcher::{self, Came, Subject},
    model::EventFlags,
    services::{Reading, Registry},
    store::StoredEvent,
    value::Value,
};

/// `event`: the body, read as it was when it came in, with the pack's fields over it. `Err` is one sentence: its body is gone, or no longer reads.
pub fn event_value(event: &StoredEvent, registry: &Registry) -> Result<Value, String> {
    let bytes = event.body.as_deref().ok_or("the event's body was deleted by retention")?;
    let body = Reading::kept(&event.meta)
        .read(bytes)
        .map_err(|refused| format!("the event's body no longer reads: {}", refused.detail))?;
    let hook = event.service.as_deref().and_then(|service| registry.pack(service)).and_then(|pack| pack.hook.as_ref());
    let Some(hook) = hook else {
        return Ok(body.value);
    };
    let name = event.kind.split_once('.').map_or("", |(_, name)| name);
    let headers = event.meta.get("headers").and_then(Value::as_object).cloned().unwrap_or_default();
    let fields = hook.fields(name, &body.value, &headers, event.received_at);
    Ok(crate::services::payload(body.value, fields))
}

/// `trigger`: where it came from.
pub fn trigger_of(event: &StoredEvent) -> Value {
    matcher::trigger(&Came {
        id: &event.id.to_string(),
        kind: &event.kind,
        source: &event.source,
        service: event.service.as_deref(),
        received_at: event.received_at,
        verified: &event.verified,
        depth: event.depth,
        meta: &event.meta,
    })
}

/// A stored event as it is matched. `Err` is one sentence: its body is gone, or no longer reads.
pub fn subject_of(event: &StoredEvent, registry: &Registry) -> Result<Subject, String> {
    Ok(Subject {
        kind: event.kind.clone(),
        own: event.flags.has(EventFlags::OWN),
        event: event_value(event, registry)?,
        trigger: trigger_of(event),
        received_at: event.received_at,
    })
}
