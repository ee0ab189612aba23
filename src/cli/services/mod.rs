//! `bellwire services`: packs in use.

mod subscriptions;
mod test;

use std::path::Path;

use clap::Subcommand;

use super::{answer::Answer, failure::Failure};

/// What can be done with services.
#[derive(Debug, Subcommand)]
pub(super) enum ServicesVerb {
    /// Ask a service whether a connection works: sends one real request
    Test(test::Test),
    /// Set webhooks up at a service, so that it delivers its events here
    Subscribe(subscriptions::Subscribe),
    /// Take webhooks away at a service
    Unsubscribe(subscriptions::Unsubscribe),
    /// Compare the webhooks at services with what rules need; exit code 1 where they differ
    Status(subscriptions::Status),
}

pub(super) fn run(workspace: &Path, verb: &ServicesVerb) -> Result<Answer, Failure> {
    match verb {
        ServicesVerb::Test(options) => test::run(workspace, options),
        ServicesVerb::Subscribe(options) => subscriptions::subscribe(workspace, options),
        ServicesVerb::Unsubscribe(options) => subscriptions::unsubscribe(workspace, options),
        ServicesVerb::Status(options) => subscriptions::status(workspace, options),
    }
}
