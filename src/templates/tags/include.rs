//! `include` and `render`.

use std::io::Write;

use liquid_core::{Renderable, Runtime, runtime::InterruptRegister};
use serde_json::Value;

use super::stop;
use crate::templates::{
    RenderError,
    evaluate::{Evaluation, spent_at},
    frame::{Turn, TurnKind, state},
    prepare::Include,
};

/// Renders a file that was found when the template was parsed.
#[derive(Debug)]
pub(super) struct Including(pub(super) Include);

impl Renderable for Including {
    fn render_to(&self, writer: &mut dyn Write, runtime: &dyn Runtime) -> liquid_core::Result<()> {
        let scopes = state(runtime).scopes.len();
        let rendered = self.arguments(runtime).map_err(|error| stop(runtime, error)).and_then(|(given, each)| {
            let outer = self.isolate(runtime, scopes);
            state(runtime).scopes.extend(given);
            let rendered = self.turns(writer, runtime, each);
            if let Some((assigned, turns, from)) = outer {
                let mut state = state(runtime);
                (state.assigned, state.turns, state.scopes_from) = (assigned, turns, from);
            }
            rendered
        });
        let mut state = state(runtime);
        state.scopes.truncate(scopes);
        rendered
    }
}

type Outer = (std::collections::HashMap<String, Value>, Vec<Turn>, usize);
/// The arguments, and what to go through if it was `for`.
type Arguments = (Vec<(String, Value)>, Option<Vec<Value>>);

impl Including {
    fn arguments(&self, runtime: &dyn Runtime) -> Result<Arguments, RenderError> {
        let Include { with, named, place, .. } = &self.0;
        let evaluation = Evaluation::new(runtime);
        evaluation.budget.step().map_err(|spent| spent_at(*place, &spent))?;
        let mut given = Vec::with_capacity(named.len() + 1);
        for (name, value) in named {
            given.push((name.clone(), evaluation.strict(value, *place)?));
        }
        let Some((name, value, each)) = with else { return Ok((given, None)) };
        match evaluation.strict(value, *place)? {
            Value::Array(list) if *each => Ok((given, Some(list))),
            value => {
                given.push((name.clone(), value));
                Ok((given, None))
            }
        }
    }

    /// Hides the names around a `render`, and gives them out to be put back.
    fn isolate(&self, runtime: &dyn Runtime, scopes: usize) -> Option<Outer> {
        if !self.0.isolated {
            return None;
        }
        let mut state = state(runtime);
        let from = std::mem::replace(&mut state.scopes_from, scopes);
        Some((std::mem::take(&mut state.assigned), std::mem::take(&mut state.turns), from))
    }

    fn turns(
        &self,
        writer: &mut dyn Write,
        runtime: &dyn Runtime,
        each: Option<Vec<Value>>,
    ) -> liquid_core::Result<()> {
        let (Some(list), Some((name, ..))) = (each, &self.0.with) else { return self.once(writer, runtime) };
        let length = list.len() as u64;
        for (index, value) in list.into_iter().enumerate() {
            {
                let mut state = state(runtime);
                let step = state.budget.step();
                if let Err(spent) = step {
                    drop(state);
                    return Err(stop(runtime, spent_at(self.0.place, &spent)));
                }
                state.scopes.push((name.clone(), value));
                let (kind, index, name) = (TurnKind::For, index as u64, name.clone());
                state.turns.push(Turn { kind, index, length, columns: length, name, hidden: self.0.isolated });
            }
            let rendered = self.once(writer, runtime);
            let mut state = state(runtime);
            state.scopes.pop();
            state.turns.pop();
            rendered?;
        }
        Ok(())
    }

    fn once(&self, writer: &mut dyn Write, runtime: &dyn Runtime) -> liquid_core::Result<()> {
        let rendered = self.0.parsed.body.render_to(writer, runtime);
        if self.0.isolated {
            runtime.registers().get_mut::<InterruptRegister>().reset();
        }
        if rendered.is_err()
            && let Some(failure) = state(runtime).failure.as_mut()
        {
            // The place is in the included file; what the caller can look up is the tag that includes it.
            failure.message = format!("in `{}`, line {}: {}", self.0.file, failure.place.line, failure.message);
            failure.place = self.0.place;
        }
        rendered
    }
}
