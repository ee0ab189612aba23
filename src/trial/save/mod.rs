//! A stored event as a fixture and a test of a rule.

mod edit;
mod entry;
mod mask;
mod stored;
mod yaml;

pub use edit::with_test;
pub use entry::{Recorded, Saved, saved};
pub use mask::Mask;
pub use stored::{Decided, Names, made, newest_run, replace};
