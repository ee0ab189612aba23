//! Whether a literal can be what an input wants.

use crate::{
    clock::Time,
    rules::{
        InputInfo, codes, keys,
        reader::{Node, Reader, has_template},
    },
    value::{Value, is_email, is_web_url, number_of, type_name, whole_number_of},
};

/// Checks a literal input against its declared type; templates are turned when they are rendered.
pub(crate) fn literal_input(reader: &Reader<'_>, node: &Node<'_>, input: &InputInfo) {
    if node.value.is_null() {
        if input.required {
            let message = format!("the input `{}` is required", input.name);
            reader.error(codes::MISSING_INPUT, reader.place(node), message, format!("it is of type {}", input.kind));
        }
        return;
    }
    if has_template(node.value) {
        return;
    }
    let Some(wanted) = fault(node.value, input) else { return };
    let shown = keys::shortened(&node.value.to_string());
    let message = format!("the input `{}` must be {wanted}, not {} {shown}", input.name, type_name(node.value));
    let help = match (node.value.as_str(), input.kind) {
        (Some(text), _) if !input.choices.is_empty() => {
            keys::suggestion(text, input.choices.iter().map(String::as_str))
        }
        _ if !input.help.is_empty() => input.help.clone(),
        (Some(_), "integer" | "number") => {
            "write digits, with or without quotes, or a template that gives them".to_owned()
        }
        (_, "text" | "html") => "write one text; lines of it stand below `|`".to_owned(),
        (_, "email") => "write one such as ada@example.com, or a template that gives one".to_owned(),
        _ => format!("write a value of type {}, or a template that gives one", input.kind),
    };
    reader.error(codes::INPUT_VALUE, reader.place(node), message, help);
}

/// What the input wants instead. `None` where the value fits.
fn fault(value: &Value, input: &InputInfo) -> Option<String> {
    let text = value.as_str();
    let scalar = !value.is_object() && !value.is_array();
    let (fits, wanted) = match input.kind {
        "text" | "html" => (scalar, "text"),
        "integer" => (whole_number_of(value).is_some(), "a whole number"),
        "number" => (number_of(value).is_some(), "a number"),
        "boolean" => (value.is_boolean() || matches!(text, Some("true" | "false")), "`true` or `false`"),
        "list" => (value.is_array(), "a list"),
        "object" => (value.is_object(), "a map"),
        "email" => (text.is_some_and(is_email), "an e-mail address"),
        "url" => (text.is_some_and(is_web_url), "a URL of http or https"),
        "time" => (text.is_some_and(|text| Time::parse(text).is_some()), "a time such as 2026-03-01T10:00:00Z"),
        "enum" => {
            let given =
                if value.is_number() || value.is_boolean() { Some(value.to_string()) } else { text.map(str::to_owned) };
            if given.is_some_and(|given| input.choices.contains(&given)) {
                return None;
            }
            return Some(format!("one of {}", input.choices.join(", ")));
        }
        _ => return None,
    };
    (!fits).then(|| wanted.to_owned())
}
