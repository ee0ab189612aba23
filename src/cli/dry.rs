//! `bellwire run --dry`: what a run would send. CONTRACT STUB

use std::path::Path;

use super::{answer::Answer, failure::Failure, run::Run};

/// Renders what a run would send, and sends nothing.
pub(super) fn dry(workspace: &Path, options: &Run) -> Result<Answer, Failure> {
    let _ = workspace;
    Err(Failure::No(format!("a dry run of {} is not built", options.rule)))
}
