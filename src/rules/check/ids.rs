//! The ids of all steps of a file: where each stands, and in which loop.

use std::collections::BTreeMap;

use crate::{
    model::Place,
    rules::{
        codes,
        reader::{Reader, place},
    },
    value::Value,
};

/// Every id in a file, of steps with findings too.
#[derive(Debug, Default)]
pub(super) struct Ids(BTreeMap<String, Id>);

/// A step with an id.
#[derive(Debug)]
pub(super) struct Id {
    place: Place,
    /// The step of the innermost loop around it, as a JSON pointer; empty where there is none.
    pub(super) turn: String,
    /// It is a `wait`.
    pub(super) waits: bool,
}

impl Ids {
    /// The step of an id.
    pub(super) fn get(&self, id: &str) -> Option<&Id> {
        self.0.get(id)
    }

    /// Every id.
    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }

    /// Collects the ids of a list of steps as written, and says which stand twice. `turn` is the step of the loop around it.
    pub(super) fn collect(&mut self, reader: &Reader<'_>, steps: &Value, pointer: &str, turn: &str) {
        for (index, step) in steps.as_array().into_iter().flatten().enumerate() {
            let pointer = format!("{pointer}/{index}");
            if let Some(id) = step.get("id").and_then(Value::as_str) {
                let at = place(reader.document.place(&format!("{pointer}/id")));
                if let Some(first) = self.0.get(id) {
                    let message = format!("a second step has the id `{id}`");
                    let help = format!("the first one stands in line {}", first.place.line);
                    reader.error(codes::DUPLICATE_ID, at, message, help);
                } else {
                    let waits = step.get("wait").is_some();
                    self.0.insert(id.to_owned(), Id { place: at, turn: turn.to_owned(), waits });
                }
            }
            for name in ["then", "else", "do", "on_error"] {
                let inner = step.get(name).unwrap_or(&Value::Null);
                let turn = if name == "do" { pointer.as_str() } else { turn };
                self.collect(reader, inner, &format!("{pointer}/{name}"), turn);
            }
        }
    }
}
