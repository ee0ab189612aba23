//! `bellwire serve`: takes deliveries and runs rules until it is stopped.

use std::{path::Path, process::ExitCode};

use tokio::runtime::Runtime;

use super::{failure::Failure, logging, open};
use crate::{app, config::Config};

pub(super) fn run(workspace: &Path) -> Result<ExitCode, Failure> {
    let config = open::settings(workspace)?;
    let runtime = runtime(&config)?;
    Ok(runtime.block_on(app::serve(config)))
}

/// Starts logging, and a runtime on all cores.
pub(super) fn runtime(config: &Config) -> Result<Runtime, Failure> {
    logging::start(&config.log);
    for warning in &config.warnings {
        tracing::warn!("{warning}");
    }
    tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|error| Failure::Storage(format!("no runtime: {error}")))
}
