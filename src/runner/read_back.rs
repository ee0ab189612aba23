//! `unknown: verify`: a read tells what became of an attempt that has no answer.

use std::time::Duration;

use super::{
    attempt::{ECHO_KEPT, LONGEST_GATHERING, LONGEST_MESSAGE, Sending, mask_value, throttle_pause},
    hold::{Flow, Hold, error_of, output},
    pages::{Asking, Gathered, gather},
    send::{Envelope, Sent, send},
    slot::Slot,
    workers::jitter,
};
use crate::{
    actions::{self, Found, GATHERED_BYTES, Reading, Request},
    clock::Time,
    ids::AttemptId,
    model::{AttemptKind, AttemptOutcome, ErrorClass, StepError, StepOutcome},
    rules::Step,
    store::{AttemptEnd, NewAttempt, Pending, StoreError, Then},
    templates::{Context, Limits},
    value::{Object, Value},
};

/// How long after an attempt has ended the first read comes, at least: the target may still be at work on the request. Five seconds, as
/// the first of the standard delays (language.md, Retry).
pub(super) const SETTLE: Duration = Duration::from_secs(5);

/// What the templates of a read's request may use: as much as those of any request.
const LIMITS: Limits = Limits { steps: 100_000, bytes: 1024 * 1024, time: Duration::from_secs(1) };

/// What a read says of the attempt in doubt.
enum Seen {
    /// It has brought this about.
    Found(Found),
    /// It did nothing.
    Nothing,
    /// The read must be tried again.
    Again { error: StepError, retry_after: Option<Duration>, throttled: bool },
    /// No read will tell.
    Unclear(StepError),
}

impl Hold<'_> {
    /// When the first read of an attempt in doubt may come. Nobody saw the end of one that a dead process left: it was over when this
    /// one began.
    pub(super) fn read_from(&self, pending: &Pending) -> Time {
        let ended = pending.last_ended_at.unwrap_or_else(|| pending.last_began_at.max(self.parts.since));
        ended.plus(SETTLE)
    }

    /// Reads what became of the last try, and goes on as that says.
    pub(super) async fn read_back(&mut self, sending: Sending<'_>, pending: &Pending) -> Result<Flow, StoreError> {
        let Some((read, inputs, request)) = self.prepared_read(sending, pending) else {
            return self.leave(Then::Held).await.map(Flow::Leave);
        };
        let Slot { lane, place, pass } = match self.slot(sending, &request).await? {
            Ok(slot) => slot,
            Err(left) => return Ok(Flow::Leave(left)),
        };
        let number = pending.read.map_or(0, |read| read.number) + 1;
        let attempt = NewAttempt {
            id: AttemptId(self.parts.ids.next(self.now())),
            step: sending.path.clone(),
            kind: AttemptKind::Verify,
            number,
            planned_at: self.run.due_at,
            started_at: self.now(),
            // Where one is kept from an earlier round it is the same.
            request: (number == 1).then(|| serde_json::to_vec(&request).unwrap_or_default()),
        };
        let id = attempt.id;
        if let Some(left) = self.begin(attempt, read.timeout.max(LONGEST_GATHERING)).await? {
            return Ok(Flow::Leave(left));
        }
        let key = actions::idempotency_key(self.run.root.0, &sending.path.verify().0);
        let envelope = Envelope { key: Some(&key), depth: self.run.event.depth, timeout: read.timeout };
        let parts = self.parts;
        let sent = send(&parts.client, &parts.connections, &self.pinned.registry, &request, &envelope).await;
        drop(place);
        self.answered = true;
        self.heard(pass, &read, &sent).await;
        // What the attempt brought about may stand on any page.
        let gathered = Box::pin(gather(
            &Asking {
                parts,
                registry: &self.pinned.registry,
                step: &read,
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
        let seen = self.seen(sending, pending, (&read, &inputs), number, &gathered).await?;
        let sent = gathered.sent;
        let end = |outcome, error: Option<StepError>, reason: &str| AttemptEnd {
            id,
            ended_at: parts.clock.now(),
            outcome,
            error,
            status: sent.status(),
            reply: sent.kept(&parts.vault.masker()),
            reason: reason.to_owned(),
        };
        self.read_ended(sending, pending, (number, &lane), seen, end).await
    }

    /// The read, the inputs of the attempt in doubt, and the read's request. `None`: there is none to be made, so a person must look.
    fn prepared_read(&self, sending: Sending<'_>, pending: &Pending) -> Option<(Step, Object, Request)> {
        let registry = &self.pinned.registry;
        let read = actions::read_step(sending.step, registry)?;
        let stored: Request = serde_json::from_slice(&pending.request).ok()?;
        let inputs = stored.inputs?;
        let request = {
            let mut context = Context::new(self.now(), LIMITS);
            for (name, value) in &inputs {
                context.set(name, value);
            }
            actions::prepare(&read, &context, registry)
        };
        let told =
            |error: StepError| tracing::warn!(run.id = %self.run.id, why = error.message, "a read cannot be made");
        let request = request.map_err(told).ok()?;
        Some((read, inputs, request))
    }

    /// What the answer to a read says.
    async fn seen(
        &self,
        sending: Sending<'_>,
        pending: &Pending,
        (read, inputs): (&Step, &Object),
        number: u32,
        Gathered { sent, body, page }: &Gathered,
    ) -> Result<Seen, StoreError> {
        let (now, registry) = (self.now(), &self.pinned.registry);
        let reading = match (sent, sent.answer(), body) {
            (_, Some(answer), Some(body)) => actions::read_gathered(read, registry, &answer, body.clone(), number, now),
            (_, Some(answer), None) => actions::read(read, registry, &answer, number, now),
            (Sent::Refused(error), None, _) => Reading::Failed { error: error.clone(), response: Value::Null },
            (_, None, _) => {
                return Ok(Seen::Unclear(self.told(sending, number, ErrorClass::Internal, "nothing was sent")));
            }
        };
        let result = match reading {
            Reading::Ok { result, .. } => result,
            Reading::Retry { error, retry_after, throttled, .. } => {
                return Ok(Seen::Again { error: self.mended(sending, number, error), retry_after, throttled });
            }
            // A read may be sent twice.
            Reading::Unknown { error, .. } => {
                let error = self.mended(sending, number, error);
                return Ok(Seen::Again { error, retry_after: None, throttled: false });
            }
            Reading::Failed { error, .. } => return Ok(Seen::Unclear(self.mended(sending, number, error))),
        };
        let found = tokio::task::block_in_place(|| {
            actions::found(sending.step, registry, inputs, pending.began_at, &result, now)
        });
        let found = match found {
            Ok(found) => found,
            Err(why) => return Ok(Seen::Unclear(self.told(sending, number, ErrorClass::Template, &why))),
        };
        for one in found {
            // What another run of ours is known to have made is not this one's, however alike.
            let echo = one.echo.as_deref().and_then(|echo| self.echo_of(sending.step, echo));
            let known = match &echo {
                Some(echo) => self.parts.store.echo_depth(echo, now).await?.is_some(),
                None => false,
            };
            if !known {
                return Ok(Seen::Found(one));
            }
        }
        let items = result.as_array().map_or(0, Vec::len);
        let is_cut = match body {
            Some(_) => actions::may_be_cut(read, registry, items, *page),
            None => sent.answer().is_some_and(|answer| actions::has_more(read, registry, &answer)),
        };
        if is_cut {
            let why = "nothing was found on the pages that were read, and there are more";
            return Ok(Seen::Unclear(self.told(sending, number, ErrorClass::Limit, why)));
        }
        Ok(Seen::Nothing)
    }

    /// Goes on as a read says; its end is part of the same record.
    async fn read_ended(
        &mut self,
        sending: Sending<'_>,
        pending: &Pending,
        (number, lane): (u32, &str),
        seen: Seen,
        end: impl Fn(AttemptOutcome, Option<StepError>, &str) -> AttemptEnd,
    ) -> Result<Flow, StoreError> {
        let now = self.now();
        let then = match seen {
            Seen::Found(Found { result, echo }) => {
                self.ended = Some(end(AttemptOutcome::Ok, None, "found"));
                self.echo = echo.and_then(|echo| Some((self.echo_of(sending.step, &echo)?, now.plus(ECHO_KEPT))));
                let result = mask_value(result, &self.parts.vault.masker());
                return Ok(Flow::Ended(output(sending.path, StepOutcome::Ok, result)));
            }
            Seen::Nothing => {
                self.ended = Some(end(AttemptOutcome::Ok, None, "not_found"));
                match actions::delay(&sending.step.retry, pending.attempts, None, jitter()) {
                    Some(delay) => Then::Due(self.in_time(sending, delay)),
                    None => return Ok(sending.failed(sending.undone(pending), Value::Null)),
                }
            }
            Seen::Again { error, retry_after, throttled } => {
                let delay = actions::delay(&crate::rules::Retry::default(), number, retry_after, jitter());
                if throttled {
                    let pause = throttle_pause(retry_after, delay);
                    self.parts.connections.pause(lane, now.plus(pause));
                }
                let (outcome, reason, then) = match delay {
                    Some(delay) if retry_after.is_some() => {
                        (AttemptOutcome::Retry, "retry_after", Then::Due(now.plus(delay)))
                    }
                    Some(delay) => (AttemptOutcome::Retry, "schedule", Then::Due(now.plus(delay))),
                    None => (AttemptOutcome::Failed, "", Then::Held),
                };
                self.ended = Some(end(outcome, Some(error), reason));
                then
            }
            Seen::Unclear(error) => {
                self.ended = Some(end(AttemptOutcome::Failed, Some(error), ""));
                Then::Held
            }
        };
        self.leave(then).await.map(Flow::Leave)
    }

    fn told(&self, sending: Sending<'_>, number: u32, class: ErrorClass, why: &str) -> StepError {
        self.mended(sending, number, error_of("", class, why.to_owned()))
    }

    /// An error of a read as it is kept: named for its step, masked, cut.
    fn mended(&self, sending: Sending<'_>, number: u32, mut error: StepError) -> StepError {
        let said = self.parts.vault.masker().mask(&error.message);
        error.message = said.chars().take(LONGEST_MESSAGE).collect();
        error.step = sending.name();
        error.attempt = number;
        error
    }
}
