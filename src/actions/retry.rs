//! When a failed attempt is tried again, and what one without an answer means.

use std::time::Duration;

use sha2::{Digest as _, Sha256};

use super::retry_after;
use crate::{
    rules::{HttpStep, Retry, Step, StepKind, Unknown},
    services::Registry,
};

/// Jitter adds at most this part of a delay (a fifth): enough to spread retries, too little to be felt.
const JITTER_PART: u32 = 5;

/// Bytes of the hash that are shown in an idempotency key.
const KEY_BYTES: usize = 16;

/// What to do with an attempt that a crash cut off, or that got no answer: what the step says, else `verify` if its action has one, else
/// `retry` if it is a read or idempotent, else `ask`. A `verify` without a read-back to do it with is `ask`.
pub fn unknown_policy(step: &Step, registry: &Registry) -> Unknown {
    let verifies = match &step.kind {
        StepKind::Action { name, .. } => registry.action(name).is_some_and(|(_, action)| action.verify.is_some()),
        _ => false,
    };
    match step.retry.unknown {
        Some(Unknown::Verify) if !verifies => Unknown::Ask,
        Some(said) => said,
        None if verifies => Unknown::Verify,
        None if repeatable(step, registry) => Unknown::Retry,
        None => Unknown::Ask,
    }
}

/// Whether doing the step twice has the effect of once.
fn repeatable(step: &Step, registry: &Registry) -> bool {
    match &step.kind {
        StepKind::Action { name, .. } => {
            registry.action(name).is_some_and(|(_, action)| action.read || action.idempotent)
        }
        StepKind::Http(http) => http_is_repeatable(http),
        _ => false,
    }
}

/// GET and HEAD are reads, PUT and DELETE idempotent.
fn http_is_repeatable(step: &HttpStep) -> bool {
    [http::Method::GET, http::Method::HEAD, http::Method::PUT, http::Method::DELETE].contains(&step.method)
}

/// When attempt `attempt` (from 1) has failed: how long until the next, or `None` where the schedule has run out. Jitter only adds
/// (`jitter` from 0 to 1, times a fifth of the delay); `retry_after` can lengthen it, up to an hour.
pub fn delay(retry: &Retry, attempt: u32, retry_after: Option<Duration>, jitter: f64) -> Option<Duration> {
    let index = usize::try_from(attempt.checked_sub(1)?).ok()?;
    let base = *retry.after.get(index)?;
    let jitter = if jitter.is_finite() { jitter.clamp(0.0, 1.0) } else { 0.0 };
    let delay = base.saturating_add((base / JITTER_PART).mul_f64(jitter));
    Some(retry_after.map_or(delay, |asked| delay.max(asked.min(retry_after::LONGEST))))
}

/// `bw_` and a hash of the root run (the first in a chain of replays) and the step's path: the same on every attempt of that step.
pub fn idempotency_key(root_run: i64, step: &str) -> String {
    let mut hash = Sha256::new();
    hash.update(root_run.to_be_bytes());
    hash.update(step.as_bytes());
    let digest = hash.finalize();
    format!("bw_{}", hex::encode(digest.get(..KEY_BYTES).unwrap_or_default()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::RetryWhen;

    fn retry(seconds: &[u64]) -> Retry {
        Retry {
            after: seconds.iter().map(|s| Duration::from_secs(*s)).collect(),
            when: RetryWhen { network: true, statuses: Vec::new() },
            unknown: None,
        }
    }

    #[test]
    fn delays_follow_the_schedule_and_end_with_it() {
        let retry = retry(&[5, 30]);
        for (attempt, asked, jitter, wanted) in [
            (1, None, 0.0, Some(5_000)),
            (1, None, 1.0, Some(6_000)),
            (1, None, 0.5, Some(5_500)),
            (1, None, -3.0, Some(5_000)),
            (1, None, 9.0, Some(6_000)),
            (1, None, f64::NAN, Some(5_000)),
            (2, None, 0.0, Some(30_000)),
            (3, None, 0.0, None),
            (0, None, 0.0, None),
            (1, Some(2), 0.0, Some(5_000)),
            (1, Some(90), 0.0, Some(90_000)),
            (1, Some(1_000_000), 0.0, Some(3_600_000)),
            (3, Some(90), 0.0, None),
        ] {
            let got = delay(&retry, attempt, asked.map(Duration::from_secs), jitter);
            assert_eq!(got, wanted.map(Duration::from_millis), "{attempt} {asked:?} {jitter}");
        }
    }

    #[test]
    fn the_longest_delay_does_not_overflow() {
        let endless = Retry { after: vec![Duration::MAX], ..retry(&[]) };
        assert_eq!(delay(&endless, 1, None, 1.0), Some(Duration::MAX));
    }

    #[test]
    fn an_idempotency_key_is_the_same_for_the_same_step_of_the_same_run_alone() {
        let key = idempotency_key(7, "do.0");
        assert_eq!(key, idempotency_key(7, "do.0"));
        assert_eq!(key.len(), 3 + 32);
        assert!(key.starts_with("bw_"));
        assert_ne!(key, idempotency_key(8, "do.0"));
        assert_ne!(key, idempotency_key(7, "do.1"));
        assert_eq!(
            key, "bw_7c955c3c53d2f76b77aa6612c8217343",
            "a changed key would double the effects of runs that are under way"
        );
    }
}
