//! Rules built by hand: steps get their paths from where they stand.
#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::{sync::Arc, time::Duration};

use serde_json::{Value, json};

use crate::{
    model::{Keeper, Place, StepPath},
    rules::{
        Around, AttributesStep, Condition, OnStepError, Operand, Operator, OperatorKind, Retry, RetryWhen, Rule, Step,
        StepKind, Test, Var, WaitStep, WaitWhat,
    },
    templates::{Files, Leaf, Tree},
};

pub(super) fn tree(value: &Value) -> Tree {
    Tree::parse(value, &Files::default(), &|_| Place::default()).unwrap()
}

pub(super) fn leaf(value: &Value) -> Leaf {
    Leaf::parse(value, &Files::default()).unwrap()
}

pub(super) fn trees(value: &Value) -> Vec<(String, Tree)> {
    value.as_object().into_iter().flatten().map(|(name, value)| (name.clone(), tree(value))).collect()
}

pub(super) fn step(kind: StepKind) -> Step {
    Step {
        path: StepPath(String::new()),
        id: None,
        place: Place::default(),
        condition: None,
        kind,
        retry: Retry { after: Vec::new(), when: RetryWhen { network: true, statuses: Vec::new() }, unknown: None },
        timeout: Duration::from_secs(30),
        on_error: OnStepError::Stop,
    }
}

pub(super) fn act(id: &str) -> Step {
    step(StepKind::Action { name: "x.do".to_owned(), inputs: Vec::new(), connection: None }).id(id)
}

pub(super) fn block(condition: Condition, then: Vec<Step>, otherwise: Vec<Step>) -> Step {
    step(StepKind::Block { then, otherwise }).only_if(condition)
}

pub(super) fn each(list: &Value, name: &str, steps: Vec<Step>) -> Step {
    step(StepKind::ForEach { list: tree(list), name: name.to_owned(), limit: 100, steps })
}

pub(super) fn each_of(list: &Value, limit: u32, steps: Vec<Step>) -> Step {
    step(StepKind::ForEach { list: tree(list), name: "item".to_owned(), limit, steps })
}

pub(super) fn wait(what: WaitWhat) -> Step {
    step(StepKind::Wait(Box::new(WaitStep { what, hours: None })))
}

pub(super) fn wait_for(seconds: u64) -> Step {
    wait(WaitWhat::For(Duration::from_secs(seconds)))
}

pub(super) fn wait_event(when: Condition, limit: Option<u64>) -> Step {
    let kinds = vec!["shop.answered".to_owned()];
    wait(WaitWhat::Event { kinds, when, limit: limit.map(Duration::from_secs) })
}

pub(super) fn vars(value: &Value) -> Step {
    step(StepKind::Vars(trees(value)))
}

pub(super) fn emit(data: &Value) -> Step {
    step(StepKind::Emit { kind: "calls.escalated".to_owned(), data: tree(data) })
}

/// `change` is `{set, add, append, remove}`.
pub(super) fn attributes(keeper: Keeper, key: &Value, change: &Value) -> Step {
    let remove = change["remove"].as_array().into_iter().flatten();
    step(StepKind::Attributes(Box::new(AttributesStep {
        keeper,
        key: leaf(key),
        set: trees(&change["set"]),
        add: trees(&change["add"]),
        append: trees(&change["append"]),
        remove: remove.filter_map(Value::as_str).map(str::to_owned).collect(),
    })))
}

pub(super) fn stop(why: &str) -> Step {
    step(StepKind::Stop(leaf(&json!(why))))
}

pub(super) fn fail(why: &str) -> Step {
    step(StepKind::Fail(leaf(&json!(why))))
}

/// An equality. A text with `{{` on the right is a template.
pub(super) fn is(path: &str, value: &Value) -> Condition {
    let operand = match leaf(value) {
        Leaf::Literal(value) => Operand::Literal(value),
        leaf => Operand::Template(leaf),
    };
    let operator = Operator { kind: OperatorKind::Is, name: "is", operand, place: Place::default() };
    let operators = vec![operator];
    Condition::Test(Test { path: path.parse().unwrap(), operators, ignore_case: false, place: Place::default() })
}

pub(super) fn never() -> Condition {
    is("event.never", &json!("there"))
}

pub(super) fn always() -> Condition {
    Condition::All(Vec::new())
}

impl Step {
    pub(super) fn id(self, id: &str) -> Self {
        Self { id: Some(id.to_owned()), ..self }
    }

    pub(super) fn only_if(self, condition: Condition) -> Self {
        Self { condition: Some(condition), ..self }
    }

    pub(super) fn or_go_on(self) -> Self {
        Self { on_error: OnStepError::Continue, ..self }
    }

    pub(super) fn or_else(self, steps: Vec<Step>) -> Self {
        Self { on_error: OnStepError::Steps(steps), ..self }
    }
}

pub(super) fn rule(steps: Vec<Step>) -> Rule {
    rule_with(steps, Vec::new(), &json!({}))
}

pub(super) fn rule_with(mut steps: Vec<Step>, mut on_error: Vec<Step>, vars: &Value) -> Rule {
    put(&mut steps, "do");
    put(&mut on_error, "on_error");
    Rule {
        id: Arc::from("calls/missed"),
        file: Arc::from("rules/calls/missed.yaml"),
        name: "Missed".to_owned(),
        description: None,
        enabled: true,
        on: Vec::new(),
        vars: trees(vars).into_iter().map(|(name, value)| Var { name, value, place: Place::default() }).collect(),
        when: always(),
        around: Around::default(),
        timeout: None,
        steps,
        on_error,
        tests: Vec::new(),
    }
}

/// Gives steps their paths.
fn put(steps: &mut [Step], list: &str) {
    for (index, step) in steps.iter_mut().enumerate() {
        let path = format!("{list}.{index}");
        match &mut step.kind {
            StepKind::Block { then, otherwise } => {
                put(then, &format!("{path}.then"));
                put(otherwise, &format!("{path}.else"));
            }
            StepKind::ForEach { steps, .. } => put(steps, &format!("{path}.do")),
            _ => {}
        }
        if let OnStepError::Steps(list) = &mut step.on_error {
            put(list, &format!("{path}.on_error"));
        }
        step.path = StepPath(path);
    }
}
