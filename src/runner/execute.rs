//! One run, from where it stands to where it must wait or ends.

use std::{collections::HashMap, sync::Arc, time::Duration};

use serde_json::{Value, json};

use super::{
    Pinned,
    send::{Envelope, Sent, lane, send},
    view::{Branch, StepScope, View},
    walk::{self, Next},
    workers::{RunnerParts, jitter},
};
use crate::{
    actions::{self, Reading, Request},
    clock::Time,
    connections::Turn,
    ids::AttemptId,
    lifecycle::Phase,
    matcher::{self, Subject},
    model::{AttemptOutcome, ErrorClass, RunStatus, StepError, StepOutcome, StepPath, Verdict},
    rules::{Rule, Step, StepKind, Unknown},
    store::{
        AttemptEnd, Claim, ClaimId, LoadedRun, NewAttempt, Pending, Record, Resolution, StepOutput, StoreError, Then,
    },
    templates::Sink,
    value::Object,
};

/// How long a claim outlives the step it was made for.
const CLAIM_MARGIN: Duration = Duration::from_secs(60);

/// How long a connection rests after an answer that says "slow down" without saying how long.
/// 90 s is what a third-party client of Groove waits (facts on Groove, section 1.2).
const THROTTLE_PAUSE: Duration = Duration::from_secs(90);

/// Characters of an error's message that are kept; a target says as much as it likes.
const LONGEST_MESSAGE: usize = 400;

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
    parts: &'p RunnerParts,
    run: LoadedRun,
    rule: Arc<Rule>,
    pinned: Pinned,
    view: View,
    outputs: HashMap<StepPath, StepOutput>,
    /// Outputs that no record holds yet.
    fresh: Vec<StepOutput>,
    /// The end of an attempt that no record holds yet.
    ended: Option<AttemptEnd>,
    claim: Option<ClaimId>,
    failure: Option<StepError>,
    vars_kept: bool,
}

/// Whether a worker goes on with the run.
enum Flow {
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
            && let Some(then) = self.decide()
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
            StepKind::Block { .. } => Ok(Flow::On),
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

    async fn request(&mut self, step: &Step, pending: Option<Pending>, began: Time) -> Result<Flow, StoreError> {
        if let Some(pending) = &pending
            && let Some(flow) = self.resume(step, pending).await?
        {
            return Ok(flow);
        }
        let prepared = if let Some(pending) = &pending {
            serde_json::from_slice(&pending.request).map_err(|error| {
                error_of(&name(step), ErrorClass::Internal, format!("the stored request no longer reads: {error}"))
            })
        } else {
            let now_text = json!(began.to_string());
            actions::prepare(step, &self.view.context(began, &now_text), &self.pinned.registry)
        };
        let request: Request = match prepared {
            Ok(request) => request,
            Err(mut error) => {
                error.message.push_str(&self.view.var_fault(&error.message));
                self.note(failed(step, error, Value::Null));
                return Ok(Flow::On);
            }
        };
        let lane = lane(&request);
        let place = match self.turn(&lane).await {
            Turn::Now(place) => place,
            Turn::At(at) => return self.leave(Then::Due(at)).await.map(Flow::Leave),
            Turn::Busy if self.claim.is_none() => return Ok(Flow::Leave(Left::Parked(lane))),
            Turn::Busy => {
                let left = self.leave(Then::Due(self.now())).await?;
                return Ok(Flow::Leave(if left == Left::Waits { Left::Parked(lane) } else { left }));
            }
        };
        let number = pending.as_ref().map_or(0, |pending| pending.attempts) + 1;
        let attempt = NewAttempt {
            id: AttemptId(self.parts.ids.next(self.now())),
            step: step.path.clone(),
            number,
            started_at: self.now(),
            request: pending.is_none().then(|| serde_json::to_vec(&request).unwrap_or_default()),
        };
        let id = attempt.id;
        if !self.begin(attempt, step.timeout).await? {
            return Ok(Flow::Leave(Left::NotMine));
        }
        let key = actions::idempotency_key(self.run.root.0, &step.path.0);
        let envelope = Envelope { key: &key, depth: self.run.event.depth, timeout: self.time_left(step) };
        let parts = self.parts;
        let sent = send(&parts.client, &parts.connections, &self.pinned.registry, &request, &envelope).await;
        drop(place);
        self.finish(step, id, number, &lane, sent).await
    }

    /// A turn on the lane. A run that nobody holds yet waits in its queue; `Turn::Busy` for it where that is full, or the process drains.
    async fn turn(&self, lane: &str) -> Turn {
        let (connections, registry) = (&self.parts.connections, &self.pinned.registry);
        if self.claim.is_some() {
            return connections.turn(registry, lane, self.run.id.0);
        }
        tokio::select! {
            biased;
            turn = connections.turn_in_queue(registry, lane, self.run.id.0) => turn,
            () = self.parts.lifecycle.reached(Phase::Draining) => Turn::Busy,
        }
    }

    /// What a step that was begun before does first. `None`: the next attempt.
    async fn resume(&mut self, step: &Step, pending: &Pending) -> Result<Option<Flow>, StoreError> {
        let error = || {
            pending.last_error.clone().unwrap_or_else(|| {
                let message = "no answer was recorded; whether it took effect is unknown".to_owned();
                StepError { attempt: pending.attempts, ..error_of(&name(step), ErrorClass::Timeout, message) }
            })
        };
        match (pending.resolution, pending.last) {
            (Some(Resolution::Done), _) => self.note(output(step, StepOutcome::Ok, Value::Null)),
            (Some(Resolution::Fail), _) => self.note(failed(step, error(), Value::Null)),
            (None, AttemptOutcome::Unknown | AttemptOutcome::Started) => {
                match actions::unknown_policy(step, &self.pinned.registry) {
                    Unknown::Retry if actions::delay(&step.retry, pending.attempts, None, 0.0).is_some() => {
                        return Ok(None);
                    }
                    Unknown::Retry => self.note(failed(step, error(), Value::Null)),
                    Unknown::Ask | Unknown::Verify => {
                        return self.leave(Then::Held).await.map(|left| Some(Flow::Leave(left)));
                    }
                }
            }
            _ => return Ok(None),
        }
        Ok(Some(Flow::On))
    }

    /// Writes that an attempt starts, before anything goes out. False: the run is not ours.
    async fn begin(&mut self, attempt: NewAttempt, timeout: Duration) -> Result<bool, StoreError> {
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
        };
        let mine = self.parts.store.claim(job).await?;
        if mine {
            self.claim = Some(claim);
        }
        Ok(mine)
    }

    /// Reads what came back, and says what follows.
    async fn finish(
        &mut self,
        step: &Step,
        id: AttemptId,
        number: u32,
        lane: &str,
        sent: Sent,
    ) -> Result<Flow, StoreError> {
        let masker = self.parts.vault.masker();
        let now = self.now();
        let reading = match (&sent, sent.answer()) {
            (Sent::Refused(error), _) => Reading::Failed { error: error.clone(), response: Value::Null },
            (_, Some(answer)) => actions::read(step, &self.pinned.registry, &answer, number, now),
            (_, None) => return Ok(Flow::On),
        };
        let end = |outcome, error: Option<&StepError>, reason: &str| AttemptEnd {
            id,
            ended_at: now,
            outcome,
            error: error.cloned(),
            status: sent.status(),
            reply: sent.kept(&masker),
            reason: reason.to_owned(),
        };
        let mask = |mut error: StepError| {
            error.step = name(step);
            error.attempt = number;
            error.message = masker.mask(&error.message).chars().take(LONGEST_MESSAGE).collect();
            error
        };
        match reading {
            Reading::Ok { result, response, .. } => {
                self.ended = Some(end(AttemptOutcome::Ok, None, ""));
                let response = mask_value(response, &masker);
                self.note(StepOutput { response, ..output(step, StepOutcome::Ok, mask_value(result, &masker)) });
            }
            Reading::Failed { error, response } => {
                let error = mask(error);
                self.ended = Some(end(AttemptOutcome::Failed, Some(&error), ""));
                self.note(failed(step, error, mask_value(response, &masker)));
            }
            Reading::Retry { error, retry_after, throttled, response } => {
                let error = mask(error);
                let delay = actions::delay(&step.retry, number, retry_after, jitter());
                if throttled {
                    let pause = retry_after.or(delay).unwrap_or(THROTTLE_PAUSE);
                    self.parts.connections.pause(lane, now.plus(pause));
                }
                if let Some(delay) = delay {
                    let reason = if retry_after.is_some() { "retry_after" } else { "schedule" };
                    self.ended = Some(end(AttemptOutcome::Retry, Some(&error), reason));
                    return self.leave(Then::Due(self.in_time(now.plus(delay)))).await.map(Flow::Leave);
                }
                self.ended = Some(end(AttemptOutcome::Failed, Some(&error), ""));
                self.note(failed(step, error, mask_value(response, &masker)));
            }
            Reading::Unknown { error, policy } => {
                let error = mask(error);
                let delay = actions::delay(&step.retry, number, None, jitter());
                let reason = if policy == Unknown::Retry && delay.is_some() { "schedule" } else { "" };
                self.ended = Some(end(AttemptOutcome::Unknown, Some(&error), reason));
                match (policy, delay) {
                    (Unknown::Retry, Some(delay)) => {
                        return self.leave(Then::Due(self.in_time(now.plus(delay)))).await.map(Flow::Leave);
                    }
                    (Unknown::Retry, None) => self.note(failed(step, error, Value::Null)),
                    (Unknown::Ask | Unknown::Verify, _) => return self.leave(Then::Held).await.map(Flow::Leave),
                }
            }
        }
        Ok(Flow::On)
    }

    /// Keeps a step's end for the next record.
    fn note(&mut self, output: StepOutput) {
        self.outputs.insert(output.step.clone(), output.clone());
        self.fresh.push(output);
    }

    /// Writes all that is not yet written, and lets the run go.
    async fn leave(&mut self, then: Then) -> Result<Left, StoreError> {
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

    /// A due time, but not after the run's own `timeout`.
    fn in_time(&self, due: Time) -> Time {
        match (self.rule.timeout, self.run.started_at) {
            (Some(limit), Some(started)) => due.min(started.plus(limit)),
            _ => due,
        }
    }

    /// The time an attempt may take: its step's, cut by what the run has left.
    fn time_left(&self, step: &Step) -> Duration {
        match (self.rule.timeout, self.run.started_at) {
            (Some(limit), Some(started)) => {
                step.timeout.min(started.plus(limit).since(self.now()).max(Duration::from_millis(1)))
            }
            _ => step.timeout,
        }
    }

    fn now(&self) -> Time {
        self.parts.clock.now()
    }
}

fn output(step: &Step, outcome: StepOutcome, result: Value) -> StepOutput {
    StepOutput { step: step.path.clone(), outcome, result, error: None, response: Value::Null }
}

fn failed(step: &Step, error: StepError, response: Value) -> StepOutput {
    StepOutput { error: Some(error), response, ..output(step, StepOutcome::Failed, Value::Null) }
}

/// A step as people know it: its id, or its path.
fn name(step: &Step) -> String {
    step.id.clone().unwrap_or_else(|| step.path.0.clone())
}

fn error_of(step: &str, class: ErrorClass, message: String) -> StepError {
    StepError { step: step.to_owned(), class, status: None, message, attempt: 0 }
}

fn plain(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

/// Masks every text of a value.
fn mask_value(value: Value, masker: &crate::secret::Masker) -> Value {
    match value {
        Value::String(text) => Value::String(masker.mask(&text)),
        Value::Array(list) => Value::Array(list.into_iter().map(|value| mask_value(value, masker)).collect()),
        Value::Object(object) => Value::Object(
            object.into_iter().map(|(name, value)| (masker.mask(&name), mask_value(value, masker))).collect(),
        ),
        other => other,
    }
}
