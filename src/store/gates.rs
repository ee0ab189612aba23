//! What a new run must pass in its event's transaction: `once`, `threshold`, `digest` and the fuse.

use std::{fmt, time::Duration};

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

impl Gates {
    /// Whether there is nothing to pass.
    pub fn are_open(&self) -> bool {
        let Self { threshold, threshold_without_key, once, digest, fuse } = self;
        threshold.is_none() && !threshold_without_key && once.is_none() && digest.is_none() && fuse.is_none()
    }
}

/// The run starts at the `count`th event within the time; the events that count are kept for that long.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ThresholdGate {
    /// What is counted apart.
    pub key: GateKey,
    /// At so many, the one that asks included, the run starts. 0 and 1 let every event through.
    pub count: u32,
    /// An event counts from when it was received until just before this has passed.
    pub within: Duration,
}

/// The first event takes the key, until this has passed since it was received.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OnceGate {
    /// What is taken.
    pub key: GateKey,
    /// How long it stays taken.
    pub within: Duration,
}

/// The first event opens a window; those received before its end join it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DigestGate {
    /// Whose window it is.
    pub key: GateKey,
    /// When the window ends if this event opens it.
    pub until: Time,
    /// At so many events the run starts at once. 0 and 1 open no window.
    pub max: u32,
}

/// How many runs of a rule may be made within a time. Undecided and skipped runs do not count.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FuseGate {
    /// One more blows the fuse.
    pub count: u32,
    /// The time.
    pub within: Duration,
}

/// Why a rule that matched started no run of its own.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "snake_case", tag = "by")]
pub enum SuppressedBy {
    /// Its key was taken by that event, until then.
    Once {
        /// The event.
        event: EventId,
        /// From then on the key is free.
        until: Time,
    },
    /// The event counts; so many are there now.
    Threshold {
        /// With this event.
        have: u32,
        /// At so many the run starts.
        of: u32,
    },
    /// The threshold's key is null or empty.
    NoKey,
    /// The event joined that run, which was gathering.
    Digest {
        /// The run.
        run: RunId,
    },
}

impl fmt::Display for SuppressedBy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Once { event, until } => write!(f, "once: {event} has the key until {until}"),
            Self::Threshold { have, of } => write!(f, "threshold: {have} of {of} events so far"),
            Self::NoKey => f.write_str("threshold: its key is null or empty"),
            Self::Digest { run } => write!(f, "digest: the event joined {run}"),
        }
    }
}

/// A rule that matched an event without starting a run of its own.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Suppressed {
    /// The rule's id.
    pub rule: String,
    /// Why.
    #[serde(flatten)]
    pub by: SuppressedBy,
}

impl Suppressed {
    /// The event counts, or joined a run: a later run may be about it.
    pub(super) fn is_by_count(&self) -> bool {
        matches!(self.by, SuppressedBy::Threshold { .. } | SuppressedBy::Digest { .. })
    }
}

/// A run's wish for a place among those of its key (`concurrency`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlaceWish {
    /// Whose places they are.
    pub key: GateKey,
    /// How many there are; 0 counts as 1.
    pub limit: u32,
    /// What becomes of it where all are taken.
    pub when_full: Full,
}

/// What becomes of a run that finds no place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Full {
    /// It waits for its turn, in the order of run ids.
    Queue,
    /// It ends as skipped.
    Skip,
    /// The oldest that holds one, or waits for one, ends as cancelled; the new one waits until its open request has been answered.
    CancelOldest,
}

/// What became of a wish to take a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Claimed {
    /// It is mine.
    Mine,
    /// Somebody else has it, or it is not in the state it was seen in. A digest's run that was seen as collecting has closed its window
    /// with this and is due: load it again, since events may have joined it after it was loaded.
    NotMine,
    /// It waits for a place; whoever gives one back makes it due.
    Queued,
    /// No place, and it shall not wait: it has ended as skipped.
    Skipped,
    /// The rule's fuse is blown, or its source is paused: it is held.
    Held,
}

impl Claimed {
    /// Whether the run is mine.
    pub fn is_mine(self) -> bool {
        self == Self::Mine
    }
}
