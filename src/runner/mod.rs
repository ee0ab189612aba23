//! Runs: claimed, driven step by step, retried, waiting, held, ended. Every state is a row; nothing is locked while a step runs.

mod attempt;
mod decide;
mod effect;
mod execute;
mod hold;
mod housekeeping;
mod lane;
mod line;
mod pages;
mod pinned;
mod poll;
mod polling;
mod read_back;
mod schedule;
mod send;
mod silence;
mod slot;
mod take_up;
mod tell;
mod wait;
mod workers;

pub use pinned::{Loader, Pinned, PinnedError, PinnedSets};
pub use workers::{Runner, RunnerParts};
