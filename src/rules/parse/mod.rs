//! Reads a rule file into a rule, or into all its findings.

mod around;
mod http;
mod inner;
mod manual;
mod on;
mod poll;
mod retry;
mod rule;
mod span;
mod step;
mod tests_key;
mod times;
mod wait;

pub(crate) use manual::inputs_schema;
pub(crate) use poll::item_schema;
pub(crate) use rule::read_rule;
pub(crate) use span::known_hours;
pub(crate) use times::schedule_schema;

#[cfg(test)]
mod tests;
