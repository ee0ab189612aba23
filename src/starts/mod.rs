//! From an event, wherever it came from, to what is stored of it: matched once against the rules in force, with the runs it starts.

mod again;
mod event;
mod gates;
mod kept;
mod manual;
mod poll;
mod replay;
mod schedule;
mod subject;

use std::sync::Arc;

pub use again::{Again, AgainError, Book, Books, Manner, Text, Wanted};
pub use event::{Fresh, emitted, started};
pub use gates::{gates, place};
pub use kept::kept_set;
pub use manual::{BY_HAND, MANUAL, by_hand, manual, manual_event};
pub use poll::{POLLED, polled, polled_rule};
pub use replay::{outputs_before, path_in_text};
pub use schedule::{SCHEDULED, fired, scheduled_rule, slot_payload, started_one};
pub use subject::{event_value, subject_of, trigger_of};

use crate::{rules, services};

/// The deepest event that is taken: so many of our own actions and events may stand between it and one from outside.
pub const DEEPEST: u8 = 5;

/// How an event of our own making is verified.
pub const INTERNAL: &str = "internal";

/// What tells an echo of a service from one of any other: a hook and an action of the same pack give the same text.
pub fn echo_of(service: &str, echo: &str) -> String {
    format!("{service}/{echo}")
}

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
