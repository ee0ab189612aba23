//! The way of a run through its rule's steps: what is next, and what it sees. Pure: whoever drives it sends, waits, keeps and holds the
//! clock. The runner drives it for real, `trial` for tests and dry runs. CONTRACT STUB

use std::sync::Arc;

use crate::{
    clock::Time,
    model::{Effect, StepError, StepOutput, StepPath},
    rules::{Rule, Step},
    templates::Context,
    value::{Object, Value},
};

/// What a run is about.
#[derive(Debug, Clone)]
pub struct About {
    /// The payloads, oldest first; the last is `event`. Never empty.
    pub events: Vec<Value>,
    /// `trigger` of the newest.
    pub trigger: Value,
    /// When the newest was received: `now` of vars.
    pub received_at: Time,
    /// `run_...`.
    pub run: String,
    /// When its first step began.
    pub started_at: Option<Time>,
    /// `run_...` of the run that it repeats.
    pub replay_of: Option<String>,
}

/// Where a run stands when it is taken up.
#[derive(Debug, Clone, Default)]
pub struct Stand {
    /// Vars that are kept with it.
    pub vars: Object,
    /// Every step that has ended, in that order.
    pub outputs: Vec<StepOutput>,
    /// It has finally failed, and `on_error` is at work.
    pub failure: Option<StepError>,
    /// The step that was begun and has not ended, and when it began: its `if` is not asked again.
    pub begun: Option<(StepPath, Time)>,
}

/// A run on its way.
pub struct Walk {
    rule: Arc<Rule>,
}

/// What a run needs next from outside.
#[derive(Debug)]
pub enum Next {
    /// An action or `http` step: prepare it in [`Walk::context`], send it, and tell its end by [`Walk::end`].
    Request { path: StepPath, began: Time },
    /// A `profile`, `record` or `emit` step.
    Effect { path: StepPath, effect: Effect },
    /// A `wait` step.
    Wait { path: StepPath, began: Time, wait: Wait },
    /// Every step has ended, or `stop` or `fail` ended the run.
    End(End),
}

/// What a `wait` step waits for.
#[derive(Debug, Clone, PartialEq)]
pub struct Wait {
    /// When it ends by itself. `None`: never.
    pub until: Option<Time>,
    /// The events that may end it. `None`: time alone.
    pub event: Option<WaitEvent>,
}

/// The events that may end a wait: [`Walk::ends_wait`] says of each whether it does.
#[derive(Debug, Clone, PartialEq)]
pub struct WaitEvent {
    pub kinds: Vec<String>,
    /// Where in the payload the key is, as a JSON pointer.
    pub pointer: String,
    /// What must stand there.
    pub value: Value,
}

/// How a run ends.
#[derive(Debug, Clone, PartialEq)]
pub enum End {
    /// Well; with the words of `stop`, if one ended it.
    Ok { why: Option<String> },
    /// Badly; `on_error` of the rule has run.
    Failed(StepError),
}

impl Walk {
    /// Takes a run up. `settings` are `[vars]`.
    pub fn new(rule: Arc<Rule>, about: About, settings: &Object, stand: Stand) -> Self {
        let _ = (about, settings, stand);
        Self { rule }
    }

    /// Goes on as far as nothing is needed from outside: conditions, branches, loops, vars, `stop` and `fail`.
    pub fn next(&mut self, now: Time) -> Next {
        let _ = now;
        Next::End(End::Ok { why: None })
    }

    /// The rule's text of a step; the turn in a path does not matter. `None`: no such step.
    pub fn step(&self, path: &StepPath) -> Option<&Step> {
        let _ = path;
        self.rule.steps.first()
    }

    /// What a step's templates see; `began` is its `now`, kept by every retry.
    pub fn context<'w>(&'w self, path: &StepPath, began: Time) -> Context<'w> {
        let _ = path;
        Context::new(began, crate::templates::Limits { steps: 1, bytes: 1, time: std::time::Duration::ZERO })
    }

    /// A step has ended. An output over 256 KiB, or over what is left of a run's 4 MiB, fails the step instead.
    pub fn end(&mut self, output: StepOutput) {
        let _ = output;
    }

    /// The run has failed for a reason outside of its steps, such as its own `timeout`.
    pub fn fail(&mut self, error: StepError) {
        let _ = error;
    }

    /// Whether a payload ends the wait of a step that began then.
    pub fn ends_wait(&self, path: &StepPath, began: Time, incoming: &Value) -> bool {
        let _ = (path, began, incoming);
        false
    }

    /// Outputs since the last call, in the order in which the steps ended.
    pub fn take_fresh(&mut self) -> Vec<StepOutput> {
        Vec::new()
    }

    /// The run's own vars, where they have changed since the last call.
    pub fn take_vars(&mut self) -> Option<Object> {
        None
    }

    /// The failure that `on_error` is at work on.
    pub fn failure(&self) -> Option<&StepError> {
        None
    }

    /// Every output so far, in the order in which the steps ended.
    pub fn outputs(&self) -> Vec<&StepOutput> {
        Vec::new()
    }

    /// The time since `started_at` that counts for the run's `timeout`: without its waits.
    pub fn counted(&self, now: Time) -> std::time::Duration {
        let _ = now;
        std::time::Duration::ZERO
    }

    /// Adds to a template's error why a var that it names could not be computed.
    pub fn explain_var(&self, message: &str) -> String {
        let _ = message;
        String::new()
    }
}
