//! Turns rendered values to the types that inputs and fields declare.

use super::{Input, InputType, raw::near};
use crate::{
    clock::Time,
    model::ErrorClass,
    value::{Value, is_email, is_web_url, number_of, type_name, whole_number_of},
};

/// Turns a rendered value to an input's type by the language's rules (text to number or boolean if it is exactly one, number and
/// boolean to text). Null becomes the default; null where there is none. `Err` is one sentence: what was wanted, what was there.
pub fn coerce(input: &Input, value: Value) -> Result<Value, (ErrorClass, String)> {
    let value = if value.is_null() { input.default.clone().unwrap_or(Value::Null) } else { value };
    if value.is_null() {
        let why = || (ErrorClass::InvalidInput, format!("input `{}` is required, and null was given", input.name));
        return if input.required { Err(why()) } else { Ok(Value::Null) };
    }
    to_kind(input.kind, &input.choices, value)
        .map_err(|why| (ErrorClass::InvalidInput, format!("input `{}`: {why}", input.name)))
}

/// Turns a value to a type. `Err` says what was wanted and what type was there, never the value.
pub(super) fn to_kind(kind: InputType, choices: &[String], value: Value) -> Result<Value, String> {
    let seen = type_name(&value);
    let wanted = |what: &str| Err(format!("{what} wanted, {} seen", with_article(seen)));
    match (kind, value) {
        (InputType::Text | InputType::Html, Value::String(text)) => Ok(Value::String(text)),
        (InputType::Text | InputType::Html, value @ (Value::Number(_) | Value::Bool(_))) => {
            Ok(Value::String(value.to_string()))
        }
        (InputType::Integer, value) => whole_number_of(&value).map_or_else(|| wanted("a whole number"), Ok),
        (InputType::Number, value) => number_of(&value).map_or_else(|| wanted("a number"), Ok),
        (InputType::Boolean, Value::String(text)) if text == "true" => Ok(Value::Bool(true)),
        (InputType::Boolean, Value::String(text)) if text == "false" => Ok(Value::Bool(false)),
        (InputType::Boolean, value @ Value::Bool(_))
        | (InputType::List, value @ Value::Array(_))
        | (InputType::Object, value @ Value::Object(_)) => Ok(value),
        (InputType::Email, Value::String(text)) if is_email(&text) => Ok(Value::String(text)),
        (InputType::Url, Value::String(text)) if is_web_url(&text) => Ok(Value::String(text)),
        (InputType::Time, Value::String(text)) if Time::parse(&text).is_some() => Ok(Value::String(text)),
        (InputType::Enum, value) => {
            let known: Vec<&str> = choices.iter().map(String::as_str).collect();
            let meant = value.as_str().and_then(|text| near(text, &known));
            let meant = meant.map(|meant| format!("; did you mean `{meant}`?")).unwrap_or_default();
            let shown: Vec<String> = known.iter().map(|choice| format!("`{choice}`")).collect();
            let why = || format!("one of {} wanted, {} seen{meant}", shown.join(", "), with_article(seen));
            choice(choices, value).ok_or_else(why)
        }
        (InputType::Text, _) => wanted("text"),
        (InputType::Html, _) => wanted("HTML text"),
        (InputType::Boolean, _) => wanted("a boolean"),
        (InputType::List, _) => wanted("a list"),
        (InputType::Object, _) => wanted("an object"),
        (InputType::Email, _) => wanted("an e-mail address"),
        (InputType::Url, _) => wanted("an http or https URL"),
        (InputType::Time, _) => wanted("a time with offset such as 2026-03-01T10:00:00Z"),
    }
}

fn with_article(kind: &str) -> String {
    match kind {
        "text" | "null" => kind.to_owned(),
        "object" => "an object".to_owned(),
        other => format!("a {other}"),
    }
}

fn choice(choices: &[String], value: Value) -> Option<Value> {
    let text = match value {
        Value::String(text) => text,
        Value::Number(_) | Value::Bool(_) => value.to_string(),
        _ => return None,
    };
    choices.contains(&text).then_some(Value::String(text))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn input(kind: InputType, required: bool) -> Input {
        Input {
            name: "x".to_owned(),
            kind,
            required,
            default: None,
            choices: vec!["opened".to_owned(), "closed".to_owned()],
            help: String::new(),
            target: false,
        }
    }

    #[test]
    fn values_are_turned_to_the_declared_type_or_refused() {
        use InputType::{Boolean, Email, Enum, Html, Integer, List, Number, Object, Text, Time, Url};
        let none = None;
        for (kind, given, wanted) in [
            (Text, json!("a"), Some(json!("a"))),
            (Text, json!(42), Some(json!("42"))),
            (Text, json!(true), Some(json!("true"))),
            (Text, json!(["a"]), none.clone()),
            (Html, json!(1.5), Some(json!("1.5"))),
            (Html, json!({}), none.clone()),
            (Integer, json!(42), Some(json!(42))),
            (Integer, json!("42"), Some(json!(42))),
            (Integer, json!("-7"), Some(json!(-7))),
            (Integer, json!(42.0), Some(json!(42))),
            (Integer, json!(u64::MAX), Some(json!(u64::MAX))),
            (Integer, json!("18446744073709551616"), none.clone()),
            (Integer, json!(" 42"), none.clone()),
            (Integer, json!("42\n"), none.clone()),
            (Integer, json!("042"), none.clone()),
            (Integer, json!("+42"), none.clone()),
            (Integer, json!("0x2a"), none.clone()),
            (Integer, json!("4 2"), none.clone()),
            (Integer, json!(""), none.clone()),
            (Integer, json!(1.5), none.clone()),
            (Integer, json!(1e300), none.clone()),
            (Integer, json!(true), none.clone()),
            (Number, json!("1.5"), Some(json!(1.5))),
            (Number, json!("1e3"), Some(json!(1000.0))),
            (Number, json!("1e999"), none.clone()),
            (Number, json!("NaN"), none.clone()),
            (Boolean, json!("true"), Some(json!(true))),
            (Boolean, json!(false), Some(json!(false))),
            (Boolean, json!("True"), none.clone()),
            (Boolean, json!(1), none.clone()),
            (List, json!([1]), Some(json!([1]))),
            (List, json!("a,b"), none.clone()),
            (Object, json!({"a": 1}), Some(json!({"a": 1}))),
            (Object, json!([]), none.clone()),
            (Email, json!("john@acme.com"), Some(json!("john@acme.com"))),
            (Email, json!("john+x@acme"), Some(json!("john+x@acme"))),
            (Email, json!("john"), none.clone()),
            (Email, json!("a@b@c"), none.clone()),
            (Email, json!("a@b,c@d"), none.clone()),
            (Email, json!("a@b\r\nBcc: c"), none.clone()),
            (Email, json!("@b"), none.clone()),
            (Url, json!("https://acme.com/x"), Some(json!("https://acme.com/x"))),
            (Url, json!("javascript:alert(1)"), none.clone()),
            (Time, json!("2026-03-01T10:00:00Z"), Some(json!("2026-03-01T10:00:00Z"))),
            (Time, json!("2026-03-01 10:00"), none.clone()),
            (Enum, json!("opened"), Some(json!("opened"))),
            (Enum, json!("Opened"), none.clone()),
        ] {
            let got = coerce(&input(kind, true), given.clone()).ok();
            assert_eq!(got, wanted, "{kind:?} {given}");
        }
    }

    #[test]
    fn null_is_an_error_only_where_a_value_is_required() {
        assert_eq!(coerce(&input(InputType::Text, false), Value::Null), Ok(Value::Null));
        let error = coerce(&input(InputType::Text, true), Value::Null).unwrap_err();
        assert_eq!(error, (ErrorClass::InvalidInput, "input `x` is required, and null was given".to_owned()));
        let defaulted = Input { default: Some(json!(25)), ..input(InputType::Integer, true) };
        assert_eq!(coerce(&defaulted, Value::Null), Ok(json!(25)));
    }

    #[test]
    fn what_is_wrong_is_told_without_the_value() {
        let error = coerce(&input(InputType::Integer, true), json!("secret words")).unwrap_err().1;
        assert_eq!(error, "input `x`: a whole number wanted, text seen");
        let error = coerce(&input(InputType::Enum, true), json!("secret words")).unwrap_err().1;
        assert_eq!(error, "input `x`: one of `opened`, `closed` wanted, text seen");
        let error = coerce(&input(InputType::Enum, true), json!("opend")).unwrap_err().1;
        assert_eq!(error, "input `x`: one of `opened`, `closed` wanted, text seen; did you mean `opened`?");
        let error = coerce(&input(InputType::Email, true), json!(5)).unwrap_err().1;
        assert_eq!(error, "input `x`: an e-mail address wanted, a number seen");
    }
}
