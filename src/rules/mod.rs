//! The rule language: read, checked, compiled, indexed, kept in force.

mod condition;
mod hours;
mod rule;
mod set;
mod vocabulary;

pub use condition::{Condition, Operand, Operator, Scope, Test};
pub use hours::{AllHours, Hours};
pub use rule::{HttpAuth, HttpBody, HttpStep, On, OnStepError, Retry, RetryWhen, Rule, Step, StepKind, Unknown, Var};
pub use set::{Digest, Set, Texts};
pub use vocabulary::{ActionInfo, EventInfo, InputInfo, Vocabulary};
