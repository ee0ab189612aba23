//! What a rule sees of an event while it is matched.

use std::{
    cell::{OnceCell, RefCell},
    time::{Duration, Instant},
};

use super::{
    Subject,
    vars::{Roots, VarError, Vars},
};
use crate::{
    clock::Time,
    model::Place,
    rules::{Rule, Scope},
    templates::{Leaf, RenderError, RenderErrorKind, Sink},
    value::{Object, Segment, Value},
};

/// What a rule sees of an event while it is matched: `event`, `events`, `trigger`, `vars`, `rule`, `now`.
pub(super) struct RuleScope<'a> {
    subject: &'a Subject,
    vars: Vars<'a>,
    start: Instant,
    limit: Duration,
    /// Texts that few rules ask for.
    now: OnceCell<Value>,
    rule: OnceCell<Value>,
    /// Made only for a rule that asks for it, since it holds a copy of the payload.
    events: OnceCell<Value>,
    exhausted: RefCell<Option<String>>,
    explains: bool,
}

impl<'a> RuleScope<'a> {
    pub(super) fn new(rule: &'a Rule, subject: &'a Subject, vars: &'a Object, limit: Duration) -> Self {
        Self {
            subject,
            vars: Vars::new(rule, vars, Object::new()),
            start: Instant::now(),
            limit,
            now: OnceCell::new(),
            rule: OnceCell::new(),
            events: OnceCell::new(),
            exhausted: RefCell::new(None),
            explains: true,
        }
    }

    /// For whoever asks whether, and not why not.
    pub(super) fn without_evidence(self) -> Self {
        Self { explains: false, ..self }
    }

    /// Why the rule could not be decided. `None` where it could.
    pub(super) fn exhausted(&self) -> Option<String> {
        self.exhausted.borrow().clone()
    }

    pub(super) fn into_computed(self) -> Object {
        self.vars.into_computed()
    }

    fn left(&self) -> Duration {
        self.limit.saturating_sub(self.start.elapsed())
    }

    /// Keeps in mind that the bounds were reached: the verdict is then an error, whatever else is seen.
    fn note(&self, error: VarError) -> VarError {
        if error.budget {
            *self.exhausted.borrow_mut() = Some(error.message.clone());
        }
        error
    }

    fn now_text(&self) -> &Value {
        self.now.get_or_init(|| Value::String(self.subject.received_at.to_string()))
    }

    fn about(&self) -> &Value {
        let rule = self.vars.rule();
        self.rule.get_or_init(|| serde_json::json!({ "id": &*rule.id, "name": rule.name }))
    }

    fn events(&self) -> &Value {
        self.events.get_or_init(|| Value::Array(vec![self.subject.event.clone()]))
    }

    fn with_roots<T>(
        &self,
        wants_events: bool,
        act: impl FnOnce(&Roots<'_>) -> Result<T, VarError>,
    ) -> Result<T, VarError> {
        let left = || self.left();
        let mut names = vec![
            ("event", &self.subject.event),
            ("trigger", &self.subject.trigger),
            ("rule", self.about()),
            ("now", self.now_text()),
        ];
        if wants_events {
            names.push(("events", self.events()));
        }
        act(&Roots { names, now: self.subject.received_at, left: &left }).map_err(|error| self.note(error))
    }
}

impl Scope for RuleScope<'_> {
    fn root(&self, name: &str, rest: &[Segment]) -> Result<Option<&Value>, String> {
        if self.left().is_zero() {
            let message = "the time for this rule is used up".to_owned();
            return Err(self.note(VarError { message, budget: true }).message);
        }
        Ok(match name {
            "event" => Some(&self.subject.event),
            "events" => Some(self.events()),
            "trigger" => Some(&self.subject.trigger),
            "rule" => Some(self.about()),
            "now" => Some(self.now_text()),
            "vars" => {
                self.with_roots(true, |roots| self.vars.need(rest, roots)).map_err(|error| error.message)?;
                Some(self.vars.object())
            }
            _ => None,
        })
    }

    fn render(&self, leaf: &Leaf) -> Result<Value, RenderError> {
        let references = leaf.references();
        let wants_events = references.iter().any(|reference| matches!(reference.path.root(), Some("events" | "vars")));
        let mut failed = None;
        let result = self.with_roots(wants_events, |roots| {
            self.vars.need_paths(references.iter().map(|reference| &reference.path), roots)?;
            let context = roots.context(self.vars.object())?;
            leaf.render(&context, Sink::Plain).map_err(|error| {
                let budget = error.kind == RenderErrorKind::Budget;
                let message = error.message.clone();
                failed = Some(error);
                VarError { message, budget }
            })
        });
        result.map_err(|error| {
            let kind = if error.budget { RenderErrorKind::Budget } else { RenderErrorKind::Other };
            failed.unwrap_or(RenderError { kind, message: error.message, place: Place::default() })
        })
    }

    fn in_hours(&self, name: &str, _at: &Value) -> Result<bool, String> {
        Err(format!("the hours `{name}` are not there"))
    }

    fn now(&self) -> Time {
        self.subject.received_at
    }

    fn explains(&self) -> bool {
        self.explains
    }
}
