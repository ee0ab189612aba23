//! Where a run goes on: the steps of its rule walked from the top, past everything that has ended. Pure.

use std::collections::HashMap;

use super::view::Branch;
use crate::{
    model::{StepError, StepOutcome, StepOutput, StepPath},
    rules::{OnStepError, Step, StepKind},
};

/// What a run does next.
#[derive(Debug)]
pub(super) enum Next<'r> {
    /// This step has not ended.
    Step(&'r Step),
    /// A step has finally failed, and nothing goes on after it.
    Failed(StepError),
    /// A `stop` step ended the run.
    Stopped(String),
    /// Every step has ended.
    Done,
}

/// The next thing to do in `steps`, given what has ended.
pub(super) fn next<'r>(steps: &'r [Step], outputs: &HashMap<StepPath, StepOutput>) -> Next<'r> {
    for step in steps {
        let Some(output) = outputs.get(&step.path) else {
            return Next::Step(step);
        };
        match after(step, output, outputs) {
            Next::Done => {}
            other => return other,
        }
    }
    Next::Done
}

/// What follows a step that has ended: `Done` where the step after it is next.
fn after<'r>(step: &'r Step, output: &StepOutput, outputs: &HashMap<StepPath, StepOutput>) -> Next<'r> {
    match (&step.kind, output.outcome) {
        (StepKind::Stop(_), StepOutcome::Ok) => Next::Stopped(output.result.as_str().unwrap_or_default().to_owned()),
        (StepKind::Block { then, otherwise }, StepOutcome::Ok) => match Branch::of(output) {
            Branch::Then => next(then, outputs),
            Branch::Else => next(otherwise, outputs),
            Branch::Neither => Next::Done,
        },
        (kind, StepOutcome::Failed) => {
            let error = output.error.clone().unwrap_or_else(|| lost(step));
            match &step.on_error {
                _ if matches!(kind, StepKind::Fail(_)) => Next::Failed(error),
                OnStepError::Stop => Next::Failed(error),
                OnStepError::Continue => Next::Done,
                OnStepError::Steps(list) => next(list, outputs),
            }
        }
        _ => Next::Done,
    }
}

fn lost(step: &Step) -> StepError {
    StepError {
        step: step.path.0.clone(),
        class: crate::model::ErrorClass::Internal,
        status: None,
        message: "the step failed; why was not kept".to_owned(),
        attempt: 0,
    }
}
