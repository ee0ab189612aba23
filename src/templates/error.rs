//! What can be wrong with a template: a fault of its text, or a render that failed.

use crate::model::Place;

/// A fault of a template's text, at a line and column of that text (from 1).
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct TemplateFault {
    /// What is wrong, in one sentence.
    pub message: String,
    /// In the template's own text.
    pub place: Place,
    /// The way out. Empty where the message says it all.
    pub help: String,
}

impl TemplateFault {
    /// A fault at `place`, with nothing to add.
    pub(super) fn new(place: Place, message: impl Into<String>) -> Self {
        Self { message: message.into(), place, help: String::new() }
    }

    /// The same with the way out.
    pub(super) fn help(mut self, help: impl Into<String>) -> Self {
        self.help = help.into();
        self
    }
}

/// Why a render failed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct RenderError {
    /// What sort of failure it is.
    pub kind: RenderErrorKind,
    /// Names the expression.
    pub message: String,
    /// In the template's own text; zero where unknown.
    pub place: Place,
}

/// The sorts of failures of a render.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RenderErrorKind {
    /// A name that is not there.
    Missing,
    /// Steps, bytes or time are used up.
    Budget,
    /// A value that the sink refuses, such as a control character in a header.
    Refused,
    /// A filter or a tag that cannot do its work with the value it was given.
    Other,
}

impl RenderError {
    pub(super) fn new(kind: RenderErrorKind, place: Place, message: impl Into<String>) -> Self {
        Self { kind, message: message.into(), place }
    }
}

/// `did you mean ...?` for the nearest of `known`; empty where nothing is near.
pub(super) fn did_you_mean<'k>(wanted: &str, known: impl Iterator<Item = &'k str>) -> String {
    /// Nearer than this share of equal letters counts as a slip of the fingers.
    const NEAR: f64 = 0.7;
    known
        .map(|name| (strsim::jaro_winkler(wanted, name), name))
        .filter(|(nearness, _)| *nearness > NEAR)
        .max_by(|left, right| left.0.total_cmp(&right.0))
        .map_or_else(String::new, |(_, name)| format!("did you mean `{name}`?"))
}
