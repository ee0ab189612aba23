//! The rule language: read, checked, compiled, indexed, kept in force.

mod check;
pub mod codes;
mod condition;
mod cron;
mod duration;
#[cfg(test)]
pub(crate) mod fake;
#[cfg(test)]
pub(crate) mod fake_hours;
mod hours;
mod keys;
mod load;
mod parse;
mod pattern;
mod poll;
mod reader;
mod rule;
mod schedule;
mod schema;
mod set;
mod vocabulary;
mod watch;

pub(crate) use condition::parse_condition;
pub use condition::{Condition, Operand, Operator, OperatorKind, Scope, Test, Traced, read_search};
pub use cron::Cron;
pub use duration::{parse_duration, shown_duration};
pub use hours::Hours;
pub(crate) use keys::{shortened, suggestion};
pub use load::{Loaded, load};
pub use poll::{Items, Order, Poll};
pub(crate) use reader::{Node, Reader};
pub use rule::{
    Around, AttributesStep, Concurrency, DigestWindow, Every, Fuse, HttpAuth, HttpBody, HttpPart, HttpStep,
    ManualInput, On, OnStepError, Once, Retry, RetryWhen, Rule, Step, StepKind, Threshold, Unknown, Var, WaitStep,
    WaitWhat, WhenFull,
};
pub use schedule::{CatchUp, Schedule, Slots};
pub use schema::schema;
pub use set::{Compiled, Digest, Set, Texts};
pub use vocabulary::{ActionInfo, EventInfo, InputInfo, Vocabulary};
pub use watch::{Watch, watch};

#[cfg(test)]
use crate::{config, value::Path};

#[cfg(test)]
mod tests;
