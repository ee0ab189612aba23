//! The inbox: accepted events, duplicates and refusals in one list, by index; searches of bodies within a budget of time.

mod glimpse;
mod page;
mod probe;
mod repeats;
mod ways;

pub use glimpse::{Glimpse, Joined};
pub use page::{InboxAsk, InboxPage, InboxRow};
pub use probe::{Probe, Test};
pub use repeats::RepeatRow;

pub(super) use repeats::{RepeatInsert, keep};
#[cfg(test)]
pub(super) use ways::channels_apart;

/// What became of a delivery.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum InboxState {
    /// An event that started a run.
    Matched,
    /// An event that started none.
    Unmatched,
    /// An event of which a run failed.
    Failed,
    /// Seen before.
    Duplicate,
    /// Not taken.
    Refused,
}

impl InboxState {
    /// Every state.
    pub const ALL: [Self; 5] = [Self::Matched, Self::Unmatched, Self::Failed, Self::Duplicate, Self::Refused];

    /// The word in addresses and tables.
    pub fn word(self) -> &'static str {
        match self {
            Self::Matched => "matched",
            Self::Unmatched => "unmatched",
            Self::Failed => "failed",
            Self::Duplicate => "duplicate",
            Self::Refused => "refused",
        }
    }
}

/// Which deliveries the inbox shows.
#[derive(Clone, Default)]
pub struct InboxFilter {
    /// From this source.
    pub source: Option<String>,
    /// Of this type; refusals have none.
    pub kind: Option<String>,
    /// Of which nothing else became.
    pub state: Option<InboxState>,
    /// Neither duplicates nor refusals.
    pub is_accepted: bool,
    /// Events that this rule ran on.
    pub rule: Option<String>,
    /// Ids from this one on.
    pub from: Option<i64>,
    /// Ids before this one.
    pub until: Option<i64>,
    /// What must stand in it.
    pub probe: Probe,
}
