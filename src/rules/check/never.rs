//! Conditions that no payload can meet, by the payload's schema.

use std::collections::BTreeSet;

use super::schema;
use crate::{
    model::Place,
    rules::{Operand, Operator, OperatorKind, Test, keys},
    value::{Value, same, type_name},
};

/// Why an operator can never hold.
pub(super) struct Never {
    /// Of its right side.
    pub(super) place: Place,
    pub(super) message: String,
    pub(super) help: String,
}

/// Which operators of `test` can never hold for a value by one of `schemas`.
pub(super) fn find(test: &Test, root: &Value, schemas: &[&Value]) -> Vec<Never> {
    let Some(types) = schema::types(root, schemas) else { return Vec::new() };
    let choices = schema::choices(root, schemas);
    let mut found = Vec::new();
    for operator in &test.operators {
        one(&mut found, test, operator, &types, choices.as_deref());
    }
    found
}

fn one(
    found: &mut Vec<Never>,
    test: &Test,
    operator: &Operator,
    types: &BTreeSet<&'static str>,
    choices: Option<&[&Value]>,
) {
    use OperatorKind as Kind;
    let wants: &[&str] = match operator.kind {
        Kind::Gt | Kind::Gte | Kind::Lt | Kind::Lte | Kind::Between => &["number", "whole number"],
        Kind::StartsWith | Kind::EndsWith | Kind::Matches | Kind::Before | Kind::After | Kind::InHours => &["text"],
        Kind::Contains => &["text", "list"],
        Kind::Length => &["text", "list", "object"],
        _ => &[],
    };
    if !wants.is_empty() && !wants.iter().any(|wanted| types.contains(wanted)) {
        let wanted = shown_types(wants.iter().filter(|wanted| **wanted != "whole number").copied());
        let are = shown_types(types.iter().copied());
        let message = format!("`{}` never holds: {} is {are}, and never {wanted}", operator.name, test.path);
        let help = other_operator(operator, types);
        return found.push(Never { place: operator.place, message, help });
    }
    match (operator.kind, &operator.operand) {
        (Kind::Not, Operand::Operators(list)) => {
            for inner in list {
                one(found, test, inner, types, choices);
            }
        }
        (Kind::Is, Operand::Literal(value)) => equal(found, test, operator, value, (types, choices)),
        (Kind::In, Operand::Literal(Value::Array(list))) => {
            for value in list {
                equal(found, test, operator, value, (types, choices));
            }
        }
        _ => {}
    }
}

fn equal(
    found: &mut Vec<Never>,
    test: &Test,
    operator: &Operator,
    value: &Value,
    (types, choices): (&BTreeSet<&'static str>, Option<&[&Value]>),
) {
    let fits = match value {
        Value::Null => return,
        Value::Number(number) => {
            let whole = number.as_f64().is_some_and(|number| number.fract() == 0.0);
            types.contains("number") || (whole && types.contains("whole number"))
        }
        other => types.contains(type_name(other)),
    };
    let shown = keys::shortened(&value.to_string());
    let are = shown_types(types.iter().copied());
    if !fits {
        let message = format!("{} is {are}, and never the {} {shown}", test.path, type_name(value));
        let help = match value {
            Value::String(digits) if types.contains("whole number") || types.contains("number") => {
                format!("write it without quotes: {}", keys::shortened(digits))
            }
            Value::Number(number) if types.contains("text") => format!("put it in quotes: \"{number}\""),
            Value::Array(_) => "for one of several, write `in: [...]`".to_owned(),
            Value::String(word) if types.contains("boolean") && matches!(word.as_str(), "true" | "false") => {
                format!("write it without quotes: {word}")
            }
            Value::String(word) if types.contains("boolean") => {
                let no = matches!(word.as_str(), "no" | "off" | "No" | "Off" | "FALSE" | "False");
                format!("write `{}`; `yes`, `no`, `on` and `off` are text here", !no)
            }
            _ if types.contains("list") => "for one of its elements, write `contains`, or `*` into the path".to_owned(),
            _ => format!("nothing is converted: compare it with {are}"),
        };
        return found.push(Never { place: operator.place, message, help });
    }
    let Some(choices) = choices else { return };
    let same_text = |left: &Value, right: &Value| match (left.as_str(), right.as_str()) {
        (Some(left), Some(right)) if test.ignore_case => left.to_lowercase() == right.to_lowercase(),
        _ => same(left, right),
    };
    if choices.iter().any(|known| same_text(known, value)) {
        return;
    }
    let known: Vec<&str> = choices.iter().filter_map(|known| known.as_str()).collect();
    let help = value.as_str().map(|text| keys::suggestion(text, known.iter().copied())).unwrap_or_default();
    found.push(Never { place: operator.place, message: format!("{} is never {shown}", test.path), help });
}

/// `a number or text`; null last.
fn shown_types<'t>(types: impl Iterator<Item = &'t str>) -> String {
    let mut types: Vec<&str> = types
        .map(|kind| match kind {
            "whole number" => "a whole number",
            "number" => "a number",
            "boolean" => "`true` or `false`",
            "list" => "a list",
            "object" => "an object",
            "null" => "null",
            _ => "text",
        })
        .collect();
    types.sort_by_key(|kind| *kind == "null");
    types.join(" or ")
}

/// What would hold for values of these types.
fn other_operator(operator: &Operator, types: &BTreeSet<&'static str>) -> String {
    use OperatorKind as Kind;
    let number = types.contains("number") || types.contains("whole number");
    match operator.kind {
        Kind::Matches | Kind::StartsWith | Kind::EndsWith | Kind::Contains if number => {
            "for a number, write the number itself, `in: [1, 2]` or `between: [1, 9]`".to_owned()
        }
        Kind::Before | Kind::After | Kind::InHours if number => {
            "a time is text with its offset, such as 2026-03-01T10:00:00Z; numbers are compared by `gt` and `lt`".to_owned()
        }
        Kind::Gt | Kind::Gte | Kind::Lt | Kind::Lte | Kind::Between if types.contains("list") => {
            "for the number of elements, write `length: { gt: 1 }`; for one of them, write `*` into the path".to_owned()
        }
        Kind::Gt | Kind::Gte | Kind::Lt | Kind::Lte | Kind::Between if types.contains("text") => {
            "nothing is converted: for a text, write `is`, `in` or `matches`; times are compared by `before` and `after`"
                .to_owned()
        }
        Kind::Matches | Kind::StartsWith | Kind::EndsWith if types.contains("list") => {
            "for one of its elements, write `*` into the path".to_owned()
        }
        _ => "nothing is converted; write `exists`, or a path to what is in it".to_owned(),
    }
}
