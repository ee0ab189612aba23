//! A step to paste into a rule.

use crate::value::Value;

use super::{Action, Input, InputType, Pack};

/// The step in YAML: required inputs with values to change, the others as comments.
pub fn snippet(pack: &Pack, action: &Action) -> String {
    let name = format!("{}.{}", pack.name, action.name);
    let required: Vec<&Input> = action.inputs.iter().filter(|input| input.required).collect();
    if required.is_empty() {
        let mut text = format!("- {name}: {{}}\n");
        for input in &action.inputs {
            text.push_str(&format!("  # {}\n", line(input)));
        }
        return text;
    }
    let mut text = format!("- {name}:\n");
    for input in required {
        text.push_str(&format!("    {}\n", line(input)));
    }
    for input in action.inputs.iter().filter(|input| !input.required) {
        text.push_str(&format!("    # {}\n", line(input)));
    }
    text
}

fn line(input: &Input) -> String {
    format!("{}: {}", input.name, example(input))
}

/// A value that the input takes, in YAML.
fn example(input: &Input) -> String {
    if let Some(default) = &input.default {
        return yaml(default);
    }
    match input.kind {
        InputType::Text => "some text".to_owned(),
        InputType::Html => "\"<p>some text</p>\"".to_owned(),
        InputType::Integer | InputType::Number => "1".to_owned(),
        InputType::Boolean => "true".to_owned(),
        InputType::List => "[]".to_owned(),
        InputType::Object => "{}".to_owned(),
        InputType::Email => "ann@example.com".to_owned(),
        InputType::Url => "https://example.com/page".to_owned(),
        InputType::Time => "\"2026-01-01T09:00:00Z\"".to_owned(),
        InputType::Enum => {
            input.choices.first().map_or_else(|| "\"\"".to_owned(), |first| yaml(&Value::from(first.as_str())))
        }
    }
}

/// JSON is YAML.
fn yaml(value: &Value) -> String {
    value.to_string()
}
