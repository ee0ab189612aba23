//! `bellwire services`: packs in use.

mod test;

use std::path::Path;

use clap::Subcommand;

use super::{answer::Answer, failure::Failure};

/// What can be done with services.
#[derive(Debug, Subcommand)]
pub(super) enum ServicesVerb {
    /// Ask a service whether a connection works: sends one real request
    Test(test::Test),
}

pub(super) fn run(workspace: &Path, verb: &ServicesVerb) -> Result<Answer, Failure> {
    match verb {
        ServicesVerb::Test(options) => test::run(workspace, options),
    }
}
