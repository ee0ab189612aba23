//! Cron expressions with crontab(5)'s meaning, in a time zone. CONTRACT STUB

use crate::clock::Time;

/// A five-field expression in a time zone.
#[derive(Debug, Clone)]
pub struct Cron {
    /// As written.
    pub expression: String,
    /// The zone's name, `UTC` unless set.
    pub timezone: String,
}

impl Cron {
    /// Reads an expression. `Err` is one sentence.
    pub fn parse(expression: &str, timezone: Option<&str>) -> Result<Self, String> {
        Ok(Self { expression: expression.to_owned(), timezone: timezone.unwrap_or("UTC").to_owned() })
    }

    /// Whether there is a time zone of this name.
    pub(super) fn knows_timezone(name: &str) -> bool {
        jiff::tz::TimeZone::get(name).is_ok()
    }

    /// The time zone whose name is nearest. `None` where none is near.
    pub(super) fn nearest_timezone(name: &str) -> Option<String> {
        let known: Vec<String> = jiff::tz::db().available().map(|zone| zone.as_str().to_owned()).collect();
        super::keys::nearest(name, known.iter().map(String::as_str)).map(str::to_owned)
    }

    /// The first slot after `at`. `None`: there is none within 8 years. A slot inside a gap of the clock is the first instant after the
    /// gap; one in a repeated hour is the first of the two.
    pub fn next_after(&self, at: Time) -> Option<Time> {
        let _ = at;
        None
    }
}
