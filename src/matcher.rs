//! An event and a rule set give verdicts. Pure.
// CONTRACT STUB: part B replaces the bodies; keep the signatures (add freely).

use std::{sync::Arc, time::Duration};

use crate::{
    clock::Time,
    model::Verdict,
    rules::{Rule, Set},
    value::{Object, Value},
};

/// An event as rules see it.
#[derive(Debug, Clone)]
pub struct Subject {
    /// `gruveo.call`.
    pub kind: String,
    /// Caused by one of our own actions.
    pub own: bool,
    /// `event`: the parsed body with the pack's fields over it.
    pub event: Value,
    /// `trigger`: `{id, type, source, service, received_at, verified, depth, headers, query}`.
    pub trigger: Value,
    /// When it was received: `now` in vars and conditions.
    pub received_at: Time,
}

/// What matching may take.
#[derive(Debug, Clone, Copy)]
pub struct Bounds {
    pub rule: Duration,
    pub event: Duration,
    pub runs: usize,
}

/// A rule that starts a run, or that the runner must decide, or that failed here.
#[derive(Debug)]
pub struct Planned {
    pub rule: Arc<Rule>,
    /// Matched, Undecided or Error; never NotMatched.
    pub verdict: Verdict,
    /// The vars that were computed.
    pub vars: Object,
}

#[derive(Debug, Default)]
pub struct Plan {
    pub runs: Vec<Planned>,
    /// More matched than `Bounds::runs`.
    pub truncated: bool,
}

/// Which rules of `set` start a run on `subject`. `vars` are those of `[vars]`.
pub fn plan(_set: &Set, _subject: &Subject, _vars: &Object, _bounds: Bounds) -> Plan {
    unimplemented!()
}

/// What one rule says to an event, and the vars it computed on the way.
pub fn verdict(_rule: &Rule, _subject: &Subject, _vars: &Object, _limit: Duration) -> (Verdict, Object) {
    unimplemented!()
}

/// Computes the vars named (and those they need) that are not yet in `computed`; used by the runner for steps. `Err` is one sentence.
pub fn compute_vars(
    _rule: &Rule,
    _names: &[&str],
    _roots: &[(&str, &Value)],
    _now: Time,
    _computed: &mut Object,
) -> Result<(), String> {
    unimplemented!()
}
