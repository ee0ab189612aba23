//! Times on the command line.

use crate::{clock::Time, rules::parse_duration};

/// A time as the words of a command say it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum When {
    /// So long before now.
    Ago(std::time::Duration),
    At(Time),
}

impl When {
    /// The instant.
    pub(super) fn at(self, now: Time) -> Time {
        match self {
            Self::Ago(span) => now.minus(span),
            Self::At(time) => time,
        }
    }
}

impl std::str::FromStr for When {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let ago = parse_duration(text).map(Self::Ago);
        // A day alone begins at midnight, UTC.
        let at = Time::parse(text).or_else(|| Time::parse(&format!("{text}T00:00:00Z")));
        ago.or(at.map(Self::At)).ok_or_else(|| {
            "a time such as 2026-03-01T10:00:00Z or 2026-03-01 (UTC), or one before now such as 30d or 2h, wanted"
                .to_owned()
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_before_now_or_an_instant() {
        let now = Time(10_000_000);
        assert_eq!("2h".parse::<When>().map(|when| when.at(now)), Ok(Time(2_800_000)));
        assert_eq!("1970-01-01T00:00:01Z".parse::<When>().map(|when| when.at(now)), Ok(Time(1_000)));
        assert_eq!("1970-01-02".parse(), Ok(When::At(Time(86_400_000))));
        assert!("yesterday".parse::<When>().is_err());
    }
}
