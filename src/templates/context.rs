//! The names that a template sees.

use std::sync::Arc;

use super::limits::{Budget, Limits};
use crate::{clock::Time, value::Value};

/// The names a template sees. Roots are borrowed, never copied.
#[derive(Debug)]
pub struct Context<'a> {
    roots: Vec<(&'a str, &'a Value)>,
    pub(super) now: Time,
    pub(super) lenient: bool,
    pub(super) budget: Arc<Budget>,
}

impl<'a> Context<'a> {
    /// An empty context; `now` is what `now` and `'now' | date` mean.
    pub fn new(now: Time, limits: Limits) -> Self {
        Self { roots: Vec::new(), now, lenient: false, budget: Arc::new(Budget::new(limits)) }
    }

    /// Adds a root name. The last one of a name counts.
    pub fn set(&mut self, name: &'a str, value: &'a Value) -> &mut Self {
        self.roots.push((name, value));
        self
    }

    /// Missing names become null instead of an error (profile cards, `render --lenient`).
    #[must_use]
    pub fn lenient(self) -> Self {
        Self { lenient: true, ..self }
    }

    /// What `now` means here: for a context made from this one.
    pub fn now(&self) -> Time {
        self.now
    }

    /// The value of a root. `None` for `now` too, unless it was set: it is no value but a time.
    pub fn root(&self, name: &str) -> Option<&'a Value> {
        self.roots.iter().rev().find(|(known, _)| *known == name).map(|(_, value)| *value)
    }
}
