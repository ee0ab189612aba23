//! From expressions to values.

use std::{cmp::Ordering, sync::Arc};

use liquid_core::{
    Runtime,
    model::{KString, ScalarCow},
};
use serde_json::Value;

use super::{
    RenderError, RenderErrorKind,
    expression::{Chain, Condition, Expression, Joint, Lookup, Operator, Part, Test},
    filters::{FilterError, Given},
    frame::{find, state},
    limits::{Budget, Spent},
    print::text_of,
};
use crate::{
    clock::Time,
    model::Place,
    value::{compare_numbers, same},
};

/// Evaluates expressions in one render.
pub(super) struct Evaluation<'r> {
    runtime: &'r dyn Runtime,
    pub(super) budget: Arc<Budget>,
    lenient: bool,
    now: Time,
}

/// What happens where a name is not there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Missing {
    Fails,
    IsNull,
}

impl<'r> Evaluation<'r> {
    pub(super) fn new(runtime: &'r dyn Runtime) -> Self {
        let state = state(runtime);
        Self { runtime, budget: Arc::clone(&state.budget), lenient: state.lenient, now: state.now }
    }

    /// A value through its filters. What stands before the last `default`, its arguments too, may be missing.
    pub(super) fn chain(&self, chain: &Chain) -> Result<Value, RenderError> {
        let step = self.budget.step();
        step.map_err(|spent| spent_at(chain.place, &spent))?;
        let forgiven = chain.calls.iter().rposition(|call| call.filter.is_default());
        let mut value = self.value(&chain.entry, self.mode(forgiven.is_some()), chain.place)?;
        for (at, call) in chain.calls.iter().enumerate() {
            let mode = self.mode(forgiven.is_some_and(|last| at <= last));
            let arguments = call.arguments.iter().map(|argument| self.value(argument, mode, chain.place));
            let named = call
                .named
                .iter()
                .map(|(name, value)| self.value(value, mode, chain.place).map(|value| (name.as_str(), value)));
            let given = Given {
                input: value,
                arguments: arguments.collect::<Result<_, _>>()?,
                named: named.collect::<Result<_, _>>()?,
                budget: &self.budget,
                now: self.now,
                lenient: self.lenient,
            };
            value = (call.filter.run)(given).map_err(|error| match error {
                FilterError::Spent(spent) => spent_at(chain.place, &spent),
                FilterError::Refused(why) => {
                    let message = format!("`{}`: filter `{}`: {why}", chain.text, call.filter.name);
                    RenderError::new(RenderErrorKind::Other, chain.place, message)
                }
            })?;
        }
        Ok(value)
    }

    fn mode(&self, forgiven: bool) -> Missing {
        if forgiven || self.lenient { Missing::IsNull } else { Missing::Fails }
    }

    /// A value without filters, where a missing name is an error.
    pub(super) fn strict(&self, expression: &Expression, place: Place) -> Result<Value, RenderError> {
        self.value(expression, self.mode(false), place)
    }

    fn value(&self, expression: &Expression, missing: Missing, place: Place) -> Result<Value, RenderError> {
        match expression {
            Expression::Literal(value) => Ok(value.clone()),
            Expression::Empty | Expression::Blank => Ok(Value::String(String::new())),
            Expression::Lookup(lookup) => match self.lookup(lookup, missing)? {
                Some(value) => Ok(value),
                None if missing == Missing::IsNull => Ok(Value::Null),
                None => Err(missing_at(lookup)),
            },
            Expression::Range(_) => {
                /// What an element of a list counts.
                const ELEMENT: i128 = 16;
                let (from, to) = self.range(expression, missing, place)?;
                let bytes = (i128::from(to) - i128::from(from) + 1).max(0).saturating_mul(ELEMENT);
                let held = self.budget.hold(usize::try_from(bytes).unwrap_or(usize::MAX));
                held.map_err(|spent| spent_at(place, &spent))?;
                Ok((from..=to).map(Value::from).collect())
            }
        }
    }

    /// The ends of a range; both belong to it. `1` and `0`, an empty one, for what is no range.
    fn range(&self, expression: &Expression, missing: Missing, place: Place) -> Result<(i64, i64), RenderError> {
        let Expression::Range(ends) = expression else { return Ok((1, 0)) };
        let from = self.value(&ends.0, missing, place)?;
        let to = self.value(&ends.1, missing, place)?;
        match (whole(&from), whole(&to)) {
            (Some(from), Some(to)) => Ok((from, to)),
            _ => Err(RenderError::new(RenderErrorKind::Other, place, "the ends of a range must be whole numbers")),
        }
    }

    /// The ends of a range, where a missing name is an error.
    pub(super) fn strict_range(&self, expression: &Expression, place: Place) -> Result<(i64, i64), RenderError> {
        self.range(expression, self.mode(false), place)
    }

    /// `None` where there is nothing. A name in brackets that is missing itself is judged as the whole is.
    fn lookup(&self, lookup: &Lookup, missing: Missing) -> Result<Option<Value>, RenderError> {
        let mut path = Vec::with_capacity(lookup.parts.len() + 1);
        if !lookup.root.is_empty() {
            path.push(ScalarCow::new(lookup.root.as_str()));
        }
        for part in &lookup.parts {
            path.push(match part {
                Part::Name(name) => ScalarCow::new(name.as_str()),
                Part::Index(index) => ScalarCow::new(*index),
                Part::Open(inside) => match self.value(inside, missing, lookup.place)? {
                    Value::String(name) => ScalarCow::new(KString::from_string(name)),
                    Value::Number(index) => match index.as_i64() {
                        Some(index) => ScalarCow::new(index),
                        None => ScalarCow::new(KString::from_string(index.to_string())),
                    },
                    _ => return Ok(None),
                },
            });
        }
        find(self.runtime, &path).map_err(|spent| spent_at(lookup.place, &spent))
    }

    /// Whether a condition holds. Tests that do not matter any more are not evaluated.
    pub(super) fn condition(&self, condition: &Condition) -> Result<bool, RenderError> {
        let place = condition.place;
        self.budget.step().map_err(|spent| spent_at(place, &spent))?;
        let mut holds = true;
        for (at, test) in condition.tests.iter().enumerate() {
            holds = self.test(test, place)?;
            match condition.joints.get(at) {
                Some(Joint::And) if !holds => return Ok(false),
                Some(Joint::Or) if holds => return Ok(true),
                _ => {}
            }
        }
        Ok(holds)
    }

    fn test(&self, test: &Test, place: Place) -> Result<bool, RenderError> {
        match test {
            Test::Holds(expression) => Ok(truthy(&self.value(expression, Missing::IsNull, place)?)),
            Test::Compares(left, operator, right) => {
                let missing = self.mode(asks_for_absence(left, *operator) || asks_for_absence(right, *operator));
                match (left, right) {
                    (Expression::Empty, Expression::Blank) | (Expression::Blank, Expression::Empty) => {
                        Ok(*operator == Operator::Unequal)
                    }
                    (Expression::Empty | Expression::Blank, other) => {
                        self.state_of(other, left, *operator, missing, place)
                    }
                    (other, Expression::Empty | Expression::Blank) => {
                        self.state_of(other, right, *operator, missing, place)
                    }
                    _ => {
                        let left = self.value(left, missing, place)?;
                        let right = self.value(right, missing, place)?;
                        if operator.orders()
                            && matches!(
                                (&left, &right),
                                (Value::String(_), Value::Number(_)) | (Value::Number(_), Value::String(_))
                            )
                        {
                            let message =
                                "a text and a number cannot be compared; `| plus: 0` makes a number of a text";
                            return Err(RenderError::new(RenderErrorKind::Other, place, message));
                        }
                        self.compare(&left, *operator, &right).map_err(|spent| spent_at(place, &spent))
                    }
                }
            }
        }
    }

    fn state_of(
        &self,
        value: &Expression,
        wanted: &Expression,
        operator: Operator,
        missing: Missing,
        place: Place,
    ) -> Result<bool, RenderError> {
        let value = self.value(value, missing, place)?;
        let is = match wanted {
            Expression::Blank => blank(&value),
            _ => empty(&value),
        };
        Ok(match operator {
            Operator::Equal => is,
            Operator::Unequal => !is,
            _ => false,
        })
    }

    fn compare(&self, left: &Value, operator: Operator, right: &Value) -> Result<bool, Spent> {
        let order = || match (left, right) {
            (Value::Number(left), Value::Number(right)) => compare_numbers(left, right),
            (Value::String(left), Value::String(right)) => Some(left.cmp(right)),
            _ => None,
        };
        Ok(match operator {
            Operator::Equal => same(left, right),
            Operator::Unequal => !same(left, right),
            Operator::Less => order().is_some_and(Ordering::is_lt),
            Operator::LessOrEqual => order().is_some_and(Ordering::is_le),
            Operator::Greater => order().is_some_and(Ordering::is_gt),
            Operator::GreaterOrEqual => order().is_some_and(Ordering::is_ge),
            Operator::Contains if !truthy(right) => false,
            Operator::Contains => match left {
                Value::String(text) => text.contains(text_of(right, &self.budget)?.as_ref()),
                Value::Array(list) => list.iter().any(|element| same(element, right)),
                Value::Object(object) => right.as_str().is_some_and(|name| object.contains_key(name)),
                _ => false,
            },
        })
    }
}

/// `x == nil`, `x != blank`: who writes this asks whether the name is there.
pub(super) fn asks_for_absence(expression: &Expression, operator: Operator) -> bool {
    matches!(operator, Operator::Equal | Operator::Unequal)
        && matches!(expression, Expression::Literal(Value::Null) | Expression::Empty | Expression::Blank)
}

/// All but null and false.
pub(super) fn truthy(value: &Value) -> bool {
    !matches!(value, Value::Null | Value::Bool(false))
}

pub(super) fn empty(value: &Value) -> bool {
    match value {
        Value::String(text) => text.is_empty(),
        Value::Array(list) => list.is_empty(),
        Value::Object(object) => object.is_empty(),
        _ => false,
    }
}

pub(super) fn blank(value: &Value) -> bool {
    match value {
        Value::Null | Value::Bool(false) => true,
        Value::String(text) => text.trim().is_empty(),
        other => empty(other),
    }
}

/// A whole number of 64 bits, or a text that is one. A fraction is cut.
pub(super) fn whole(value: &Value) -> Option<i64> {
    match value {
        Value::Number(number) => number.as_i64().or_else(|| cut(number.as_f64()?)),
        Value::String(text) => text.trim().parse().ok(),
        _ => None,
    }
}

#[expect(clippy::cast_possible_truncation, reason = "the range is checked first")]
fn cut(number: f64) -> Option<i64> {
    /// The first power of two that an i64 cannot hold.
    const BEYOND: f64 = 9_223_372_036_854_775_808.0;
    (number > -BEYOND && number < BEYOND).then_some(number as i64)
}

/// The error of a budget that is used up, at a place.
pub(super) fn spent_at(place: Place, spent: &Spent) -> RenderError {
    RenderError::new(RenderErrorKind::Budget, place, spent.to_string())
}

fn missing_at(lookup: &Lookup) -> RenderError {
    let message = format!("`{}` is not there; `| default: ...` is the way out where that may be", lookup.text);
    RenderError::new(RenderErrorKind::Missing, lookup.place, message)
}
