//! Conditions: operators as data, explainable.
// CONTRACT STUB: part B replaces the bodies; keep the signatures (add freely).

use crate::{
    model::{Evidence, Place},
    templates::{Leaf, RenderError},
    value::{Path, Value},
};

/// What `when`, `if` and their kin hold.
#[derive(Debug)]
pub enum Condition {
    All(Vec<Condition>),
    Any(Vec<Condition>),
    Not(Box<Condition>),
    Test(Test),
}

/// One path with its operators, all of which must hold.
#[derive(Debug)]
pub struct Test {
    pub path: Path,
    pub operators: Vec<Operator>,
    pub ignore_case: bool,
    pub place: Place,
}

/// One operator with its right side.
#[derive(Debug)]
pub struct Operator {
    /* kind and operand: see language.md, Conditions */
    pub name: &'static str,
    pub operand: Operand,
}

#[derive(Debug)]
pub enum Operand {
    Literal(Value),
    Template(Leaf),
    /* list, nested operators for `not` and `length`, compiled regex ... */
}

/// Where conditions look values up, and what the templates on their right sides see.
pub trait Scope {
    /// The value of a root such as `event`, `trigger`, `vars`, `steps`, `now`. `Err` where computing it failed (a var).
    fn root(&self, name: &str, rest: &[crate::value::Segment]) -> Result<Option<&Value>, String>;
    /// Renders the right side of a condition.
    fn render(&self, leaf: &Leaf) -> Result<Value, RenderError>;
    /// Whether a time lies in the named hours.
    fn in_hours(&self, name: &str, at: &Value) -> Result<bool, String>;
    /// `now`, for durations as in `4h ago`.
    fn now(&self) -> crate::clock::Time;
}

impl Condition {
    /// Whether it holds. `Err` is the first test that did not, with the value it saw.
    pub fn evaluate(&self, _scope: &dyn Scope) -> Result<(), Evidence> {
        unimplemented!()
    }
    /// True for `{}`.
    pub fn is_empty(&self) -> bool {
        matches!(self, Self::All(list) if list.is_empty())
    }
}
