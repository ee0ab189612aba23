//! Why a step failed without anything having been asked of the outside.

use serde_json::Value;

use crate::{
    model::{ErrorClass, StepError, StepOutcome, StepOutput, StepPath},
    rules::Step,
    templates::RenderError,
};

/// Characters of a message that are kept; what `fail` says may be rendered from a payload.
const LONGEST_MESSAGE: usize = 2000;

/// What kind of failure, and one sentence about it.
#[derive(Debug)]
pub(super) struct Fault {
    pub(super) class: ErrorClass,
    pub(super) message: String,
}

impl Fault {
    pub(super) fn input(message: String) -> Self {
        Self { class: ErrorClass::InvalidInput, message }
    }

    pub(super) fn limit(message: String) -> Self {
        Self { class: ErrorClass::Limit, message }
    }

    /// As the error of a step.
    pub(super) fn of(self, step: &Step, path: &StepPath) -> StepError {
        let step = step.id.clone().unwrap_or_else(|| path.0.clone());
        let message = self.message.chars().take(LONGEST_MESSAGE).collect();
        StepError { step, class: self.class, status: None, message, attempt: 0 }
    }
}

impl From<RenderError> for Fault {
    fn from(error: RenderError) -> Self {
        Self { class: ErrorClass::Template, message: error.message }
    }
}

/// What a step leaves behind that ends by itself.
pub(super) fn output(path: StepPath, outcome: StepOutcome, result: Value) -> StepOutput {
    let waited = std::time::Duration::ZERO;
    StepOutput { step: path, outcome, result, error: None, response: Value::Null, waited }
}

/// What a step leaves behind that failed by itself.
pub(super) fn failed(path: StepPath, error: StepError) -> StepOutput {
    StepOutput { error: Some(error), ..output(path, StepOutcome::Failed, Value::Null) }
}
