//! Runs that repeat another, or that a person starts on a stored event. CONTRACT STUB

use serde_json::{Map, Value};

use crate::{
    clock::Time,
    ids::{EventId, RunId},
    model::StepOutput,
};

/// A run that repeats another, or that a person starts on a stored event.
#[derive(Debug, Clone)]
pub struct Replay {
    /// Its id.
    pub id: RunId,
    /// The event, or the newest of them.
    pub event: EventId,
    /// The run that it repeats: its other events are its own too. `None`: a rule on an event that it did not run on.
    pub of: Option<RunId>,
    /// The rule's id.
    pub rule: String,
    /// The rule set that it runs by.
    pub set: i64,
    /// The first run in the chain, whose Idempotency-Keys it uses. `None`: it has keys of its own.
    pub root: Option<RunId>,
    /// Vars that are known.
    pub vars: Map<String, Value>,
    /// Steps that count as ended.
    pub outputs: Vec<StepOutput>,
    /// Now.
    pub at: Time,
}
