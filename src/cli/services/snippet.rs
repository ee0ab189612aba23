//! A step to paste into a rule.

use serde_json::Value;

use crate::services::{Action, Input, InputType, Pack};

/// The step in YAML: required inputs with values to change, the others as comments.
pub(super) fn snippet(pack: &Pack, action: &Action) -> String {
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

#[cfg(test)]
mod tests {
    use std::{collections::BTreeMap, sync::Arc};

    use super::*;
    use crate::{app, config::Config, rules::Texts, services::Registry};

    #[test]
    fn a_step_of_every_built_in_action_can_be_pasted_into_a_rule() {
        let registry = Registry::load(&BTreeMap::new()).unwrap();
        let mut rules = BTreeMap::new();
        for pack in registry.packs.values() {
            for action in pack.actions.values() {
                let step: String = snippet(pack, action).lines().map(|line| format!("  {line}\n")).collect();
                let rule = format!("name: pasted\non: {{ manual: {{}} }}\ndo:\n{step}");
                rules.insert(format!("rules/{}/{}.yaml", pack.name, action.name), rule);
            }
        }
        assert!(rules.len() > 50, "{}", rules.len());
        let config = Config::defaults(std::path::Path::new("/nowhere"));
        let findings = app::compile(&Texts(Arc::new(rules)), &config).findings;
        let errors: Vec<_> = findings.iter().filter(|finding| finding.is_error()).collect();
        assert!(errors.is_empty(), "{errors:#?}");
    }
}
