//! The keys of `once`, `threshold`, `digest` and `concurrency`: what `per` makes of an event. CONTRACT STUB

use crate::{
    clock::Time,
    rules::Rule,
    value::{Object, Value},
};

/// What a `per` came to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Key {
    /// The rule has no such word.
    #[default]
    Unset,
    /// The rule has the word without `per`: the whole rule is one key.
    Whole,
    /// The text that `per` gave; a number or boolean as its text.
    Of(String),
    /// Null, empty, or its template failed; one sentence says which.
    Nothing(String),
}

/// The keys that decide whether a matched event starts a run.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Keys {
    pub once: Key,
    pub threshold: Key,
    pub digest: Key,
}

impl Keys {
    /// The keys of a rule that matched. `roots` are the names that vars see, `vars` those that were computed (grows).
    pub fn of(rule: &Rule, roots: &[(&str, &Value)], now: Time, vars: &mut Object) -> Self {
        let _ = (rule, roots, now, vars);
        Self::default()
    }
}

impl Key {
    /// The key of `concurrency`, rendered when the run is first due.
    pub fn of_concurrency(rule: &Rule, roots: &[(&str, &Value)], now: Time) -> Self {
        let _ = (rule, roots, now);
        Self::Unset
    }
}
