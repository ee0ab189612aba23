//! What a step is: prepared (step and context give a request) and read (a reply gives an outcome). Sends nothing.
// CONTRACT STUB: part D replaces the bodies; keep the signatures (add freely).

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::{
    clock::Time,
    model::{ErrorClass, StepError},
    rules::{Retry, Step, Unknown},
    services::{AuthUse, Registry},
    templates::Context,
    value::Value,
};

/// A rendered request without secrets: stored before its first attempt, the same bytes on every retry.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Request {
    pub method: String,
    /// The connection it goes through (its base URL is not pinned), or a whole URL.
    pub target: Target,
    /// Names as written; content type included.
    pub headers: Vec<(String, String)>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub body: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub auth: Option<AuthUse>,
}

/// Where a request goes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Target {
    /// A path (with query, percent-encoded, starting with `/`) below a connection's base URL.
    Connection { name: String, path: String },
    /// A whole URL.
    Url(String),
}

/// Renders a step's request. `context` has every root that the step may see.
pub fn prepare(_step: &Step, _context: &Context<'_>, _registry: &Registry) -> Result<Request, StepError> {
    unimplemented!()
}

/// What came of one attempt.
#[derive(Debug)]
pub enum Answer<'a> {
    /// A whole answer.
    Reply { status: u16, headers: &'a [(String, String)], body: &'a [u8], truncated: bool },
    /// None.
    None { class: ErrorClass, maybe_executed: bool, message: &'a str },
}

/// What an answer means for its step.
#[derive(Debug, Clone, PartialEq)]
pub enum Reading {
    /// It took effect.
    Ok { result: Value, response: Value, echo: Option<String> },
    /// Try again if the schedule has a delay left. `throttled`: the whole connection pauses.
    Retry { error: StepError, retry_after: Option<Duration>, throttled: bool, response: Value },
    /// Final.
    Failed { error: StepError, response: Value },
    /// Sent, no answer: what the step's policy says to do.
    Unknown { error: StepError, policy: Unknown },
}

/// Reads an answer. `attempt` is the number of the attempt, from 1.
pub fn read(_step: &Step, _registry: &Registry, _answer: &Answer<'_>, _attempt: u32, _now: Time) -> Reading {
    unimplemented!()
}

/// What to do with an attempt that a crash cut off.
pub fn unknown_policy(_step: &Step, _registry: &Registry) -> Unknown {
    unimplemented!()
}

/// When attempt `attempt` (from 1) has failed: how long until the next, or `None` where the schedule has run out. Jitter only adds
/// (`jitter` from 0 to 1, times a fifth of the delay); `retry_after` can lengthen it, up to an hour.
pub fn delay(_retry: &Retry, _attempt: u32, _retry_after: Option<Duration>, _jitter: f64) -> Option<Duration> {
    unimplemented!()
}

/// `bw_` and a hash of the root run (the first in a chain of replays) and the step's path: the same on every attempt of that step.
pub fn idempotency_key(_root_run: i64, _step: &str) -> String {
    unimplemented!()
}
