//! Long work on many rows, as one job with progress.
// CONTRACT STUB: jobs are rows and go on by themselves once they are built; here the first thousand runs are repeated at once.

use super::runs::{self, Wish, With};
use crate::{
    admin::{refused::Refused, state::Admin},
    ids::{ProblemId, RunId},
    model::Person,
};

/// Runs that are repeated at once.
const MOST: usize = 1000;

/// Work that is wanted.
#[derive(Debug, Clone, Copy)]
pub(in crate::admin) enum NewJob {
    /// All failed runs of a problem again that nothing has repeated yet, by the rules that ran then or by those in force.
    ReplayRuns {
        /// Which.
        problem: ProblemId,
        /// By the rules in force.
        current: bool,
    },
}

/// Begins a job; where its progress is shown.
pub(in crate::admin) async fn begin(admin: &Admin, person: &Person, job: NewJob) -> Result<String, Refused> {
    let NewJob::ReplayRuns { problem, current } = job;
    let runs = admin.store.runs_to_repeat(problem, RunId(i64::MIN), MOST).await?;
    for of in runs {
        let with = if current { With::Current } else { With::Original };
        runs::replay(admin, person, Wish { of, from: None, with, new_keys: false, key: None }).await?;
    }
    Ok(format!("/problems/{problem}?did=replayed"))
}
