//! Whether a condition that stands alone holds for an event.

use super::Subject;
use crate::{
    clock::Time,
    model::Place,
    rules::{Condition, Scope},
    templates::{Leaf, RenderError, RenderErrorKind},
    value::{Segment, Value},
};

struct Bare<'s> {
    subject: &'s Subject,
    now: Value,
}

/// Whether the condition, which knows no vars and templates, holds for the event.
pub fn holds(condition: &Condition, subject: &Subject) -> bool {
    let now = Value::String(subject.received_at.to_string());
    condition.evaluate(&Bare { subject, now }).is_ok()
}

impl Scope for Bare<'_> {
    fn root(&self, name: &str, _rest: &[Segment]) -> Result<Option<&Value>, String> {
        Ok(match name {
            "event" => Some(&self.subject.event),
            "trigger" => Some(&self.subject.trigger),
            "now" => Some(&self.now),
            _ => None,
        })
    }

    fn render(&self, _leaf: &Leaf) -> Result<Value, RenderError> {
        let message = "a search has no templates".to_owned();
        Err(RenderError { kind: RenderErrorKind::Other, message, place: Place::default() })
    }

    fn in_hours(&self, name: &str, _at: &Value) -> Result<bool, String> {
        Err(format!("the hours `{name}` are not there"))
    }

    fn now(&self) -> Time {
        self.subject.received_at
    }

    fn explains(&self) -> bool {
        false
    }
}
