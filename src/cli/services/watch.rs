//! Watches what a running server takes or refuses.

use std::time::Duration;

use super::captured::Captured;
use crate::{
    cli::{answer::clean, failure::Failure},
    ids::{EventId, RefusalId},
    model::Refusal,
    starts,
    store::{EventDetail, EventFilter, Store},
    value::{Object, Value},
};

/// Between two looks.
const PAUSE: Duration = Duration::from_millis(200);
/// Refusals that are looked at: those of one pause.
const REFUSALS: usize = 200;

/// What came first.
pub(super) enum Came {
    /// A delivery that nobody else took.
    Captured(Box<Captured>),
    /// An event, with the delivery as it is stored: proofs are not.
    Event(EventId, Box<Captured>),
    /// Nothing of it is kept but this.
    Refused(Box<Refusal>),
}

/// Waits for the next delivery to `source` (any, where none is named). Ends only by it: whoever calls says for how long.
pub(super) async fn next(store: &Store, source: Option<&str>) -> Result<Came, Failure> {
    let filter =
        |limit| EventFilter { limit: Some(limit), source: source.map(str::to_owned), ..EventFilter::default() };
    let last_event = store.events(filter(1)).await?.first().map_or(EventId(0), |row| row.id);
    let last_refusal = store.refusals(1).await?.first().map_or(RefusalId(0), |refusal| refusal.id);
    loop {
        tokio::time::sleep(PAUSE).await;
        let rows = store.events(filter(REFUSALS)).await?;
        // The first that came, not the newest; events of our own have no request.
        for row in rows.iter().rev().filter(|row| row.id > last_event) {
            let detail = store.event(row.id).await?;
            if let Some(detail) = detail.filter(|detail| detail.event.verified != starts::INTERNAL) {
                return Ok(Came::Event(row.id, Box::new(captured(&detail))));
            }
        }
        let refusals = store.refusals(REFUSALS).await?;
        let is_asked = |refusal: &&Refusal| match (source, refusal.source.as_deref()) {
            (Some(wanted), Some(seen)) => wanted == seen,
            // A source that does not exist has no name: it may have been meant.
            (Some(_), None) => refusal.reason == "unknown_source",
            (None, _) => true,
        };
        if let Some(refusal) = refusals.iter().rev().filter(|refusal| refusal.id > last_refusal).find(is_asked) {
            return Ok(Came::Refused(Box::new(refusal.clone())));
        }
    }
}

/// A stored event as a capture. The body may be gone already where retention is very short.
pub(super) fn captured(detail: &EventDetail) -> Captured {
    let event = &detail.event;
    let pairs = |name: &str| event.meta.get(name).and_then(Value::as_object).cloned().unwrap_or_default();
    let text =
        |pairs: Object| pairs.into_iter().map(|(name, value)| (name, value.as_str().unwrap_or_default().to_owned()));
    let headers = text(pairs("headers")).map(|(name, value)| (name, value.into_bytes()));
    let name = event.kind.split_once('.').map(|(_, name)| name).filter(|name| *name != "received");
    let path: Vec<String> = name.map(str::to_owned).into_iter().collect();
    let body = event.body.as_deref().unwrap_or_default();
    Captured::new(event.received_at, &event.source, &path, text(pairs("query")), headers, body)
}

/// A refusal, for a person.
pub(super) fn shown(refusal: &Refusal) -> String {
    let of = refusal.source.as_deref().map_or("no source of that name".to_owned(), |source| clean(source, 63));
    format!(
        "refused with {}: {} ({of}, {} bytes)\n{}\nNothing of a refused delivery is kept. `bellwire explain {}` says what to do about it; a delivery to a\n\
         source that is not set up yet is captured with --listen ADDRESS, or while the server is stopped.",
        refusal.status,
        clean(&refusal.reason, 64),
        refusal.bytes,
        clean(&refusal.detail, 300),
        refusal.id,
    )
}
