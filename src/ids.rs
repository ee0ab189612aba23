//! Ids: 8-byte integers in the store (time, then a sequence), texts such as `evt_...` at the edge.

use std::{
    fmt,
    str::FromStr,
    sync::atomic::{AtomicI64, Ordering},
};

use crate::clock::Time;

/// Bits of an id below its millisecond: ids of one millisecond before the next one is borrowed.
const SEQUENCE_BITS: u32 = 21;

/// Crockford's alphabet in lower case: sorts like the number, holds no letter that reads like a digit.
const ALPHABET: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";

/// Characters that hold the 64 bits of an id.
const TEXT_LENGTH: usize = 13;

/// A text that is not an id of the kind asked for.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is not an id of the form {prefix}_{}", "0".repeat(TEXT_LENGTH))]
pub struct IdError {
    /// What was given.
    pub text: String,
    /// The prefix that was wanted.
    pub prefix: &'static str,
}

macro_rules! id {
    ($(#[$doc:meta])* $name:ident, $prefix:literal) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(pub i64);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!($prefix, "_{}"), encode(self.0))
            }
        }

        impl FromStr for $name {
            type Err = IdError;

            fn from_str(text: &str) -> Result<Self, IdError> {
                text.strip_prefix(concat!($prefix, "_"))
                    .and_then(decode)
                    .map(Self)
                    .ok_or_else(|| IdError { text: text.chars().take(64).collect(), prefix: $prefix })
            }
        }

        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = <std::borrow::Cow<'de, str>>::deserialize(deserializer)?;
                text.parse().map_err(serde::de::Error::custom)
            }
        }
    };
}

id!(
    /// An event: an accepted delivery.
    EventId, "evt"
);
id!(
    /// A run: one rule on one event.
    RunId, "run"
);
id!(
    /// An attempt: one try of a step.
    AttemptId, "att"
);
id!(
    /// A bearer token of the API.
    TokenId, "tok"
);
id!(
    /// Somebody who may use the admin.
    UserId, "usr"
);
id!(
    /// A row of the audit log.
    AuditId, "aud"
);
id!(
    /// A refused delivery, kept in a bounded ring.
    RefusalId, "ref"
);
id!(
    /// A long action of a person, worked off in steps.
    JobId, "job"
);
id!(
    /// A place in a list of events, duplicates and refusals, whose ids come from one source.
    Cursor, "at"
);
id!(
    /// A problem: something that is wrong for longer than a moment.
    ProblemId, "prb"
);

/// Makes ids that only ever grow, also when the machine's clock steps back.
#[derive(Debug, Default)]
pub struct IdSource(AtomicI64);

impl IdSource {
    /// Ids above `highest`, the highest id that the store holds.
    pub fn above(highest: i64) -> Self {
        Self(AtomicI64::new(highest))
    }

    /// The next id.
    pub fn next(&self, now: Time) -> i64 {
        let floor = now.0.max(0) << SEQUENCE_BITS;
        let step = |last: i64| Some(floor.max(last.saturating_add(1)));
        let last = self.0.fetch_update(Ordering::Relaxed, Ordering::Relaxed, step).unwrap_or_else(|last| last);
        floor.max(last.saturating_add(1))
    }
}

/// The millisecond in which an id was made.
pub fn time_of(id: i64) -> Time {
    Time(id >> SEQUENCE_BITS)
}

/// The lowest id that could have been made at `time`: "older than" is a comparison of ids.
pub fn first_at(time: Time) -> i64 {
    time.0.max(0).checked_shl(SEQUENCE_BITS).unwrap_or(i64::MAX)
}

fn encode(id: i64) -> String {
    let bits = id.cast_unsigned();
    (0..TEXT_LENGTH)
        .rev()
        .map(|place| char::from(ALPHABET[usize::try_from((bits >> (place * 5)) & 31).unwrap_or(0)]))
        .collect()
}

fn decode(text: &str) -> Option<i64> {
    if text.len() != TEXT_LENGTH {
        return None;
    }
    let mut bits: u64 = 0;
    for (place, byte) in text.bytes().enumerate() {
        let digit = u64::try_from(ALPHABET.iter().position(|&known| known == byte)?).ok()?;
        if place == 0 && digit > 15 {
            return None;
        }
        bits = (bits << 5) | digit;
    }
    Some(bits.cast_signed())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_survives_its_text() {
        for number in [0, 1, 31, 32, i64::MAX, 1_598_615_831_871 << 21] {
            let text = EventId(number).to_string();
            assert_eq!(text.len(), 17);
            assert_eq!(text.parse(), Ok(EventId(number)));
        }
    }

    #[test]
    fn foreign_texts_are_not_ids() {
        for text in ["", "evt_", "run_0000000000001", "evt_000000000000l", "evt_zzzzzzzzzzzzz", "evt_00000000000001"] {
            assert!(text.parse::<EventId>().is_err(), "{text}");
        }
    }

    #[test]
    fn ids_grow_even_when_the_clock_steps_back() {
        let ids = IdSource::default();
        let first = ids.next(Time(1000));
        let second = ids.next(Time(1000));
        let third = ids.next(Time(10));
        assert!(first < second && second < third);
        assert_eq!(time_of(first), Time(1000));
        assert!(first >= first_at(Time(1000)) && first < first_at(Time(1001)));
    }
}
