//! The truth table of a rule on an event: every condition with what it wanted and saw.

use std::time::Duration;

use serde::Serialize;

use super::{Key, Keys, Subject, scope::RuleScope, verdict};
use crate::{
    model::{Place, Verdict},
    rules::{Rule, Scope as _, Traced},
    value::{Object, Segment, Value},
};

/// Whether one condition held.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Held {
    /// It held.
    Yes,
    /// It did not.
    No,
    /// Nobody could ask: a var failed for a condition on the same path before it, or the time was used up.
    NotAsked,
}

/// One line of the table: an operator on a path, or the head of a group.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Line {
    /// How deep it stands: 0 for the entries of `when`.
    pub depth: usize,
    /// `all`, `any`, `not` of a group; empty for a test.
    pub group: &'static str,
    /// The path that was looked at; empty for a group, unless it is a `not` that decided.
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

/// The table of one rule on one event. Every condition is evaluated, also those after the first that failed. The verdict is that of
/// [`verdict`]; the table is made apart from it, since it asks more than a verdict needs and may use up the time.
pub fn explain(rule: &Rule, subject: &Subject, vars: &Object, limit: Duration) -> Explanation {
    let (verdict, _) = verdict(rule, subject, vars, limit);
    let scope = RuleScope::new(rule, subject, vars, limit);
    let mut lines: Vec<Line> = Vec::new();
    for traced in rule.when.trace(&scope) {
        lines.push(line(traced, matches!(verdict, Verdict::NotMatched(_))));
    }
    if let Some(why) = scope.exhausted() {
        let late = lines.iter_mut().filter(|line| line.held == Held::No && line.note == why);
        late.for_each(|line| line.held = Held::NotAsked);
    }
    let mut faults = Vec::new();
    for var in &rule.vars {
        faults.extend(scope.root("vars", &[Segment::Name(var.name.clone())]).err());
    }
    let mut computed = scope.into_computed();
    let mut keys = Keys::default();
    if verdict == Verdict::Matched {
        let events = Value::Array(vec![subject.event.clone()]);
        let about = serde_json::json!({"id": &*rule.id, "name": rule.name});
        let settings = Value::Object(vars.clone());
        let roots = [
            ("event", &subject.event),
            ("events", &events),
            ("trigger", &subject.trigger),
            ("rule", &about),
            ("vars", &settings),
        ];
        keys = Keys::of(rule, &roots, subject.received_at, &mut computed);
        for (word, key) in [("once", &keys.once), ("threshold", &keys.threshold), ("digest", &keys.digest)] {
            if let Key::Nothing(why) = key {
                faults.push(format!("{word}: {why}"));
            }
        }
    }
    Explanation {
        rule: rule.id.to_string(),
        name: rule.name.clone(),
        hears: rule.hears(&subject.kind, subject.own),
        verdict,
        lines,
        vars: computed,
        faults,
        keys,
    }
}

fn line(traced: Traced, decided: bool) -> Line {
    let Traced { depth, group, held, evidence, decisive, place } = traced;
    Line {
        depth,
        group,
        path: evidence.path,
        operator: evidence.operator,
        wanted: evidence.wanted,
        seen: evidence.seen,
        held: match held {
            Some(true) => Held::Yes,
            Some(false) => Held::No,
            None => Held::NotAsked,
        },
        decisive: decisive && decided,
        note: evidence.note,
        place,
    }
}

#[cfg(test)]
mod tests;
