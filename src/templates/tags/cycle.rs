//! `cycle` and `ifchanged`.

use std::io::Write;

use liquid_core::{Error, Renderable, Runtime, Template};

use super::{output::put, stop, write};
use crate::{
    model::Place,
    templates::{
        evaluate::{Evaluation, spent_at},
        frame::state,
        language::Arm,
        prepare::Cycle,
        print::{Capped, text_of},
    },
};

/// `{% cycle 'a', 'b' %}`: one after another.
#[derive(Debug)]
pub(super) struct Cycling(pub(super) Cycle);

impl Renderable for Cycling {
    fn render_to(&self, writer: &mut dyn Write, runtime: &dyn Runtime) -> liquid_core::Result<()> {
        let Cycle { group, values, text, place } = &self.0;
        let evaluation = Evaluation::new(runtime);
        let group = match group {
            None => text.clone(),
            Some(group) => {
                let group = evaluation.strict(group, *place).map_err(|error| stop(runtime, error))?;
                let name = text_of(&group, &evaluation.budget);
                name.map_err(|spent| stop(runtime, spent_at(*place, &spent)))?.into_owned()
            }
        };
        let turn = {
            let mut state = state(runtime);
            let turn = state.cycles.entry(group).or_insert(0);
            let now = *turn;
            *turn = if now + 1 < values.len() { now + 1 } else { 0 };
            now
        };
        let Some(value) = values.get(turn) else { return Ok(()) };
        let value = evaluation.strict(value, *place).map_err(|error| stop(runtime, error))?;
        put(writer, runtime, &value, false, *place, "cycle")
    }
}

/// `{% ifchanged %}`: shown where it differs from the last time.
#[derive(Debug)]
pub(super) struct IfChanged(Template);

impl IfChanged {
    #[expect(clippy::new_ret_no_self, reason = "tags are known by what renders them alone")]
    pub(super) fn new(arms: Vec<Arm>) -> liquid_core::Result<Box<dyn Renderable>> {
        let arm = arms.into_iter().next().ok_or_else(|| Error::with_msg("an empty block"))?;
        Ok(Box::new(Self(arm.body)))
    }
}

impl Renderable for IfChanged {
    fn render_to(&self, writer: &mut dyn Write, runtime: &dyn Runtime) -> liquid_core::Result<()> {
        let bytes = state(runtime).budget.bytes();
        let mut text = Capped::new(bytes);
        self.0.render_to(&mut text, runtime)?;
        let held = state(runtime).budget.hold(text.bytes.len());
        held.map_err(|spent| stop(runtime, spent_at(Place::default(), &spent)))?;
        if state(runtime).shown.as_ref() == Some(&text.bytes) {
            return Ok(());
        }
        write(writer, runtime, &text.bytes)?;
        state(runtime).shown = Some(text.bytes);
        Ok(())
    }
}
