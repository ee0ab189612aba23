//! What a new run must pass in its event's transaction: `once`, `threshold`, `digest` and the fuse. CONTRACT STUB

use std::time::Duration;

use crate::{
    clock::Time,
    ids::{EventId, RunId},
};

/// A key of a rule, cut from SHA-256 over the text that `per` gave; the same for the same text.
pub type GateKey = [u8; 16];

/// What a run must pass before it starts. All absent: it starts.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Gates {
    /// The run starts at the `count`th event of the key within the time.
    pub threshold: Option<ThresholdGate>,
    /// The key is null or empty: the threshold is not reached.
    pub threshold_without_key: bool,
    /// The first event of the key starts, others do not.
    pub once: Option<OnceGate>,
    /// The event joins the key's open window, or opens one.
    pub digest: Option<DigestGate>,
    /// More runs of the rule than that are held.
    pub fuse: Option<FuseGate>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ThresholdGate {
    pub key: GateKey,
    pub count: u32,
    pub within: Duration,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OnceGate {
    pub key: GateKey,
    pub within: Duration,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DigestGate {
    pub key: GateKey,
    /// When the window ends if this event opens it.
    pub until: Time,
    /// At so many events the run starts at once.
    pub max: u32,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FuseGate {
    pub count: u32,
    pub within: Duration,
}

/// Why a rule that matched started no run of its own.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "snake_case", tag = "by")]
pub enum SuppressedBy {
    /// Its key was taken by that event, until then.
    Once { event: EventId, until: Time },
    /// The event counts; so many are there now.
    Threshold { have: u32, of: u32 },
    /// The threshold's key is null or empty.
    NoKey,
    /// The event joined that run, which was gathering.
    Digest { run: RunId },
}

/// A rule that matched an event without starting a run of its own.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Suppressed {
    pub rule: String,
    #[serde(flatten)]
    pub by: SuppressedBy,
}

/// A run's wish for a place among those of its key (`concurrency`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlaceWish {
    pub key: GateKey,
    pub limit: u32,
    pub when_full: Full,
}

/// What becomes of a run that finds no place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Full {
    Queue,
    Skip,
    CancelOldest,
}

/// What became of a wish to take a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Claimed {
    /// It is mine.
    Mine,
    /// Somebody else has it, or it is not in the state it was seen in.
    NotMine,
    /// It waits for a place; whoever gives one back makes it due.
    Queued,
    /// No place, and it shall not wait: it has ended as skipped.
    Skipped,
    /// The rule's fuse is blown: it is held.
    Held,
}

impl Claimed {
    /// Whether the run is mine.
    pub fn is_mine(self) -> bool {
        self == Self::Mine
    }
}
