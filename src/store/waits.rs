//! Steps that wait for a time or an event. CONTRACT STUB

use serde_json::Value;

use crate::{clock::Time, ids::EventId, model::StepPath};

/// A wait that begins; with its step's row it is in one transaction with the end of the step before it.
#[derive(Debug, Clone)]
pub struct NewWait {
    /// The step.
    pub step: StepPath,
    /// When it began: `now` of the step.
    pub began_at: Time,
    /// When it ends by itself. `None`: never.
    pub until: Option<Time>,
    /// The events that may end it.
    pub events: Option<WaitEvents>,
}

/// The events that may end a wait.
#[derive(Debug, Clone)]
pub struct WaitEvents {
    /// Any of these types.
    pub kinds: Vec<String>,
    /// Where in the payload the key is, as a JSON pointer.
    pub pointer: String,
    /// What must stand there: a number equals the same number in any form.
    pub value: Value,
    /// Only events stored after this one.
    pub since: EventId,
}

/// A wait as a worker finds it again.
#[derive(Debug, Clone)]
pub struct OpenWait {
    pub step: StepPath,
    pub began_at: Time,
    pub until: Option<Time>,
    /// Only events after this one.
    pub since: EventId,
    /// The newest event when the wait was registered: those up to it must be looked at one by one, later ones are among `candidates`.
    pub upto: EventId,
    /// The worker has looked at the events up to `upto`.
    pub looked: bool,
    /// Events stored since whose key is the one wanted, oldest first.
    pub candidates: Vec<EventId>,
}
