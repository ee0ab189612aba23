//! Connections in use: where a service is, which secrets go there, and how fast it may be called.
// CONTRACT STUB: part E replaces the bodies; keep the signatures.

use std::sync::Arc;

use crate::{
    clock::{SharedClock, Time},
    config::Config,
    egress::Egress,
    model::StepError,
    net::Outgoing,
    services::Registry,
    store::Vault,
};

/// All connections: those of `[connections]`, and one of its own name for each service.
pub struct Connections {}

/// Where a request goes.
#[derive(Debug, Clone, Copy)]
pub enum Destination<'a> {
    /// A path (with query, percent-encoded, starting with `/`) below a connection's base URL.
    Connection { name: &'a str, path: &'a str },
    /// A whole URL, as rendered.
    Url(&'a str),
}

/// May the connection be called now?
pub enum Turn {
    /// Yes; the place is given back when this is dropped.
    Now(Place),
    /// Not before then (rate). The slot is reserved for the run that asked.
    At(Time),
    /// All places are taken; ask again when one is given back (`Connections::freed`).
    Busy,
}
/// A place among a connection's concurrent requests.
pub struct Place {}

impl Connections {
    pub fn new(_config: Arc<Config>, _vault: Arc<Vault>, _egress: Arc<Egress>, _clock: SharedClock) -> Self {
        unimplemented!()
    }
    /// Asks for a turn at `lane` (a connection's name or `host:port` of a bare URL) for `run` (its id: a slot reserved for it is kept).
    pub fn turn(&self, _registry: &Registry, _lane: &str, _run: i64) -> Turn {
        unimplemented!()
    }
    /// After a throttled answer: nothing goes out on this lane before `until`.
    pub fn pause(&self, _lane: &str, _until: Time) {
        unimplemented!()
    }
    /// Returns when a place was given back somewhere.
    pub async fn freed(&self) {
        unimplemented!()
    }
    /// URL and secrets for a request: base URL of the connection, egress check, auth by the pack's or step's scheme, secrets only to
    /// their origins (class secret_origin), none missing (secret_missing). Adds auth headers to `request`.
    pub fn address(
        &self,
        _registry: &Registry,
        _destination: &Destination<'_>,
        _auth: Option<&crate::services::AuthUse>,
    ) -> Result<(url::Url, http::HeaderMap), StepError> {
        unimplemented!()
    }
}

#[expect(dead_code, reason = "stub")]
fn _uses(_: Outgoing) {}
