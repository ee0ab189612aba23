//! What a step changes in the store itself: attributes of a person or of any key, and events of our own.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// Whose attributes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Keeper {
    /// A person, by e-mail; e-mails compare without case.
    Profile,
    /// Anything, by a key of the rule's own.
    Record,
}

/// What a `profile`, `record` or `emit` step does.
#[derive(Debug, Clone, PartialEq)]
pub enum Effect {
    /// Reads or changes attributes; its result is the attributes after it.
    Attributes {
        /// Whose.
        keeper: Keeper,
        /// The e-mail in lower case, or the key.
        key: String,
        /// What changes. Empty: a read.
        change: Change,
    },
    /// An event of our own.
    Emit {
        /// Its type, such as `calls.escalated`.
        kind: String,
        /// Its payload.
        data: Value,
    },
}

/// `set`, `add`, `append` and `remove` of a `profile` or `record` step.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Change {
    /// Replaced.
    pub set: Map<String, Value>,
    /// Counted up; a number that is not there counts from 0.
    pub add: Map<String, Value>,
    /// Put at the end of a list; the last 100 are kept.
    pub append: Map<String, Value>,
    /// Taken away.
    pub remove: Vec<String>,
}

impl Change {
    /// Entries that an `append` keeps.
    pub const KEPT: usize = 100;

    /// Whether it changes nothing.
    pub fn is_read(&self) -> bool {
        self.set.is_empty() && self.add.is_empty() && self.append.is_empty() && self.remove.is_empty()
    }

    /// Changes `attributes`. `Err` is one sentence, and nothing is changed: `add` to what is no number, `append` to what is no list.
    pub fn apply(&self, attributes: &mut Map<String, Value>) -> Result<(), String> {
        let mut next = attributes.clone();
        next.extend(self.set.iter().map(|(name, value)| (name.clone(), value.clone())));
        for (name, amount) in &self.add {
            let sum = match next.get(name) {
                None | Some(Value::Null) => Some(amount.clone()),
                Some(before) => sum(before, amount),
            };
            let sum = sum.ok_or_else(|| format!("`add` needs two numbers, and `{name}` is no number"))?;
            next.insert(name.clone(), sum);
        }
        for (name, value) in &self.append {
            let mut list = match next.remove(name) {
                None | Some(Value::Null) => Vec::new(),
                Some(Value::Array(list)) => list,
                Some(_) => return Err(format!("`append` needs a list, and `{name}` is none")),
            };
            list.push(value.clone());
            list.drain(..list.len().saturating_sub(Self::KEPT));
            next.insert(name.clone(), Value::Array(list));
        }
        for name in &self.remove {
            next.shift_remove(name);
        }
        *attributes = next;
        Ok(())
    }
}

/// Whole numbers stay whole where their sum fits; `None` where one is no number, or the sum is none.
fn sum(left: &Value, right: &Value) -> Option<Value> {
    if let (Some(left), Some(right)) = (left.as_i64(), right.as_i64())
        && let Some(sum) = left.checked_add(right)
    {
        return Some(Value::from(sum));
    }
    serde_json::Number::from_f64(left.as_f64()? + right.as_f64()?).map(Value::Number)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn object(value: Value) -> Map<String, Value> {
        value.as_object().cloned().unwrap_or_default()
    }

    #[test]
    fn a_change_counts_appends_and_removes() {
        let mut attributes = object(json!({"calls": 1, "old": true, "log": [1]}));
        let change = Change {
            set: object(json!({"vip": true})),
            add: object(json!({"calls": 2, "new": 1})),
            append: object(json!({"log": 2})),
            remove: vec!["old".to_owned()],
        };
        assert_eq!(change.apply(&mut attributes), Ok(()));
        assert_eq!(attributes, object(json!({"calls": 3, "vip": true, "new": 1, "log": [1, 2]})));
    }

    #[test]
    fn a_change_that_cannot_be_made_changes_nothing() {
        let mut attributes = object(json!({"calls": "many"}));
        let change = Change { set: object(json!({"x": 1})), add: object(json!({"calls": 1})), ..Change::default() };
        assert!(change.apply(&mut attributes).is_err_and(|why| why.contains("calls")));
        assert_eq!(attributes, object(json!({"calls": "many"})));
    }

    #[test]
    fn an_append_keeps_the_last_hundred() {
        let mut attributes = Map::new();
        for number in 0..150 {
            let change = Change { append: object(json!({"log": number})), ..Change::default() };
            assert_eq!(change.apply(&mut attributes), Ok(()));
        }
        let log = attributes.get("log").and_then(Value::as_array).cloned().unwrap_or_default();
        assert_eq!((log.len(), log.first()), (100, Some(&json!(50))));
    }
}
