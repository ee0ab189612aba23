//! A test of a rule as it is meant: nothing left to check.

use std::{collections::BTreeMap, time::Duration};

use crate::{
    clock::Time,
    model::Place,
    rules::Condition,
    trial::{answers::Reply, events::Given},
    value::{Object, Value},
};

/// A test of a rule.
#[derive(Debug)]
pub struct Case {
    pub name: String,
    /// Of the test in its file.
    pub place: Place,
    /// With how long after the start each comes.
    pub events: Vec<(Duration, Given)>,
    /// When it starts.
    pub now: Time,
    pub profiles: Vec<(String, Object)>,
    pub records: Vec<(String, Object)>,
    /// Laid over `[vars]`.
    pub vars: Object,
    /// By id or path of the step.
    pub replies: BTreeMap<String, Replies>,
    /// `None`: whatever the effects are.
    pub expect: Option<Vec<Wanted>>,
    /// Empty: whatever it says. One: of the last event that the rule listens to. Several: of each event.
    pub verdicts: Vec<WantedVerdict>,
    /// Empty: however they end. One: of every run. Several: of each run.
    pub outcomes: Vec<String>,
    /// Over `steps`, of the last run.
    pub steps: Option<Condition>,
}

/// What answers the requests of a step.
#[derive(Debug, Clone, PartialEq)]
pub enum Replies {
    /// Every one of them.
    Always(Reply),
    /// One after another.
    InOrder(Vec<Reply>),
}

/// An effect that is expected.
#[derive(Debug)]
pub struct Wanted {
    /// `groove.add_note`, `http`, `emit`, `profile` or `record`.
    pub action: String,
    /// Over its inputs.
    pub condition: Condition,
    /// Its inputs as they are written: a path and what is wanted there.
    pub written: Object,
    pub place: Place,
}

/// A verdict that is expected.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WantedVerdict {
    pub matched: Option<bool>,
    /// The path of the condition that did not hold; `on` where the rule does not listen.
    pub because: Option<String>,
    /// `once`, `threshold`, `digest` or `own`.
    pub suppressed: Option<String>,
}

impl WantedVerdict {
    /// As it is written.
    pub fn shown(&self) -> String {
        let mut parts = Vec::new();
        parts.extend(self.matched.map(|matched| format!("matched: {matched}")));
        parts.extend(self.because.as_ref().map(|path| format!("because: {path}")));
        parts.extend(self.suppressed.as_ref().map(|gate| format!("suppressed: {gate}")));
        parts.join(", ")
    }
}

/// The value of a name in a map; null where there is none.
pub(super) fn object(value: &Value) -> Object {
    value.as_object().cloned().unwrap_or_default()
}
