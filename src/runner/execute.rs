//! One run, from where it stands to where it must wait or ends.

use std::{collections::HashMap, sync::Arc, time::Duration};

use serde_json::{Value, json};

use super::{
    Pinned,
    view::{Branch, StepScope, View},
    walk::{self, Next},
    workers::RunnerParts,
};
use crate::{
    clock::Time,
    matcher::{self, Subject},
    model::{ErrorClass, RunStatus, StepError, StepOutcome, StepOutput, StepPath, Verdict},
    rules::{Rule, Step, StepKind},
    store::{AttemptEnd, Claim, ClaimId, LoadedRun, NewAttempt, Record, StoreError, Then},
    templates::Sink,
    value::Object,
};

/// How long a claim outlives the step it was made for.
const CLAIM_MARGIN: Duration = Duration::from_secs(60);

/// How a worker left a run.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Left {
    /// Ended or held: the store says which.
    Done,
    /// Waits for its time.
    Waits,
    /// Its connection is fully in use: take it again when a place is given back.
    Parked(String),
    /// Somebody else has it, or it is gone.
    NotMine,
}

/// One run in the hands of a worker.
pub(super) struct Execution<'p> {
    pub(super) parts: &'p RunnerParts,
    pub(super) run: LoadedRun,
    pub(super) rule: Arc<Rule>,
    pub(super) pinned: Pinned,
    pub(super) view: View,
    outputs: HashMap<StepPath, StepOutput>,
    /// Outputs that no record holds yet.
    fresh: Vec<StepOutput>,
    /// The end of an attempt that no record holds yet.
    pub(super) ended: Option<AttemptEnd>,
    pub(super) claim: Option<ClaimId>,
    failure: Option<StepError>,
    vars_kept: bool,
}

/// Whether a worker goes on with the run.
pub(super) enum Flow {
    On,
    Leave(Left),
}

impl<'p> Execution<'p> {
    /// Takes a run as it was loaded. `Err` is one sentence: it can never go on.
    pub(super) fn new(
        parts: &'p RunnerParts,
        run: LoadedRun,
        pinned: Pinned,
    ) -> Result<Self, (Box<LoadedRun>, String)> {
        let Some(rule) = pinned.set.rules.get(run.rule.as_str()).cloned() else {
            let why = format!("rule `{}` is not in the rule set that started this run", run.rule);
            return Err((Box::new(run), why));
        };
        let mut view = match View::of(&run, &rule, &pinned.registry, &parts.config.vars) {
            Ok(view) => view,
            Err(why) => return Err((Box::new(run), why)),
        };
        if let Some(error) = &run.failure {
            view.show_error(error);
        }
        let outputs = run.outputs.iter().map(|output| (output.step.clone(), output.clone())).collect();
        Ok(Self {
            parts,
            failure: run.failure.clone(),
            vars_kept: !run.vars.is_empty(),
            run,
            rule,
            pinned,
            view,
            outputs,
            fresh: Vec::new(),
            ended: None,
            claim: None,
        })
    }

    /// Goes on with the run as far as it can.
    pub(super) async fn go(mut self) -> Result<Left, StoreError> {
        if self.run.status == RunStatus::Undecided
            // Its rule was too slow for intake: whoever shares this thread must not wait for it.
            && let Some(then) = tokio::task::block_in_place(|| self.decide())
        {
            return self.leave(then).await;
        }
        loop {
            self.view.show_steps(&self.rule, &self.outputs);
            let rule = Arc::clone(&self.rule);
            let steps = if self.failure.is_some() { &rule.on_error } else { &rule.steps };
            let flow = match walk::next(steps, &self.outputs) {
                Next::Step(step) => match self.overdue() {
                    Some(error) if self.failure.is_none() => self.fail(error).await?,
                    _ => self.step(step).await?,
                },
                Next::Failed(error) => self.fail(error).await?,
                Next::Stopped(why) => return self.end(Some(why)).await,
                Next::Done => return self.end(None).await,
            };
            if let Flow::Leave(left) = flow {
                return Ok(left);
            }
        }
    }

    /// Evaluates a rule that intake had no time for. `None`: it matched.
    fn decide(&mut self) -> Option<Then> {
        let subject = Subject {
            kind: self.run.event.kind.clone(),
            own: false,
            event: self.view.event().clone(),
            trigger: self.view.trigger().clone(),
            received_at: self.run.event.received_at,
        };
        let bound = self.parts.config.limits.match_event;
        match matcher::verdict(&self.rule, &subject, &self.parts.config.vars, bound).0 {
            Verdict::Matched => None,
            Verdict::NotMatched(evidence) => Some(Then::End {
                status: RunStatus::Skipped,
                error: None,
                why: Some(format!("{} {} did not hold", evidence.path, evidence.operator)),
            }),
            Verdict::Undecided | Verdict::Error { .. } => Some(Then::End {
                status: RunStatus::Failed,
                error: Some(error_of(
                    "when",
                    ErrorClass::Template,
                    "the rule could not be evaluated in its time".to_owned(),
                )),
                why: None,
            }),
        }
    }

    /// The error of a run that has used up its own `timeout`.
    fn overdue(&self) -> Option<StepError> {
        let limit = self.rule.timeout?;
        let started = self.run.started_at?;
        (self.now().since(started) >= limit)
            .then(|| error_of("run", ErrorClass::RunTimeout, format!("the run took longer than {} s", limit.as_secs())))
    }

    /// The run has finally failed: `on_error` goes on, or the run ends.
    async fn fail(&mut self, error: StepError) -> Result<Flow, StoreError> {
        if self.failure.is_some() {
            tracing::warn!(run.id = %self.run.id, step = %error.step, class = error.class.word(), "on_error failed too");
        } else if !self.rule.on_error.is_empty() {
            self.view.show_error(&error);
            self.failure = Some(error);
            return Ok(Flow::On);
        }
        let error = self.failure.clone().unwrap_or(error);
        let then = Then::End { status: RunStatus::Failed, error: Some(error), why: None };
        self.leave(then).await.map(Flow::Leave)
    }

    /// Every step has ended, or `stop` ended them.
    async fn end(&mut self, why: Option<String>) -> Result<Left, StoreError> {
        let then = match self.failure.clone() {
            Some(error) => Then::End { status: RunStatus::Failed, error: Some(error), why: None },
            None => Then::End { status: RunStatus::Ok, error: None, why },
        };
        self.leave(then).await
    }

    async fn step(&mut self, step: &Step) -> Result<Flow, StoreError> {
        let pending = self.run.pending.take_if(|pending| pending.step == step.path);
        let began = pending.as_ref().map_or_else(|| self.now(), |pending| pending.began_at);
        if pending.is_none()
            && let Some(output) = self.choose(step, began)
        {
            self.note(output);
            return Ok(Flow::On);
        }
        match &step.kind {
            StepKind::Action { .. } | StepKind::Http(_) => self.request(step, pending, began).await,
            StepKind::Stop(leaf) | StepKind::Fail(leaf) => {
                let now_text = json!(began.to_string());
                let text = leaf.render(&self.view.context(began, &now_text), Sink::Plain);
                let output = match (text, &step.kind) {
                    (Ok(text), StepKind::Stop(_)) => output(step, StepOutcome::Ok, text),
                    (Ok(text), _) => failed(step, error_of(&name(step), ErrorClass::Fail, plain(&text)), Value::Null),
                    (Err(error), _) => {
                        failed(step, error_of(&name(step), ErrorClass::Template, error.to_string()), Value::Null)
                    }
                };
                self.note(output);
                Ok(Flow::On)
            }
            StepKind::Block { .. }
            | StepKind::ForEach { .. }
            | StepKind::Wait(_)
            | StepKind::Attributes(_)
            | StepKind::Emit { .. }
            | StepKind::Vars(_) => Ok(Flow::On),
        }
    }

    /// Evaluates a step's `if`. An output where it ends the step: a false `if`, or a block that has chosen its branch.
    fn choose(&self, step: &Step, began: Time) -> Option<StepOutput> {
        let now_text = json!(began.to_string());
        let scope = StepScope { view: &self.view, now: began, now_text: &now_text };
        let holds = step.condition.as_ref().is_none_or(|condition| condition.evaluate(&scope).is_ok());
        match &step.kind {
            StepKind::Block { .. } => {
                let branch = if holds { Branch::Then } else { Branch::Else };
                Some(output(step, StepOutcome::Ok, branch.word()))
            }
            _ if holds => None,
            _ => Some(output(step, StepOutcome::Skipped, Value::Null)),
        }
    }

    /// Writes that an attempt starts, before anything goes out. False: the run is not ours.
    pub(super) async fn begin(&mut self, attempt: NewAttempt, timeout: Duration) -> Result<bool, StoreError> {
        if self.run.started_at.is_none() {
            self.run.started_at = Some(attempt.started_at);
            self.view.show_start(attempt.started_at);
        }
        if self.claim.is_some() {
            return self.record(Then::Attempt(attempt)).await;
        }
        self.take(timeout, Some(attempt)).await
    }

    async fn take(&mut self, timeout: Duration, attempt: Option<NewAttempt>) -> Result<bool, StoreError> {
        let now = self.now();
        let claim = ClaimId(self.parts.ids.next(now));
        let job = Claim {
            run: self.run.id,
            claim,
            from: self.run.status,
            now,
            until: now.plus(timeout + CLAIM_MARGIN),
            attempt,
            place: None,
        };
        let mine = self.parts.store.claim(job).await?.is_mine();
        if mine {
            self.claim = Some(claim);
        }
        Ok(mine)
    }

    /// Keeps a step's end for the next record.
    pub(super) fn note(&mut self, output: StepOutput) {
        self.outputs.insert(output.step.clone(), output.clone());
        self.fresh.push(output);
    }

    /// Writes all that is not yet written, and lets the run go.
    pub(super) async fn leave(&mut self, then: Then) -> Result<Left, StoreError> {
        if self.claim.is_none() && !self.take(Duration::ZERO, None).await? {
            return Ok(Left::NotMine);
        }
        let ended = matches!(then, Then::End { .. });
        let waits = matches!(then, Then::Due(_));
        let log = self.log_line(&then);
        let mine = self.record(then).await?;
        if ended && mine {
            log();
        }
        Ok(match (mine, waits) {
            (false, _) => Left::NotMine,
            (true, true) => Left::Waits,
            (true, false) => Left::Done,
        })
    }

    async fn record(&mut self, then: Then) -> Result<bool, StoreError> {
        let Some(claim) = self.claim else { return Ok(false) };
        let vars: Option<Object> = (!self.vars_kept).then(|| self.view.own_vars(&self.rule));
        let record = Record {
            run: self.run.id,
            claim,
            now: self.now(),
            attempt: self.ended.take(),
            outputs: std::mem::take(&mut self.fresh),
            vars: vars.filter(|vars| !vars.is_empty()),
            failure: self.failure.clone().filter(|_| self.run.failure.is_none()),
            echo: None,
            attributes: None,
            emitted: None,
            then,
        };
        self.vars_kept = true;
        self.run.failure.clone_from(&self.failure);
        self.parts.persist(record).await
    }

    fn log_line(&self, then: &Then) -> impl FnOnce() + use<> {
        let (run, event, rule) = (self.run.id, self.run.event.id, self.run.rule.clone());
        let (status, class) = match then {
            Then::End { status, error, .. } => (status.word(), error.as_ref().map_or("", |error| error.class.word())),
            _ => ("", ""),
        };
        let taken = self.now().since(self.run.event.received_at);
        move || {
            tracing::info!(run.id = %run, event.id = %event, rule, state = status, class, since_event_ms = taken.as_millis(), "run ended");
        }
    }

    pub(super) fn now(&self) -> Time {
        self.parts.clock.now()
    }
}

pub(super) fn output(step: &Step, outcome: StepOutcome, result: Value) -> StepOutput {
    StepOutput { step: step.path.clone(), outcome, result, error: None, response: Value::Null, waited: Duration::ZERO }
}

pub(super) fn failed(step: &Step, error: StepError, response: Value) -> StepOutput {
    StepOutput { error: Some(error), response, ..output(step, StepOutcome::Failed, Value::Null) }
}

/// A step as people know it: its id, or its path.
pub(super) fn name(step: &Step) -> String {
    step.id.clone().unwrap_or_else(|| step.path.0.clone())
}

pub(super) fn error_of(step: &str, class: ErrorClass, message: String) -> StepError {
    StepError { step: step.to_owned(), class, status: None, message, attempt: 0 }
}

fn plain(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}
