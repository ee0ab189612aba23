//! The tests of a rule file: read with a place for every mistake, and run in virtual time.

mod case;
mod effects;
mod fixture;
mod read;
mod replies;
mod run;

pub use case::{Case, Replies, Wanted, WantedVerdict};
pub use read::read_suite;
pub use run::run_case;

use crate::{
    config::Config,
    rules::{Set, Vocabulary},
    services::Registry,
};

/// What tests are read and run with.
#[derive(Clone, Copy)]
pub struct Bench<'a> {
    pub set: &'a Set,
    pub registry: &'a Registry,
    pub vocabulary: &'a (dyn Vocabulary + Sync),
    pub config: &'a Config,
}
