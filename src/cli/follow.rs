//! Following runs until they are over.

use std::time::{Duration, Instant};

use super::{answer::clean, failure::Failure};
use crate::{
    ids::RunId,
    model::RunStatus,
    store::{RunDetail, Store},
};

/// Between two looks.
const PAUSE: Duration = Duration::from_millis(200);
/// After so long without a worker a person is told what may be missing.
const SILENT: Duration = Duration::from_secs(5);

/// Waits until a run is over or held, and gives it whole. Says once on standard error that no server seems to take it.
pub(super) async fn to_its_end(store: &Store, id: RunId) -> Result<RunDetail, Failure> {
    let began = Instant::now();
    let mut told = false;
    loop {
        let missing = || Failure::No(format!("run {id} is gone"));
        let detail = store.run(id).await?.ok_or_else(missing)?;
        let status = detail.row.status;
        if status.is_final() || status == RunStatus::Held {
            return Ok(detail);
        }
        if !told && began.elapsed() > SILENT && status == RunStatus::Due && detail.attempts.is_empty() {
            told = true;
            eprintln!(
                "bellwire: {id} of {} is due and nobody takes it: is `bellwire serve` running?",
                clean(&detail.row.rule, 64)
            );
        }
        tokio::time::sleep(PAUSE).await;
    }
}
