//! What a person's attributes look like from a help desk: one flat object without names that the desk keeps for itself.

use serde_json::{Map, Value};

/// Names that Groove always overrides (its help page on the Custom Profile): an attribute of such a name would never be seen.
pub const RESERVED: [&str; 6] = ["name", "status", "email", "first_name", "last_name", "full_name"];

/// Why an attribute of a person cannot have this name, and the way out. `None`: it can.
pub fn name_fault(name: &str) -> Option<String> {
    if RESERVED.contains(&name) {
        let why = "Groove overrides it with the customer's own";
        return Some(format!("an attribute of a profile cannot be called `{name}`: {why}; call it `customer_{name}`"));
    }
    if name.is_empty() {
        return Some("an attribute of a profile needs a name, and this one is empty; give it one".to_owned());
    }
    if name.chars().any(is_invisible) {
        let why = "it holds a character that nobody sees";
        return Some(format!(
            "an attribute of a profile cannot be called `{}`: {why}; leave it out",
            name.escape_unicode()
        ));
    }
    if name.chars().any(|c| c.is_whitespace() || c.is_control()) {
        let shown = name.escape_debug();
        return Some(format!("an attribute of a profile cannot be called `{shown}`: Groove takes no spaces; use `_`"));
    }
    None
}

/// Characters without width: two names that differ in them alone look the same.
fn is_invisible(c: char) -> bool {
    matches!(c, '\u{200b}'..='\u{200f}' | '\u{2060}' | '\u{feff}')
}

/// Why a name that is put together of the names of nested objects cannot be, and the way out. `None`: it can.
pub fn joined_fault(joined: &str) -> Option<String> {
    let name = fitting(joined);
    if RESERVED.contains(&name.as_str()) {
        let why = "which Groove overrides with the customer's own";
        return Some(format!("a nested value would be shown as `{name}`, {why}; call one of its keys something else"));
    }
    if name.chars().any(is_invisible) { name_fault(&name) } else { None }
}

/// Why an attribute cannot have this name with this value, whose nested names are joined to it. `None`: it can.
pub fn attribute_fault(name: &str, value: &Value) -> Option<String> {
    fn nested(name: &str, value: &Value) -> Option<String> {
        match value {
            Value::Object(inner) => inner.iter().find_map(|(part, value)| nested(&format!("{name}_{part}"), value)),
            Value::Null => None,
            _ => joined_fault(name),
        }
    }
    name_fault(name).or_else(|| value.is_object().then(|| nested(name, value)).flatten())
}

/// Attributes as one level of names: objects are joined with `_`, lists with `, `, null is left out. What would get a name that the desk
/// keeps for itself is left out too; a name that stands there as it is wins over one that is put together.
pub fn flat(attributes: &Map<String, Value>) -> Map<String, Value> {
    let mut flat = Map::new();
    for (name, value) in attributes {
        spread(name, value, true, &mut flat);
    }
    for (name, value) in attributes {
        spread(name, value, false, &mut flat);
    }
    flat
}

/// Puts a value into `flat`: scalars and lists at the top where `plain`, else what is inside of objects.
fn spread(name: &str, value: &Value, plain: bool, flat: &mut Map<String, Value>) {
    match value {
        Value::Object(inner) if !plain => {
            for (part, value) in inner {
                let name = format!("{name}_{part}");
                spread(&name, value, true, flat);
                spread(&name, value, false, flat);
            }
        }
        Value::Object(_) | Value::Null => {}
        _ if !plain => {}
        _ => {
            let name = fitting(name);
            if !RESERVED.contains(&name.as_str()) && !flat.contains_key(&name) {
                flat.insert(name, scalar(value));
            }
        }
    }
}

/// A name without spaces.
fn fitting(name: &str) -> String {
    name.chars().map(|c| if c.is_whitespace() || c.is_control() { '_' } else { c }).collect()
}

/// A value without lists and objects.
fn scalar(value: &Value) -> Value {
    match value {
        Value::Array(list) => {
            let parts: Vec<String> = list.iter().filter(|value| !value.is_null()).map(text).collect();
            Value::String(parts.join(", "))
        }
        other => other.clone(),
    }
}

/// A value within a list, as text.
fn text(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Array(list) => list.iter().map(text).collect::<Vec<_>>().join(", "),
        Value::Object(object) => {
            object.iter().map(|(name, value)| format!("{name}: {}", text(value))).collect::<Vec<_>>().join("; ")
        }
        other => other.to_string(),
    }
}

/// What is wrong with an answer to the help desk, a sentence each: it must be one flat object without spaces in its keys. Empty: nothing.
pub fn answer_faults(answer: &Value) -> Vec<String> {
    let Some(object) = answer.as_object() else {
        return vec!["the answer must be one JSON object".to_owned()];
    };
    let mut faults = Vec::new();
    for (name, value) in object {
        faults.extend(name_fault(name));
        if value.is_object() {
            faults.push(format!(
                "`{name}` holds an object: nested keys do not work; write `{name}_...` for each of them"
            ));
        }
        if value.is_array() {
            faults.push(format!("`{name}` holds a list: write one text"));
        }
    }
    faults
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn of(value: Value) -> Value {
        Value::Object(flat(value.as_object().unwrap_or(&Map::new())))
    }

    #[test]
    fn attributes_become_one_level() {
        assert_eq!(
            of(json!({
                "vip": true, "missed": 3, "plan": { "name": "Pro", "since": { "year": 2024 } }, "links": ["@a", "@b"], "gone": null,
            })),
            json!({ "vip": true, "missed": 3, "links": "@a, @b", "plan_name": "Pro", "plan_since_year": 2024 })
        );
        assert_eq!(of(json!({ "log": [{ "at": "x", "n": 1 }, [1, 2]] })), json!({ "log": "at: x; n: 1, 1, 2" }));
    }

    #[test]
    fn no_name_of_the_desk_and_no_space_comes_out() {
        assert_eq!(
            of(json!({ "first": { "name": "x", "seen": 1 }, "full name": "y", "a b": 1, "status": "vip" })),
            json!({ "a_b": 1, "first_seen": 1 })
        );
    }

    #[test]
    fn a_name_as_it_stands_wins_over_one_put_together() {
        assert_eq!(of(json!({ "plan": { "tier": "b" }, "plan_tier": "a" })), json!({ "plan_tier": "a" }));
    }

    #[test]
    fn names_that_cannot_be_say_why() {
        for name in RESERVED.iter().chain(&["", "a b", "a\tb", "a\u{a0}b"]) {
            assert!(name_fault(name).is_some(), "{name:?}");
        }
        for name in ["missed_calls", "Name", "stripe_customer_token", "größe"] {
            assert_eq!(name_fault(name), None, "{name:?}");
        }
    }

    #[test]
    fn nested_names_that_would_be_left_out_are_refused() {
        for (name, value) in [
            ("full", json!({ "name": "x" })),
            ("first", json!({ "name": { "x": null }, "name ": 1, "ok": { "a\u{200b}": 1 } })),
            ("zero\u{feff}width", json!(1)),
        ] {
            assert!(attribute_fault(name, &value).is_some(), "{name} {value}");
        }
        for value in [json!("x"), json!({ "name": null, "seen": 1 }), json!([{ "name": "x" }])] {
            assert_eq!(attribute_fault("full", &value), None, "{value}");
        }
        assert!(name_fault("").is_some_and(|why| why.contains("empty")));
    }

    /// The examples of Groove's help page, right and wrong.
    #[test]
    fn groove_s_own_examples_are_told_apart() {
        let right = json!({
            "id": 3,
            "created_at": "2013-06-16 12:36:36 Z",
            "current_sign_in_at": "2013-08-16 12:36:36 Z",
            "first_charge_created_at": "2013-06-26 12:36:36 Z",
            "last_charge_amount": "$150.00",
            "sign_in_count": 23,
            "stripe_customer_token": "cus_XdlkjDfljdl",
        });
        assert_eq!(answer_faults(&right), Vec::<String>::new());
        assert_eq!(of(right.clone()), right, "what is flat stays as it is");
        let wrong = json!({ "stripe": { "customer_token": "cus_XdlkjDfljdl" } });
        assert!(answer_faults(&wrong).concat().contains("stripe_..."));
        assert_eq!(of(wrong), json!({ "stripe_customer_token": "cus_XdlkjDfljdl" }));
    }
}
