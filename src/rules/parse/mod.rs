//! Reads a rule file into a rule, or into all its findings.

mod http;
mod on;
mod retry;
mod rule;
mod step;
mod tests_key;

pub(crate) use rule::read_rule;
