//! A parsed template, and the way in and out of the engine.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
};

use liquid_core::Renderable as _;
use serde_json::Value;

use super::{
    Context, Files, Reference, RenderError, RenderErrorKind, Sink, TemplateFault,
    evaluate::Evaluation,
    expression::Chain,
    frame::{Frame, state},
    limits::{Spent, weight},
    parse::{Loader, Parsed, parse},
    print::Capped,
};
use crate::model::Place;

/// A parsed template. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Template(Arc<Parsed>);

impl Template {
    /// Parses a text; includes are resolved (and parsed) in `files`, cycles are a fault.
    pub fn parse(text: &str, files: &Files) -> Result<Self, TemplateFault> {
        // Nothing is known to panic; a template is from outside, and the parser is not ours.
        let parsed = catch_unwind(AssertUnwindSafe(|| parse(text, &mut Loader::new(files))));
        match parsed {
            Ok(parsed) => Ok(Self(Arc::new(parsed?))),
            Err(_panic) => {
                let place = Place { line: 1, column: 1 };
                Err(TemplateFault::new(place, "the template cannot be read")
                    .help("please report it: this is a fault of Bellwire"))
            }
        }
    }

    /// Renders to text.
    pub fn render(&self, context: &Context<'_>, sink: Sink) -> Result<String, RenderError> {
        guarded(|| {
            let frame = Frame::new(context, sink);
            let mut output = Capped::new(context.budget.bytes());
            if let Err(error) = self.0.body.render_to(&mut output, &frame) {
                let failure = state(&frame).failure.take();
                return Err(failure
                    .unwrap_or_else(|| RenderError::new(RenderErrorKind::Other, Place::default(), error.to_string())));
            }
            let text = output.into_text();
            sink.check(&text).map_err(|why| RenderError::new(RenderErrorKind::Refused, Place::default(), why))?;
            Ok(text)
        })
    }

    /// What it looks at, includes and local names (assign, for) taken into account: only names from outside.
    pub fn references(&self) -> &[Reference] {
        &self.0.references
    }

    /// The expression, where the whole text is one `{{ }}`.
    pub(super) fn lone(&self) -> Option<&Chain> {
        self.0.lone.as_ref()
    }

    /// The value of a lone expression, in its own type. Null where the template is none.
    pub(super) fn value(&self, context: &Context<'_>) -> Result<Value, RenderError> {
        let Some(chain) = self.lone() else { return Ok(Value::Null) };
        guarded(|| {
            let frame = Frame::new(context, Sink::Plain);
            let value = Evaluation::new(&frame).chain(chain)?;
            if weight(&value) > context.budget.bytes().saturating_mul(PASSED_FACTOR) {
                let spent = Spent::Value(context.budget.bytes());
                return Err(RenderError::new(RenderErrorKind::Budget, chain.place, spent.to_string()));
            }
            Ok(value)
        })
    }
}

/// A value that is passed on whole may weigh this many times what a text may: many small elements weigh more than they write.
const PASSED_FACTOR: usize = 4;

fn guarded<T>(render: impl FnOnce() -> Result<T, RenderError>) -> Result<T, RenderError> {
    match catch_unwind(AssertUnwindSafe(render)) {
        // What is wrong with a text as a whole begins where it begins.
        Ok(Err(error)) if error.place == Place::default() => {
            Err(RenderError { place: Place { line: 1, column: 1 }, ..error })
        }
        Ok(rendered) => rendered,
        Err(_panic) => {
            let message = "the template cannot be rendered: this is a fault of Bellwire";
            Err(RenderError::new(RenderErrorKind::Other, Place::default(), message))
        }
    }
}
