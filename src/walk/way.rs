//! A run on its way: past all that has ended, into branches, turns and `on_error`, to what is next.

use std::{sync::Arc, time::Duration};

use serde_json::Value;

use super::{
    About, End, Next, Stand,
    cursor::{self, Closed, Cursor, Part},
    fault::{self, Fault},
    names::Names,
    outputs::Outputs,
};
use crate::{
    clock::Time,
    model::{ErrorClass, StepError, StepOutcome, StepOutput, StepPath},
    rules::{OnStepError, Rule, Step, StepKind, WaitWhat},
    value::Object,
};

/// A run on its way.
#[derive(Debug)]
pub struct Walk {
    pub(super) rule: Arc<Rule>,
    pub(super) names: Names,
    pub(super) outputs: Outputs,
    pub(super) cursor: Cursor,
    /// The step that has begun and not ended.
    pub(super) begun: Option<(StepPath, Time)>,
    started_at: Option<Time>,
    failure: Option<StepError>,
    second_failure: Option<StepError>,
    ended: Option<End>,
}

impl Walk {
    /// Takes a run up, past all that has ended. `settings` are `[vars]`.
    pub fn new(rule: Arc<Rule>, about: About, settings: &Object, stand: Stand) -> Self {
        let started_at = about.started_at;
        let mut names = Names::of(about, &rule, settings, stand.vars);
        for output in &stand.outputs {
            keep_vars(&rule, output, &mut names);
        }
        let mut walk = Self {
            names,
            outputs: Outputs::kept(stand.outputs),
            cursor: Cursor::at(Part::Do),
            begun: stand.begun,
            started_at,
            failure: None,
            second_failure: None,
            ended: None,
            rule: Arc::clone(&rule),
        };
        walk.settle(&rule);
        if let Some(error) = stand.failure {
            if walk.failure.is_none() {
                // Nothing in its steps failed: it took too long, say.
                walk.ended = None;
                walk.failed(error);
                walk.settle(&rule);
            } else {
                walk.names.fail(&error);
                if walk.ended.is_some() {
                    walk.ended = Some(End::Failed(error.clone()));
                }
                walk.failure = Some(error);
            }
        }
        walk
    }

    /// Goes on as far as nothing is needed from outside: conditions, branches, loops, vars, `stop` and `fail`. Asked again before the
    /// step has ended it says the same again, whatever `now` is.
    pub fn next(&mut self, now: Time) -> Next {
        let rule = Arc::clone(&self.rule);
        loop {
            let Some((step, path)) = self.settle(&rule) else {
                return Next::End(self.ended.clone().unwrap_or(End::Ok { why: None }));
            };
            if self.started_at.is_none() {
                self.started_at = Some(now);
                self.names.start(now);
            }
            if let Some(next) = self.begin(step, &path, now) {
                return next;
            }
        }
    }

    /// The rule's text of a step; the turn in a path does not matter. `None`: no such step.
    pub fn step(&self, path: &StepPath) -> Option<&Step> {
        cursor::find(&self.rule, path.base())
    }

    /// A step has ended. An output over 256 KiB, or over what is left of a run's 4 MiB, fails the step instead (language.md, "Limits");
    /// those of the rule's `on_error` have 4 MiB of their own, so that a run that failed for its size can tell of it.
    pub fn end(&mut self, output: StepOutput) {
        let output = self.admitted(output);
        self.note(output);
    }

    /// The run has failed for a reason outside of its steps, such as its own `timeout`. In `on_error`, it ends that.
    pub fn fail(&mut self, error: StepError) {
        if self.ended.is_none() {
            self.failed(error);
        }
    }

    /// Whether a payload ends the wait of a step that began then: the whole of `when`, as it is seen where the run is. False for a step
    /// that waits for no event.
    pub fn ends_wait(&self, path: &StepPath, began: Time, incoming: &Value) -> bool {
        let Some(StepKind::Wait(wait)) = self.step(path).map(|step| &step.kind) else { return false };
        let WaitWhat::Event { when, .. } = &wait.what else { return false };
        when.evaluate(&self.scope(began, Some(incoming))).is_ok()
    }

    /// Outputs since the last call, in the order in which the steps ended; the list of a loop is among them when it starts
    /// ([`StepPath::is_list`]).
    pub fn take_fresh(&mut self) -> Vec<StepOutput> {
        self.outputs.take_fresh()
    }

    /// The run's own vars, where they have changed since the last call.
    pub fn take_vars(&mut self) -> Option<Object> {
        self.names.take_vars()
    }

    /// The failure that `on_error` is at work on. `None` too where the rule has none.
    pub fn failure(&self) -> Option<&StepError> {
        self.failure.as_ref()
    }

    /// The failure of `on_error` itself: a problem of its own, and not how the run ends.
    pub fn second_failure(&self) -> Option<&StepError> {
        self.second_failure.as_ref()
    }

    /// When the first step began: as told, or when [`Walk::next`] first came to one. `None`: none has.
    pub fn started_at(&self) -> Option<Time> {
        self.started_at
    }

    /// Every output so far, in the order in which the steps ended; the lists of loops are among them ([`StepPath::is_list`]).
    pub fn outputs(&self) -> Vec<&StepOutput> {
        self.outputs.all().iter().collect()
    }

    /// The time since `started_at` that counts for the run's `timeout`: without its waits, the one under way too.
    pub fn counted(&self, now: Time) -> Duration {
        let Some(started) = self.started_at else { return Duration::ZERO };
        let under_way = self.begun.as_ref().filter(|(path, _)| {
            let step = self.cursor.step(&self.rule).filter(|step| matches!(step.kind, StepKind::Wait(_)));
            step.is_some_and(|step| self.cursor.path(step) == *path)
        });
        let waits = under_way.map_or(Duration::ZERO, |(_, began)| now.since(*began));
        now.since(started).saturating_sub(self.outputs.waited()).saturating_sub(waits)
    }

    /// Goes past all that has ended. `None`: the run has.
    pub(super) fn settle<'r>(&mut self, rule: &'r Rule) -> Option<(&'r Step, StepPath)> {
        while self.ended.is_none() {
            let Some(step) = self.cursor.step(rule) else {
                self.close(rule);
                continue;
            };
            let path = self.cursor.path(step);
            if let Some(place) = self.outputs.find(&path) {
                self.pass(step, place);
            } else if let Some((list, length)) = self.list_of(step, &path) {
                self.cursor.enter_loop(list, length);
            } else {
                return Some((step, path));
            }
        }
        None
    }

    /// Where the list of a loop that has been started is among the outputs, and its length.
    fn list_of(&self, step: &Step, path: &StepPath) -> Option<(usize, usize)> {
        if !matches!(step.kind, StepKind::ForEach { .. }) {
            return None;
        }
        let list = self.outputs.find(&path.list())?;
        Some((list, self.outputs.at(list)?.result.as_array()?.len()))
    }

    /// The list of steps that is open has ended.
    fn close(&mut self, rule: &Rule) {
        match self.cursor.close() {
            Closed::All => self.ended = Some(self.end_of(None)),
            Closed::List => {}
            Closed::Turn(seen) => self.names.hide(seen),
            Closed::Loop(results) => {
                if let Some(step) = self.cursor.step(rule) {
                    let path = self.cursor.path(step);
                    self.end(fault::output(path, StepOutcome::Ok, Value::Array(results)));
                }
            }
        }
    }

    /// How the run ends where nothing else failed.
    fn end_of(&self, why: Option<String>) -> End {
        self.failure.clone().map_or(End::Ok { why }, End::Failed)
    }

    /// Goes past a step that has ended, to what follows from it.
    fn pass(&mut self, step: &Step, place: usize) {
        let Some(output) = self.outputs.at(place) else { return };
        let outcome = output.outcome;
        if let Some(id) = &step.id
            && self.names.show(id, Some(output))
        {
            self.cursor.sees(id);
        }
        let executed = outcome != StepOutcome::Skipped && !matches!(step.kind, StepKind::Block { .. });
        if executed && self.cursor.in_turn() {
            self.cursor.executed(output.result.clone());
        }
        if outcome == StepOutcome::Failed {
            let error = output.error.clone().unwrap_or_else(|| lost(step, &output.step));
            return self.pass_failed(step, error);
        }
        let follows = match &step.kind {
            StepKind::Stop(_) if outcome == StepOutcome::Ok => {
                let why = output.result.as_str().unwrap_or_default().to_owned();
                self.ended = Some(self.end_of(Some(why)));
                return;
            }
            StepKind::Block { then, otherwise } => match output.result.as_str() {
                Some("then") => Some((Part::Then, otherwise)),
                Some("else") => Some((Part::Else, then)),
                _ => None,
            },
            _ => None,
        };
        if let OnStepError::Steps(list) = &step.on_error {
            self.pass_by(list);
        }
        match follows {
            Some((part, other)) => {
                self.pass_by(other);
                self.cursor.enter(part);
            }
            None => self.cursor.step_on(),
        }
    }

    fn pass_failed(&mut self, step: &Step, error: StepError) {
        match &step.on_error {
            _ if matches!(step.kind, StepKind::Fail(_)) => self.failed(error),
            OnStepError::Stop => self.failed(error),
            OnStepError::Continue => self.cursor.step_on(),
            OnStepError::Steps(_) => self.cursor.enter_handler(&error),
        }
    }

    /// Steps that are not run: they are there, as skipped. Those of a loop's turns are not: there are no turns.
    fn pass_by(&mut self, steps: &[Step]) {
        for step in steps {
            if let Some(id) = &step.id
                && self.names.show(id, None)
            {
                self.cursor.sees(id);
            }
            if let StepKind::Block { then, otherwise } = &step.kind {
                self.pass_by(then);
                self.pass_by(otherwise);
            }
            if let OnStepError::Steps(list) = &step.on_error {
                self.pass_by(list);
            }
        }
    }

    /// The run has finally failed: `on_error` goes on, or the run ends.
    fn failed(&mut self, error: StepError) {
        let seen = self.cursor.seen_in_turns();
        self.names.hide(seen);
        if let Some(first) = &self.failure {
            self.ended = Some(End::Failed(first.clone()));
            self.second_failure = Some(error);
        } else if self.rule.on_error.is_empty() {
            self.ended = Some(End::Failed(error));
        } else {
            self.names.fail(&error);
            self.failure = Some(error);
            self.cursor = Cursor::at(Part::OnError);
        }
    }

    /// An output as it may be kept: one that is too large fails its step.
    pub(super) fn admitted(&self, output: StepOutput) -> StepOutput {
        let Some(why) = self.outputs.too_large(&output) else { return output };
        let StepOutput { step: path, error, waited, .. } = output;
        let error = error.unwrap_or_else(|| {
            let fault = Fault::limit(why);
            match self.step(&path) {
                Some(step) => fault.of(step, &path),
                None => StepError {
                    step: path.0.clone(),
                    class: fault.class,
                    status: None,
                    message: fault.message,
                    attempt: 0,
                },
            }
        });
        StepOutput { waited, ..fault::failed(path, error) }
    }

    /// Keeps what a step left behind.
    pub(super) fn note(&mut self, output: StepOutput) {
        self.begun.take_if(|(path, _)| *path == output.step);
        self.outputs.add(output);
    }
}

/// Writes again what a `vars` step wrote.
fn keep_vars(rule: &Rule, output: &StepOutput, names: &mut Names) {
    if output.outcome == StepOutcome::Ok
        && let Some(written) = output.result.as_object()
        && let Some(StepKind::Vars(_)) = cursor::find(rule, output.step.base()).map(|step| &step.kind)
    {
        names.keep(written);
    }
}

fn lost(step: &Step, path: &StepPath) -> StepError {
    let message = "the step failed; why was not kept".to_owned();
    Fault { class: ErrorClass::Internal, message }.of(step, path)
}
