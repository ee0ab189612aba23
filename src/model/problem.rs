//! What is wrong for longer than a moment, and is somebody's to see: an overdue schedule, a silent source, a poll that fails.

/// Something that is wrong. Raised again with the same fingerprint it is the same problem, seen once more.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// What makes two of them one: the kind and what it is about, such as `poll:leads/new#0`.
    pub fingerprint: String,
    /// `schedule`, `silence`, `poll`, `circuit`, `grant`, `subscription` or `run`.
    pub kind: &'static str,
    /// What it is about, as a person names it: a rule, a source, a host, a connection.
    pub subject: String,
    /// One sentence: what is wrong, and the way out.
    pub message: String,
}

/// Where a problem stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum ProblemState {
    /// It is there, and nobody has said anything of it.
    Open,
    /// It is there, and a person knows.
    Acknowledged,
    /// It is there and counted, and tells nobody for a while.
    Muted,
    /// It is gone.
    Solved,
}

impl ProblemState {
    /// Every state, in the order of their codes.
    pub const ALL: [Self; 4] = [Self::Open, Self::Acknowledged, Self::Muted, Self::Solved];

    /// The number in the store.
    pub fn code(self) -> i16 {
        match self {
            Self::Open => 0,
            Self::Acknowledged => 1,
            Self::Muted => 2,
            Self::Solved => 3,
        }
    }

    /// The state of a number in the store. `None` for a number that no version wrote.
    pub fn from_code(code: i16) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.code() == code)
    }

    /// The word in tables, pages and URLs.
    pub fn word(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Acknowledged => "acknowledged",
            Self::Muted => "muted",
            Self::Solved => "solved",
        }
    }

    /// The state of a word.
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.word() == word)
    }
}
