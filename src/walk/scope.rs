//! What a step sees at its place in a run: the names of the run, the element of each turn, and `error`.

use serde_json::json;

use super::Walk;
use crate::{
    clock::Time,
    model::StepPath,
    rules::Scope,
    templates::{Context, Leaf, Limits, RenderError, Sink},
    value::{Segment, Value},
};

impl Walk {
    /// What the templates of a step see; `began` is its `now`, kept by every retry. `path` is the step that [`Walk::next`] gave last: no
    /// other is looked at from outside, and the context is that of the place where the run is.
    pub fn context<'w>(&'w self, path: &StepPath, began: Time) -> Context<'w> {
        debug_assert!(!path.is_list(), "a list has no templates");
        self.seen_at(began)
    }

    /// What templates see where the run is.
    pub(super) fn seen_at(&self, now: Time) -> Context<'_> {
        let mut context = Context::new(now, Limits::default());
        for (name, value) in self.names.roots() {
            context.set(name, value);
        }
        if let Some(error) = self.cursor.error() {
            context.set("error", error);
        }
        for (name, element) in self.elements() {
            context.set(name, element);
        }
        context
    }

    /// The element of each turn that is under way, with its name.
    fn elements(&self) -> impl Iterator<Item = (&str, &Value)> {
        let found = self.cursor.elements(&self.rule).into_iter();
        found.filter_map(|(name, list, index)| Some((name, self.outputs.at(list)?.result.as_array()?.get(index)?)))
    }

    /// Adds to a template's error why a var that it names could not be computed: what is to be put behind the message, or nothing.
    pub fn explain_var(&self, message: &str) -> String {
        self.names.explain(message)
    }

    /// The place where the run is, as conditions look at it.
    pub(super) fn scope<'w>(&'w self, now: Time, incoming: Option<&'w Value>) -> StepScope<'w> {
        StepScope { walk: self, now, now_text: json!(now.to_string()), incoming }
    }
}

/// A place of a run at a moment.
pub(super) struct StepScope<'w> {
    walk: &'w Walk,
    now: Time,
    now_text: Value,
    incoming: Option<&'w Value>,
}

impl Scope for StepScope<'_> {
    fn root(&self, name: &str, rest: &[Segment]) -> Result<Option<&Value>, String> {
        if name == "vars"
            && let Some(Segment::Name(var)) = rest.first()
            && let Some(why) = self.walk.names.fault(var)
        {
            return Err(why.to_owned());
        }
        Ok(match name {
            "now" => Some(&self.now_text),
            "incoming" => self.incoming,
            "error" => self.walk.cursor.error().or_else(|| self.walk.names.root(name)),
            _ => self
                .walk
                .names
                .root(name)
                .or_else(|| self.walk.elements().find_map(|(element, value)| (element == name).then_some(value))),
        })
    }

    fn render(&self, leaf: &Leaf) -> Result<Value, RenderError> {
        leaf.render(&self.walk.seen_at(self.now), Sink::Plain)
    }

    fn in_hours(&self, name: &str, _at: &Value) -> Result<bool, String> {
        Err(format!("the hours `{name}` are not there"))
    }

    fn now(&self) -> Time {
        self.now
    }
}
