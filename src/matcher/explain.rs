//! The truth table of a rule on an event: every condition with what it wanted and saw. CONTRACT STUB

use std::time::Duration;

use serde::Serialize;

use super::{Keys, Subject, verdict};
use crate::{
    model::{Place, Verdict},
    rules::Rule,
    value::{Object, Value},
};

/// Whether one condition held.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Held {
    /// It held.
    Yes,
    /// It did not.
    No,
    /// Nobody needed to ask: an earlier one had decided.
    NotAsked,
}

/// One line of the table: an operator on a path, or the head of a group.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Line {
    /// How deep it stands: 0 for the entries of `when`.
    pub depth: usize,
    /// `all`, `any`, `not` of a group; empty for a test.
    pub group: &'static str,
    /// The path that was looked at; empty for a group.
    pub path: String,
    /// The operator, such as `is`.
    pub operator: String,
    /// What was wanted.
    pub wanted: Value,
    /// What was seen; null where nothing was there.
    pub seen: Value,
    pub held: Held,
    /// It is the one that decided against the rule.
    pub decisive: bool,
    /// Why, where it is not plain.
    pub note: String,
    pub place: Place,
}

/// What a rule said to an event, and why.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Explanation {
    pub rule: String,
    pub name: String,
    /// The rule listens to this type at all.
    pub hears: bool,
    pub verdict: Verdict,
    pub lines: Vec<Line>,
    /// Every var of the rule as it was computed; one that failed is text in `faults`.
    pub vars: Object,
    /// Vars and keys that failed, a sentence each.
    pub faults: Vec<String>,
    #[serde(skip)]
    pub keys: Keys,
}

/// The table of one rule on one event. Every condition is evaluated, also those after the first that failed.
pub fn explain(rule: &Rule, subject: &Subject, vars: &Object, limit: Duration) -> Explanation {
    let (verdict, computed) = verdict(rule, subject, vars, limit);
    Explanation {
        rule: rule.id.to_string(),
        name: rule.name.clone(),
        hears: rule.hears(&subject.kind, subject.own),
        verdict,
        lines: Vec::new(),
        vars: computed,
        faults: Vec::new(),
        keys: Keys::default(),
    }
}
