//! An event and a rule set give verdicts. Pure: the time comes in, and a stopwatch bounds what evaluation may take.

mod explain;
mod keys;
mod scope;
mod search;
mod trigger;
mod vars;

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

pub use explain::{Explanation, Held, Line, explain};
pub use keys::{Key, Keys};
pub use search::holds;
pub use trigger::{Came, trigger};
pub use vars::compute_vars;

use self::scope::RuleScope;
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
    /// Of one rule.
    pub rule: Duration,
    /// Of all rules together; those not reached are left to the runner.
    pub event: Duration,
    /// Runs that one event may start.
    pub runs: usize,
}

/// A rule that starts a run, or that the runner must decide, or that failed here.
#[derive(Debug)]
pub struct Planned {
    /// The rule.
    pub rule: Arc<Rule>,
    /// Matched, Undecided or Error; never `NotMatched`.
    pub verdict: Verdict,
    /// The vars that were computed.
    pub vars: Object,
    /// The keys of `once`, `threshold` and `digest`; of a rule that matched.
    pub keys: Keys,
}

/// What an event starts.
#[derive(Debug, Default)]
pub struct Plan {
    /// In order of the rules' ids.
    pub runs: Vec<Planned>,
    /// More matched than `Bounds::runs`.
    pub truncated: bool,
}

/// Which rules of `set` start a run on `subject`. `vars` are those of `[vars]`.
pub fn plan(set: &Set, subject: &Subject, vars: &Object, bounds: Bounds) -> Plan {
    plan_of(&set.candidates(&subject.kind, subject.own, &subject.event), subject, vars, bounds)
}

/// Which of these rules start a run on `subject`; whether they listen to its type is not asked.
pub fn plan_of(rules: &[&Arc<Rule>], subject: &Subject, vars: &Object, bounds: Bounds) -> Plan {
    let start = Instant::now();
    let mut plan = Plan::default();
    for rule in rules.iter().copied() {
        let left = bounds.event.saturating_sub(start.elapsed());
        let (mut verdict, mut computed) = if left.is_zero() {
            (Verdict::Undecided, Object::new())
        } else {
            let (limit, began) = (bounds.rule.min(left), Instant::now());
            match decided(rule, RuleScope::new(rule, subject, vars, limit).without_evidence()) {
                // On a busy machine the time may have gone to others: whoever has more of it decides.
                (Verdict::Error { .. }, _) if began.elapsed() >= limit => (Verdict::Undecided, Object::new()),
                decided => decided,
            }
        };
        if matches!(verdict, Verdict::NotMatched(_)) {
            continue;
        }
        if plan.runs.len() >= bounds.runs {
            plan.truncated = true;
            break;
        }
        let mut keys = Keys::default();
        if verdict == Verdict::Matched {
            if let Some(of_rule) = Keys::of_match(rule, subject, vars, bounds.rule, &mut computed) {
                keys = of_rule;
            } else {
                // A key that is not there for want of time must not let the event pass.
                (verdict, computed) = (Verdict::Undecided, Object::new());
            }
        }
        plan.runs.push(Planned { rule: Arc::clone(rule), verdict, vars: computed, keys });
    }
    plan
}

/// What one rule says to an event, and the vars it computed on the way.
pub fn verdict(rule: &Rule, subject: &Subject, vars: &Object, limit: Duration) -> (Verdict, Object) {
    decided(rule, RuleScope::new(rule, subject, vars, limit))
}

fn decided(rule: &Rule, scope: RuleScope<'_>) -> (Verdict, Object) {
    let result = rule.when.evaluate(&scope);
    let verdict = match (scope.exhausted(), result) {
        (Some(message), _) => Verdict::Error { message },
        (None, Ok(())) => Verdict::Matched,
        (None, Err(evidence)) => Verdict::NotMatched(evidence),
    };
    (verdict, scope.into_computed())
}

#[cfg(test)]
mod tests;
