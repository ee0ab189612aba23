//! `[hours.NAME]`: when an office is open, in its own time zone.

use std::time::Duration;

use jiff::{
    Timestamp,
    civil::{Date, Time as Clock},
    tz::{Offset, TimeZone},
};

use crate::{clock::Time, config};

/// Minutes of a day.
const DAY: u16 = 24 * 60;
/// Days that [`Hours::after`] looks through: three years.
const FAR: u32 = 3 * 366;

/// Hours of a week, with days on which nothing is open.
#[derive(Debug, Clone)]
pub struct Hours {
    zone: TimeZone,
    /// From Monday; the end of a span does not belong to it. Minutes from midnight.
    week: [Vec<(u16, u16)>; 7],
    closed: Vec<Date>,
}

impl Hours {
    /// Reads hours as they stand in the settings. `Err` is one sentence.
    pub fn parse(written: &config::Hours) -> Result<Self, String> {
        let zone = TimeZone::get(&written.timezone)
            .map_err(|_| format!("`{}` is no time zone; write one such as Europe/Athens", written.timezone))?;
        let mut week: [Vec<(u16, u16)>; 7] = Default::default();
        for (days, spans) in &written.days {
            let (first, last) = read_days(days)?;
            for span in spans {
                let span = read_span(span)?;
                // `fri-mon` goes over the end of the week.
                let count = (last + 7 - first) % 7;
                for day in (0..=count).map(|step| (first + step) % 7) {
                    if let Some(spans) = week.get_mut(day) {
                        spans.push(span);
                    }
                }
            }
        }
        let closed = written
            .closed
            .iter()
            .map(|day| day.parse::<Date>().map_err(|_| format!("`{day}` is no day; write one such as 2026-12-25")));
        Ok(Self { zone, week, closed: closed.collect::<Result<_, _>>()? })
    }

    /// Whether `at` lies in these hours.
    pub fn contain(&self, at: Time) -> bool {
        let Ok(at) = Timestamp::from_millisecond(at.0) else { return false };
        let local = at.to_zoned(self.zone.clone());
        if self.closed.contains(&local.date()) {
            return false;
        }
        let day = usize::try_from(local.weekday().to_monday_zero_offset()).unwrap_or_default();
        let minute = u16::try_from(i32::from(local.hour()) * 60 + i32::from(local.minute())).unwrap_or_default();
        self.week.get(day).is_some_and(|spans| spans.iter().any(|(from, to)| (*from..*to).contains(&minute)))
    }

    /// The instant at which so much time inside these hours has passed since `at`; `at` itself for none, open or not. `None`: not within
    /// three years.
    ///
    /// Time is time that passes: where the clock changes inside open hours, they are an hour longer or shorter on that day.
    pub fn after(&self, at: Time, open: Duration) -> Option<Time> {
        if open.is_zero() {
            return Some(at);
        }
        let mut left = i64::try_from(open.as_millis()).ok()?;
        let mut date = Timestamp::from_millisecond(at.0).ok()?.to_zoned(self.zone.clone()).date();
        for _ in 0..FAR {
            for (from, to) in self.spans_of(date) {
                let from = from.max(at.0);
                if to - from >= left {
                    return Some(Time(from + left));
                }
                left -= (to - from).max(0);
            }
            date = date.tomorrow().ok()?;
        }
        None
    }

    /// The open spans of a day as instants, in order and without overlap: wherever [`Hours::contain`] holds.
    fn spans_of(&self, date: Date) -> Vec<(i64, i64)> {
        let day = usize::try_from(date.weekday().to_monday_zero_offset()).unwrap_or_default();
        let written = self.week.get(day).map(Vec::as_slice).unwrap_or_default();
        let Ok(midnight) = Offset::UTC.to_timestamp(date.to_datetime(Clock::midnight())) else { return Vec::new() };
        if written.is_empty() || self.closed.contains(&date) {
            return Vec::new();
        }
        let wall = midnight.as_millisecond();
        let mut spans = Vec::new();
        for (first, last, offset) in self.offsets_around(midnight) {
            for (from, to) in written {
                let at = |minute: u16| wall + i64::from(minute) * 60_000 - i64::from(offset.seconds()) * 1000;
                let (from, to) = (at(*from).max(first), at(*to).min(last));
                spans.extend((from < to).then_some((from, to)));
            }
        }
        spans.sort_unstable();
        let mut apart: Vec<(i64, i64)> = Vec::with_capacity(spans.len());
        for (from, to) in spans {
            match apart.last_mut() {
                Some(before) if from <= before.1 => before.1 = before.1.max(to),
                _ => apart.push((from, to)),
            }
        }
        apart
    }

    /// From when to when which offset holds, over all that can be the day that begins at `midnight` in UTC.
    fn offsets_around(&self, midnight: Timestamp) -> Vec<(i64, i64, Offset)> {
        const DAY_OF_MILLIS: i64 = 86_400_000;
        let end = midnight.as_millisecond().saturating_add(2 * DAY_OF_MILLIS);
        let Ok(start) = Timestamp::from_millisecond(midnight.as_millisecond() - DAY_OF_MILLIS) else {
            return Vec::new();
        };
        let mut held = vec![(start.as_millisecond(), end, self.zone.to_offset(start))];
        for change in self.zone.following(start).take_while(|change| change.timestamp().as_millisecond() < end) {
            let at = change.timestamp().as_millisecond();
            if let Some(last) = held.last_mut() {
                last.1 = at;
            }
            held.push((at, end, change.offset()));
        }
        held
    }
}

fn read_days(text: &str) -> Result<(usize, usize), String> {
    const DAYS: [&str; 7] = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];
    let day = |name: &str| {
        let found = DAYS.iter().position(|day| *day == name);
        found.ok_or_else(|| format!("`{name}` is no day of the week; known are {}", DAYS.join(", ")))
    };
    let (first, last) = text.split_once('-').unwrap_or((text, text));
    Ok((day(first)?, day(last)?))
}

fn read_span(text: &str) -> Result<(u16, u16), String> {
    let minutes = |text: &str| {
        let (hour, minute) = text.split_once(':')?;
        if ![hour, minute].iter().all(|part| part.len() == 2 && part.bytes().all(|b| b.is_ascii_digit())) {
            return None;
        }
        let (hour, minute) = (hour.parse::<u16>().ok()?, minute.parse::<u16>().ok()?);
        (minute < 60 && hour * 60 + minute <= DAY).then_some(hour * 60 + minute)
    };
    let span = text.split_once('-').and_then(|(from, to)| Some((minutes(from)?, minutes(to)?)));
    match span {
        Some((from, to)) if from < to => Ok((from, to)),
        _ => Err(format!("`{text}` is no span of a day; write one such as 09:00-17:00")),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    fn office() -> config::Hours {
        config::Hours {
            timezone: "Europe/Athens".to_owned(),
            days: BTreeMap::from([("mon-fri".to_owned(), vec!["09:00-17:00".to_owned()])]),
            closed: vec!["2026-12-25".to_owned()],
        }
    }

    #[test]
    fn hours_are_those_of_their_own_zone() {
        let hours = Hours::parse(&office()).unwrap();
        for (at, inside) in [
            ("2026-07-06T06:00:00Z", true),
            ("2026-07-06T05:59:59Z", false),
            ("2026-07-06T13:59:59Z", true),
            ("2026-07-06T14:00:00Z", false),
            ("2026-01-05T07:00:00Z", true),
            ("2026-01-05T06:59:00Z", false),
            ("2026-07-05T10:00:00Z", false),
            ("2026-12-25T10:00:00Z", false),
            ("2026-12-24T10:00:00Z", true),
        ] {
            assert_eq!(hours.contain(Time::parse(at).unwrap()), inside, "{at}");
        }
    }

    fn after(hours: &Hours, at: &str, minutes: u64) -> String {
        let end = hours.after(Time::parse(at).unwrap(), Duration::from_mins(minutes));
        end.map_or_else(|| "never".to_owned(), |at| at.to_string())
    }

    #[test]
    fn only_time_inside_the_hours_counts() {
        let hours = Hours::parse(&office()).unwrap();
        for (at, minutes, wanted) in [
            // A Monday in summer: open from 06:00 to 14:00 in UTC.
            ("2026-07-06T07:00:00Z", 60, "2026-07-06T08:00:00Z"),
            ("2026-07-06T05:00:00Z", 60, "2026-07-06T07:00:00Z"),
            ("2026-07-06T13:00:00Z", 60, "2026-07-06T14:00:00Z"),
            ("2026-07-06T13:00:00Z", 61, "2026-07-07T06:01:00Z"),
            ("2026-07-06T14:00:00Z", 1, "2026-07-07T06:01:00Z"),
            ("2026-07-03T13:30:00Z", 240, "2026-07-06T09:30:00Z"),
            ("2026-07-04T10:00:00Z", 0, "2026-07-04T10:00:00Z"),
            ("2026-07-06T06:00:00Z", 5 * 8 * 60 + 1, "2026-07-13T06:01:00Z"),
            // Christmas is a Friday, and closed.
            ("2026-12-24T14:00:00Z", 120, "2026-12-28T08:00:00Z"),
            // The clock changes between a Friday and a Monday: 09:00 is an hour earlier in UTC.
            ("2026-03-27T14:00:00Z", 120, "2026-03-30T07:00:00Z"),
        ] {
            assert_eq!(after(&hours, at, minutes), wanted, "{at} {minutes}");
        }
    }

    #[test]
    fn open_time_is_time_that_passes_also_where_the_clock_changes() {
        let with = |spans: &[&str], closed: &[&str]| {
            let days = BTreeMap::from([("sun".to_owned(), spans.iter().map(|&span| span.to_owned()).collect())]);
            let closed = closed.iter().map(|&day| day.to_owned()).collect();
            Hours::parse(&config::Hours { days, closed, ..office() }).unwrap()
        };
        // 03:00 to 04:00 is not there on 29 March: two hours are open from 02:00 to 05:00.
        assert_eq!(after(&with(&["02:00-05:00"], &[]), "2026-03-28T00:00:00Z", 120), "2026-03-29T02:00:00Z");
        assert_eq!(
            after(&with(&["03:10-03:50", "10:00-11:00"], &[]), "2026-03-28T00:00:00Z", 10),
            "2026-03-29T07:10:00Z"
        );
        // 03:00 to 04:00 is there twice on 25 October.
        assert_eq!(after(&with(&["02:00-05:00"], &[]), "2026-10-24T00:00:00Z", 240), "2026-10-25T03:00:00Z");
        assert_eq!(after(&with(&["03:00-03:30"], &[]), "2026-10-24T00:00:00Z", 45), "2026-10-25T01:15:00Z");
        let whole = with(&["00:00-24:00"], &["2026-11-01"]);
        assert_eq!(after(&whole, "2026-10-24T00:00:00Z", 25 * 60), "2026-10-25T22:00:00Z");
        assert_eq!(after(&whole, "2026-10-24T00:00:00Z", 25 * 60 + 1), "2026-11-07T22:01:00Z");
        let overlapping = with(&["09:00-12:00", "10:00-11:00"], &[]);
        assert_eq!(after(&overlapping, "2026-07-04T00:00:00Z", 180), "2026-07-05T09:00:00Z");
    }

    #[test]
    fn hours_that_never_open_end_in_nothing() {
        let never = Hours::parse(&config::Hours { days: BTreeMap::new(), ..office() }).unwrap();
        assert_eq!(after(&never, "2026-07-06T07:00:00Z", 1), "never");
        let hours = Hours::parse(&office()).unwrap();
        assert_eq!(after(&hours, "2026-07-06T07:00:00Z", 4 * 366 * 24 * 60), "never");
        assert_eq!(hours.after(Time(i64::MAX), Duration::from_secs(1)), None);
        assert_eq!(hours.after(Time(0), Duration::MAX), None);
    }

    #[test]
    fn open_time_is_counted_where_the_hours_contain_it() {
        let days = BTreeMap::from([
            ("fri-mon".to_owned(), vec!["02:30-03:30".to_owned(), "03:10-03:20".to_owned(), "22:00-24:00".to_owned()]),
            ("tue".to_owned(), vec!["00:00-09:00".to_owned()]),
        ]);
        let hours = Hours::parse(&config::Hours { days, ..office() }).unwrap();
        for start in ["2026-03-27T00:00:00Z", "2026-10-23T00:00:00Z"] {
            let start = Time::parse(start).unwrap();
            let minute = Duration::from_mins(1);
            let mut open = 0;
            for passed in 0..7 * 24 * 60 {
                let at = start.plus(minute * passed);
                if hours.contain(at) {
                    open += 1;
                    assert_eq!(hours.after(start, minute * open), Some(at.plus(minute)), "{at}");
                }
            }
        }
    }

    #[test]
    fn wrong_hours_say_what_is_wrong() {
        let with = |days: &str, span: &str| {
            let days = BTreeMap::from([(days.to_owned(), vec![span.to_owned()])]);
            Hours::parse(&config::Hours { days, ..office() }).map(|_| ())
        };
        assert!(with("fri-mon", "00:00-24:00").is_ok());
        assert!(with("mo", "09:00-17:00").unwrap_err().contains("`mo` is no day"));
        for span in ["17:00-09:00", "9-17", "09:00-25:00", "09:00", "09:60-10:00"] {
            assert!(with("mon", span).unwrap_err().contains("no span"), "{span}");
        }
        assert!(Hours::parse(&config::Hours { timezone: "Mars".to_owned(), ..office() }).is_err());
    }
}
