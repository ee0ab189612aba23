//! Equality and order of values, by the rule language: nothing is converted, `1` is `1.0`.

use std::cmp::Ordering;

use serde_json::{Number, Value};

/// Whether two values are the same. Numbers compare by what they are worth, objects without their order.
pub fn same(left: &Value, right: &Value) -> bool {
    match (left, right) {
        (Value::Number(left), Value::Number(right)) => compare_numbers(left, right) == Some(Ordering::Equal),
        (Value::Array(left), Value::Array(right)) => {
            left.len() == right.len() && left.iter().zip(right).all(|(left, right)| same(left, right))
        }
        (Value::Object(left), Value::Object(right)) => {
            left.len() == right.len()
                && left.iter().all(|(name, value)| right.get(name).is_some_and(|other| same(value, other)))
        }
        (left, right) => left == right,
    }
}

/// Orders two numbers by what they are worth, without rounding integers. `None` is never returned for JSON numbers.
pub fn compare_numbers(left: &Number, right: &Number) -> Option<Ordering> {
    match (integer(left), integer(right)) {
        (Some(left), Some(right)) => Some(left.cmp(&right)),
        (Some(left), None) => compare_mixed(left, right.as_f64()?),
        (None, Some(right)) => compare_mixed(right, left.as_f64()?).map(Ordering::reverse),
        (None, None) => left.as_f64()?.partial_cmp(&right.as_f64()?),
    }
}

fn integer(number: &Number) -> Option<i128> {
    number.as_i64().map(i128::from).or_else(|| number.as_u64().map(i128::from))
}

#[expect(clippy::cast_possible_truncation, reason = "the range is checked first")]
fn compare_mixed(left: i128, right: f64) -> Option<Ordering> {
    /// Above every integer that JSON gives us.
    const BEYOND: f64 = 1e20;
    if right.is_nan() {
        return None;
    }
    if right >= BEYOND {
        return Some(Ordering::Less);
    }
    if right <= -BEYOND {
        return Some(Ordering::Greater);
    }
    let whole = right.trunc() as i128;
    Some(left.cmp(&whole).then_with(|| 0.0_f64.partial_cmp(&right.fract()).unwrap_or(Ordering::Equal)))
}

/// The name of a value's type as rules write it: `text`, `number`, `boolean`, `null`, `list` or `object`.
pub fn type_name(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(_) => "number",
        Value::String(_) => "text",
        Value::Array(_) => "list",
        Value::Object(_) => "object",
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn order(left: Value, right: Value) -> Option<Ordering> {
        match (left, right) {
            (Value::Number(left), Value::Number(right)) => compare_numbers(&left, &right),
            _ => None,
        }
    }

    #[test]
    fn numbers_compare_by_worth() {
        assert!(same(&json!(1), &json!(1.0)));
        assert!(!same(&json!(1), &json!("1")));
        assert!(same(&json!({"a": [1], "b": 2}), &json!({"b": 2.0, "a": [1.0]})));
        assert_eq!(order(json!(9_007_199_254_740_993_u64), json!(9_007_199_254_740_992.0)), Some(Ordering::Greater));
        assert_eq!(order(json!(-1), json!(-1.5)), Some(Ordering::Greater));
        assert_eq!(order(json!(1.5), json!(1)), Some(Ordering::Greater));
        assert_eq!(order(json!(u64::MAX), json!(1e300)), Some(Ordering::Less));
    }
}
