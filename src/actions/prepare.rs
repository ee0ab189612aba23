//! From a step and what it sees to its request.

use super::{Request, pack_request, step_request};
use crate::{
    clock::Time,
    model::{ErrorClass, StepError},
    rules::{Step, StepKind},
    services::{Action, Pack, Registry},
    templates::{Context, RenderError, RenderErrorKind},
    value::Value,
};

/// Renders a step's request. `context` has every root that the step may see.
///
/// The error names the input, header or part that failed. Its class is `invalid_input` for an input that is missing or of the wrong
/// type, `template` for a template that failed, `invalid_header_value`, or `render_type` for a rendered part that is empty, too large or
/// of the wrong kind. None of them is retried.
pub fn prepare(step: &Step, context: &Context<'_>, registry: &Registry) -> Result<Request, StepError> {
    let prepared = match &step.kind {
        StepKind::Action { name, inputs, connection } => match registry.action(name) {
            Some((pack, action)) => pack_request::prepare(pack, action, inputs, connection.as_deref(), context),
            None => Err(Fault::new(ErrorClass::Internal, format!("there is no action `{name}`"))),
        },
        StepKind::Http(http) => step_request::prepare(http, context),
        _ => Err(Fault::new(ErrorClass::Internal, "this kind of step sends no request".to_owned())),
    };
    prepared.map_err(|fault| fault.of(step))
}

/// Renders the request of an action that no rule names, such as one that sets a webhook up: `values` are what its templates see, as they
/// are. `Err` is one sentence.
pub fn prepare_values(
    pack: &Pack,
    action: &Action,
    values: &[(&str, Value)],
    connection: &str,
    now: Time,
) -> Result<Request, String> {
    pack_request::of_values(pack, action, values, connection, now).map_err(|fault| fault.message)
}

/// What a step gives to its action, as a map: the inputs turned to their types, null ones left out; of an `http` step the rendered
/// `method`, `url`, `headers`, `query` and its body under `json`, `form`, `text`, `xml` or `multipart`. For whoever compares what was meant with what is
/// wanted. Errors as of [`prepare`].
pub fn inputs(step: &Step, context: &Context<'_>, registry: &Registry) -> Result<Value, StepError> {
    let given = match &step.kind {
        StepKind::Action { name, inputs, .. } => match registry.action(name) {
            Some((pack, action)) => pack_request::inputs(pack, action, inputs, context)
                .map(|all| all.into_iter().filter(|(_, value)| !value.is_null()))
                .map(|all| all.map(|(name, value)| (name.to_owned(), value)).collect()),
            None => Err(Fault::new(ErrorClass::Internal, format!("there is no action `{name}`"))),
        },
        StepKind::Http(http) => step_request::inputs(http, context),
        _ => Err(Fault::new(ErrorClass::Internal, "this kind of step sends no request".to_owned())),
    };
    given.map(Value::Object).map_err(|fault| fault.of(step))
}

/// Why a request cannot be made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Fault {
    pub(super) class: ErrorClass,
    pub(super) message: String,
}

impl Fault {
    pub(super) fn new(class: ErrorClass, message: String) -> Self {
        Self { class, message }
    }

    /// A rendered part that is empty, too large or of the wrong kind.
    pub(super) fn kind(message: String) -> Self {
        Self::new(ErrorClass::RenderType, message)
    }

    /// A template that failed; `what` is the part that it stands in.
    pub(super) fn template(what: &str, error: &RenderError) -> Self {
        let class = match error.kind {
            RenderErrorKind::Refused => ErrorClass::InvalidHeaderValue,
            RenderErrorKind::Missing | RenderErrorKind::Budget | RenderErrorKind::Other => ErrorClass::Template,
        };
        Self::new(class, format!("{what}: {error}"))
    }

    fn of(self, step: &Step) -> StepError {
        StepError { step: step_name(step), class: self.class, status: None, message: self.message, attempt: 0 }
    }
}

/// A step's id, or its path where it has none.
pub(super) fn step_name(step: &Step) -> String {
    step.id.clone().unwrap_or_else(|| step.path.to_string())
}

#[cfg(test)]
mod tests;
