//! One attempt of a step that sends: its turn, its request, and what its answer means for the run.

use std::time::Duration;

use serde_json::Value;

use super::{
    hold::{Flow, Hold, Left, error_of, failed, name, output},
    pages::{Asking, Gathered, gather},
    read_back::SETTLE,
    send::{Envelope, Sent, destination, send},
    slot::Slot,
    workers::jitter,
};
use crate::{
    actions::{self, GATHERED_BYTES, Reading, Request},
    clock::Time,
    connections::{Pause, Unready},
    ids::AttemptId,
    model::{AttemptKind, AttemptOutcome, ErrorClass, StepError, StepOutcome, StepOutput, StepPath},
    rules::{Step, StepKind, Unknown},
    starts,
    store::{AttemptEnd, NewAttempt, Pending, Resolution, StoreError, Then},
    walk::Walk,
};

/// How long a connection rests after an answer that says "slow down" without saying how long.
/// 90 s is what a third-party client of Groove waits (facts on Groove, section 1.2).
pub(super) const THROTTLE_PAUSE: Duration = Duration::from_secs(90);

/// How long a connection rests: as long as the service asked for, else as long as the run waits for its next attempt, but no
/// longer than where nobody says. A late attempt of one run, hours away, must not hold up the others.
pub(super) fn throttle_pause(retry_after: Option<Duration>, delay: Option<Duration>) -> Duration {
    retry_after.unwrap_or_else(|| delay.map_or(THROTTLE_PAUSE, |delay| delay.min(THROTTLE_PAUSE)))
}

/// Characters of an error's message that are kept; a target says as much as it likes.
pub(super) const LONGEST_MESSAGE: usize = 400;

/// How long it is known which events our actions caused: webhooks that were not taken at once are sent again for up to a day.
pub(super) const ECHO_KEPT: Duration = Duration::from_hours(24);

/// How long gathering the pages of an answer may take: each waits for its turn.
pub(super) const LONGEST_GATHERING: Duration = Duration::from_hours(1);

/// A step that sends, as it is attempted.
#[derive(Clone, Copy)]
pub(super) struct Sending<'s> {
    pub(super) walk: &'s Walk,
    pub(super) step: &'s Step,
    pub(super) path: &'s StepPath,
}

impl Sending<'_> {
    /// As people know it.
    pub(super) fn name(&self) -> String {
        name(Some(self.step), self.path)
    }

    pub(super) fn failed(&self, error: StepError, response: Value) -> Flow {
        Flow::Ended(StepOutput { response, ..failed(self.path, error) })
    }

    /// The error of an attempt that has no answer.
    fn unknown(&self, pending: &Pending) -> StepError {
        pending.last_error.clone().unwrap_or_else(|| {
            let message = "no answer was recorded; whether it took effect is unknown".to_owned();
            StepError { attempt: pending.attempts, ..error_of(&self.name(), ErrorClass::Timeout, message) }
        })
    }

    /// The error of such an attempt that a read has found to have done nothing.
    pub(super) fn undone(&self, pending: &Pending) -> StepError {
        let mut error = self.unknown(pending);
        error.message.push_str("; a read has found that it took no effect");
        error
    }
}

/// What a step that was begun before does first.
enum Resumed {
    /// The next try.
    Try,
    /// A read that tells what became of the last one.
    Read,
    /// Neither.
    Flow(Box<Flow>),
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
        if let Some(pending) = &pending {
            match self.resume(sending, pending).await? {
                Resumed::Try => {}
                Resumed::Read => return self.read_back(sending, pending).await,
                Resumed::Flow(flow) => return Ok(*flow),
            }
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
        if let Some(left) = self.wait_for_grant(&request).await? {
            return Ok(Flow::Leave(left));
        }
        let Slot { lane, place, pass } = match self.slot(sending, &request).await? {
            Ok(slot) => slot,
            Err(left) => return Ok(Flow::Leave(left)),
        };
        let number = pending.as_ref().map_or(0, |pending| pending.attempts) + 1;
        let attempt = NewAttempt {
            id: AttemptId(self.parts.ids.next(self.now())),
            step: path.clone(),
            kind: AttemptKind::Try,
            number,
            planned_at: self.run.due_at.filter(|_| pending.is_some()),
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
        let envelope = Envelope { key: Some(&key), depth: self.run.event.depth, timeout };
        let parts = self.parts;
        let sent = send(&parts.client, &parts.connections, &self.pinned.registry, &request, &envelope).await;
        drop(place);
        self.answered = true;
        self.heard(pass, step, &sent).await;
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

    /// A run whose connection has no grant waits for a person, before an attempt is begun. How it was left. `None`: it goes on.
    async fn wait_for_grant(&mut self, request: &Request) -> Result<Option<Left>, StoreError> {
        let parts = self.parts;
        let (registry, destination) = (&self.pinned.registry, destination(request));
        match parts.connections.ready(&parts.client, registry, &destination, request.auth.as_ref()).await {
            Err(Unready::Paused(pause)) => self.leave(paused(pause)).await.map(Some),
            // What else is wrong, the attempt will show.
            _ => Ok(None),
        }
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

    /// What a step that was begun before does first.
    async fn resume(&mut self, sending: Sending<'_>, pending: &Pending) -> Result<Resumed, StoreError> {
        let step = sending.step;
        let unsure = matches!(pending.last, AttemptOutcome::Unknown | AttemptOutcome::Started);
        let has_delay = actions::delay(&step.retry, pending.attempts, None, 0.0).is_some();
        let flow = |flow| Resumed::Flow(Box::new(flow));
        Ok(match (pending.resolution, unsure, pending.read.map(|read| read.outcome)) {
            (Some(Resolution::Done), ..) => flow(Flow::Ended(output(sending.path, StepOutcome::Ok, Value::Null))),
            (Some(Resolution::Fail), ..) => flow(sending.failed(sending.unknown(pending), Value::Null)),
            (Some(Resolution::Retry), ..) | (None, false, _) => Resumed::Try,
            // A read has found nothing: it is as if the attempt had failed.
            (None, true, Some(AttemptOutcome::Ok)) if has_delay => Resumed::Try,
            (None, true, Some(AttemptOutcome::Ok)) => flow(sending.failed(sending.undone(pending), Value::Null)),
            (None, true, Some(AttemptOutcome::Failed)) => flow(Flow::Leave(self.leave(Then::Held).await?)),
            (Some(Resolution::Verify), ..) | (None, true, Some(_)) => Resumed::Read,
            (None, true, None) => match actions::unknown_policy(step, &self.pinned.registry) {
                Unknown::Retry if has_delay => Resumed::Try,
                Unknown::Retry => flow(sending.failed(sending.unknown(pending), Value::Null)),
                Unknown::Ask => flow(Flow::Leave(self.leave(Then::Held).await?)),
                Unknown::Verify => {
                    let from = self.read_from(pending);
                    if self.now() < from {
                        flow(Flow::Leave(self.leave(Then::Due(from)).await?))
                    } else {
                        Resumed::Read
                    }
                }
            },
        })
    }

    /// Reads what came back, and says what follows.
    #[expect(clippy::too_many_lines, reason = "one case after another of what an answer may be")]
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
        if let Sent::Paused(pause) = sent {
            let error = StepError { step: sending.name(), attempt: number, ..pause.error.clone() };
            self.ended = Some(AttemptEnd {
                id,
                ended_at: now,
                outcome: AttemptOutcome::Retry,
                error: Some(error),
                status: Some(401),
                reply: None,
                reason: "grant".to_owned(),
            });
            return self.leave(paused(pause)).await.map(Flow::Leave);
        }
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
                    let pause = throttle_pause(retry_after, delay);
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
                let (reason, then) = match (policy, delay) {
                    (Unknown::Retry, Some(delay)) => ("schedule", Some(Then::Due(self.in_time(sending, delay)))),
                    (Unknown::Retry, None) => ("", None),
                    (Unknown::Ask, _) => ("", Some(Then::Held)),
                    // Not cut by the run's own time: what took effect must not be told to have failed.
                    (Unknown::Verify, _) => ("verify", Some(Then::Due(now.plus(SETTLE)))),
                };
                self.ended = Some(end(AttemptOutcome::Unknown, Some(&error), reason));
                let Some(then) = then else { return Ok(sending.failed(error, Value::Null)) };
                self.leave(then).await.map(Flow::Leave)
            }
        }
    }

    /// What tells an event that the step caused. `None`: no pack says.
    pub(super) fn echo_of(&self, step: &Step, echo: &str) -> Option<String> {
        let StepKind::Action { name, .. } = &step.kind else { return None };
        let (pack, _) = self.pinned.registry.action(name)?;
        Some(starts::echo_of(&pack.name, echo))
    }

    /// The due time after a delay, but not after the run's own `timeout`.
    pub(super) fn in_time(&self, sending: Sending<'_>, delay: Duration) -> Time {
        let left = self.time_left(sending.walk).unwrap_or(delay);
        self.now().plus(delay.min(left))
    }

    /// The time an attempt may take: its step's, cut by what the run has left.
    pub(super) fn time_for(&self, sending: Sending<'_>) -> Duration {
        let timeout = sending.step.timeout;
        let left = self.time_left(sending.walk).unwrap_or(timeout);
        timeout.min(left.max(Duration::from_millis(1)))
    }
}

fn paused(pause: Pause) -> Then {
    let Pause { connection, generation, until, error } = pause;
    Then::Pause { connection, generation, until, why: error.message }
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
