//! `on: { schedule }`: the times at which a rule is started.

use std::{collections::VecDeque, time::Duration};

use super::{Every, duration::shown_duration};
use crate::clock::Time;

/// Slots that are counted one by one; beyond that a count is "at least so many".
const COUNTED: u64 = 20_000;

/// The first stretch of the past that is looked through for the newest slots of a dense expression.
const STRETCH: Duration = Duration::from_hours(24);

/// When a rule is started, and what is made up for after downtime.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Schedule {
    /// `After` counts from the Unix epoch: `10m` is at :00, :10, :20 of every hour, UTC, whenever the rule was written.
    pub at: Every,
    pub catch_up: CatchUp,
}

/// What becomes of slots that nobody was there for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CatchUp {
    /// They are skipped.
    None,
    /// The newest of them is fired.
    Last,
    /// Each of them is fired, the oldest first.
    All,
}

/// Slots of a stretch of time.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Slots {
    /// The newest of them, oldest first.
    pub newest: Vec<Time>,
    /// How many came before those; a lower bound where they are more than 20,000.
    pub before: u64,
}

impl CatchUp {
    /// The words of the language.
    pub const WORDS: [(&str, Self); 3] = [("none", Self::None), ("last", Self::Last), ("all", Self::All)];

    /// As it is written.
    pub fn word(self) -> &'static str {
        Self::WORDS.iter().find(|(_, known)| *known == self).map_or("last", |(word, _)| *word)
    }
}

impl Schedule {
    /// What tells it from another schedule of its rule: its times, and not `catch_up`. The same times have the same text.
    pub fn key(&self) -> String {
        match &self.at {
            Every::After(span) => format!("every {}s", span.as_secs()),
            Every::Cron(cron) => {
                let fields: Vec<&str> = cron.expression.split_whitespace().collect();
                format!("cron {} in {}", fields.join(" ").to_ascii_lowercase(), cron.timezone)
            }
        }
    }

    /// The name of its zone: `UTC` where it has none.
    pub fn timezone(&self) -> &str {
        match &self.at {
            Every::After(_) => "UTC",
            Every::Cron(cron) => &cron.timezone,
        }
    }

    /// A time on the clock of its zone, with the offset: `2026-03-02T09:00:00+02:00`.
    pub fn local(&self, at: Time) -> String {
        let shown = || {
            let instant = jiff::Timestamp::from_millisecond(at.0).ok()?;
            let zone = jiff::tz::TimeZone::get(self.timezone()).ok()?;
            Some(instant.display_with_offset(zone.to_offset(instant)).to_string())
        };
        shown().unwrap_or_else(|| at.to_string())
    }

    /// As a person writes it: `0 9 * * mon-fri`, or `every 10m`.
    pub fn expression(&self) -> String {
        match &self.at {
            Every::After(span) => format!("every {}", shown_duration(*span)),
            Every::Cron(cron) => cron.expression.clone(),
        }
    }

    /// As a person says it: `at 09:00, Monday to Friday`.
    pub fn words(&self) -> String {
        match &self.at {
            Every::After(span) => format!("every {}", span_in_words(*span)),
            Every::Cron(cron) => cron.words(),
        }
    }

    /// The first slot after `at`. `None`: none is near (see [`Cron::next_after`]).
    pub fn next_after(&self, at: Time) -> Option<Time> {
        match &self.at {
            Every::After(span) => {
                let span = i64::try_from(span.as_millis()).ok().filter(|span| *span > 0)?;
                at.0.div_euclid(span).checked_add(1)?.checked_mul(span).map(Time)
            }
            Every::Cron(cron) => cron.next_after(at),
        }
    }

    /// The slots after `after` and up to `upto`: the newest `most` of them, and how many more there are.
    pub fn between(&self, after: Time, upto: Time, most: usize) -> Slots {
        match &self.at {
            Every::After(span) => every_between(*span, after, upto, most),
            Every::Cron(_) => self.walked(after, upto, most),
        }
    }

    fn walked(&self, after: Time, upto: Time, most: usize) -> Slots {
        let (slots, whole) = self.walk(after, upto, most);
        if whole {
            return slots;
        }
        // Too dense to be walked from end to end: only the newest are looked for, in ever longer stretches.
        let mut stretch = STRETCH;
        loop {
            let from = upto.minus(stretch).max(after);
            let (near, _) = self.walk(from, upto, most);
            if near.newest.len() >= most || from <= after {
                let newest = u64::try_from(near.newest.len()).unwrap_or(u64::MAX);
                return Slots { before: COUNTED.max(near.before.saturating_add(newest)) - newest, ..near };
            }
            stretch = stretch.saturating_mul(2);
        }
    }

    /// From the oldest on. False: it was given up half-way.
    fn walk(&self, after: Time, upto: Time, most: usize) -> (Slots, bool) {
        let mut newest = VecDeque::new();
        let (mut before, mut at, mut steps) = (0, after, 0);
        while let Some(slot) = self.next_after(at).filter(|slot| *slot <= upto) {
            if steps == COUNTED {
                return (Slots { newest: newest.into(), before }, false);
            }
            steps += 1;
            at = slot;
            newest.push_back(slot);
            if newest.len() > most {
                newest.pop_front();
                before += 1;
            }
        }
        (Slots { newest: newest.into(), before }, true)
    }
}

fn every_between(span: Duration, after: Time, upto: Time, most: usize) -> Slots {
    let Some(span) = i64::try_from(span.as_millis()).ok().filter(|span| *span > 0) else { return Slots::default() };
    let (first, last) = (after.0.div_euclid(span), upto.0.div_euclid(span));
    let all = u64::try_from(last.saturating_sub(first)).unwrap_or(0);
    let shown = i64::try_from(most).unwrap_or(i64::MAX).min(i64::try_from(all).unwrap_or(i64::MAX));
    let newest: Vec<Time> = (0..shown).rev().map(|back| Time((last - back).saturating_mul(span))).collect();
    let before = all.saturating_sub(u64::try_from(newest.len()).unwrap_or(u64::MAX));
    Slots { newest, before }
}

/// `10 minutes`, `1 hour 30 minutes` is `90 minutes`.
fn span_in_words(span: Duration) -> String {
    let seconds = span.as_secs();
    let units = [("week", 604_800), ("day", 86_400), ("hour", 3600), ("minute", 60), ("second", 1)];
    let fits = units.into_iter().find(|(_, size)| seconds > 0 && seconds.is_multiple_of(*size));
    match fits {
        Some((unit, size)) if seconds == size => unit.to_owned(),
        Some((unit, size)) => format!("{} {unit}s", seconds / size),
        None => format!("{seconds} seconds"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::Cron;

    fn time(text: &str) -> Time {
        Time::parse(text).unwrap()
    }

    fn cron(expression: &str, zone: &str) -> Schedule {
        Schedule { at: Every::Cron(Cron::parse(expression, Some(zone)).unwrap()), catch_up: CatchUp::Last }
    }

    fn every(seconds: u64) -> Schedule {
        Schedule { at: Every::After(Duration::from_secs(seconds)), catch_up: CatchUp::Last }
    }

    #[test]
    fn slots_of_every_are_those_of_the_epoch() {
        let next = |schedule: &Schedule, at: &str| schedule.next_after(time(at)).unwrap().to_string();
        assert_eq!(next(&every(600), "2026-03-01T10:03:07Z"), "2026-03-01T10:10:00Z");
        assert_eq!(next(&every(600), "2026-03-01T10:10:00Z"), "2026-03-01T10:20:00Z", "after, not at");
        assert_eq!(next(&every(86_400), "2026-03-01T10:03:07Z"), "2026-03-02T00:00:00Z");
        assert_eq!(next(&every(600), "1969-12-31T23:59:00Z"), "1970-01-01T00:00:00Z");
        assert_eq!(every(600).next_after(Time(i64::MAX)), None);
    }

    #[test]
    fn slots_of_a_stretch_are_the_newest_and_the_number_of_the_others() {
        let (from, to) = (time("2026-03-01T10:00:00Z"), time("2026-03-01T13:00:00Z"));
        for schedule in [every(600), cron("*/10 * * * *", "UTC")] {
            let slots = schedule.between(from, to, 3);
            let shown: Vec<String> = slots.newest.iter().map(ToString::to_string).collect();
            assert_eq!(shown, ["2026-03-01T12:40:00Z", "2026-03-01T12:50:00Z", "2026-03-01T13:00:00Z"]);
            assert_eq!(slots.before, 15, "{schedule:?}");
            assert_eq!(schedule.between(from, from, 3), Slots::default());
            assert_eq!(schedule.between(to, from, 3), Slots::default());
            assert_eq!(schedule.between(from, to, 100).newest.len(), 18);
        }
    }

    #[test]
    fn years_of_minutes_are_not_walked_from_end_to_end() {
        let (from, to) = (time("2020-03-01T10:00:00Z"), time("2026-03-01T10:00:00Z"));
        let slots = cron("* * * * *", "Europe/Athens").between(from, to, 1000);
        assert_eq!((slots.newest.len(), slots.newest.last()), (1000, Some(&to)));
        assert!(slots.before >= 19_000, "{}", slots.before);
        let yearly = cron("@yearly", "UTC").between(from, to, 1);
        assert_eq!((yearly.newest, yearly.before), (vec![time("2026-01-01T00:00:00Z")], 5));
        let slots = every(1).between(from, to, 2);
        assert_eq!((slots.newest.len(), slots.before), (2, 189_302_398));
    }

    #[test]
    fn the_same_times_have_one_key_whatever_the_spaces_and_the_catch_up() {
        let key = |expression: &str| cron(expression, "Europe/Athens").key();
        assert_eq!(key("0  9 * * MON"), key(" 0 9 * * mon"));
        assert_ne!(key("0 9 * * *"), cron("0 9 * * *", "UTC").key());
        assert_eq!(Schedule { catch_up: CatchUp::All, ..every(600) }.key(), every(600).key());
        assert_eq!((every(600).words(), every(3600).words()), ("every 10 minutes".to_owned(), "every hour".to_owned()));
        assert_eq!(
            (every(600).expression(), every(90).words()),
            ("every 10m".to_owned(), "every 90 seconds".to_owned())
        );
    }
}
