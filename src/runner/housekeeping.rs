//! What happens once a night: events past their days are deleted with their runs.

use std::time::Duration;

use tokio::time::sleep;

use super::RunnerParts;
use crate::{
    clock::Time,
    lifecycle::Phase,
    store::{Pruned, StoreError},
};

/// How often it is looked whether a night has passed.
const LOOK: Duration = Duration::from_secs(60);

/// One night.
const NIGHT: Duration = Duration::from_secs(24 * 60 * 60);

/// The hour of the day, UTC, at which pruning begins.
const HOUR: u64 = 3;

/// Prunes at 03:00 UTC each night until the process drains.
pub(super) async fn prune_nightly(parts: &RunnerParts) {
    let mut next = next_night(parts.clock.now().0);
    while parts.lifecycle.is_serving() {
        tokio::select! {
            () = sleep(LOOK) => {}
            () = parts.lifecycle.reached(Phase::Draining) => return,
        }
        let now = parts.clock.now();
        if now.0 < next {
            continue;
        }
        next = next_night(now.0);
        match prune(parts, now).await {
            Ok(pruned) => tracing::info!(events = pruned.events, runs = pruned.runs, "pruned"),
            Err(error) => tracing::error!(error = %error, "pruning failed; it is tried again the next night"),
        }
    }
}

/// Deletes what is past its days, and the oldest of what is beyond the budget of rows.
async fn prune(parts: &RunnerParts, now: Time) -> Result<Pruned, StoreError> {
    let budget = &parts.config.retention;
    let by_days = now.minus(NIGHT * budget.days);
    let by_rows = parts.store.first_kept_of(budget.rows).await?;
    parts.store.prune(by_rows.map_or(by_days, |by_rows| by_rows.max(by_days)), now).await
}

/// The next 03:00 UTC after `now`, in milliseconds.
fn next_night(now: i64) -> i64 {
    let night = i64::try_from(NIGHT.as_millis()).unwrap_or(i64::MAX);
    let hour = i64::try_from(Duration::from_secs(HOUR * 3600).as_millis()).unwrap_or(0);
    let today = now - now.rem_euclid(night) + hour;
    if today > now { today } else { today + night }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_next_night_is_always_ahead() {
        let at = |text: &str| Time::parse(text).unwrap().0;
        assert_eq!(next_night(at("2026-03-01T02:59:59Z")), at("2026-03-01T03:00:00Z"));
        assert_eq!(next_night(at("2026-03-01T03:00:00Z")), at("2026-03-02T03:00:00Z"));
    }
}
