//! Builds everything once, stops it in reverse.
// CONTRACT STUB: the integrator replaces this.

use std::{path::Path, process::ExitCode, sync::Arc};

use crate::{
    config::Config,
    model::Finding,
    rules::{Set, Texts},
    services::Registry,
};

/// What the texts of a workspace give.
pub struct Compiled {
    /// The rules that hold. `None` where the packs do not load.
    pub set: Option<Arc<Set>>,
    /// The packs. `None` where they do not load.
    pub registry: Option<Arc<Registry>>,
    /// All findings of all files, sorted by place.
    pub findings: Vec<Finding>,
}

/// The texts of a workspace. `Err` is a sentence with the file that does not read.
pub fn texts(_workspace: &Path) -> Result<Texts, String> {
    unimplemented!()
}

/// Loads packs and compiles rules as `serve` would.
pub fn compile(_texts: &Texts, _config: &Config) -> Compiled {
    unimplemented!()
}

/// Serves until somebody ends it; logging is on already.
pub async fn serve(_config: Config) -> ExitCode {
    unimplemented!()
}
