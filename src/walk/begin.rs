//! A step begins: its `if`, and what it does where nothing is needed from outside.

use serde_json::{Value, json};

use super::{
    Next, Walk, effects,
    fault::{self, Fault},
    outputs::RUN_TURNS,
    waits,
};
use crate::{
    clock::Time,
    model::{ErrorClass, StepOutcome, StepPath},
    rules::{Step, StepKind},
    templates::{Leaf, Sink, Tree},
    value::{Object, type_name},
};

impl Walk {
    /// Begins a step, or goes on with one that was begun. `None`: it has ended, or its first turn is next.
    pub(super) fn begin(&mut self, step: &Step, path: &StepPath, now: Time) -> Option<Next> {
        let began = self.begun.as_ref().and_then(|(begun, at)| (begun == path).then_some(*at));
        if let StepKind::Block { .. } = &step.kind {
            let branch = if self.holds(step, began.unwrap_or(now)) { "then" } else { "else" };
            self.note(fault::output(path.clone(), StepOutcome::Ok, json!(branch)));
            return None;
        }
        if began.is_none() && !self.holds(step, now) {
            self.note(fault::output(path.clone(), StepOutcome::Skipped, Value::Null));
            return None;
        }
        let began = began.unwrap_or(now);
        if self.begun.as_ref().is_none_or(|(begun, _)| begun != path) {
            self.begun = Some((path.clone(), began));
        }
        self.act(step, path, began).unwrap_or_else(|mut fault| {
            fault.message.push_str(&self.explain_var(&fault.message));
            self.note(fault::failed(path.clone(), fault.of(step, path)));
            None
        })
    }

    fn holds(&self, step: &Step, now: Time) -> bool {
        step.condition.as_ref().is_none_or(|condition| condition.evaluate(&self.scope(now, None)).is_ok())
    }

    fn act(&mut self, step: &Step, path: &StepPath, began: Time) -> Result<Option<Next>, Fault> {
        let path = path.clone();
        match &step.kind {
            StepKind::Block { .. } => Ok(None),
            StepKind::Action { .. } | StepKind::Http(_) => Ok(Some(Next::Request { path, began })),
            StepKind::Attributes(attributes) => {
                let effect = effects::attributes(attributes, &self.seen_at(began))?;
                Ok(Some(Next::Effect { path, effect }))
            }
            StepKind::Emit { kind, data } => {
                let effect = effects::emit(kind, data, &self.seen_at(began))?;
                Ok(Some(Next::Effect { path, effect }))
            }
            StepKind::Wait(wait) => {
                let wait = waits::wait(wait, &self.seen_at(began), began)?;
                if wait.event.is_none() && wait.until.is_some_and(|until| until <= began) {
                    self.note(fault::output(path, StepOutcome::Ok, Value::Null));
                    return Ok(None);
                }
                Ok(Some(Next::Wait { path, began, wait }))
            }
            StepKind::ForEach { list, limit, .. } => self.start_loop(path, list, *limit, began),
            StepKind::Vars(list) => self.write_vars(path, list, began),
            StepKind::Stop(leaf) => {
                let why = self.words(leaf, began)?;
                self.end(fault::output(path, StepOutcome::Ok, json!(why)));
                Ok(None)
            }
            StepKind::Fail(leaf) => {
                let message = self.words(leaf, began)?;
                Err(Fault { class: ErrorClass::Fail, message })
            }
        }
    }

    fn words(&self, leaf: &Leaf, began: Time) -> Result<String, Fault> {
        let value = leaf.render(&self.seen_at(began), Sink::Plain)?;
        Ok(value.as_str().map_or_else(|| value.to_string(), str::to_owned))
    }

    /// Freezes the list of a loop; its first turn is then next.
    fn start_loop(&mut self, path: StepPath, list: &Tree, limit: u32, began: Time) -> Result<Option<Next>, Fault> {
        let value = list.render(&self.seen_at(began), Sink::Plain)?;
        let Value::Array(elements) = &value else {
            return Err(Fault::input(format!("`for_each`: a list wanted, {} seen", type_name(&value))));
        };
        let length = elements.len();
        if length > usize::try_from(limit).unwrap_or(usize::MAX) {
            return Err(Fault::limit(format!(
                "the list has {length} elements, and `limit` is {limit}; raise it, or give a shorter list"
            )));
        }
        let turns = self.outputs.turns();
        if turns + length > RUN_TURNS {
            return Err(Fault::limit(format!(
                "the list has {length} elements after {turns} turns, and all loops of a run together may have {RUN_TURNS}"
            )));
        }
        let frozen = fault::output(path.list(), StepOutcome::Ok, value);
        if let Some(why) = self.outputs.too_large(&frozen) {
            return Err(Fault::limit(format!("the list is too large: {why}")));
        }
        self.note(frozen);
        Ok(None)
    }

    /// Writes vars, each seen by those after it; if one fails, none is written.
    fn write_vars(&mut self, path: StepPath, list: &[(String, Tree)], began: Time) -> Result<Option<Next>, Fault> {
        let mut written = Object::new();
        let mut before = Vec::new();
        let mut fault = None;
        for (name, tree) in list {
            match tree.render(&self.seen_at(began), Sink::Plain) {
                Ok(value) => {
                    written.insert(name.clone(), value.clone());
                    before.push((name, self.names.write(name, Some(value))));
                }
                Err(error) => {
                    fault = Some(Fault::from(error));
                    break;
                }
            }
        }
        let output = fault::output(path, StepOutcome::Ok, Value::Object(written.clone()));
        if fault.is_none() {
            fault = self.outputs.too_large(&output).map(Fault::limit);
        }
        if let Some(fault) = fault {
            for (name, value) in before.into_iter().rev() {
                self.names.write(name, value);
            }
            return Err(fault);
        }
        self.names.keep(&written);
        self.note(output);
        Ok(None)
    }
}
