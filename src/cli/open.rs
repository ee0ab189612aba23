//! What most verbs begin with: the settings, a runtime, the store beside a running server.

use std::{future::Future, path::Path, sync::Arc};

use super::failure::Failure;
use crate::{
    clock::{SharedClock, SystemClock, Time},
    config::{self, Config},
    ids::{IdSource, first_at},
    store::{Mode, Store, StoreError},
};

/// Ids that are tried: two in a row that are taken are no accident.
const TRIES: u32 = 5;

/// The settings of the workspace under the environment of this process.
pub(super) fn settings(workspace: &Path) -> Result<Config, Failure> {
    if workspace.exists() && !workspace.is_dir() {
        return Err(Failure::Usage(format!(
            "{} is a file; name the workspace's folder with --workspace",
            workspace.display()
        )));
    }
    if !workspace.is_dir() {
        return Err(Failure::Usage(format!(
            "there is no folder {}; name a workspace with --workspace, or make one with `bellwire init {}`",
            workspace.display(),
            workspace.display()
        )));
    }
    config::load(workspace, &config::environment()).map_err(Failure::Configuration)
}

/// The machine's clock.
pub(super) fn clock() -> SharedClock {
    Arc::new(SystemClock)
}

/// Runs a short verb to its end on this thread.
pub(super) fn block_on<T>(work: impl Future<Output = Result<T, Failure>>) -> Result<T, Failure> {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| Failure::Storage(format!("no runtime: {error}")))?
        .block_on(work)
}

/// Ids that no other process makes at the same moment: a running server counts up from the millisecond, this begins anywhere in it.
fn ids(now: Time) -> Result<IdSource, Failure> {
    let mut random = [0; 4];
    getrandom::fill(&mut random).map_err(|error| Failure::Storage(format!("no random numbers: {error}")))?;
    // Below the 21 bits of a millisecond's sequence, with room above for those of one command.
    let offset = i64::from(u32::from_le_bytes(random) & 0x000f_ffff);
    Ok(IdSource::above(first_at(now).saturating_add(offset)))
}

/// Makes ids and writes with them; where a running server made the same one at that moment, again with others.
pub(super) async fn with_ids<T>(
    now: Time,
    mut write: impl AsyncFnMut(&IdSource) -> Result<T, StoreError>,
) -> Result<T, Failure> {
    let mut left = TRIES;
    loop {
        left -= 1;
        match write(&ids(now)?).await {
            Err(StoreError::Doubled(_)) if left > 0 => {}
            done => return Ok(done?),
        }
    }
}

/// The database beside a running server.
pub(super) fn store(config: &Config, mode: Mode) -> Result<Store, Failure> {
    let on_failure = Arc::new(|why: String| tracing::error!("{why}"));
    Ok(Store::open(config, mode, clock(), on_failure)?)
}

/// Whether nothing was ever stored for this workspace: then a read has nothing to read, and says so instead of failing.
pub(super) fn is_unborn(config: &Config) -> Result<bool, Failure> {
    Ok(Store::is_unborn(config)?)
}

/// Makes the database of a workspace that has none, as the first `serve` would.
pub(super) fn birth(config: &Config) -> Result<(), Failure> {
    store(config, Mode::Serve)?.close();
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_that_is_taken_is_made_anew_a_few_times() {
        let (mut seen, now) = (Vec::new(), clock().now());
        let mut tried = async |fails: usize| {
            seen.clear();
            with_ids(now, async |ids| {
                seen.push(ids.next(now));
                if seen.len() > fails { Ok(()) } else { Err(StoreError::Doubled("taken".to_owned())) }
            })
            .await
            .map(|()| (seen.len(), seen.first() != seen.last()))
        };
        block_on(async {
            assert_eq!(tried(0).await?, (1, false));
            assert_eq!(tried(2).await?, (3, true));
            assert!(matches!(tried(100).await, Err(Failure::Storage(_))));
            Ok(())
        })
        .unwrap_or_else(|failure| panic!("{failure}"));
    }
}
