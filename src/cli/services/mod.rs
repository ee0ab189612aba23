//! `bellwire services`: the packs there are, and those in use.

mod action;
mod event;
mod hook;
mod list;
mod show;
mod snippet;
mod standing;
mod test;
mod wrap;

use std::path::Path;

use clap::Subcommand;

use super::{answer::Answer, failure::Failure};

/// What can be done with services.
#[derive(Debug, Subcommand)]
pub(super) enum ServicesVerb {
    /// List the services there are packs for, and whether they are in use here
    List(list::List),
    /// Show a service: how to connect it, what it sends and what it offers
    Show(show::Show),
    /// Ask a service whether a connection works: sends one real request
    Test(test::Test),
}

pub(super) fn run(workspace: &Path, verb: &ServicesVerb) -> Result<Answer, Failure> {
    match verb {
        ServicesVerb::List(options) => list::run(workspace, options),
        ServicesVerb::Show(options) => show::run(workspace, options),
        ServicesVerb::Test(options) => test::run(workspace, options),
    }
}
