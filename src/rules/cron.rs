//! Cron expressions with crontab(5)'s meaning, in a time zone.

mod fields;
mod words;

use std::str::FromStr as _;

use chrono::{DateTime, Utc};
use cron::Schedule;
use jiff::{
    Timestamp, civil,
    tz::{AmbiguousOffset, Offset, TimeZone},
};

use self::fields::Fields;
use super::keys;
use crate::clock::Time;

/// How far [`Cron::next_after`] looks, in seconds: from one 29 February to the next, over a year that has none.
const FAR: i64 = 8 * 366 * 86_400;

/// A five-field expression in a time zone.
///
/// Where both day fields are restricted, a day that either of them names is meant; `*/2` is a restriction as well (as other libraries
/// have it; Vixie's cron takes it for `*` there, and wants both).
#[derive(Debug, Clone)]
pub struct Cron {
    /// As written.
    pub expression: String,
    /// The zone's name, `UTC` unless set.
    pub timezone: String,
    zone: TimeZone,
    /// What it means on a wall clock; two where both day fields are restricted.
    schedules: Vec<Schedule>,
    /// Its hour is any hour: it goes by elapsed time, also over a change of the clock.
    any_hour: bool,
}

impl PartialEq for Cron {
    fn eq(&self, other: &Self) -> bool {
        self.expression == other.expression && self.timezone == other.timezone
    }
}

impl Eq for Cron {}

impl Cron {
    /// Reads an expression: five fields, or `@hourly`, `@daily`, `@weekly`, `@monthly`, `@yearly` and their other names. `Err` is one
    /// sentence.
    pub fn parse(expression: &str, timezone: Option<&str>) -> Result<Self, String> {
        let timezone = timezone.unwrap_or("UTC");
        let zone = TimeZone::get(timezone).map_err(|_| format!("`{}` is no time zone", keys::shortened(timezone)))?;
        let fields = Fields::parse(expression)?;
        let schedules = fields.schedules().into_iter().map(|text| {
            let schedule = Schedule::from_str(&text);
            schedule.map_err(|error| format!("`{}` cannot be read: {error}", keys::shortened(expression)))
        });
        let cron = Self {
            expression: expression.to_owned(),
            timezone: timezone.to_owned(),
            zone,
            schedules: schedules.collect::<Result<_, _>>()?,
            any_hour: fields.any_hour(),
        };
        if cron.slot_after(0).is_none() {
            return Err(format!("`{}` never comes: no such day is in any year", keys::shortened(expression)));
        }
        Ok(cron)
    }

    /// As a person says it: `at 09:00, Monday to Friday`; its zone is not in it.
    pub fn words(&self) -> String {
        // What was read once reads again.
        Fields::parse(&self.expression).map_or_else(|_| self.expression.clone(), |fields| fields.words())
    }

    /// Whether there is a time zone of this name.
    pub fn knows_timezone(name: &str) -> bool {
        TimeZone::get(name).is_ok()
    }

    /// The time zone whose name is nearest. `None` where none is near.
    pub fn nearest_timezone(name: &str) -> Option<String> {
        let known: Vec<String> = jiff::tz::db().available().map(|zone| zone.as_str().to_owned()).collect();
        keys::nearest(name, known.iter().map(String::as_str)).map(str::to_owned)
    }

    /// The first slot after `at`. `None`: there is none within 8 years, or before the year 2101.
    ///
    /// A slot inside a gap of the clock is the first instant after the gap; one in a repeated hour is the first of the two. Where the
    /// hour is `*` or `*/n` the slots go by elapsed time instead: those inside a gap are none, and a repeated hour has them twice.
    pub fn next_after(&self, at: Time) -> Option<Time> {
        let start = Timestamp::from_millisecond(at.0).ok()?;
        let next = if self.any_hour { self.by_elapsed_time(start) } else { self.by_the_clock(start) }?;
        (next.as_second() - start.as_second() <= FAR).then(|| Time(next.as_millisecond()))
    }

    /// The first slot on the wall clock after the second `wall`, which is the wall's time taken for UTC.
    fn slot_after(&self, wall: i64) -> Option<i64> {
        let wall = DateTime::<Utc>::from_timestamp(wall, 0)?;
        self.schedules.iter().filter_map(|schedule| schedule.after(&wall).next()).map(|slot| slot.timestamp()).min()
    }

    /// Every slot of the wall clock has one instant, and later slots no earlier ones.
    fn by_the_clock(&self, start: Timestamp) -> Option<Timestamp> {
        let mut wall = wall_of(start, self.zone.to_offset(start))?;
        loop {
            wall = self.slot_after(wall)?;
            let instant = self.instant_of(wall)?;
            // In the second pass of a repeated hour its slots lie behind.
            if instant > start {
                return Some(instant);
            }
        }
    }

    fn instant_of(&self, wall: i64) -> Option<Timestamp> {
        let civil = civil_of(wall)?;
        let at = |offset: Offset| offset.to_timestamp(civil).ok();
        match self.zone.to_ambiguous_timestamp(civil).offset() {
            AmbiguousOffset::Unambiguous { offset } => at(offset),
            AmbiguousOffset::Fold { before, .. } => at(before),
            // Read by the clock after the gap it lies before the change, at most the gap's length: the next change is the gap's end.
            AmbiguousOffset::Gap { before, after } => match self.zone.following(at(after)?).next() {
                Some(change) => Some(change.timestamp()),
                None => at(before),
            },
        }
    }

    /// Between two changes of the clock each slot is the instant at which the clock shows it.
    fn by_elapsed_time(&self, start: Timestamp) -> Option<Timestamp> {
        let mut offset = self.zone.to_offset(start);
        let mut wall = wall_of(start, offset)?;
        let mut changes = self.zone.following(start);
        loop {
            let slot = self.slot_after(wall)?;
            let instant = offset.to_timestamp(civil_of(slot)?).ok()?;
            let Some(change) = changes.next() else { return Some(instant) };
            if instant < change.timestamp() {
                return Some(instant);
            }
            offset = change.offset();
            // The instant of the change itself may be a slot.
            wall = wall_of(change.timestamp(), offset)? - 1;
        }
    }
}

/// What the clock shows at an instant, taken for UTC, in whole seconds.
fn wall_of(at: Timestamp, offset: Offset) -> Option<i64> {
    Offset::UTC.to_timestamp(offset.to_datetime(at)).ok().map(Timestamp::as_second)
}

fn civil_of(wall: i64) -> Option<civil::DateTime> {
    Timestamp::from_second(wall).ok().map(|wall| Offset::UTC.to_datetime(wall))
}

#[cfg(test)]
mod tests;
