//! How far the clocks of senders are from ours, as signed deliveries tell: where most are off, ours is the one to look at.

use std::{
    collections::VecDeque,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use crate::clock::Time;

/// The latest signed deliveries that are looked at, and how old they may be.
const LATEST: usize = 100;
const AGE: Duration = Duration::from_mins(15);
/// Fewer say nothing: one sender with a wrong clock is not ours.
const FEWEST: usize = 5;
/// Between two alerts.
const SPAN: Duration = Duration::from_mins(15);

/// Upper bounds of the histogram, in seconds either way; the last part holds what is beyond.
const BOUNDS: [u64; 7] = [1, 5, 30, 60, 300, 3_600, 86_400];

/// Skews of the deliveries whose signature holds: a stranger's clock says nothing.
#[derive(Debug, Default)]
pub(super) struct Skews(Mutex<Seen>);

#[derive(Debug, Default)]
struct Seen {
    /// When, by how many seconds, and whether that was near enough.
    latest: VecDeque<(Time, i64, bool)>,
    behind: [u64; BOUNDS.len() + 1],
    ahead: [u64; BOUNDS.len() + 1],
    told: Option<Time>,
}

impl Skews {
    /// Counts one delivery: the sender's clock is `seconds` behind ours (below 0: ahead), and it was taken or not. Logs an alert where more
    /// than half of the latest were not.
    pub(super) fn note(&self, seconds: i64, taken: bool, now: Time) {
        let Some((failed, all, median)) = self.count(seconds, taken, now) else { return };
        let way = if median < 0 { "ahead of" } else { "behind" };
        tracing::error!(
            failed,
            of = all,
            skew_s = median,
            histogram = %self.histogram(),
            "check the clock of this machine: {failed} of the latest {all} signed deliveries were refused since their time is off, \
             by {} s {way} ours at the median",
            median.unsigned_abs(),
        );
    }

    /// The numbers of an alert that is due: refused, all, and the median skew of the refused.
    fn count(&self, seconds: i64, taken: bool, now: Time) -> Option<(usize, usize, i64)> {
        let mut seen = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let at = BOUNDS.iter().position(|bound| seconds.unsigned_abs() <= *bound).unwrap_or(BOUNDS.len());
        let row = if seconds < 0 { &mut seen.ahead } else { &mut seen.behind };
        if let Some(count) = row.get_mut(at) {
            *count = count.saturating_add(1);
        }
        seen.latest.push_back((now, seconds, taken));
        while seen.latest.len() > LATEST || seen.latest.front().is_some_and(|(then, ..)| now.since(*then) > AGE) {
            seen.latest.pop_front();
        }
        let all = seen.latest.len();
        let mut off: Vec<i64> = seen.latest.iter().filter(|(.., taken)| !taken).map(|(_, skew, _)| *skew).collect();
        if all < FEWEST || off.len() * 2 <= all || seen.told.is_some_and(|told| now.since(told) < SPAN) {
            return None;
        }
        seen.told = Some(now);
        off.sort_unstable();
        let median = off.get(off.len() / 2).copied().unwrap_or_default();
        Some((off.len(), all, median))
    }

    /// The counts since the start, such as `behind <=1s: 40, <=5s: 2; ahead >86400s: 1`.
    fn histogram(&self) -> String {
        let seen = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let row = |counts: &[u64]| {
            let part = |(at, count): (usize, &u64)| match BOUNDS.get(at) {
                Some(bound) => format!("<={bound}s: {count}"),
                None => format!(">{}s: {count}", BOUNDS.last().copied().unwrap_or_default()),
            };
            let parts: Vec<String> = counts.iter().enumerate().filter(|(_, count)| **count > 0).map(part).collect();
            parts.join(", ")
        };
        let rows = [("behind", row(&seen.behind)), ("ahead", row(&seen.ahead))];
        let rows: Vec<String> =
            rows.iter().filter(|(_, row)| !row.is_empty()).map(|(way, row)| format!("{way} {row}")).collect();
        rows.join("; ")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_alert_is_raised_once_more_than_half_are_off() {
        let skews = Skews::default();
        let now = Time(1_000_000);
        for _ in 0..5 {
            assert_eq!(skews.count(0, true, now), None);
        }
        for _ in 0..5 {
            assert_eq!(skews.count(3_600, false, now), None, "half is not more than half");
        }
        assert_eq!(skews.count(3_601, false, now), Some((6, 11, 3_600)));
        assert_eq!(skews.count(3_600, false, now), None, "it was told");
        assert_eq!(skews.count(-600, false, now.plus(SPAN)).map(|(failed, ..)| failed), Some(8));
        assert_eq!(skews.histogram(), "behind <=1s: 5, <=3600s: 6, <=86400s: 1; ahead <=3600s: 1");
    }

    #[test]
    fn few_and_old_ones_say_nothing() {
        let skews = Skews::default();
        for minute in 0..60 {
            let now = Time(minute * 4 * 60_000);
            assert_eq!(skews.count(900, false, now), None, "four in fifteen minutes");
        }
    }
}
