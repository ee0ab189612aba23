//! What a run is about, and where it stands when it is taken up.

use crate::{
    clock::Time,
    model::{StepError, StepOutput, StepPath},
    value::{Object, Value},
};

/// What a run is about.
#[derive(Debug, Clone)]
pub struct About {
    /// The payloads, oldest first; the last is `event`. Never empty.
    pub events: Vec<Value>,
    /// `trigger` of the newest.
    pub trigger: Value,
    /// When the newest was received: `now` of vars.
    pub received_at: Time,
    /// `run_...`.
    pub run: String,
    /// When its first step began. `None`: it has not.
    pub started_at: Option<Time>,
    /// `run_...` of the run that it repeats.
    pub replay_of: Option<String>,
}

/// Where a run stands when it is taken up.
#[derive(Debug, Clone, Default)]
pub struct Stand {
    /// Vars that are kept with it.
    pub vars: Object,
    /// Every step that has ended, in that order, and the lists of its loops: all that [`super::Walk::take_fresh`] gave.
    pub outputs: Vec<StepOutput>,
    /// It has finally failed, and `on_error` is at work.
    pub failure: Option<StepError>,
    /// The step that was begun and has not ended, and when it began: its `if` is not asked again.
    pub begun: Option<(StepPath, Time)>,
}
