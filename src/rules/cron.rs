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

    /// The first slot after `at`. `None`: there is none within 8 years. A slot inside a gap of the clock is the first instant after the
    /// gap; one in a repeated hour is the first of the two.
    pub fn next_after(&self, at: Time) -> Option<Time> {
        let _ = at;
        None
    }
}
