//! A run: one rule on one event. Its states and how they may follow each other.

use std::{fmt, str::FromStr};

use serde::Serialize;

/// Where a run stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum RunStatus {
    /// Gathers events for a digest.
    Collecting,
    /// The event was stored before this rule could be evaluated: the runner decides.
    Undecided,
    /// To be taken by a worker as soon as its due time has come: new, or a retry.
    Due,
    /// Claimed: a step is on its way.
    Running,
    /// Waits for a time or an event in a `wait` step.
    Waiting,
    /// Needs a person: an attempt of unknown outcome, a blown fuse, or a source that is paused.
    Held,
    /// Ended well.
    Ok,
    /// Ended badly.
    Failed,
    /// Ended before its first step.
    Skipped,
    /// Ended by a person or by a newer run.
    Cancelled,
}

/// A change of state that the laws of runs do not allow.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a run that is {from} cannot become {to}")]
pub struct IllegalMove {
    /// The state it was in.
    pub from: RunStatus,
    /// The state that was asked for.
    pub to: RunStatus,
}

impl RunStatus {
    /// Every state, in the order of their codes.
    pub const ALL: [Self; 10] = [
        Self::Collecting,
        Self::Undecided,
        Self::Due,
        Self::Running,
        Self::Waiting,
        Self::Held,
        Self::Ok,
        Self::Failed,
        Self::Skipped,
        Self::Cancelled,
    ];

    /// Whether the run is over.
    pub fn is_final(self) -> bool {
        matches!(self, Self::Ok | Self::Failed | Self::Skipped | Self::Cancelled)
    }

    /// The state after a change to `to`, or why that cannot be.
    pub fn next(self, to: Self) -> Result<Self, IllegalMove> {
        use RunStatus::{Cancelled, Collecting, Due, Failed, Held, Ok, Running, Skipped, Undecided, Waiting};
        let allowed = match self {
            Collecting => matches!(to, Due | Running | Held | Skipped | Cancelled),
            Undecided => matches!(to, Due | Skipped | Failed | Running | Cancelled),
            Due => matches!(to, Running | Skipped | Failed | Held | Cancelled | Ok),
            Running => matches!(to, Collecting | Due | Running | Waiting | Held | Ok | Failed | Skipped | Cancelled),
            Waiting => matches!(to, Due | Running | Failed | Cancelled),
            Held => matches!(to, Due | Failed | Cancelled),
            Ok | Failed | Skipped | Cancelled => false,
        };
        if allowed { Result::Ok(to) } else { Err(IllegalMove { from: self, to }) }
    }

    /// The number in the store.
    pub fn code(self) -> i16 {
        Self::ALL.iter().position(|known| *known == self).and_then(|at| i16::try_from(at).ok()).unwrap_or(-1)
    }

    /// The state of a number in the store. `None` for a number that no version wrote.
    pub fn from_code(code: i16) -> Option<Self> {
        Self::ALL.get(usize::try_from(code).ok()?).copied()
    }

    /// The word in YAML, tables, pages and logs.
    pub fn word(self) -> &'static str {
        match self {
            Self::Collecting => "collecting",
            Self::Undecided => "undecided",
            Self::Due => "due",
            Self::Running => "running",
            Self::Waiting => "waiting",
            Self::Held => "held",
            Self::Ok => "ok",
            Self::Failed => "failed",
            Self::Skipped => "skipped",
            Self::Cancelled => "cancelled",
        }
    }
}

impl fmt::Display for RunStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

impl FromStr for RunStatus {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        Self::ALL
            .into_iter()
            .find(|status| status.word() == text)
            .ok_or_else(|| format!("`{text}` is no state of a run; known are {}", Self::ALL.map(Self::word).join(", ")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_that_is_over_stays_over() {
        for from in RunStatus::ALL.into_iter().filter(|status| status.is_final()) {
            for to in RunStatus::ALL {
                assert_eq!(from.next(to), Err(IllegalMove { from, to }));
            }
        }
    }

    #[test]
    fn every_state_has_a_code_and_a_word() {
        for status in RunStatus::ALL {
            assert_eq!(RunStatus::from_code(status.code()), Some(status));
            assert_eq!(status.word().parse(), Ok(status));
        }
    }
}
