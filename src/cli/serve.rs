//! `bellwire serve`: takes deliveries and runs rules until it is stopped.

use std::{path::Path, process::ExitCode};

use super::{failure::Failure, logging, open};
use crate::{app, config::Config};

pub(super) fn run(workspace: &Path) -> Result<ExitCode, Failure> {
    serve(open::settings(workspace)?)
}

/// Serves under the settings, with logging, on all cores.
pub(super) fn serve(config: Config) -> Result<ExitCode, Failure> {
    logging::start(&config.log);
    for warning in &config.warnings {
        tracing::warn!("{warning}");
    }
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|error| Failure::Storage(format!("no runtime: {error}")))?;
    Ok(runtime.block_on(app::serve(config)))
}
