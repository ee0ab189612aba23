//! What a render may use, and the counting of it.

use std::{
    sync::atomic::{AtomicU64, Ordering},
    time::{Duration, Instant},
};

use serde_json::Value;

/// Bytes of one template's text, as of one rule file (language.md, "Limits").
pub(super) const SOURCE_BYTES: usize = 256 * 1024;
/// Blocks within blocks, includes counted in. Each costs some hundred bytes of the stack when parsed and rendered.
pub(super) const NESTING: usize = 64;
/// Brackets within brackets in one expression.
pub(super) const BRACKETS: usize = 16;
/// Files that include each other in a row.
pub(super) const INCLUDES: usize = 16;
/// Characters of one number that a template writes out; the longest integer has 20.
pub(super) const DIGITS: usize = 40;
/// All intermediate values of one context together may be this many times as large as one of them.
const TOTAL_FACTOR: u64 = 64;
/// What an element of a list or object costs besides its text, in bytes.
const ELEMENT_BYTES: usize = 16;

/// What one render may use. Counted over everything rendered with one `Context`.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Turns of loops and evaluations; 100,000.
    pub steps: u64,
    /// Bytes of output and of each intermediate value; 1 MiB. All intermediate values together: 64 times as much.
    pub bytes: usize,
    /// Time from `Context::new`; 1 s unless set.
    pub time: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self { steps: 100_000, bytes: 1024 * 1024, time: Duration::from_secs(1) }
    }
}

/// What was used up.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum Spent {
    #[error("the template takes more than {0} steps")]
    Steps(u64),
    #[error("the template makes a value of more than {0} bytes")]
    Value(usize),
    #[error("the values that the template makes on its way take more than {0} bytes together")]
    Total(u64),
    #[error("the template takes longer than {0:?}")]
    Time(Duration),
}

/// What is used and what is left. One for a context, so atomic: a context may be looked at from several threads.
#[derive(Debug)]
pub(super) struct Budget {
    limits: Limits,
    steps: AtomicU64,
    total: AtomicU64,
    started: Instant,
}

impl Budget {
    pub(super) fn new(limits: Limits) -> Self {
        Self { limits, steps: AtomicU64::new(0), total: AtomicU64::new(0), started: Instant::now() }
    }

    /// The most bytes that an output or an intermediate value may have.
    pub(super) fn bytes(&self) -> usize {
        self.limits.bytes
    }

    /// Counts a turn of a loop or an evaluation.
    pub(super) fn step(&self) -> Result<(), Spent> {
        /// The clock is read once in so many steps.
        const BETWEEN_LOOKS: u64 = 16;
        let taken = self.steps.fetch_add(1, Ordering::Relaxed);
        if taken >= self.limits.steps {
            return Err(Spent::Steps(self.limits.steps));
        }
        if taken.is_multiple_of(BETWEEN_LOOKS) {
            return self.in_time();
        }
        Ok(())
    }

    /// Asks for a new value of `bytes`, before it is made.
    pub(super) fn hold(&self, bytes: usize) -> Result<(), Spent> {
        if bytes > self.limits.bytes {
            return Err(Spent::Value(self.limits.bytes));
        }
        self.copy(bytes)
    }

    /// Asks for a copy of a value that is there already: counts for the total alone.
    pub(super) fn copy(&self, bytes: usize) -> Result<(), Spent> {
        /// A value of this size takes long enough to look at the clock.
        const LARGE: usize = 64 * 1024;
        let most = (self.limits.bytes as u64).saturating_mul(TOTAL_FACTOR);
        let before = self.total.fetch_add(bytes as u64, Ordering::Relaxed);
        if before.saturating_add(bytes as u64) > most {
            return Err(Spent::Total(most));
        }
        if bytes > LARGE {
            return self.in_time();
        }
        Ok(())
    }

    fn in_time(&self) -> Result<(), Spent> {
        if self.started.elapsed() > self.limits.time { Err(Spent::Time(self.limits.time)) } else { Ok(()) }
    }
}

/// What a value counts in bytes: its texts, and a little for each element.
pub(super) fn weight(value: &Value) -> usize {
    match value {
        Value::Null | Value::Bool(_) | Value::Number(_) => ELEMENT_BYTES,
        Value::String(text) => text.len() + ELEMENT_BYTES,
        Value::Array(list) => list.iter().map(weight).sum::<usize>() + ELEMENT_BYTES,
        Value::Object(object) => {
            object.iter().map(|(name, value)| name.len() + ELEMENT_BYTES + weight(value)).sum::<usize>() + ELEMENT_BYTES
        }
    }
}
