//! Conditions: operators as data, explainable.

mod decide;
mod evaluate;
mod parse;
mod search;
mod shown;
mod trace;

use super::{hours::Hours, pattern::Pattern};
use crate::{
    clock::Time,
    model::Place,
    templates::{Leaf, RenderError, Tree},
    value::{Path, Segment, Value},
};

pub(crate) use parse::parse_condition;
pub use search::read_search;
pub use trace::Traced;

/// What `when`, `if` and their kin hold.
#[derive(Debug)]
pub enum Condition {
    /// Every one holds; so does an empty list.
    All(Vec<Condition>),
    /// At least one holds.
    Any(Vec<Condition>),
    /// It does not hold.
    Not(Box<Condition>),
    /// A path with its operators.
    Test(Test),
}

/// One path with its operators, all of which must hold.
#[derive(Debug)]
pub struct Test {
    /// Where to look.
    pub path: Path,
    /// What must hold there.
    pub operators: Vec<Operator>,
    /// Texts compare without case.
    pub ignore_case: bool,
    /// Of the path in its file.
    pub place: Place,
}

/// One operator with its right side.
#[derive(Debug)]
pub struct Operator {
    /// What it asks.
    pub kind: OperatorKind,
    /// The word in the file, such as `starts_with`.
    pub name: &'static str,
    /// Its right side.
    pub operand: Operand,
    /// Of its right side in its file.
    pub place: Place,
}

/// What an operator asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OperatorKind {
    Is,
    Not,
    In,
    Gt,
    Gte,
    Lt,
    Lte,
    Between,
    Contains,
    StartsWith,
    EndsWith,
    Matches,
    Exists,
    Empty,
    Length,
    Type,
    Before,
    After,
    InHours,
}

/// The right side of an operator.
#[derive(Debug)]
pub enum Operand {
    /// As written.
    Literal(Value),
    /// One template.
    Template(Leaf),
    /// A list or map with templates in it.
    Tree(Tree),
    /// What `not` and `length` hold.
    Operators(Vec<Operator>),
    /// What `matches` holds, unless it is a template.
    Pattern(Pattern),
    /// `4h ago`, in milliseconds.
    Ago(i64),
    /// What `in_hours` names. Without hours the scope is asked.
    Hours(String, Option<Hours>),
}

/// Where conditions look values up, and what the templates on their right sides see.
pub trait Scope {
    /// The value of a root such as `event`, `trigger`, `vars`, `steps`, `now`; `rest` is what will be looked up in it (the var's
    /// name, for `vars`). `Err` where computing it failed.
    fn root(&self, name: &str, rest: &[Segment]) -> Result<Option<&Value>, String>;
    /// Renders the right side of a condition.
    fn render(&self, leaf: &Leaf) -> Result<Value, RenderError>;
    /// Whether a time lies in the named hours; asked only where a rule was compiled without the hours themselves.
    fn in_hours(&self, name: &str, at: &Value) -> Result<bool, String>;
    /// `now`, for durations as in `4h ago`.
    fn now(&self) -> Time;
    /// Whether anybody reads why a condition does not hold. Where nobody does, the evidence is empty: making it costs more than the answer.
    fn explains(&self) -> bool {
        true
    }
}

impl Condition {
    /// True for `{}`.
    pub fn is_empty(&self) -> bool {
        matches!(self, Self::All(list) if list.is_empty())
    }

    /// Calls `see` with every test in it.
    pub fn each_test<'c>(&'c self, see: &mut dyn FnMut(&'c Test)) {
        match self {
            Self::All(list) | Self::Any(list) => list.iter().for_each(|condition| condition.each_test(see)),
            Self::Not(condition) => condition.each_test(see),
            Self::Test(test) => see(test),
        }
    }
}

impl Operator {
    /// Calls `see` with it and every operator in it.
    pub fn each<'o>(&'o self, see: &mut dyn FnMut(&'o Operator)) {
        see(self);
        if let Operand::Operators(list) = &self.operand {
            for operator in list {
                operator.each(see);
            }
        }
    }
}

impl OperatorKind {
    /// Every operator with its word in a file.
    pub const WORDS: [(&'static str, Self); 19] = [
        ("is", Self::Is),
        ("not", Self::Not),
        ("in", Self::In),
        ("gt", Self::Gt),
        ("gte", Self::Gte),
        ("lt", Self::Lt),
        ("lte", Self::Lte),
        ("between", Self::Between),
        ("contains", Self::Contains),
        ("starts_with", Self::StartsWith),
        ("ends_with", Self::EndsWith),
        ("matches", Self::Matches),
        ("exists", Self::Exists),
        ("empty", Self::Empty),
        ("length", Self::Length),
        ("type", Self::Type),
        ("before", Self::Before),
        ("after", Self::After),
        ("in_hours", Self::InHours),
    ];
}

#[cfg(test)]
mod tests;
