//! Conditions that no payload can meet, by the payload's schema.

use std::collections::BTreeSet;

use super::schema;
use crate::{
    rules::{Operand, Operator, OperatorKind, Test, codes, keys, reader::Reader},
    value::{Value, same, type_name},
};

/// Says which operators of `test` can never hold for a value by one of `schemas`.
pub(super) fn check(reader: &Reader<'_>, test: &Test, root: &Value, schemas: &[&Value]) {
    let Some(types) = schema::types(root, schemas) else { return };
    let choices = schema::choices(root, schemas);
    for operator in &test.operators {
        one(reader, test, operator, &types, choices.as_deref());
    }
}

fn one(
    reader: &Reader<'_>,
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
    let are = types.iter().copied().collect::<Vec<_>>().join(" or ");
    if !wants.is_empty() && !wants.iter().any(|wanted| types.contains(wanted)) {
        let wanted = wants.iter().filter(|wanted| **wanted != "whole number").copied().collect::<Vec<_>>().join(" or ");
        let message = format!("`{}` never holds: {} ({are}) is never {wanted}", operator.name, test.path);
        return reader.error(codes::NEVER, operator.place, message, "nothing is converted");
    }
    match (operator.kind, &operator.operand) {
        (Kind::Not, Operand::Operators(list)) => {
            for inner in list {
                one(reader, test, inner, types, choices);
            }
        }
        (Kind::Is, Operand::Literal(value)) => equal(reader, test, operator, value, (types, choices)),
        (Kind::In, Operand::Literal(Value::Array(list))) => {
            for value in list {
                equal(reader, test, operator, value, (types, choices));
            }
        }
        _ => {}
    }
}

fn equal(
    reader: &Reader<'_>,
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
    let are = types.iter().copied().collect::<Vec<_>>().join(" or ");
    if !fits {
        let message = format!("{} ({are}) is never {} {shown}", test.path, type_name(value));
        let help = match value {
            Value::String(digits) if types.contains("whole number") || types.contains("number") => {
                format!("write it without quotes: {}", keys::shortened(digits))
            }
            Value::Number(number) if types.contains("text") => format!("put it in quotes: \"{number}\""),
            Value::Array(_) => "for one of several, write `in: [...]`".to_owned(),
            _ => "nothing is converted".to_owned(),
        };
        return reader.error(codes::NEVER, operator.place, message, help);
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
    reader.error(codes::NEVER, operator.place, format!("{} is never {shown}", test.path), help);
}
