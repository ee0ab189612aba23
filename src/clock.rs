//! The time of day, as a value that is handed in: nothing in Bellwire asks the machine for the time but `SystemClock`.

use std::{
    fmt,
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use serde::{Deserialize, Serialize};

/// An instant: milliseconds since the Unix epoch, UTC.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Time(pub i64);

impl Time {
    /// This instant moved on by `span`; stays at the end of time instead of overflowing.
    #[must_use]
    pub fn plus(self, span: Duration) -> Self {
        Self(self.0.saturating_add(millis(span)))
    }

    /// This instant moved back by `span`; stays at the beginning of time instead of overflowing.
    #[must_use]
    pub fn minus(self, span: Duration) -> Self {
        Self(self.0.saturating_sub(millis(span)))
    }

    /// How long after `earlier` this is; zero if it is not after it.
    pub fn since(self, earlier: Self) -> Duration {
        Duration::from_millis(u64::try_from(self.0.saturating_sub(earlier.0)).unwrap_or(0))
    }

    /// Reads an RFC 3339 text, such as `2026-03-01T10:00:00Z`. `None` for anything else, one without offset too.
    pub fn parse(text: &str) -> Option<Self> {
        text.parse::<jiff::Timestamp>().ok().map(|at| Self(at.as_millisecond()))
    }
}

impl fmt::Display for Time {
    /// RFC 3339 in UTC with milliseconds where there are any; the number itself where the year is out of range.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match jiff::Timestamp::from_millisecond(self.0) {
            Ok(at) => write!(f, "{at}"),
            Err(_) => write!(f, "{}", self.0),
        }
    }
}

fn millis(span: Duration) -> i64 {
    i64::try_from(span.as_millis()).unwrap_or(i64::MAX)
}

/// Where the time comes from.
pub trait Clock: Send + Sync + fmt::Debug {
    /// The time now. May step back when the machine's clock is set; order by id, not by time.
    fn now(&self) -> Time;
}

/// A clock that many parts hold.
pub type SharedClock = Arc<dyn Clock>;

/// The machine's clock.
#[derive(Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "the one place that asks the machine")]
    fn now(&self) -> Time {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Time(millis(since))
    }
}

/// A clock that stands still until it is moved: for tests of a user's rules and of Bellwire itself.
#[derive(Debug)]
pub struct HeldClock(AtomicI64);

impl HeldClock {
    /// A clock that shows `now`.
    pub fn at(now: Time) -> Arc<Self> {
        Arc::new(Self(AtomicI64::new(now.0)))
    }

    /// Moves the clock on.
    pub fn advance(&self, span: Duration) {
        self.0.fetch_add(millis(span), Ordering::SeqCst);
    }

    /// Sets the clock, forwards or back.
    pub fn set(&self, now: Time) {
        self.0.store(now.0, Ordering::SeqCst);
    }
}

impl Clock for HeldClock {
    fn now(&self) -> Time {
        Time(self.0.load(Ordering::SeqCst))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_shown_and_read_as_rfc_3339() {
        let time = Time(1_598_615_831_871);
        assert_eq!(time.to_string(), "2020-08-28T11:57:11.871Z");
        assert_eq!(Time::parse("2020-08-28T11:57:11.871Z"), Some(time));
        assert_eq!(Time::parse("2020-08-28 11:57"), None, "a time without offset is refused");
    }

    #[test]
    fn the_ends_of_time_hold() {
        assert_eq!(Time(i64::MAX).plus(Duration::MAX), Time(i64::MAX));
        assert_eq!(Time(5).since(Time(9)), Duration::ZERO);
        assert_eq!(Time(i64::MAX).to_string(), i64::MAX.to_string());
    }
}
