//! One attempt of a step that sends: its turn, its request, and what its answer means for the run.

use std::time::Duration;

use serde_json::{Value, json};

use super::{
    execute::{Execution, Flow, Left, error_of, failed, name, output},
    send::{Envelope, Sent, lane, send},
    workers::jitter,
};
use crate::{
    actions::{self, Reading, Request},
    clock::Time,
    connections::Turn,
    ids::AttemptId,
    lifecycle::Phase,
    model::{AttemptOutcome, ErrorClass, StepError, StepOutcome, StepOutput},
    rules::{Step, Unknown},
    store::{AttemptEnd, NewAttempt, Pending, Resolution, StoreError, Then},
};

/// How long a connection rests after an answer that says "slow down" without saying how long.
/// 90 s is what a third-party client of Groove waits (facts on Groove, section 1.2).
const THROTTLE_PAUSE: Duration = Duration::from_secs(90);

/// Characters of an error's message that are kept; a target says as much as it likes.
const LONGEST_MESSAGE: usize = 400;

impl Execution<'_> {
    pub(super) async fn request(
        &mut self,
        step: &Step,
        pending: Option<Pending>,
        began: Time,
    ) -> Result<Flow, StoreError> {
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
