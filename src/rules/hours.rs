//! `[hours.NAME]`: when an office is open, in its own time zone.

use std::time::Duration;

use jiff::{
    Timestamp,
    civil::{Date, Time as Clock},
    tz::TimeZone,
};

use crate::{clock::Time, config};

/// Minutes of a day.
const DAY: u16 = 24 * 60;

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

    /// When `span` of open time has passed since `at`. `None`: it has not in ten years.
    pub fn after(&self, at: Time, span: Duration) -> Option<Time> {
        /// Days looked at: ten years.
        const DAYS: usize = 3660;
        if span.is_zero() {
            return Some(at);
        }
        let mut day = Timestamp::from_millisecond(at.0).ok()?.to_zoned(self.zone.clone()).date();
        let (mut at, mut left) = (at, span);
        for _ in 0..DAYS {
            for (from, to) in self.open_on(day) {
                let from = from.max(at);
                let open = to.since(from);
                if open >= left {
                    return Some(from.plus(left));
                }
                left = left.saturating_sub(open);
                at = at.max(to);
            }
            day = day.tomorrow().ok()?;
        }
        None
    }

    /// The spans of a day as instants, earliest first.
    fn open_on(&self, day: Date) -> Vec<(Time, Time)> {
        if self.closed.contains(&day) {
            return Vec::new();
        }
        let weekday = usize::try_from(day.weekday().to_monday_zero_offset()).unwrap_or_default();
        let mut spans = self.week.get(weekday).cloned().unwrap_or_default();
        spans.sort_unstable();
        spans.into_iter().filter_map(|(from, to)| Some((self.instant(day, from)?, self.instant(day, to)?))).collect()
    }

    /// A minute of a day; the last one is the next day's midnight.
    fn instant(&self, day: Date, minute: u16) -> Option<Time> {
        let (day, minute) = if minute >= DAY { (day.tomorrow().ok()?, 0) } else { (day, minute) };
        let (hour, minute) = (i8::try_from(minute / 60).ok()?, i8::try_from(minute % 60).ok()?);
        let zoned = day.to_datetime(Clock::new(hour, minute, 0, 0).ok()?).to_zoned(self.zone.clone()).ok()?;
        Some(Time(zoned.timestamp().as_millisecond()))
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

    #[test]
    fn only_open_time_counts() {
        let hours = Hours::parse(&office()).unwrap();
        let hour = Duration::from_secs(3600);
        for (at, span, ends) in [
            ("2026-07-06T06:00:00Z", 4 * hour, "2026-07-06T10:00:00Z"),
            ("2026-07-06T13:00:00Z", 2 * hour, "2026-07-07T07:00:00Z"),
            ("2026-07-10T13:00:00Z", 2 * hour, "2026-07-13T07:00:00Z"),
            ("2026-07-06T06:00:00Z", 8 * hour, "2026-07-06T14:00:00Z"),
            ("2026-12-24T14:00:00Z", 2 * hour, "2026-12-28T08:00:00Z"),
            ("2026-07-05T01:00:00Z", Duration::ZERO, "2026-07-05T01:00:00Z"),
        ] {
            assert_eq!(hours.after(Time::parse(at).unwrap(), span), Time::parse(ends), "{at} {span:?}");
        }
        let never = Hours::parse(&config::Hours { days: BTreeMap::new(), ..office() }).unwrap();
        assert_eq!(never.after(Time(0), hour), None);
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
