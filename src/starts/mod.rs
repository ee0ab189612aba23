//! From an event, wherever it came from, to what is stored of it: matched once against the rules in force, with the runs it starts.

mod event;
mod gates;
mod manual;
mod replay;
mod subject;

use std::sync::Arc;

pub use event::{Fresh, started};
pub use gates::gates;
pub use manual::manual;
pub use replay::{outputs_before, path_in_text};
pub use subject::{event_value, subject_of, trigger_of};

use crate::{rules, services};

/// What decides at this moment.
#[derive(Clone)]
pub struct InForce {
    /// The rules.
    pub set: Arc<rules::Set>,
    /// Their set's id in the store.
    pub set_id: i64,
    /// The packs.
    pub registry: Arc<services::Registry>,
}
