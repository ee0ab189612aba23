//! Values as evidence keeps them.

use super::{Operand, Operator};
use crate::value::Value;

/// The right side of an operator, as written.
pub(super) fn shown_operand(operand: &Operand) -> Value {
    match operand {
        Operand::Literal(value) => shown(Some(value)),
        Operand::Template(_) | Operand::Tree(_) => Value::Null,
        Operand::Operators(list) => shown_operators(list),
        Operand::Pattern(regex) => Value::String(regex.as_str().to_owned()),
        Operand::Ago(millis) => Value::String(format!("{} s ago", millis / 1000)),
        Operand::Hours(name, _) => Value::String(name.clone()),
    }
}

/// What `not` and `length` hold, as written.
pub(super) fn shown_operators(list: &[Operator]) -> Value {
    Value::Object(list.iter().map(|operator| (operator.name.to_owned(), shown_operand(&operator.operand))).collect())
}

/// A value as evidence keeps it: a large one is only described, since evidence is stored for every run.
pub(super) fn shown(value: Option<&Value>) -> Value {
    const CHARACTERS: usize = 200;
    const ELEMENTS: usize = 20;
    match value {
        None => Value::Null,
        Some(Value::String(text)) if text.chars().nth(CHARACTERS).is_some() => {
            Value::String(text.chars().take(CHARACTERS).chain(['…']).collect())
        }
        Some(Value::Array(list)) if list.len() > ELEMENTS || list.iter().any(is_nested) => {
            Value::String(format!("a list of {}", list.len()))
        }
        Some(Value::Array(list)) => Value::Array(list.iter().map(|value| shown(Some(value))).collect()),
        Some(Value::Object(object)) if object.len() > ELEMENTS || object.values().any(is_nested) => {
            Value::String(format!("an object of {} names", object.len()))
        }
        Some(Value::Object(object)) => {
            Value::Object(object.iter().map(|(name, value)| (name.clone(), shown(Some(value)))).collect())
        }
        Some(value) => value.clone(),
    }
}

fn is_nested(value: &Value) -> bool {
    value.is_array() || value.is_object()
}
