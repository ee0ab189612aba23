//! A step: one entry of `do`. Its path in the pinned text is its identity.

use std::{fmt, time::Duration};

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::ErrorClass;

/// The path of a step in its rule's text, such as `do.1.then.0` or `on_error.0`; `do.2.do.0[3]` is the turn of index 3.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct StepPath(pub String);

impl StepPath {
    /// The step in the rule's text, without its turns: `do.2.do.0` of `do.2.do.0[3]`.
    pub fn base(&self) -> &str {
        self.0.split('[').next().unwrap_or_default()
    }

    /// Where the list that a `for_each` goes through is kept from its first turn on: `do.2.list` beside `do.2`. No step has such a
    /// path, since a step's ends in a number.
    #[must_use]
    pub fn list(&self) -> Self {
        let base = self.base();
        let turns = self.0.strip_prefix(base).unwrap_or_default();
        Self(format!("{base}.list{turns}"))
    }

    /// Where the request is kept that reads back what became of an attempt of this step: `do.2.verify` beside `do.2`. No step has such a
    /// path either.
    #[must_use]
    pub fn verify(&self) -> Self {
        let base = self.base();
        let turns = self.0.strip_prefix(base).unwrap_or_default();
        Self(format!("{base}.verify{turns}"))
    }

    /// Whether it is that of a list which is kept for a `for_each`, and of no step.
    pub fn is_list(&self) -> bool {
        self.base().rsplit('.').next() == Some("list")
    }
}

impl fmt::Display for StepPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// How a step ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StepOutcome {
    /// It took effect.
    Ok,
    /// It did not, and will not be tried again.
    Failed,
    /// Its `if` was false, or it stands in a branch that was not taken.
    Skipped,
    /// A `wait` that nothing ended in time.
    TimedOut,
}

impl StepOutcome {
    /// The word that rules see.
    pub fn word(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Failed => "failed",
            Self::Skipped => "skipped",
            Self::TimedOut => "timed_out",
        }
    }

    /// The number in the store.
    pub fn code(self) -> i16 {
        match self {
            Self::Ok => 0,
            Self::Failed => 1,
            Self::Skipped => 2,
            Self::TimedOut => 3,
        }
    }

    /// The outcome of a number in the store. `None` for a number that no version wrote.
    pub fn from_code(code: i16) -> Option<Self> {
        [Self::Ok, Self::Failed, Self::Skipped, Self::TimedOut].into_iter().find(|outcome| outcome.code() == code)
    }
}

/// Why a step failed: what rules see as `error` and `steps.x.error`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StepError {
    /// The step's id, or its path where it has none.
    pub step: String,
    /// What kind of failure.
    pub class: ErrorClass,
    /// The HTTP status, if an answer came.
    pub status: Option<u16>,
    /// One sentence; secrets are masked.
    pub message: String,
    /// The number of the attempt that failed last, from 1; 0 where nothing was attempted.
    pub attempt: u32,
}

/// What a step left behind.
#[derive(Debug, Clone, PartialEq)]
pub struct StepOutput {
    /// The step; in a loop, with its turn.
    pub step: StepPath,
    /// How it ended.
    pub outcome: StepOutcome,
    /// What later steps see as its result; null for none.
    pub result: Value,
    /// Why it failed.
    pub error: Option<StepError>,
    /// `{status, headers}`; null without a reply.
    pub response: Value,
    /// How long a `wait` waited: not counted by the run's own `timeout`. Zero for any other step.
    pub waited: Duration,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_list_of_a_loop_is_kept_beside_its_step_turns_and_all() {
        let path = StepPath("do.2.do.0[3][0]".to_owned());
        assert_eq!((path.base(), path.is_list()), ("do.2.do.0", false));
        assert_eq!(path.list().0, "do.2.do.0.list[3][0]");
        assert!(path.list().is_list());
    }
}
