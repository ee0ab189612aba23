//! An event: an accepted delivery.

use std::{fmt, str::FromStr};

/// The type of an event: the service or source, a dot, and what happened, such as `gruveo.call`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EventType(String);

impl EventType {
    /// The text, such as `gruveo.call`.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// What stands before the first dot: the service or source.
    pub fn service(&self) -> &str {
        self.0.split('.').next().unwrap_or_default()
    }
}

impl FromStr for EventType {
    type Err = ();

    /// Names of `a-z 0-9 _ -` joined by dots, at least two, 128 bytes at most.
    fn from_str(text: &str) -> Result<Self, ()> {
        let name = |part: &str| {
            !part.is_empty()
                && part.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || matches!(b, b'_' | b'-'))
        };
        if text.len() <= 128 && text.contains('.') && text.split('.').all(name) {
            Ok(Self(text.to_owned()))
        } else {
            Err(())
        }
    }
}

impl fmt::Display for EventType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What was odd about an accepted delivery; each is a bit in the store.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct EventFlags(pub i32);

impl EventFlags {
    /// The dedupe key was seen before, with another body.
    pub const ID_REUSED: Self = Self(1);
    /// The dedupe template failed or was empty; the digest of the body served as key.
    pub const DEDUPE_FALLBACK: Self = Self(2);
    /// A name stood twice in an object of the body; the last counts.
    pub const DUPLICATE_KEYS: Self = Self(4);
    /// More rules matched than one event may start.
    pub const TRUNCATED: Self = Self(8);
    /// One of our own actions caused it.
    pub const OWN: Self = Self(16);

    /// Both sets of flags.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Whether all of `other` are set.
    pub fn has(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }

    /// The words of the flags that are set, such as `id_reused`.
    pub fn words(self) -> Vec<&'static str> {
        [
            (Self::ID_REUSED, "id_reused"),
            (Self::DEDUPE_FALLBACK, "dedupe_fallback"),
            (Self::DUPLICATE_KEYS, "duplicate_keys"),
            (Self::TRUNCATED, "truncated"),
            (Self::OWN, "own"),
        ]
        .into_iter()
        .filter_map(|(flag, word)| self.has(flag).then_some(word))
        .collect()
    }
}
