//! Alerts about a source that cannot work: one line a minute each.

use std::{
    collections::BTreeMap,
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

/// Between two lines about one source.
const SPAN: Duration = Duration::from_mins(1);

/// When each source was last spoken of. Sources are configured ones, so the table is small.
#[derive(Debug, Default)]
pub(super) struct Alerts(Mutex<BTreeMap<String, Instant>>);

impl Alerts {
    /// Logs that `source` answers 503, and why, unless that was said within the last minute.
    pub(super) fn raise(&self, source: &str, why: &str) {
        let now = Instant::now();
        if self.is_due(source, now) {
            tracing::error!(source, why, "source is unhealthy: its deliveries are answered with 503");
        }
    }

    fn is_due(&self, source: &str, now: Instant) -> bool {
        let mut last = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if last.get(source).is_some_and(|then| now.saturating_duration_since(*then) < SPAN) {
            return false;
        }
        last.insert(source.to_owned(), now);
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_source_is_spoken_of_once_a_minute() {
        let alerts = Alerts::default();
        let now = Instant::now();
        assert!(alerts.is_due("gruveo", now));
        assert!(!alerts.is_due("gruveo", now + Duration::from_secs(59)));
        assert!(alerts.is_due("groove", now));
        assert!(alerts.is_due("gruveo", now + SPAN));
    }
}
