//! Liquid, bounded: nothing else in Bellwire calls the `liquid` crates.
// CONTRACT STUB: part A replaces the bodies; keep the signatures (add freely).

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use crate::{
    clock::Time,
    model::Place,
    value::{Path, Value},
};

/// The workspace's `templates/**/*.liquid` by the name that `{% include "notes/missed_call" %}` uses.
#[derive(Debug, Clone, Default)]
pub struct Files(pub Arc<BTreeMap<String, String>>);

/// A fault of a template's text, at a line and column of that text (from 1).
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct TemplateFault {
    pub message: String,
    pub place: Place,
    pub help: String,
}

/// Why a render failed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct RenderError {
    pub kind: RenderErrorKind,
    /// Names the expression.
    pub message: String,
    /// In the template's own text; zero where unknown.
    pub place: Place,
}
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RenderErrorKind {
    /// A name that is not there.
    Missing,
    /// Steps, bytes or time are used up.
    Budget,
    /// A value that the sink refuses, such as a control character in a header.
    Refused,
    Other,
}

/// How the values of `{{ }}` are escaped on their way into a text: by where it goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sink {
    /// As they are.
    Plain,
    /// Percent-encoded as one segment of a URL's path.
    PathSegment,
    /// Percent-encoded as one value of a query.
    QueryValue,
    /// HTML-escaped; `| raw` as last filter opts out, here alone.
    Html,
    /// Refused if they hold a control character.
    Header,
}

/// What one render may use. Counted over everything rendered with one `Context`.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Turns of loops and evaluations; 100,000.
    pub steps: u64,
    /// Bytes of output and of each intermediate value; 1 MiB.
    pub bytes: usize,
    /// Time from `Context::new`; 1 s unless set.
    pub time: Duration,
}

/// The names a template sees. Roots are borrowed, never copied.
pub struct Context<'a> {
    _p: std::marker::PhantomData<&'a ()>,
}

impl<'a> Context<'a> {
    /// An empty context; `now` is what `now` and `'now' | date` mean.
    pub fn new(_now: Time, _limits: Limits) -> Self {
        unimplemented!()
    }
    /// Adds a root name. The last one of a name counts.
    pub fn set(&mut self, _name: &'a str, _value: &'a Value) -> &mut Self {
        unimplemented!()
    }
    /// Missing names become null instead of an error (profile cards, `render --lenient`).
    pub fn lenient(self) -> Self {
        unimplemented!()
    }
    /// What `now` means here.
    pub fn now(&self) -> Time {
        unimplemented!()
    }
    /// The value of a root.
    pub fn root(&self, _name: &str) -> Option<&'a Value> {
        unimplemented!()
    }
}

/// A place that a template looks at, seen in its text: for checks against schemas, and for computing `vars` as needed.
#[derive(Debug, Clone, PartialEq)]
pub struct Reference {
    /// As far as it is literal: `event.tracking.ticket`; `event.x[y]` gives `event.x`.
    pub path: Path,
    /// Goes on dynamically after `path`.
    pub open: bool,
    /// `default` is among its filters, or it stands in a bare condition.
    pub has_default: bool,
    /// In the template's own text.
    pub place: Place,
}

/// A parsed template.
#[derive(Debug, Clone)]
pub struct Template {/* Arc */}

impl Template {
    /// Parses a text; includes are resolved (and parsed) in `files`, cycles are a fault.
    pub fn parse(_text: &str, _files: &Files) -> Result<Self, TemplateFault> {
        unimplemented!()
    }
    /// Renders to text.
    pub fn render(&self, _context: &Context<'_>, _sink: Sink) -> Result<String, RenderError> {
        unimplemented!()
    }
    /// What it looks at, includes and local names (assign, for) taken into account: only names from outside.
    pub fn references(&self) -> &[Reference] {
        unimplemented!()
    }
}

/// A leaf of a rule's tree.
#[derive(Debug, Clone)]
pub enum Leaf {
    /// No template in it.
    Literal(Value),
    /// Exactly one `{{ }}`: keeps its type.
    Expression(Template),
    /// Text with templates in it.
    Text(Template),
}

impl Leaf {
    /// Reads a leaf: text with `{{` or `{%` is a template, all else a literal.
    pub fn parse(_value: &Value, _files: &Files) -> Result<Self, TemplateFault> {
        unimplemented!()
    }
    /// The value: a literal as it is; an expression typed (with `Sink::Plain`) or as escaped text (any other sink); text as text.
    pub fn render(&self, _context: &Context<'_>, _sink: Sink) -> Result<Value, RenderError> {
        unimplemented!()
    }
    /// What it looks at.
    pub fn references(&self) -> &[Reference] {
        unimplemented!()
    }
    /// Whether it is a literal.
    pub fn is_literal(&self) -> bool {
        matches!(self, Self::Literal(_))
    }
}

/// A value whose leaves may be templates; each leaf knows its place in the rule's file.
#[derive(Debug, Clone)]
pub enum Tree {
    Leaf(Leaf, Place),
    List(Vec<Tree>),
    Map(Vec<(String, Tree)>),
}

impl Tree {
    /// Reads a tree. `place` tells where the value at a JSON pointer such as `/a/0` (relative to `value`) stands in its file.
    /// All faults of all leaves, each with the leaf's place (a template's own line and column where it is a block of text are
    /// added by the caller's position map where possible).
    pub fn parse(
        _value: &Value,
        _files: &Files,
        _place: &dyn Fn(&str) -> Place,
    ) -> Result<Self, Vec<(Place, TemplateFault)>> {
        unimplemented!()
    }
    /// Renders every leaf. The first failing leaf's place is in the error's message context.
    pub fn render(&self, _context: &Context<'_>, _sink: Sink) -> Result<Value, RenderError> {
        unimplemented!()
    }
    /// What all leaves look at, with each leaf's place in its file.
    pub fn references(&self) -> Vec<(Place, Reference)> {
        unimplemented!()
    }
}
