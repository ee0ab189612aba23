//! The filters: a name, how many arguments, and a function from values to a value.

mod date;
mod encode;
mod list;
mod number;
mod text;

use std::borrow::Cow;

use serde_json::Value;

use super::{
    limits::{Budget, Spent, weight},
    print::text_of,
};
use crate::clock::Time;

/// A filter.
pub(super) struct Filter {
    pub(super) name: &'static str,
    /// Arguments at least and at most.
    pub(super) least: usize,
    pub(super) most: usize,
    /// Arguments that are given by name.
    pub(super) named: &'static [&'static str],
    pub(super) run: fn(Given<'_>) -> Answer,
}

impl std::fmt::Debug for Filter {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name)
    }
}

impl Filter {
    /// Whether what stands before it may be missing.
    pub(super) fn is_default(&self) -> bool {
        self.name == "default"
    }
}

/// What a filter is given.
pub(super) struct Given<'g> {
    pub(super) input: Value,
    pub(super) arguments: Vec<Value>,
    pub(super) named: Vec<(&'g str, Value)>,
    pub(super) budget: &'g Budget,
    pub(super) now: Time,
    pub(super) lenient: bool,
}

/// What a filter gives.
pub(super) type Answer = Result<Value, FilterError>;

/// Why a filter gives nothing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum FilterError {
    #[error(transparent)]
    Spent(#[from] Spent),
    /// The value is none that this filter works on.
    #[error("{0}")]
    Refused(String),
}

/// The error of a value that a filter does not work on.
fn refused(why: impl Into<String>) -> FilterError {
    FilterError::Refused(why.into())
}

impl Given<'_> {
    /// The input as text.
    fn text(&self) -> Result<Cow<'_, str>, FilterError> {
        Ok(text_of(&self.input, self.budget)?)
    }

    /// An argument as text. `None` where it is not given.
    fn text_at(&self, at: usize) -> Result<Option<Cow<'_, str>>, FilterError> {
        Ok(self.arguments.get(at).map(|value| text_of(value, self.budget)).transpose()?)
    }

    /// An argument as text; empty where it is not given.
    fn wanted_text(&self, at: usize) -> Result<Cow<'_, str>, FilterError> {
        Ok(self.text_at(at)?.unwrap_or_default())
    }

    /// A named argument.
    fn named(&self, name: &str) -> Option<&Value> {
        self.named.iter().find(|(known, _)| *known == name).map(|(_, value)| value)
    }

    /// A new text, which is asked for after the fact: for those that are no longer than what they come from.
    fn give(&self, text: impl Into<String>) -> Answer {
        let text = text.into();
        self.budget.hold(text.len())?;
        Ok(Value::String(text))
    }

    /// A new list, likewise.
    fn give_list(&self, list: Vec<Value>) -> Answer {
        let list = Value::Array(list);
        self.budget.hold(weight(&list))?;
        Ok(list)
    }
}

/// The filter of a name.
pub(super) fn find(name: &str) -> Option<&'static Filter> {
    tables().find(|filter| filter.name == name)
}

/// The names of all filters.
pub(super) fn names() -> impl Iterator<Item = &'static str> {
    tables().map(|filter| filter.name)
}

fn tables() -> impl Iterator<Item = &'static Filter> {
    [OWN, date::FILTERS, encode::FILTERS, list::FILTERS, number::FILTERS, text::FILTERS].into_iter().flatten()
}

const OWN: &[Filter] = &[
    Filter { name: "default", least: 0, most: 1, named: &["allow_false"], run: default },
    // What it does, the sink does: see `Chain::is_raw`.
    Filter { name: "raw", least: 0, most: 0, named: &[], run: |given| Ok(given.input) },
];

/// `default`: for missing, null, false and empty text; in a lenient render for empty lists and maps too.
fn default(mut given: Given<'_>) -> Answer {
    let keeps_false = given.named("allow_false") == Some(&Value::Bool(true));
    let is_absent = match &given.input {
        Value::Null => true,
        Value::Bool(false) => !keeps_false,
        Value::String(text) => text.is_empty(),
        Value::Array(list) => given.lenient && list.is_empty(),
        Value::Object(object) => given.lenient && object.is_empty(),
        _ => false,
    };
    if is_absent { Ok(given.arguments.drain(..).next().unwrap_or_default()) } else { Ok(given.input) }
}
