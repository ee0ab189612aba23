//! What answers the requests of a trial.

use std::time::Duration;

use crate::{
    actions::{Answer, Request},
    model::{ErrorClass, StepPath},
    rules::{HttpStep, Step, StepKind},
    services::Registry,
    value::Value,
};

/// What answers the requests of a trial.
pub trait Answers {
    /// The reply to one attempt. `Err` is one sentence with the way out: there is none, and the trial ends here.
    fn answer(&mut self, call: &Call<'_>) -> Result<Reply, String>;
}

/// One attempt of a step.
#[derive(Debug, Clone, Copy)]
pub struct Call<'a> {
    /// With its turn.
    pub path: &'a StepPath,
    pub step: &'a Step,
    /// From 1.
    pub attempt: u32,
    /// The same for every attempt.
    pub request: &'a Request,
    pub registry: &'a Registry,
}

impl Call<'_> {
    /// The name of what is called: `groove.add_note` or `http`.
    pub fn action(&self) -> &str {
        action_name(self.step)
    }

    /// What the pack says that a service answers. `None` where it says nothing.
    pub fn sample(&self) -> Option<Reply> {
        let StepKind::Action { name, .. } = &self.step.kind else { return None };
        let (_, action) = self.registry.action(name)?;
        action.sample.as_ref().map(|sample| Reply::json(200, sample))
    }

    /// Whether it changes nothing at the target.
    pub fn is_read(&self) -> bool {
        is_read(self.step, self.registry)
    }
}

/// What came, or did not come, of one attempt.
#[derive(Debug, Clone, PartialEq)]
pub enum Reply {
    /// A whole answer.
    Answer {
        /// The HTTP status.
        status: u16,
        /// Names and values, in order.
        headers: Vec<(String, String)>,
        body: Vec<u8>,
    },
    /// None, because no byte went out.
    NotSent {
        /// `network` or `tls`.
        class: ErrorClass,
        /// One sentence.
        message: String,
    },
    /// None in time: whether it took effect is unknown.
    Late,
}

impl Reply {
    /// A JSON answer.
    pub fn json(status: u16, body: &Value) -> Self {
        let headers = vec![("content-type".to_owned(), "application/json".to_owned())];
        Self::Answer { status, headers, body: body.to_string().into_bytes() }
    }

    /// As actions read it. `message` holds the sentence of one that came too late.
    pub(super) fn as_answer<'a>(&'a self, message: &'a str) -> Answer<'a> {
        match self {
            Self::Answer { status, headers, body } => {
                Answer::Reply { status: *status, headers, body, truncated: false }
            }
            Self::NotSent { class, message } => Answer::None { class: *class, maybe_executed: false, message },
            Self::Late => Answer::None { class: ErrorClass::Timeout, maybe_executed: true, message },
        }
    }

    /// How long it took: nothing, or as long as an attempt may take.
    pub(super) fn took(&self, step: &Step) -> Duration {
        if matches!(self, Self::Late) { step.timeout } else { Duration::ZERO }
    }
}

/// The name of what a step does, as `expect` and traces have it.
pub(super) fn action_name(step: &Step) -> &str {
    match &step.kind {
        StepKind::Action { name, .. } => name,
        StepKind::Http(_) => "http",
        StepKind::Block { .. } => "if",
        StepKind::ForEach { .. } => "for_each",
        StepKind::Wait(_) => "wait",
        StepKind::Attributes(attributes) => keeper_word(attributes.keeper),
        StepKind::Emit { .. } => "emit",
        StepKind::Vars(_) => "vars",
        StepKind::Stop(_) => "stop",
        StepKind::Fail(_) => "fail",
    }
}

/// `profile` or `record`.
pub(super) fn keeper_word(keeper: crate::model::Keeper) -> &'static str {
    match keeper {
        crate::model::Keeper::Profile => "profile",
        crate::model::Keeper::Record => "record",
    }
}

/// Whether a step that sends changes nothing at its target.
pub(super) fn is_read(step: &Step, registry: &Registry) -> bool {
    match &step.kind {
        StepKind::Action { name, .. } => registry.action(name).is_some_and(|(_, action)| action.read),
        StepKind::Http(http) => is_read_method(http),
        _ => false,
    }
}

fn is_read_method(http: &HttpStep) -> bool {
    http.method == http::Method::GET || http.method == http::Method::HEAD
}
