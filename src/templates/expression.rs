//! What stands in `{{ }}` and in tags: values, filters and conditions, as read.

use serde_json::Value;

use super::filters::Filter;
use crate::model::Place;

/// A value that is written out, looked up or counted up.
#[derive(Debug, Clone)]
pub(super) enum Expression {
    Literal(Value),
    /// `empty`: equal to `""`, `[]` and `{}`.
    Empty,
    /// `blank`: equal to null, false, white space and all that is `empty`.
    Blank,
    Lookup(Lookup),
    /// `(from..to)`; both ends belong to it.
    Range(Box<(Expression, Expression)>),
}

/// A name and what follows it.
#[derive(Debug, Clone)]
pub(super) struct Lookup {
    pub(super) root: String,
    pub(super) parts: Vec<Part>,
    /// As the template writes it.
    pub(super) text: String,
    pub(super) place: Place,
}

/// One part of a lookup after its root.
#[derive(Debug, Clone)]
pub(super) enum Part {
    Name(String),
    Index(i64),
    /// `[expression]`, evaluated each time.
    Open(Expression),
}

/// A value and its filters.
#[derive(Debug, Clone)]
pub(super) struct Chain {
    pub(super) entry: Expression,
    pub(super) calls: Vec<Call>,
    /// As the template writes it, cut to a length that fits a message.
    pub(super) text: String,
    pub(super) place: Place,
}

impl Chain {
    /// Whether `| raw` is its last filter.
    pub(super) fn is_raw(&self) -> bool {
        self.calls.last().is_some_and(|call| call.filter.name == "raw")
    }
}

/// One filter with its arguments.
#[derive(Debug, Clone)]
pub(super) struct Call {
    pub(super) filter: &'static Filter,
    pub(super) arguments: Vec<Expression>,
    pub(super) named: Vec<(String, Expression)>,
}

/// What `if`, `unless` and `elsif` ask.
#[derive(Debug, Clone)]
pub(super) struct Condition {
    /// Joined from the right, as Liquid does: `a and b or c` is `a and (b or c)`.
    pub(super) tests: Vec<Test>,
    /// Between the tests; one fewer than they are.
    pub(super) joints: Vec<Joint>,
    pub(super) place: Place,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Joint {
    And,
    Or,
}

#[derive(Debug, Clone)]
pub(super) enum Test {
    /// A bare value: anything but null, false and missing holds.
    Holds(Expression),
    Compares(Expression, Operator, Expression),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Operator {
    Equal,
    Unequal,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
    Contains,
}

impl Operator {
    /// Whether it asks which of two comes first.
    pub(super) fn orders(self) -> bool {
        matches!(self, Self::Less | Self::LessOrEqual | Self::Greater | Self::GreaterOrEqual)
    }
}
