//! Runs: claimed, executed step by step, retried, held, ended. Every state is a row; nothing is locked while a step runs.

mod attempt;
mod execute;
mod housekeeping;
mod lane;
mod pinned;
mod send;
mod view;
mod walk;
mod workers;

pub use pinned::{Loader, Pinned, PinnedSets};
pub use workers::{Runner, RunnerParts};
