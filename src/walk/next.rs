//! What a run needs next from outside, and how it ends.

use crate::{
    clock::Time,
    model::{Effect, StepError, StepPath},
    value::Value,
};

/// What a run needs next from outside.
#[derive(Debug, PartialEq)]
pub enum Next {
    /// An action or `http` step: prepare it in [`super::Walk::context`], send it, and tell its end by [`super::Walk::end`].
    Request {
        /// The step, with its turns.
        path: StepPath,
        /// Its `now`.
        began: Time,
    },
    /// A `profile`, `record` or `emit` step.
    Effect {
        /// The step, with its turns.
        path: StepPath,
        /// What it does.
        effect: Effect,
    },
    /// A `wait` step.
    Wait {
        /// The step, with its turns.
        path: StepPath,
        /// Its `now`.
        began: Time,
        /// What ends it.
        wait: Wait,
    },
    /// Every step has ended, or `stop` or `fail` ended the run.
    End(End),
}

/// What a `wait` step waits for.
#[derive(Debug, Clone, PartialEq)]
pub struct Wait {
    /// When it ends by itself. `None`: never.
    pub until: Option<Time>,
    /// The events that may end it. `None`: time alone.
    pub event: Option<WaitEvent>,
}

/// The events that may end a wait: [`super::Walk::ends_wait`] says of each whether it does.
#[derive(Debug, Clone, PartialEq)]
pub struct WaitEvent {
    /// Any of these types.
    pub kinds: Vec<String>,
    /// Where in the payload the key is, as a JSON pointer.
    pub pointer: String,
    /// What must stand there: a text, a number or a boolean.
    pub value: Value,
}

/// How a run ends.
#[derive(Debug, Clone, PartialEq)]
pub enum End {
    /// Well.
    Ok {
        /// The words of `stop`, if one ended it.
        why: Option<String>,
    },
    /// Badly; `on_error` of the rule has run.
    Failed(StepError),
}
