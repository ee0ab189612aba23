//! How fast a lane may be used: slots in time, one a request, kept for the run that asked. Pure.

use std::collections::HashMap;

use crate::{clock::Time, config::Rate};

/// Nanoseconds of a millisecond.
const MILLI: i128 = 1_000_000;
/// Slots that are kept at once. A run beyond them is told the same time and asks anew when it comes.
const KEPT: usize = 10_000;
/// A slot that nobody came for is worth nothing after this: its run was cancelled, or has long gone on.
const STALE: i128 = 60_000 * MILLI;

/// Slots of one lane, by the generic cell rate algorithm (ITU-T I.371), in nanoseconds since 1970.
///
/// Of `count` a `span`, a tenth and one may go at once; the rest are spread so that no stretch of time as long as `span` ever holds
/// more than `count`.
#[derive(Debug, Default)]
pub(super) struct Pace {
    /// When the next slot were due if none had gone early.
    due: i128,
    /// The same, counted from when requests really went: slots that were used late do not pile up.
    went: i128,
    /// Slots by run.
    kept: HashMap<i64, i128>,
    /// Nothing before this, whatever the rate.
    paused: Time,
}

/// Spacing of slots and how far one may come before its due time.
#[derive(Debug, Clone, Copy)]
struct Shape {
    interval: i128,
    early: i128,
}

impl Shape {
    /// `None` where there is nothing to keep to.
    fn of(rate: Rate) -> Option<Self> {
        let Rate::Per { count, span } = rate else { return None };
        let count = i128::from(count.max(1));
        let burst = 1 + count / 10;
        let span = i128::try_from(span.as_nanos()).unwrap_or(i128::MAX / 2);
        // Rounded up: a nanosecond too late keeps the promise, one too early breaks it.
        let interval = (span + count - burst) / (count - burst + 1);
        (interval > 0).then_some(Self { interval, early: interval * (burst - 1) })
    }
}

impl Pace {
    /// When `run` may go: at `now` or before (go), or later (come back then). A slot in the future is kept for it.
    pub(super) fn ask(&mut self, rate: Rate, now: Time, run: i64) -> Time {
        let Some(shape) = Shape::of(rate) else { return now.max(self.paused) };
        let at = nanos(now);
        self.mend(shape, at);
        let free = self.went - shape.early;
        if let Some(slot) = self.kept.get(&run).copied() {
            if at - slot <= STALE {
                return if ceil(slot.max(free)) <= now { now } else { ceil(slot.max(free)) };
            }
            self.kept.remove(&run);
        }
        let slot = at.max(nanos(self.paused)).max(self.due - shape.early).max(free);
        if ceil(slot) <= now {
            return now;
        }
        if self.make_room(at) {
            self.due = self.due.max(slot) + shape.interval;
            self.kept.insert(run, slot);
        }
        ceil(slot)
    }

    /// When `ask` would let `run` go; nothing is kept for it.
    pub(super) fn look(&self, rate: Rate, now: Time, run: i64) -> Time {
        let Some(shape) = Shape::of(rate) else { return now.max(self.paused) };
        let free = self.went - shape.early;
        let next = || nanos(self.paused).max(self.due - shape.early);
        ceil(self.kept.get(&run).copied().unwrap_or_else(next).max(free)).max(now)
    }

    /// `run` goes now, as `ask` said it may: its slot is used up.
    pub(super) fn go(&mut self, rate: Rate, now: Time, run: i64) {
        let slot = self.kept.remove(&run);
        let Some(shape) = Shape::of(rate) else { return };
        let at = nanos(now);
        if slot.is_none() {
            self.due = self.due.max(at) + shape.interval;
        }
        // Who came within the millisecond that a clock can tell was not late.
        let from = slot.filter(|slot| at - slot < MILLI).unwrap_or(at);
        self.went = self.went.max(from) + shape.interval;
    }

    /// Nothing goes before `until`. Slots that were kept are void: their runs get new ones, one after the other, when they come back.
    pub(super) fn pause(&mut self, until: Time) {
        self.paused = self.paused.max(until);
        self.kept.clear();
        // From there on at the rate again; what was due before is void too.
        self.due = nanos(self.paused);
    }

    /// Until when nothing goes. `None`: it may.
    pub(super) fn paused_until(&self, now: Time) -> Option<Time> {
        Some(self.paused).filter(|until| *until > now)
    }

    /// Whether forgetting this lane would change nothing.
    pub(super) fn is_idle(&self, now: Time) -> bool {
        self.kept.is_empty() && self.due.max(self.went) <= nanos(now) && self.paused <= now
    }

    /// After the clock was set back, the due time lies further ahead than all that is kept can explain.
    fn mend(&mut self, shape: Shape, at: i128) {
        let kept = i128::try_from(self.kept.len()).unwrap_or(i128::MAX);
        let soon = shape.interval + shape.early;
        let latest = at.max(nanos(self.paused)) + shape.interval.saturating_mul(kept) + soon;
        self.due = self.due.min(latest);
        self.went = self.went.min(at + soon);
    }

    fn make_room(&mut self, at: i128) -> bool {
        if self.kept.len() >= KEPT {
            self.kept.retain(|_, slot| at - *slot <= STALE);
        }
        self.kept.len() < KEPT
    }
}

fn nanos(time: Time) -> i128 {
    i128::from(time.0) * MILLI
}

/// The first millisecond at or after a slot.
fn ceil(slot: i128) -> Time {
    Time(i64::try_from(slot.div_euclid(MILLI) + i128::from(slot.rem_euclid(MILLI) > 0)).unwrap_or(i64::MAX))
}

#[cfg(test)]
mod tests;
