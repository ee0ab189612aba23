//! Jobs are worked off here, one small step after another, from where each stands.

mod step;

use std::time::Duration;

use super::state::Admin;
use crate::store::{JobRow, JobState, JobStep, StoreError};

/// How long nobody looks for jobs that nobody rang for.
const PATIENCE: Duration = Duration::from_secs(5);
/// How long nothing is tried after the database did not answer.
const PAUSE: Duration = Duration::from_secs(1);

/// Works off jobs until the end of the process: those of an earlier process first.
pub(super) async fn work(admin: Admin) {
    while admin.lifecycle.is_serving() {
        match round(&admin).await {
            Ok(true) => {}
            Ok(false) => {
                // Either way it is looked again.
                drop(tokio::time::timeout(PATIENCE, admin.jobs.heard()).await);
            }
            Err(error) => {
                tracing::warn!(%error, "jobs rest for a moment");
                tokio::time::sleep(PAUSE).await;
            }
        }
    }
}

/// One step of every job that goes on. False: there is none.
async fn round(admin: &Admin) -> Result<bool, StoreError> {
    let jobs = admin.store.running_jobs().await?;
    for job in &jobs {
        if !admin.lifecycle.is_serving() {
            return Ok(false);
        }
        one(admin, job).await?;
    }
    Ok(!jobs.is_empty())
}

async fn one(admin: &Admin, job: &JobRow) -> Result<(), StoreError> {
    let step = match step::next(admin, job).await {
        Ok(step) => step,
        Err(step::Stop::Store(error)) => return Err(error),
        Err(step::Stop::Why(why)) => {
            JobStep { place: job.place, end: Some((JobState::Failed, why)), ..JobStep::default() }
        }
    };
    let (made, over) = (step.replays.len(), step.end.is_some());
    match admin.store.step_job(job.id, job.place, step, admin.clock.now()).await {
        Ok(true) => {}
        // A person has ended it meanwhile.
        Ok(false) => return Ok(()),
        Err(error @ (StoreError::Busy(_) | StoreError::Failed(_))) => return Err(error),
        // One of its runs cannot be written, and would not be the next time.
        Err(error) => {
            let end = Some((JobState::Failed, error.to_string()));
            let step = JobStep { place: job.place, end, ..JobStep::default() };
            admin.store.step_job(job.id, job.place, step, admin.clock.now()).await?;
            return Ok(());
        }
    }
    if made > 0 {
        admin.wake.ring();
    }
    if over {
        tracing::info!(job.id = %job.id, "a job is over");
    }
    Ok(())
}
