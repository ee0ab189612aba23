//! Literal text and `{{ }}`.

use std::io::Write;

use liquid_core::{Error, Renderable, Runtime};
use serde_json::Value;

use super::{stop, write};
use crate::{
    model::Place,
    templates::{
        RenderError, RenderErrorKind,
        evaluate::{Evaluation, spent_at},
        expression::Chain,
        frame::state,
        limits::Spent,
        print::text_of,
    },
};

/// Text of the template itself: never escaped.
#[derive(Debug)]
pub(super) struct Text(pub(super) String);

impl Renderable for Text {
    fn render_to(&self, writer: &mut dyn Write, runtime: &dyn Runtime) -> liquid_core::Result<()> {
        write(writer, runtime, self.0.as_bytes())
    }
}

/// `{{ }}`: escaped by where the text goes.
#[derive(Debug)]
pub(super) struct Output(pub(super) Chain);

impl Renderable for Output {
    fn render_to(&self, writer: &mut dyn Write, runtime: &dyn Runtime) -> liquid_core::Result<()> {
        let value = Evaluation::new(runtime).chain(&self.0).map_err(|error| stop(runtime, error))?;
        put(writer, runtime, &value, self.0.is_raw(), self.0.place, &self.0.text)
    }
}

/// Writes a value, escaped by where the text goes. Inside of a `capture` nothing is escaped: what was captured is a value,
/// escaped when it is put out.
pub(super) fn put(
    writer: &mut dyn Write,
    runtime: &dyn Runtime,
    value: &Value,
    raw: bool,
    place: Place,
    expression: &str,
) -> liquid_core::Result<()> {
    let (sink, budget) = {
        let state = state(runtime);
        (state.sink, std::sync::Arc::clone(&state.budget))
    };
    let text = text_of(value, &budget).map_err(|spent| stop(runtime, spent_at(place, &spent)))?;
    if sink.growth() > 1 && text.len() > budget.bytes() / sink.growth() {
        return Err(stop(runtime, spent_at(place, &Spent::Value(budget.bytes()))));
    }
    let escaped = sink.escape(&text, raw).map_err(|why| {
        stop(runtime, RenderError::new(RenderErrorKind::Refused, place, format!("`{expression}` {why}")))
    })?;
    writer.write_all(escaped.as_bytes()).map_err(|_full| full(runtime))
}

/// The error of a writer that takes no more.
pub(super) fn full(runtime: &dyn Runtime) -> Error {
    let bytes = state(runtime).budget.bytes();
    stop(runtime, spent_at(Place::default(), &Spent::Value(bytes)))
}
