//! What most verbs begin with: the settings, a runtime, the store beside a running server.

use std::{future::Future, path::Path, sync::Arc};

use super::failure::Failure;
use crate::{
    clock::{SharedClock, SystemClock},
    config::{self, Config},
    store::{Mode, Store},
};

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
