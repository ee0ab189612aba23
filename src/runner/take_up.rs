//! A run that looked due, as it is now: gone on with, or ended where it cannot or shall not go on.

use std::time::Duration;

use super::{execute::Execution, hold::Left, line::Line, pinned::PinnedError, workers::RunnerParts};
use crate::{
    clock::Time,
    model::{ErrorClass, RunStatus, StepError},
    store::{Claim, ClaimId, LoadedRun, Record, StoreError, Then},
};

/// How long the claim of a run that ends without a step may last.
const SHORT_CLAIM: Duration = Duration::from_secs(60);

/// Does what there is to do on a run that was due when the list was read.
pub(super) async fn work(
    parts: &RunnerParts,
    line: &Line,
    run: Result<Option<LoadedRun>, StoreError>,
) -> Result<Left, StoreError> {
    // The look at the due runs may be older than the run's last change: a retry must not begin early.
    let Some(run) = run?.filter(|run| is_due(run, parts.clock.now())) else {
        return Ok(Left::NotMine);
    };
    if run.cancelled {
        let end = Then::End { status: RunStatus::Cancelled, error: None, why: None };
        let left = end_now(parts, &run, end).await?;
        if left != Left::NotMine {
            tracing::info!(run.id = %run.id, rule = run.rule, state = "cancelled", "run ended");
        }
        return Ok(left);
    }
    let pinned = match parts.pinned.get(run.set).await {
        Ok(pinned) => pinned,
        Err(PinnedError::Store(error)) => return Err(error),
        Err(error) => return give_up(parts, &run, error.to_string()).await,
    };
    match Execution::new(parts, line, run, pinned) {
        Ok(execution) => execution.go().await,
        Err((run, why)) => give_up(parts, &run, why).await,
    }
}

/// Whether a run that was loaded is open for a worker at that time.
fn is_due(run: &LoadedRun, now: Time) -> bool {
    matches!(run.status, RunStatus::Collecting | RunStatus::Undecided | RunStatus::Due | RunStatus::Waiting)
        && run.due_at.is_some_and(|due_at| due_at <= now)
}

/// Ends a run that can never go on.
async fn give_up(parts: &RunnerParts, run: &LoadedRun, why: String) -> Result<Left, StoreError> {
    let (step, message) = ("run".to_owned(), why.clone());
    let error = StepError { step, class: ErrorClass::Internal, status: None, message, attempt: 0 };
    let end = Then::End { status: RunStatus::Failed, error: Some(error), why: None };
    let left = end_now(parts, run, end).await?;
    if left != Left::NotMine {
        tracing::error!(run.id = %run.id, rule = run.rule, why, "run failed");
    }
    Ok(left)
}

/// Ends a run without a further step.
async fn end_now(parts: &RunnerParts, run: &LoadedRun, then: Then) -> Result<Left, StoreError> {
    let now = parts.clock.now();
    let claim = ClaimId(parts.ids.next(now));
    let job = Claim {
        run: run.id,
        claim,
        from: run.status,
        said: run.said,
        now,
        until: now.plus(SHORT_CLAIM),
        attempt: None,
        place: None,
    };
    if !parts.store.claim(job).await?.is_mine() {
        return Ok(Left::NotMine);
    }
    let record = Record {
        run: run.id,
        claim,
        now,
        attempt: None,
        outputs: Vec::new(),
        vars: None,
        failure: None,
        echo: None,
        attributes: None,
        emitted: None,
        then,
    };
    let mine = parts.persist(&record).await?.is_mine();
    // It may have given back a place that another run waits for.
    Ok(if mine { Left::Waits } else { Left::NotMine })
}

#[cfg(test)]
mod tests {
    use serde_json::Map;

    use super::*;
    use crate::{
        ids::{EventId, RunId},
        model::EventFlags,
        store::StoredEvent,
    };

    fn run(status: RunStatus, due_at: Option<Time>) -> LoadedRun {
        let event = StoredEvent {
            id: EventId(1),
            kind: "box.start".to_owned(),
            source: "box".to_owned(),
            service: None,
            received_at: Time(0),
            verified: String::new(),
            depth: 0,
            flags: EventFlags::default(),
            meta: Map::new(),
            body: None,
            set: 1,
        };
        LoadedRun {
            id: RunId(2),
            rule: "a".to_owned(),
            set: 1,
            status,
            root: RunId(2),
            replay_of: None,
            started_at: None,
            vars: Map::new(),
            failure: None,
            event,
            outputs: Vec::new(),
            pending: None,
            due_at,
            earlier: Vec::new(),
            wait: None,
            cancelled: false,
            said: None,
        }
    }

    #[test]
    fn a_stale_list_of_due_runs_begins_no_retry_early() {
        let now = Time(1_000);
        for status in [RunStatus::Collecting, RunStatus::Undecided, RunStatus::Due, RunStatus::Waiting] {
            assert!(is_due(&run(status, Some(now)), now), "{status}");
            assert!(!is_due(&run(status, Some(Time(1_001))), now), "{status}: its due time lies ahead");
            assert!(!is_due(&run(status, None), now), "{status}: it waits for somebody else");
        }
        for status in [RunStatus::Running, RunStatus::Held, RunStatus::Ok, RunStatus::Cancelled] {
            assert!(!is_due(&run(status, Some(now)), now), "{status}");
        }
    }
}
