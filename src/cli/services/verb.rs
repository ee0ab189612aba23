//! The verbs below `bellwire services`.

use std::path::Path;

use clap::Subcommand;

use super::{capture, list, new, show, subscriptions, test};
use crate::cli::{answer::Answer, failure::Failure};

#[derive(Debug, Subcommand)]
pub(in crate::cli) enum ServicesVerb {
    /// List the services there are packs for, and whether they are in use here
    List(list::List),
    /// Show a service: how to connect it, what it sends and what it offers
    Show(show::Show),
    /// Wait for one delivery and keep it, as the beginning of a pack
    Capture(capture::Capture),
    /// Write a pack from a delivery that was captured or stored
    New(new::New),
    /// Ask a service whether a connection works: sends one real request
    Test(test::Test),
    /// Set webhooks up at a service, so that it delivers its events here
    Subscribe(subscriptions::Subscribe),
    /// Take webhooks away at a service
    Unsubscribe(subscriptions::Unsubscribe),
    /// Compare the webhooks at services with what rules need; exit code 1 where they differ
    Status(subscriptions::Status),
}

pub(in crate::cli) fn run(workspace: &Path, verb: &ServicesVerb) -> Result<Answer, Failure> {
    match verb {
        ServicesVerb::List(options) => list::run(workspace, options),
        ServicesVerb::Show(options) => show::run(workspace, options),
        ServicesVerb::Capture(options) => capture::run(workspace, options),
        ServicesVerb::New(options) => new::run(workspace, options),
        ServicesVerb::Test(options) => test::run(workspace, options),
        ServicesVerb::Subscribe(options) => subscriptions::subscribe(workspace, options),
        ServicesVerb::Unsubscribe(options) => subscriptions::unsubscribe(workspace, options),
        ServicesVerb::Status(options) => subscriptions::status(workspace, options),
    }
}
