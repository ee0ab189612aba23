//! What outlives a run within one trial: attributes, effects, echoes, and the events so far.

use std::collections::HashMap;

use super::answers::keeper_word;
use crate::{
    clock::Time,
    model::{Effect, Keeper},
    value::{Object, Value},
};

/// What a run changed outside of itself.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Done {
    /// `groove.add_note`, `http`, `emit`, `profile` or `record`.
    pub(super) action: String,
    /// What it was given, turned to its types.
    pub(super) inputs: Value,
}

/// An event that has come.
#[derive(Debug, Clone)]
pub(super) struct Came {
    pub(super) kind: String,
    pub(super) payload: Value,
}

/// What outlives a run within one trial.
#[derive(Debug, Default)]
pub(super) struct World {
    attributes: HashMap<(Keeper, String), Object>,
    /// In the order in which they happened; once a step.
    pub(super) done: Vec<Done>,
    /// What tells events that our own actions caused.
    pub(super) echoes: Vec<String>,
    /// In the order in which they came.
    pub(super) events: Vec<Came>,
}

impl World {
    /// Puts attributes there before the first event.
    pub(super) fn seed(&mut self, keeper: Keeper, key: &str, attributes: Object) {
        let key = if keeper == Keeper::Profile { key.to_lowercase() } else { key.to_owned() };
        self.attributes.insert((keeper, key), attributes);
    }

    /// Does what a `profile`, `record` or `emit` step does; its result, or why it failed.
    pub(super) fn apply(&mut self, effect: Effect) -> Result<Value, String> {
        match effect {
            Effect::Attributes { keeper, key, change } => {
                let now = self.attributes.entry((keeper, key.clone())).or_default();
                change.apply(now)?;
                let result = Value::Object(now.clone());
                if !change.is_read() {
                    let mut inputs = Object::new();
                    let name = if keeper == Keeper::Profile { "email" } else { "key" };
                    inputs.insert(name.to_owned(), Value::String(key));
                    for (name, values) in [("set", change.set), ("add", change.add), ("append", change.append)] {
                        if !values.is_empty() {
                            inputs.insert(name.to_owned(), Value::Object(values));
                        }
                    }
                    if !change.remove.is_empty() {
                        inputs.insert("remove".to_owned(), change.remove.into());
                    }
                    self.note(keeper_word(keeper), Value::Object(inputs));
                }
                Ok(result)
            }
            Effect::Emit { kind, data } => {
                self.note("emit", serde_json::json!({"type": kind, "data": data}));
                Ok(Value::Null)
            }
        }
    }

    /// Keeps an effect.
    pub(super) fn note(&mut self, action: &str, inputs: Value) {
        self.done.push(Done { action: action.to_owned(), inputs });
    }
}

/// The instant that a trial starts at unless it says another: a Monday, at noon in UTC.
pub(super) const NOON: Time = Time(1_767_614_400_000);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_trial_starts_on_a_monday_at_noon() {
        assert_eq!(Time::parse("2026-01-05T12:00:00Z"), Some(NOON));
    }
}
