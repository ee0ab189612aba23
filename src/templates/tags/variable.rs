//! `assign`, `capture`, `increment` and `decrement`.

use std::io::Write;

use liquid_core::{Error, Renderable, Runtime, Template};
use serde_json::Value;

use super::{stop, write};
use crate::{
    model::Place,
    templates::{
        Sink,
        evaluate::{Evaluation, spent_at},
        expression::Chain,
        frame::state,
        language::Arm,
        limits::weight,
        prepare::Prepared,
        print::Capped,
    },
};

/// `{% assign name = value %}`.
#[derive(Debug)]
pub(super) struct Assign {
    pub(super) name: String,
    pub(super) chain: Chain,
}

impl Renderable for Assign {
    fn render_to(&self, _writer: &mut dyn Write, runtime: &dyn Runtime) -> liquid_core::Result<()> {
        let evaluation = Evaluation::new(runtime);
        let value = evaluation.chain(&self.chain).map_err(|error| stop(runtime, error))?;
        let held = evaluation.budget.copy(weight(&value));
        held.map_err(|spent| stop(runtime, spent_at(self.chain.place, &spent)))?;
        state(runtime).assigned.insert(self.name.clone(), value);
        Ok(())
    }
}

/// `{% capture name %}`.
#[derive(Debug)]
pub(super) struct Capture {
    name: String,
    body: Template,
}

impl Capture {
    #[expect(clippy::new_ret_no_self, reason = "tags are known by what renders them alone")]
    pub(super) fn new(arms: Vec<Arm>) -> liquid_core::Result<Box<dyn Renderable>> {
        match arms.into_iter().next() {
            Some(Arm { opening: Prepared::Capture(name), body, .. }) => Ok(Box::new(Self { name, body })),
            _ => Err(Error::with_msg("a capture without a name")),
        }
    }
}

impl Renderable for Capture {
    fn render_to(&self, _writer: &mut dyn Write, runtime: &dyn Runtime) -> liquid_core::Result<()> {
        let (bytes, outer) = {
            let mut state = state(runtime);
            (state.budget.bytes(), std::mem::replace(&mut state.sink, Sink::Plain))
        };
        let mut captured = Capped::new(bytes);
        let rendered = self.body.render_to(&mut captured, runtime);
        let mut state = state(runtime);
        state.sink = outer;
        rendered?;
        let held = state.budget.hold(captured.bytes.len());
        let text = captured.into_text();
        if held.is_ok() {
            state.assigned.insert(self.name.clone(), Value::String(text));
        }
        drop(state);
        held.map_err(|spent| stop(runtime, spent_at(Place::default(), &spent)))
    }
}

/// `{% increment name %}` and `{% decrement name %}`.
#[derive(Debug)]
pub(super) struct Count {
    pub(super) name: String,
    pub(super) step: i64,
}

impl Renderable for Count {
    fn render_to(&self, writer: &mut dyn Write, runtime: &dyn Runtime) -> liquid_core::Result<()> {
        let shown = {
            let mut state = state(runtime);
            let count = state.counters.entry(self.name.clone()).or_insert(0);
            // `increment` shows the count before the step, `decrement` after it.
            let before = *count;
            *count = count.saturating_add(self.step);
            if self.step > 0 { before } else { *count }
        };
        write(writer, runtime, shown.to_string().as_bytes())
    }
}
