//! The rule language: read, checked, compiled, indexed, kept in force.

mod check;
pub mod codes;
mod condition;
mod duration;
#[cfg(test)]
pub(crate) mod fake;
mod hours;
mod keys;
mod load;
mod parse;
mod pattern;
mod reader;
mod rule;
mod set;
mod vocabulary;
mod watch;

pub use condition::{Condition, Operand, Operator, OperatorKind, Scope, Test};
pub use duration::parse_duration;
pub use hours::Hours;
pub use load::{Loaded, load};
pub use rule::{HttpAuth, HttpBody, HttpStep, On, OnStepError, Retry, RetryWhen, Rule, Step, StepKind, Unknown, Var};
pub use set::{Compiled, Digest, Set, Texts};
pub use vocabulary::{ActionInfo, EventInfo, InputInfo, Vocabulary};
pub use watch::{Watch, watch};

#[cfg(test)]
use crate::value::Path;

#[cfg(test)]
mod tests;
