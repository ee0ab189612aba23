//! An action of a service, as it is shown.

use std::time::Duration;

use serde_json::{Value, json};

use super::wrap::wrapped;
use crate::{
    cli::answer::clean,
    clock::Time,
    services::{Action, Body, Input, Pack, snippet},
    templates::{Context, Leaf, Limits, Sink},
};

/// What rendering a path may take.
const LIMITS: Limits = Limits { steps: 10_000, bytes: 1 << 16, time: Duration::from_millis(100) };

pub(super) fn as_json(pack: &Pack, action: &Action) -> Value {
    let input = |input: &Input| {
        json!({
            "name": input.name, "type": input.kind.word(), "required": input.required, "default": input.default,
            "choices": input.choices, "help": input.help, "target": input.target,
        })
    };
    json!({
        "name": format!("{}.{}", pack.name, action.name), "title": action.title,
        "inputs": action.inputs.iter().map(input).collect::<Vec<_>>(),
        "request": request(action), "host": action.host, "result": result(action),
        "read": action.read, "idempotent": action.idempotent,
        "verify": action.verify.as_ref().map(|back| format!("{}.{}", pack.name, back.action)),
        "paging": action.paging.is_some(), "sample": action.sample, "step": snippet(pack, action),
    })
}

/// Its lines in the list of a service: what it does, and its inputs.
pub(super) fn line(pack: &Pack, action: &Action) -> String {
    let mut text = wrapped(&format!("  {}.{}: ", pack.name, action.name), "      ", &clean(&action.title, 200));
    if !action.inputs.is_empty() {
        let inputs = action.inputs.iter();
        let inputs: Vec<String> = inputs
            .map(|input| format!("{}{} {}", input.name, if input.required { "*" } else { "" }, input.kind.word()))
            .collect();
        text.push_str(&wrapped("      ", "      ", &inputs.join(", ")));
    }
    text
}

pub(super) fn as_text(pack: &Pack, action: &Action) -> String {
    let mut text = wrapped("", "  ", &format!("{}.{} - {}", pack.name, action.name, clean(&action.title, 200)));
    text.push_str(&wrapped("  ", "    ", &request(action)));
    if !action.inputs.is_empty() {
        text.push_str("\nInputs (* must be given)\n");
        for input in &action.inputs {
            text.push_str(&of_input(input));
        }
    }
    text.push_str("\nWhat comes of it\n");
    text.push_str(&wrapped("  result: ", "    ", &result(action)));
    for sentence in traits(pack, action) {
        text.push_str(&wrapped("  ", "    ", &sentence));
    }
    text.push_str("\nA step for a rule\n");
    for line in snippet(pack, action).lines() {
        text.push_str(&format!("  {line}\n"));
    }
    text
}

fn of_input(input: &Input) -> String {
    let mut says = vec![input.kind.word().to_owned()];
    if !input.choices.is_empty() {
        says.push(format!("one of {}", input.choices.join(" | ")));
    }
    if let Some(default) = &input.default {
        says.push(format!("{default} unless given"));
    }
    if input.target {
        says.push("what it works on: values of strangers need a guard".to_owned());
    }
    if !input.help.is_empty() {
        says.push(clean(&input.help, 400));
    }
    let star = if input.required { "*" } else { "" };
    wrapped(&format!("  {}{star}: ", input.name), "      ", &says.join("; "))
}

/// `POST /tickets/<ticket>/messages (json)`.
fn request(action: &Action) -> String {
    let body = match &action.body {
        Body::None => "",
        Body::Json(_) => " (json)",
        Body::Form(_) => " (form)",
        Body::Text(_) => " (text)",
        Body::Xml(_) => " (xml)",
        Body::Multipart(_) => " (multipart)",
        Body::Mail(_) => return "a message of mail, by SMTP".to_owned(),
    };
    format!("{} {}{body}", action.method, path(action).unwrap_or_default())
}

/// The path with the names of inputs in the place of their values. `None`: it makes something else of them.
fn path(action: &Action) -> Option<String> {
    let mut context = Context::new(Time(0), LIMITS);
    let named: Vec<(&str, Value)> =
        action.inputs.iter().map(|input| (input.name.as_str(), Value::String(format!("<{}>", input.name)))).collect();
    for (name, value) in &named {
        context.set(name, value);
    }
    action.path.render(&context, Sink::Plain).ok()?.as_str().map(str::to_owned)
}

fn result(action: &Action) -> String {
    action.result.as_ref().map_or_else(|| "body".to_owned(), ToString::to_string)
}

fn traits(pack: &Pack, action: &Action) -> Vec<String> {
    let mut traits = Vec::new();
    if action.read {
        traits.push("It changes nothing at the service.".to_owned());
    } else if action.idempotent {
        traits.push("Twice has the effect of once: an attempt without an answer is made again.".to_owned());
    }
    if let Some(back) = &action.verify {
        let says = format!("An attempt without an answer is looked up by {}.{}.", pack.name, back.action);
        traits.push(says);
    } else if !action.read && !action.idempotent {
        traits.push("An attempt without an answer waits for a person (unknown: ask).".to_owned());
    }
    if let Some(paging) = &action.paging {
        let limit = match &paging.limit {
            Leaf::Literal(number) => format!("{number} items"),
            Leaf::Expression(_) | Leaf::Text(_) => "as many items as its inputs say".to_owned(),
        };
        traits.push(format!("Pages are gathered: {limit}, {} requests at most.", paging.pages));
    }
    traits
}
