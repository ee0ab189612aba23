//! Refused deliveries: counted, kept within bounds, and told in a sampled log line. Never a body, a header's value or a query.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use super::source::is_source_name;
use crate::{
    clock::SharedClock,
    ids::{IdSource, RefusalId},
    model::{Refusal, RefusalReason},
    store::Store,
    web::{
        Counters, Foreign, Sampler,
        gate::{Observer, RefusedRequest},
    },
};

/// Refusals of one reason that are kept in a second: enough to see what happens, and a flood does not keep the store's writer busy.
const KEPT_A_SECOND: u64 = 100;

/// Where refused deliveries go.
pub struct Refusals {
    store: Store,
    clock: SharedClock,
    ids: Arc<IdSource>,
    counters: Arc<Counters>,
    lines: Sampler,
    kept: Sampler,
}

/// What is told of a refused delivery.
#[derive(Debug, Clone, Copy)]
pub struct RefusedDelivery<'r> {
    /// Its source; `None` where there is none of that name.
    pub source: Option<&'r str>,
    pub peer: &'r str,
    pub reason: RefusalReason,
    pub status: u16,
    /// What differed: never the key, the expected value or a value of the sender's.
    pub detail: &'r str,
    /// Bytes of the body that were read.
    pub bytes: u64,
}

impl std::fmt::Debug for Refusals {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Refusals").field("counters", &self.counters).finish_non_exhaustive()
    }
}

impl Refusals {
    /// Keeps refusals in `store`, counts them in `counters`.
    pub fn new(store: Store, clock: SharedClock, ids: Arc<IdSource>, counters: Arc<Counters>) -> Self {
        Self {
            store,
            clock,
            ids,
            counters,
            lines: Sampler::new(1, Duration::from_secs(1)),
            kept: Sampler::new(KEPT_A_SECOND, Duration::from_secs(1)),
        }
    }

    /// The counts by source and reason.
    pub fn counters(&self) -> &Arc<Counters> {
        &self.counters
    }

    /// Counts, keeps and logs one.
    pub fn record(&self, refused: &RefusedDelivery<'_>) {
        self.counters.count(refused.source.unwrap_or_default(), refused.reason);
        let id = self.keep(refused);
        if let Some(more) = self.lines.pass(refused.reason, Instant::now()) {
            tracing::warn!(
                refusal.id = %id,
                source = refused.source.unwrap_or_default(),
                peer = %Foreign(refused.peer),
                reason = refused.reason,
                status = refused.status,
                bytes = refused.bytes,
                detail = %Foreign(refused.detail),
                more,
                "delivery refused"
            );
        }
    }

    fn keep(&self, refused: &RefusedDelivery<'_>) -> RefusalId {
        let now = self.clock.now();
        let id = RefusalId(self.ids.next(now));
        if self.kept.pass(refused.reason, Instant::now()).is_some() {
            self.store.refuse(Refusal {
                id,
                at: now.0,
                source: refused.source.map(str::to_owned),
                peer: refused.peer.to_owned(),
                reason: refused.reason.to_owned(),
                status: refused.status,
                detail: refused.detail.to_owned(),
                bytes: refused.bytes,
            });
        }
        id
    }

    /// For the gate: keeps what it refuses of requests to hooks (it counts and logs them itself). `is_source` says which names are sources.
    pub fn observer(self: &Arc<Self>, is_source: Arc<dyn Fn(&str) -> bool + Send + Sync>) -> Observer {
        let refusals = Arc::clone(self);
        Arc::new(move |request: &RefusedRequest<'_>| {
            let Some(rest) = request.path.strip_prefix("/hooks/") else { return };
            let name = rest.split('/').next().unwrap_or_default();
            let source = Some(name).filter(|name| is_source_name(name) && is_source(name));
            let peer = request.peer.to_string();
            let RefusedRequest { reason, status, bytes, .. } = *request;
            refusals.keep(&RefusedDelivery {
                source,
                peer: &peer,
                reason,
                status,
                detail: "refused at the gate",
                bytes,
            });
        })
    }
}
