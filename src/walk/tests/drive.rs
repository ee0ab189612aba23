//! Drives a walk to its end, with a store and an outside of its own, and kills it where it is told to.
#![expect(clippy::panic, reason = "a test may panic")]

use std::{sync::Arc, time::Duration};

use serde_json::{Value, json};

use crate::{
    clock::Time,
    model::{ErrorClass, StepError, StepOutcome, StepOutput, StepPath},
    rules::Rule,
    value::Object,
    walk::{About, End, Next, Stand, Walk},
};

/// 2026-03-01T10:00:00Z.
pub(super) const NOON: Time = Time(1_772_359_200_000);

pub(super) fn about(event: Value) -> About {
    About {
        events: vec![event],
        trigger: json!({"id": "evt_1", "type": "shop.call"}),
        received_at: NOON,
        run: "run_1".to_owned(),
        started_at: None,
        replay_of: None,
    }
}

pub(super) fn object(value: Value) -> Object {
    value.as_object().cloned().unwrap_or_default()
}

pub(super) fn walk(rule: Rule, event: Value) -> Walk {
    Walk::new(Arc::new(rule), about(event), &Object::new(), Stand::default())
}

pub(super) fn ok(path: &StepPath, result: Value) -> StepOutput {
    StepOutput {
        step: path.clone(),
        outcome: StepOutcome::Ok,
        result,
        error: None,
        response: json!({"status": 200}),
        waited: Duration::ZERO,
    }
}

pub(super) fn error(step: &str) -> StepError {
    let message = "the service answers 500".to_owned();
    StepError { step: step.to_owned(), class: ErrorClass::Status, status: Some(500), message, attempt: 3 }
}

pub(super) fn broken(path: &StepPath) -> StepOutput {
    StepOutput { outcome: StepOutcome::Failed, error: Some(error(&path.0)), ..ok(path, Value::Null) }
}

/// The path of a request, for steps in a row; panics on anything else.
pub(super) fn request(next: Next) -> StepPath {
    match next {
        Next::Request { path, .. } => path,
        other => panic!("a request wanted, {other:?} seen"),
    }
}

/// How a run went.
#[derive(Debug, PartialEq)]
pub(super) struct Went {
    /// What was asked of the outside, with what was seen.
    pub(super) asked: Vec<String>,
    pub(super) outputs: Vec<StepOutput>,
    pub(super) vars: Object,
    pub(super) end: End,
    pub(super) second: Option<StepError>,
}

impl Went {
    pub(super) fn paths(&self) -> Vec<&str> {
        self.outputs.iter().map(|output| output.step.0.as_str()).collect()
    }

    pub(super) fn output(&self, path: &str) -> &StepOutput {
        let found = self.outputs.iter().find(|output| output.step.0 == path);
        found.unwrap_or_else(|| panic!("no output of {path}: {:?}", self.paths()))
    }
}

/// A run with a store that survives.
pub(super) struct Drive<'d> {
    pub(super) rule: Arc<Rule>,
    pub(super) about: About,
    pub(super) settings: Object,
    /// What the outside says to a step.
    pub(super) answer: &'d dyn Fn(&Next, &StepPath) -> StepOutput,
    /// Whether the process dies at the next point.
    pub(super) dies: &'d mut dyn FnMut() -> bool,
}

impl Drive<'_> {
    pub(super) fn go(&mut self) -> Went {
        let mut kept = Stand::default();
        let mut asked = Vec::new();
        let mut now = NOON;
        let mut walk = self.up(&kept);
        // The end of a step that no store holds yet.
        let mut unkept: Option<StepOutput> = None;
        loop {
            let mut next = walk.next(now);
            let line = show(&walk, &next, now);
            if (self.dies)() {
                walk = self.up(&kept);
                if let Some(output) = unkept {
                    walk.next(Time(now.0 - 1000));
                    walk.end(output);
                }
                next = walk.next(now);
                assert_eq!(show(&walk, &next, now), line, "killed before it was kept");
            }
            self.keep(&mut walk, &mut kept);
            let path = match &next {
                Next::End(end) => {
                    let (end, second) = (end.clone(), walk.second_failure().cloned());
                    return Went { asked, outputs: kept.outputs, vars: kept.vars, end, second };
                }
                Next::Request { path, began } | Next::Wait { path, began, .. } => {
                    kept.begun = Some((path.clone(), *began));
                    path.clone()
                }
                Next::Effect { path, .. } => path.clone(),
            };
            asked.push(line.clone());
            assert_eq!(walk.next(if kept.begun.is_some() { Time(now.0 + 7) } else { now }), next, "asked twice");
            if (self.dies)() {
                walk = self.up(&kept);
                // A step that has begun keeps its time.
                next = walk.next(if kept.begun.is_some() { Time(now.0 + 7) } else { now });
                assert_eq!(show(&walk, &next, now), line, "killed when it was begun");
            }
            now = now.plus(Duration::from_secs(1));
            let output = (self.answer)(&next, &path);
            walk.end(output.clone());
            if (self.dies)() {
                walk = self.up(&kept);
                let earlier = Time(now.0 - 1000);
                next = walk.next(earlier);
                assert_eq!(show(&walk, &next, earlier), line, "killed before its end was kept");
                walk.end(output.clone());
            }
            unkept = Some(output);
            if (self.dies)() {
                self.keep(&mut walk, &mut kept);
                unkept = None;
                walk = self.up(&kept);
            }
        }
    }

    fn up(&self, kept: &Stand) -> Walk {
        let about = About { started_at: (!kept.outputs.is_empty()).then_some(NOON), ..self.about.clone() };
        Walk::new(Arc::clone(&self.rule), about, &self.settings, kept.clone())
    }

    fn keep(&self, walk: &mut Walk, kept: &mut Stand) {
        kept.begun = None;
        kept.outputs.extend(walk.take_fresh());
        if let Some(vars) = walk.take_vars() {
            kept.vars = vars;
        }
        kept.failure = walk.failure().cloned();
    }
}

/// What is next, and what it sees.
fn show(walk: &Walk, next: &Next, now: Time) -> String {
    let (path, began) = match next {
        Next::Request { path, began } | Next::Wait { path, began, .. } => (path, *began),
        Next::Effect { path, .. } => (path, now),
        Next::End(_) => return format!("{next:?}"),
    };
    let context = walk.context(path, began);
    let names = ["event", "vars", "steps", "error", "item", "inner", "trigger", "rule"];
    let seen: Vec<String> = names.iter().filter_map(|name| Some(format!("{name}={}", context.root(name)?))).collect();
    format!("{next:?} {}", seen.join(" "))
}

/// Drives a rule through in one go.
pub(super) fn through(rule: Rule, event: Value, answer: &dyn Fn(&Next, &StepPath) -> StepOutput) -> Went {
    let (rule, about, settings) = (Arc::new(rule), about(event), Object::new());
    Drive { rule, about, settings, answer, dies: &mut || false }.go()
}

/// Every step succeeds; its result is its own path.
pub(super) fn well(_next: &Next, path: &StepPath) -> StepOutput {
    ok(path, json!(path.0))
}
