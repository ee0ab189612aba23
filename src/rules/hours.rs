//! `[hours.NAME]`: when an office is open, in its own time zone.

use jiff::{Timestamp, civil::Date, tz::TimeZone};

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
