//! Counts in memory by source and reason, and which of many equal log lines is written.

use std::{
    collections::BTreeMap,
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

/// How often something happened, by source (empty where none is known) and reason. Both are words of ours, so the table is small.
#[derive(Debug, Default)]
pub struct Counters(Mutex<BTreeMap<(String, &'static str), u64>>);

impl Counters {
    /// One more.
    pub fn count(&self, source: &str, reason: &'static str) {
        let mut table = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let count = table.entry((source.to_owned(), reason)).or_default();
        *count = count.saturating_add(1);
    }

    /// How often `reason` was counted for `source`; 0 where it never was.
    pub fn of(&self, source: &str, reason: &'static str) -> u64 {
        let table = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        table.get(&(source.to_owned(), reason)).copied().unwrap_or_default()
    }

    /// All counts: source, reason, count; in order.
    pub fn all(&self) -> Vec<(String, &'static str, u64)> {
        let table = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        table.iter().map(|((source, reason), count)| (source.clone(), *reason, *count)).collect()
    }
}

/// Lets the first few things of a kind in a span of time through, and counts the rest.
#[derive(Debug)]
pub struct Sampler {
    span: Duration,
    each: u64,
    seen: Mutex<BTreeMap<&'static str, Window>>,
}

#[derive(Debug)]
struct Window {
    began: Instant,
    passed: u64,
    held_back: u64,
}

impl Sampler {
    /// `each` of a kind in every `span`.
    pub fn new(each: u64, span: Duration) -> Self {
        Self { span, each, seen: Mutex::default() }
    }

    /// Whether this one of `kind` goes through: with the number of those that were held back since the last that did. `None`: it does not.
    pub fn pass(&self, kind: &'static str, now: Instant) -> Option<u64> {
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        let window = seen.entry(kind).or_insert(Window { began: now, passed: 0, held_back: 0 });
        if now.saturating_duration_since(window.began) >= self.span {
            window.began = now;
            window.passed = 0;
        }
        if window.passed >= self.each {
            window.held_back = window.held_back.saturating_add(1);
            return None;
        }
        window.passed += 1;
        Some(std::mem::take(&mut window.held_back))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_of_a_kind_passes_in_a_span_and_tells_of_those_held_back() {
        let sampler = Sampler::new(1, Duration::from_secs(1));
        let start = Instant::now();
        assert_eq!(sampler.pass("a", start), Some(0));
        assert_eq!(sampler.pass("a", start), None);
        assert_eq!(sampler.pass("a", start + Duration::from_millis(999)), None);
        assert_eq!(sampler.pass("b", start), Some(0), "another kind has its own line");
        assert_eq!(sampler.pass("a", start + Duration::from_secs(1)), Some(2));
    }

    #[test]
    fn counts_are_kept_by_source_and_reason() {
        let counters = Counters::default();
        counters.count("gruveo", "signature_mismatch");
        counters.count("gruveo", "signature_mismatch");
        assert_eq!(counters.of("gruveo", "signature_mismatch"), 2);
        assert_eq!(counters.of("groove", "signature_mismatch"), 0);
        assert_eq!(counters.all(), [("gruveo".to_owned(), "signature_mismatch", 2)]);
    }
}
