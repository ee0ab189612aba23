//! What the steps of a run have left behind, found by path and counted against the limits.

use std::{collections::HashMap, io, time::Duration};

use crate::{
    model::{StepOutput, StepPath},
    value::Value,
};

/// Bytes of output of a step (language.md, "Limits").
pub(super) const STEP_BYTES: usize = 256 * 1024;
/// Bytes of output of all steps of a run together (language.md, "Limits").
pub(super) const RUN_BYTES: usize = 4 * 1024 * 1024;
/// Turns of all loops of a run (language.md, "Limits").
pub(super) const RUN_TURNS: usize = 10_000;

/// What the steps of a run have left behind.
#[derive(Debug, Default)]
pub(super) struct Outputs {
    order: Vec<StepOutput>,
    places: HashMap<StepPath, usize>,
    /// So many have been taken.
    taken: usize,
    /// Bytes of those of `do`.
    used: usize,
    /// Bytes of those of the rule's `on_error`: a run that failed for its size can still tell of it.
    used_on_error: usize,
    turns: usize,
    waited: Duration,
}

impl Outputs {
    /// Those that are kept already.
    pub(super) fn kept(outputs: Vec<StepOutput>) -> Self {
        let mut kept = Self::default();
        for output in outputs {
            kept.add(output);
        }
        kept.taken = kept.order.len();
        kept
    }

    /// Where the output of a step is. `None`: it has not ended.
    pub(super) fn find(&self, path: &StepPath) -> Option<usize> {
        self.places.get(path).copied()
    }

    pub(super) fn at(&self, place: usize) -> Option<&StepOutput> {
        self.order.get(place)
    }

    pub(super) fn all(&self) -> &[StepOutput] {
        &self.order
    }

    /// Adds one; the first of a path counts.
    pub(super) fn add(&mut self, output: StepOutput) {
        if self.places.contains_key(&output.step) {
            return;
        }
        let bytes = weight(&output);
        *self.used_by(&output.step) += bytes;
        if output.step.is_list() {
            self.turns += output.result.as_array().map_or(0, Vec::len);
        }
        self.waited = self.waited.saturating_add(output.waited);
        self.places.insert(output.step.clone(), self.order.len());
        self.order.push(output);
    }

    /// Why an output is too large to be kept. `None`: it is not.
    pub(super) fn too_large(&self, output: &StepOutput) -> Option<String> {
        let bytes = weight(output);
        if bytes > STEP_BYTES && !output.step.is_list() {
            return Some(format!("it left {} behind, and a step may leave {}", kib(bytes), kib(STEP_BYTES)));
        }
        let used = if is_on_error(&output.step) { self.used_on_error } else { self.used };
        (bytes > 0 && used + bytes > RUN_BYTES).then(|| {
            format!("it left {} behind, and all steps of a run together may leave {}", kib(bytes), kib(RUN_BYTES))
        })
    }

    fn used_by(&mut self, path: &StepPath) -> &mut usize {
        if is_on_error(path) { &mut self.used_on_error } else { &mut self.used }
    }

    /// Turns of all loops that have been begun.
    pub(super) fn turns(&self) -> usize {
        self.turns
    }

    /// The time that all waits took.
    pub(super) fn waited(&self) -> Duration {
        self.waited
    }

    /// Those since the last call.
    pub(super) fn take_fresh(&mut self) -> Vec<StepOutput> {
        let fresh = self.order.get(self.taken..).map(<[StepOutput]>::to_vec).unwrap_or_default();
        self.taken = self.order.len();
        fresh
    }
}

/// Whether a step is of the rule's `on_error`.
fn is_on_error(path: &StepPath) -> bool {
    path.0.starts_with("on_error.")
}

/// What an output counts: the bytes of its result, its response and its error. An empty one counts nothing.
fn weight(output: &StepOutput) -> usize {
    let error = output.error.as_ref().map_or(0, |error| error.message.len());
    bytes(&output.result) + bytes(&output.response) + error
}

/// The length of a value as JSON; null counts nothing.
fn bytes(value: &Value) -> usize {
    struct Count(usize);
    impl io::Write for Count {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0 += bytes.len();
            Ok(bytes.len())
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
    if value.is_null() {
        return 0;
    }
    let mut count = Count(0);
    // Neither the value nor the counter can fail.
    serde_json::to_writer(&mut count, value).map_or(usize::MAX / 4, |()| count.0)
}

fn kib(bytes: usize) -> String {
    format!("{} KiB", bytes.div_ceil(1024))
}
