//! One attempt of a step that sends: its turn, its request, and what its answer means for the run.

use std::time::Duration;

use serde_json::Value;

use super::{
    hold::{Flow, Hold, Left, error_of, failed, name, output},
    pages::{Asking, Gathered, gather},
    send::{Envelope, Sent, lane, send},
    workers::jitter,
};
use crate::{
    actions::{self, GATHERED_BYTES, Reading, Request},
    clock::Time,
    connections::Turn,
    ids::AttemptId,
    lifecycle::Phase,
    model::{AttemptOutcome, ErrorClass, StepError, StepOutcome, StepOutput, StepPath},
    rules::{Step, StepKind, Unknown},
    starts,
    store::{AttemptEnd, NewAttempt, Pending, Resolution, StoreError, Then},
    walk::Walk,
};

/// How long a connection rests after an answer that says "slow down" without saying how long.
/// 90 s is what a third-party client of Groove waits (facts on Groove, section 1.2).
pub(super) const THROTTLE_PAUSE: Duration = Duration::from_secs(90);

/// Characters of an error's message that are kept; a target says as much as it likes.
pub(super) const LONGEST_MESSAGE: usize = 400;

/// How long it is known which events our actions caused: webhooks that were not taken at once are sent again for up to a day.
const ECHO_KEPT: Duration = Duration::from_hours(24);

/// How long gathering the pages of an answer may take: each waits for its turn.
const LONGEST_GATHERING: Duration = Duration::from_hours(1);

/// A step that sends, as it is attempted.
#[derive(Clone, Copy)]
struct Sending<'s> {
    walk: &'s Walk,
    step: &'s Step,
    path: &'s StepPath,
}

impl Sending<'_> {
    /// As people know it.
    fn name(&self) -> String {
        name(Some(self.step), self.path)
    }

    fn failed(&self, error: StepError, response: Value) -> Flow {
        Flow::Ended(StepOutput { response, ..failed(self.path, error) })
    }
}

impl Hold<'_> {
    pub(super) async fn request(
        &mut self,
        walk: &Walk,
        step: &Step,
        path: &StepPath,
        pending: Option<Pending>,
        began: Time,
    ) -> Result<Flow, StoreError> {
        let sending = Sending { walk, step, path };
        if let Some(pending) = &pending
            && let Some(flow) = self.resume(sending, pending).await?
        {
            return Ok(flow);
        }
        // On the heap: few rules have places, and every worker would carry the room for it.
        if self.rule.around.concurrency.is_some()
            && let Some(left) = Box::pin(self.ask_for_place()).await?
        {
            return Ok(Flow::Leave(left));
        }
        let request = match self.prepared(sending, pending.as_ref(), began) {
            Ok(request) => request,
            Err(error) => return Ok(sending.failed(error, Value::Null)),
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
            step: path.clone(),
            number,
            started_at: self.now(),
            request: pending.is_none().then(|| serde_json::to_vec(&request).unwrap_or_default()),
        };
        let id = attempt.id;
        let longest = if request.gather.is_some() { LONGEST_GATHERING.max(step.timeout) } else { step.timeout };
        if let Some(left) = self.begin(attempt, longest).await? {
            return Ok(Flow::Leave(left));
        }
        let key = actions::idempotency_key(self.run.root.0, &path.0);
        let timeout = self.time_for(sending);
        let envelope = Envelope { key: &key, depth: self.run.event.depth, timeout };
        let parts = self.parts;
        let sent = send(&parts.client, &parts.connections, &self.pinned.registry, &request, &envelope).await;
        drop(place);
        self.answered = true;
        // On the heap: few actions have pages, and every worker would carry the room for them.
        let gathered = Box::pin(gather(
            &Asking {
                parts,
                registry: &self.pinned.registry,
                step,
                request: &request,
                envelope,
                lane: &lane,
                turn: self.run.id.0,
                number,
                most: GATHERED_BYTES,
            },
            sent,
        ))
        .await;
        self.finish(sending, id, number, &lane, gathered).await
    }

    /// What is sent: as stored with the first attempt, or rendered now.
    fn prepared(&self, sending: Sending<'_>, pending: Option<&Pending>, began: Time) -> Result<Request, StepError> {
        if let Some(pending) = pending {
            return serde_json::from_slice(&pending.request).map_err(|error| {
                let why = format!("the stored request no longer reads: {error}");
                error_of(&sending.name(), ErrorClass::Internal, why)
            });
        }
        let context = sending.walk.context(sending.path, began);
        actions::prepare(sending.step, &context, &self.pinned.registry).map_err(|mut error| {
            error.message.push_str(&sending.walk.explain_var(&error.message));
            error.step = sending.name();
            error
        })
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
    async fn resume(&mut self, sending: Sending<'_>, pending: &Pending) -> Result<Option<Flow>, StoreError> {
        let error = || {
            pending.last_error.clone().unwrap_or_else(|| {
                let message = "no answer was recorded; whether it took effect is unknown".to_owned();
                StepError { attempt: pending.attempts, ..error_of(&sending.name(), ErrorClass::Timeout, message) }
            })
        };
        let step = sending.step;
        Ok(Some(match (pending.resolution, pending.last) {
            (Some(Resolution::Done), _) => Flow::Ended(output(sending.path, StepOutcome::Ok, Value::Null)),
            (Some(Resolution::Fail), _) => sending.failed(error(), Value::Null),
            (None, AttemptOutcome::Unknown | AttemptOutcome::Started) => {
                match actions::unknown_policy(step, &self.pinned.registry) {
                    Unknown::Retry if actions::delay(&step.retry, pending.attempts, None, 0.0).is_some() => {
                        return Ok(None);
                    }
                    Unknown::Retry => sending.failed(error(), Value::Null),
                    Unknown::Ask | Unknown::Verify => Flow::Leave(self.leave(Then::Held).await?),
                }
            }
            _ => return Ok(None),
        }))
    }

    /// Reads what came back, and says what follows.
    async fn finish(
        &mut self,
        sending: Sending<'_>,
        id: AttemptId,
        number: u32,
        lane: &str,
        Gathered { sent, body, page }: Gathered,
    ) -> Result<Flow, StoreError> {
        let masker = self.parts.vault.masker();
        let (now, step) = (self.now(), sending.step);
        let reading = match (&sent, sent.answer()) {
            (_, Some(answer)) if let Some(body) = body => {
                actions::read_gathered(step, &self.pinned.registry, &answer, body, number, now)
            }
            (_, Some(answer)) => actions::read(step, &self.pinned.registry, &answer, number, now),
            (Sent::Refused(error), None) => Reading::Failed { error: error.clone(), response: Value::Null },
            (_, None) => {
                let error = error_of(&sending.name(), ErrorClass::Internal, "what was sent left no trace".to_owned());
                Reading::Failed { error, response: Value::Null }
            }
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
            error.step = sending.name();
            error.attempt = number;
            if page > 1 {
                error.message = format!("page {page}: {}", error.message);
            }
            error.message = masker.mask(&error.message).chars().take(LONGEST_MESSAGE).collect();
            error
        };
        match reading {
            Reading::Ok { result, response, echo } => {
                self.ended = Some(end(AttemptOutcome::Ok, None, ""));
                self.echo = echo.and_then(|echo| Some((self.echo_of(step, &echo)?, now.plus(ECHO_KEPT))));
                let ended = output(sending.path, StepOutcome::Ok, mask_value(result, &masker));
                Ok(Flow::Ended(StepOutput { response: mask_value(response, &masker), ..ended }))
            }
            Reading::Failed { error, response } => {
                let error = mask(error);
                self.ended = Some(end(AttemptOutcome::Failed, Some(&error), ""));
                Ok(sending.failed(error, mask_value(response, &masker)))
            }
            Reading::Retry { error, retry_after, throttled, response } => {
                let error = mask(error);
                let delay = actions::delay(&step.retry, number, retry_after, jitter());
                if throttled {
                    let pause = retry_after.or(delay).unwrap_or(THROTTLE_PAUSE);
                    self.parts.connections.pause(lane, now.plus(pause));
                }
                let Some(delay) = delay else {
                    self.ended = Some(end(AttemptOutcome::Failed, Some(&error), ""));
                    return Ok(sending.failed(error, mask_value(response, &masker)));
                };
                let reason = if retry_after.is_some() { "retry_after" } else { "schedule" };
                self.ended = Some(end(AttemptOutcome::Retry, Some(&error), reason));
                self.leave(Then::Due(self.in_time(sending, delay))).await.map(Flow::Leave)
            }
            Reading::Unknown { error, policy } => {
                let error = mask(error);
                let delay = actions::delay(&step.retry, number, None, jitter());
                let reason = if policy == Unknown::Retry && delay.is_some() { "schedule" } else { "" };
                self.ended = Some(end(AttemptOutcome::Unknown, Some(&error), reason));
                let then = match (policy, delay) {
                    (Unknown::Retry, Some(delay)) => Then::Due(self.in_time(sending, delay)),
                    (Unknown::Retry, None) => return Ok(sending.failed(error, Value::Null)),
                    (Unknown::Ask | Unknown::Verify, _) => Then::Held,
                };
                self.leave(then).await.map(Flow::Leave)
            }
        }
    }

    /// What tells an event that the step caused. `None`: no pack says.
    fn echo_of(&self, step: &Step, echo: &str) -> Option<String> {
        let StepKind::Action { name, .. } = &step.kind else { return None };
        let (pack, _) = self.pinned.registry.action(name)?;
        Some(starts::echo_of(&pack.name, echo))
    }

    /// The due time after a delay, but not after the run's own `timeout`.
    fn in_time(&self, sending: Sending<'_>, delay: Duration) -> Time {
        let left = self.time_left(sending.walk).unwrap_or(delay);
        self.now().plus(delay.min(left))
    }

    /// The time an attempt may take: its step's, cut by what the run has left.
    fn time_for(&self, sending: Sending<'_>) -> Duration {
        let timeout = sending.step.timeout;
        let left = self.time_left(sending.walk).unwrap_or(timeout);
        timeout.min(left.max(Duration::from_millis(1)))
    }
}

/// Masks every text of a value.
pub(super) fn mask_value(value: Value, masker: &crate::secret::Masker) -> Value {
    match value {
        Value::String(text) => Value::String(masker.mask(&text)),
        Value::Array(list) => Value::Array(list.into_iter().map(|value| mask_value(value, masker)).collect()),
        Value::Object(object) => Value::Object(
            object.into_iter().map(|(name, value)| (masker.mask(&name), mask_value(value, masker))).collect(),
        ),
        other => other,
    }
}
