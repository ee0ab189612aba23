//! One poll: asked, its answer looked at, and what is new in it stored as events.

use std::{collections::HashSet, sync::Arc, time::Duration};

use serde_json::json;
use sha2::{Digest as _, Sha256};

use super::{
    attempt::{LONGEST_MESSAGE, THROTTLE_PAUSE, mask_value},
    pages::{Asking, Gathered, gather},
    send::{Envelope, Sent, lane, send},
    workers::{RunnerParts, STORE_PAUSE},
};
use crate::{
    actions::{self, Listed, Reading, Request},
    clock::Time,
    connections::Turn,
    lifecycle::Phase,
    model::{Problem, StepError},
    rules::{Poll, Rule},
    starts::{self, InForce},
    store::{PollDone, PollId, PollRow, StoreError},
    templates::{Context, Limits},
    value::Value,
};

/// The longest that failures put a poll off, where it is not asked more seldom anyway.
const LONGEST_BACKOFF: Duration = Duration::from_hours(1);

/// Bytes of all pages' items together.
const GATHERED: usize = 4 * 1024 * 1024;

/// Events of one transaction: others wait while it commits.
const TOGETHER: usize = 100;

/// Characters of an `ETag` or a `Last-Modified` that are kept and sent back; a longer one is not.
const LONGEST_VALIDATOR: usize = 1024;

/// A poll that is due.
pub(super) struct Asked {
    pub(super) id: PollId,
    pub(super) rule: Arc<Rule>,
    pub(super) poll: Poll,
    /// `None`: it was never due before.
    pub(super) row: Option<PollRow>,
    pub(super) in_force: InForce,
}

/// What came of asking.
enum Answered {
    /// The answer's `result` and `response`, and what a later request may ask by.
    New {
        result: Value,
        response: Value,
        validators: Validators,
    },
    /// Nothing has changed since.
    Same,
    /// Not asked: its turn comes then.
    Later(Time),
    Failed {
        error: StepError,
        retry_after: Option<Duration>,
    },
}

/// What an answer can be asked for by, only where it has changed since.
#[derive(Default)]
struct Validators {
    /// Digest of the request that they belong to.
    asked: Option<Vec<u8>>,
    etag: Option<String>,
    modified: Option<String>,
}

/// Asks once, and keeps what came of it.
pub(super) async fn ask(parts: &RunnerParts, asked: &Asked) -> Result<(), StoreError> {
    let began = parts.clock.now();
    let answered = Box::pin(asked.answer(parts, began)).await;
    match answered {
        Answered::Later(at) => asked.due(parts, at).await,
        Answered::Failed { error, retry_after } => asked.failed(parts, began, &error.message, retry_after).await,
        Answered::Same => {
            let row = asked.row.as_ref();
            let done = PollDone {
                odd: row.and_then(|row| row.odd.clone()),
                asked: row.and_then(|row| row.asked.clone()),
                etag: row.and_then(|row| row.etag.clone()),
                modified: row.and_then(|row| row.modified.clone()),
                ..asked.done(began)
            };
            asked.well(parts, asked.turn(), done).await
        }
        Answered::New { result, response, validators } => {
            let masker = parts.vault.masker();
            let (result, response) = (mask_value(result, &masker), mask_value(response, &masker));
            match actions::items_of(&asked.poll, result, response) {
                Ok(found) => asked.take(parts, began, found, validators).await,
                Err(why) => asked.failed(parts, began, &masker.mask(&why), None).await,
            }
        }
    }
}

impl Asked {
    /// Digest of what it asks.
    fn target(&self) -> Vec<u8> {
        Sha256::digest(self.poll.target.as_bytes()).to_vec()
    }

    /// Whether what is known of it is about something else, or nothing is known yet: the first answer then says what is old.
    fn is_first(&self) -> bool {
        self.row.as_ref().is_none_or(|row| row.turn == 0 || row.target != self.target())
    }

    fn turn(&self) -> i64 {
        if self.is_first() { 1 } else { self.row.as_ref().map_or(1, |row| row.turn) }
    }

    /// Whose turns on a lane its requests are: no run has such an id.
    fn lane_turn(&self) -> i64 {
        let digest = Sha256::digest(format!("{}#{}", self.id.rule, self.id.place).as_bytes());
        let number = digest.first_chunk().map_or(1, |bytes| i64::from_be_bytes(*bytes));
        -number.saturating_abs().max(1)
    }

    /// A poll that went well, without what its answer says.
    fn done(&self, began: Time) -> PollDone {
        let every = self.poll.every;
        PollDone { began_at: began, due_at: began.plus(every), every: Time(0).plus(every).0, ..PollDone::default() }
    }

    async fn answer(&self, parts: &RunnerParts, began: Time) -> Answered {
        let failed = |error: StepError| Answered::Failed { error, retry_after: None };
        let (registry, step) = (&self.in_force.registry, &self.poll.step);
        let mut request = match self.prepared(parts, began) {
            Ok(request) => request,
            Err(error) => return failed(error),
        };
        let digest = digest_of(&request);
        let validated = self.validate(&mut request, &digest);
        let lane = lane(&request);
        let place = tokio::select! {
            biased;
            turn = parts.connections.turn_in_queue(registry, &lane, self.lane_turn()) => match turn {
                Turn::Now(place) => place,
                Turn::At(at) => return Answered::Later(at),
                Turn::Busy => return Answered::Later(parts.clock.now().plus(STORE_PAUSE)),
            },
            () = parts.lifecycle.reached(Phase::Draining) => return Answered::Later(began),
        };
        let key = actions::idempotency_key(self.lane_turn() ^ began.0, &step.path.0);
        let envelope = || Envelope { key: Some(&key), depth: 0, timeout: step.timeout };
        let sent = send(&parts.client, &parts.connections, registry, &request, &envelope()).await;
        drop(place);
        if validated && sent.status() == Some(304) {
            return Answered::Same;
        }
        let asking = Asking {
            parts,
            registry,
            step,
            request: &request,
            envelope: envelope(),
            lane: &lane,
            turn: self.lane_turn(),
            number: 1,
            most: GATHERED,
        };
        let gathered = gather(&asking, sent).await;
        self.read(parts, &lane, gathered, digest)
    }

    fn prepared(&self, parts: &RunnerParts, began: Time) -> Result<Request, StepError> {
        let row = self.row.as_ref().filter(|_| !self.is_first());
        let vars = Value::Object(parts.config.vars.clone());
        let now = json!(began.to_string());
        let poll = json!({
            "cursor": row.map_or(&Value::Null, |row| &row.cursor),
            "last_at": row.and_then(|row| row.last_at).map(|at| at.to_string()),
        });
        let mut context = Context::new(began, Limits::default());
        context.set("vars", &vars).set("now", &now).set("poll", &poll);
        actions::prepare(&self.poll.step, &context, &self.in_force.registry)
    }

    /// Lets the request ask for what has changed since the last answer, where that was an answer to the same one.
    fn validate(&self, request: &mut Request, digest: &[u8]) -> bool {
        let row = self.row.as_ref().filter(|row| !self.is_first() && row.asked.as_deref() == Some(digest));
        let Some(row) = row else { return false };
        let pairs = [("If-None-Match", &row.etag), ("If-Modified-Since", &row.modified)];
        let before = request.headers.len();
        for (name, value) in pairs {
            let is_set = request.headers.iter().any(|(known, _)| known.eq_ignore_ascii_case(name));
            if let Some(value) = value.as_ref().filter(|_| !is_set) {
                request.headers.push((name.to_owned(), value.clone()));
            }
        }
        request.headers.len() > before
    }

    fn read(&self, parts: &RunnerParts, lane: &str, gathered: Gathered, digest: Vec<u8>) -> Answered {
        let Gathered { sent, body, page } = gathered;
        let (step, registry, now) = (&self.poll.step, &self.in_force.registry, parts.clock.now());
        let at_page = |mut error: StepError| {
            if page > 1 {
                error.message = format!("page {page}: {}", error.message);
            }
            error.message = parts.vault.masker().mask(&error.message).chars().take(LONGEST_MESSAGE).collect();
            error
        };
        let reading = match (&sent, sent.answer(), body) {
            (_, Some(answer), Some(body)) => actions::read_gathered(step, registry, &answer, body, 1, now),
            (_, Some(answer), None) => actions::read(step, registry, &answer, 1, now),
            (Sent::Refused(error), ..) => Reading::Failed { error: error.clone(), response: Value::Null },
            _ => return Answered::Later(now.plus(STORE_PAUSE)),
        };
        match reading {
            Reading::Ok { result, response, .. } => {
                // One page's word is no word for those behind it.
                let validators = if page == 1 { validators(&sent, digest) } else { Validators::default() };
                Answered::New { result, response, validators }
            }
            Reading::Retry { error, retry_after, throttled, .. } => {
                if throttled {
                    parts.connections.pause(lane, now.plus(retry_after.unwrap_or(THROTTLE_PAUSE)));
                }
                Answered::Failed { error: at_page(error), retry_after }
            }
            Reading::Failed { error, .. } | Reading::Unknown { error, .. } => {
                Answered::Failed { error: at_page(error), retry_after: None }
            }
        }
    }

    /// Stores what is new.
    async fn take(
        &self,
        parts: &RunnerParts,
        began: Time,
        found: Listed,
        validators: Validators,
    ) -> Result<(), StoreError> {
        let (turn, is_first) = (self.turn(), self.is_first());
        let seen = if is_first { HashSet::new() } else { parts.store.poll_keys(self.id.clone()).await? };
        let (new, old) = found.split(&seen, is_first.then_some(self.poll.backfill));
        if is_first {
            // A row that says that the baseline is taken, before anything of it is an event.
            self.due(parts, began).await?;
            let old = old.iter().map(|item| item.key).collect();
            parts.store.poll_begins(self.id.clone(), self.target(), old).await?;
        }
        let mut stored = 0;
        for together in new.chunks(TOGETHER) {
            let now = parts.clock.now();
            let events = together.iter().map(|item| {
                let event =
                    starts::polled(&parts.config, &parts.ids, &self.in_force, &self.rule, item.value.clone(), now);
                (item.key, event)
            });
            stored += parts.store.poll_found(self.id.clone(), turn, events.collect()).await?;
            parts.wake.ring();
        }
        if stored > 0 {
            tracing::info!(rule = self.id.rule, items = stored, "a poll found new items");
        }
        let done = PollDone {
            keys: Some(found.items.iter().map(|item| item.key).collect()),
            odd: found.odd,
            cursor: found.cursor,
            asked: validators.asked,
            etag: validators.etag,
            modified: validators.modified,
            ..self.done(began)
        };
        self.well(parts, turn, done).await
    }

    /// It went well: what was wrong is solved, and what is odd is told.
    async fn well(&self, parts: &RunnerParts, turn: i64, done: PollDone) -> Result<(), StoreError> {
        let (now, row) = (parts.clock.now(), self.row.as_ref());
        match (&done.odd, row.and_then(|row| row.odd.as_ref())) {
            (Some(odd), before) if before != Some(odd) => {
                tracing::warn!(rule = self.id.rule, why = odd, "a poll's items are odd");
                let message = format!("{odd}; `key` must name what each item has for itself alone");
                parts.store.raise(self.problem("keys", message), now).await?;
            }
            (None, Some(_)) => {
                parts.store.solve(&self.problem("keys", String::new()).fingerprint, now).await?;
            }
            _ => {}
        }
        let had_failed = row.is_some_and(|row| row.failures > 0);
        parts.store.poll_done(self.id.clone(), turn, done).await?;
        if had_failed {
            tracing::info!(rule = self.id.rule, "a poll goes well again");
            parts.store.solve(&self.problem("", String::new()).fingerprint, now).await?;
        }
        Ok(())
    }

    async fn failed(
        &self,
        parts: &RunnerParts,
        began: Time,
        why: &str,
        retry_after: Option<Duration>,
    ) -> Result<(), StoreError> {
        let failures = self.row.as_ref().map_or(0, |row| row.failures).saturating_add(1);
        let due = began.plus(backoff(self.poll.every, failures, retry_after));
        tracing::warn!(rule = self.id.rule, why, next = %due, "a poll failed");
        // The reason first: a row that is due again says why it was not done.
        if self.row.is_none() {
            self.due(parts, began).await?;
        }
        parts.store.poll_failed(self.id.clone(), began, why.to_owned()).await?;
        self.due(parts, due).await?;
        let message = format!("{why}; it is asked again at {due}");
        parts.store.raise(self.problem("", message), parts.clock.now()).await
    }

    async fn due(&self, parts: &RunnerParts, at: Time) -> Result<(), StoreError> {
        // A target that is not the row's is written with the first answer to it.
        let target = self.row.as_ref().map_or_else(|| self.target(), |row| row.target.clone());
        parts.store.poll_due(self.id.clone(), target, Time(0).plus(self.poll.every).0, at).await
    }

    /// What is wrong with it; `part` tells its problems apart.
    fn problem(&self, part: &str, message: String) -> Problem {
        let PollId { rule, place } = &self.id;
        let part = if part.is_empty() { String::new() } else { format!(":{part}") };
        Problem { fingerprint: format!("poll:{rule}#{place}{part}"), kind: "poll", subject: rule.clone(), message }
    }
}

/// How long after its beginning a poll that failed for the `failures`th time in a row is asked again: `every`, doubled each time up to an
/// hour, and no sooner than the service asks.
fn backoff(every: Duration, failures: u32, retry_after: Option<Duration>) -> Duration {
    let doubled = every.saturating_mul(2_u32.saturating_pow(failures.min(16)));
    doubled.min(LONGEST_BACKOFF).max(every).max(retry_after.unwrap_or_default())
}

fn digest_of(request: &Request) -> Vec<u8> {
    Sha256::digest(serde_json::to_vec(request).unwrap_or_default()).to_vec()
}

/// What the answer can be asked for by, as far as it is short and can stand in a header.
fn validators(sent: &Sent, digest: Vec<u8>) -> Validators {
    let Sent::Reply(reply) = sent else { return Validators::default() };
    let header = |name: &str| {
        let found = reply.headers.iter().find(|(known, _)| known.eq_ignore_ascii_case(name));
        let value = found.map(|(_, value)| value.trim().to_owned());
        value.filter(|value| (1..=LONGEST_VALIDATOR).contains(&value.len()) && !value.chars().any(char::is_control))
    };
    let (etag, modified) = (header("etag"), header("last-modified"));
    let asked = (etag.is_some() || modified.is_some()).then_some(digest);
    Validators { asked, etag, modified }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn failures_put_a_poll_off_twice_as_long_each_time() {
        for (every, failures, asked, wanted) in [
            (60, 1, None, 120),
            (60, 2, None, 240),
            (60, 5, None, 1920),
            (60, 6, None, 3600),
            (60, 4_000_000_000, None, 3600),
            (86_400, 1, None, 86_400),
            (60, 1, Some(30), 120),
            (60, 1, Some(1800), 1800),
        ] {
            let delay = backoff(Duration::from_secs(every), failures, asked.map(Duration::from_secs));
            assert_eq!(delay.as_secs(), wanted, "{every} {failures} {asked:?}");
        }
    }
}
