//! Named hours of `[hours]`: when an office is open, in its own time zone.

use std::collections::BTreeMap;

use jiff::{Timestamp, civil, tz::TimeZone};
use serde_json::Value;

use crate::{clock::Time, config};

/// Days as `[hours]` names them, Monday first.
const DAYS: [&str; 7] = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];

/// Every named entry of `[hours]`.
#[derive(Debug, Default)]
pub struct AllHours(BTreeMap<String, Hours>);

/// When an office is open.
#[derive(Debug)]
pub struct Hours {
    zone: TimeZone,
    /// From (inclusive) to (exclusive), in minutes of the day, by weekday, Monday first.
    open: [Vec<(u16, u16)>; 7],
    closed: Vec<civil::Date>,
}

impl AllHours {
    /// Reads every entry. All faults, each naming its key: `hours.office.mon-fri`.
    pub fn read(settings: &BTreeMap<String, config::Hours>) -> Result<Self, Vec<String>> {
        let mut all = BTreeMap::new();
        let mut faults = Vec::new();
        for (name, hours) in settings {
            match Hours::read(hours) {
                Ok(hours) => {
                    all.insert(name.clone(), hours);
                }
                Err(list) => faults.extend(list.into_iter().map(|(key, why)| format!("hours.{name}.{key}: {why}"))),
            }
        }
        if faults.is_empty() { Ok(Self(all)) } else { Err(faults) }
    }

    /// Whether the time that `at` holds lies in the hours of that name. `Err` is one sentence.
    pub fn contain(&self, name: &str, at: &Value) -> Result<bool, String> {
        let hours = self.0.get(name).ok_or_else(|| format!("there is no `[hours.{name}]` in bellwire.toml"))?;
        let time = at.as_str().and_then(Time::parse).ok_or("time wanted (RFC 3339 with an offset)")?;
        Ok(hours.contains(time))
    }
}

impl Hours {
    fn read(settings: &config::Hours) -> Result<Self, Vec<(String, String)>> {
        let mut faults = Vec::new();
        let zone = TimeZone::get(&settings.timezone).unwrap_or_else(|_| {
            faults.push((
                "timezone".to_owned(),
                format!("`{}` is no time zone; write one such as `Europe/Athens`", settings.timezone),
            ));
            TimeZone::UTC
        });
        let mut open: [Vec<(u16, u16)>; 7] = Default::default();
        for (days, spans) in &settings.days {
            let Some(days) = days_of(days) else {
                faults.push((days.clone(), "is no day; write `mon`, `mon-fri` or `sat`".to_owned()));
                continue;
            };
            for span in spans {
                match span_of(span) {
                    Some(span) => {
                        for day in &days {
                            open.get_mut(*day).into_iter().for_each(|list| list.push(span));
                        }
                    }
                    None => faults.push(("days".to_owned(), format!("`{span}` is no span; write `09:00-17:00`"))),
                }
            }
        }
        let mut closed = Vec::new();
        for day in &settings.closed {
            match day.parse() {
                Ok(day) => closed.push(day),
                Err(_) => faults.push(("closed".to_owned(), format!("`{day}` is no date; write `2026-12-25`"))),
            }
        }
        if faults.is_empty() { Ok(Self { zone, open, closed }) } else { Err(faults) }
    }

    /// Whether it is open at `at`.
    pub fn contains(&self, at: Time) -> bool {
        let Ok(at) = Timestamp::from_millisecond(at.0) else { return false };
        let local = at.to_zoned(self.zone.clone());
        if self.closed.contains(&local.date()) {
            return false;
        }
        let day = usize::try_from(local.weekday().to_monday_zero_offset()).unwrap_or(0);
        let minute = u16::try_from(i32::from(local.hour()) * 60 + i32::from(local.minute())).unwrap_or(0);
        self.open.get(day).is_some_and(|spans| spans.iter().any(|(from, to)| (*from..*to).contains(&minute)))
    }
}

/// `mon`, `mon-fri`, `fri-mon`: indexes from Monday.
fn days_of(text: &str) -> Option<Vec<usize>> {
    let index = |name: &str| DAYS.iter().position(|day| *day == name.trim().to_lowercase());
    let (first, last) = match text.split_once('-') {
        Some((first, last)) => (index(first)?, index(last)?),
        None => (index(text)?, index(text)?),
    };
    let count = (last + DAYS.len() - first) % DAYS.len();
    Some((0..=count).map(|step| (first + step) % DAYS.len()).collect())
}

/// `09:00-17:00`, up to `24:00`; in minutes of the day.
fn span_of(text: &str) -> Option<(u16, u16)> {
    let minutes = |text: &str| {
        let (hour, minute) = text.trim().split_once(':')?;
        let (hour, minute): (u16, u16) = (hour.parse().ok()?, minute.parse().ok()?);
        (minute < 60 && hour * 60 + minute <= 24 * 60).then_some(hour.min(24) * 60 + minute)
    };
    let (from, to) = text.split_once('-')?;
    let (from, to) = (minutes(from)?, minutes(to)?);
    (from < to).then_some((from, to))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn office() -> config::Hours {
        config::Hours {
            timezone: "Europe/Athens".to_owned(),
            days: BTreeMap::from([("mon-fri".to_owned(), vec!["09:00-13:00".to_owned(), "14:00-17:00".to_owned()])]),
            closed: vec!["2026-12-25".to_owned()],
        }
    }

    #[test]
    fn an_office_is_open_in_its_own_zone() {
        let all = AllHours::read(&BTreeMap::from([("office".to_owned(), office())])).unwrap();
        for (at, open) in [
            ("2026-11-20T07:00:00Z", true),       // Friday 09:00 in Athens
            ("2026-11-20T06:59:59Z", false),      // a minute before
            ("2026-11-20T11:30:00Z", false),      // lunch
            ("2026-11-20T17:00:00+02:00", false), // the end is not in it
            ("2026-07-01T06:00:00Z", true),       // summer: 09:00 is 06:00 UTC
            ("2026-11-21T10:00:00Z", false),      // Saturday
            ("2026-12-25T10:00:00Z", false),      // closed
        ] {
            assert_eq!(all.contain("office", &json!(at)), Ok(open), "{at}");
        }
        assert!(all.contain("office", &json!("2026-11-20 09:00")).is_err());
        assert!(all.contain("shop", &json!("2026-11-20T07:00:00Z")).is_err());
    }

    #[test]
    fn every_fault_names_its_key() {
        let mut bad = office();
        bad.timezone = "Athens".to_owned();
        bad.days.insert("monday".to_owned(), vec![]);
        bad.days.insert("sat".to_owned(), vec!["9-5".to_owned(), "17:00-09:00".to_owned(), "09:00-24:01".to_owned()]);
        bad.closed.push("Christmas".to_owned());
        let faults = AllHours::read(&BTreeMap::from([("office".to_owned(), bad)])).unwrap_err();
        assert_eq!(faults.len(), 6, "{faults:#?}");
        assert!(faults.iter().all(|fault| fault.starts_with("hours.office.")));
    }
}
