//! `bellwire profiles preview`: a card as Groove would show it.

use std::{fs, path::Path};

use serde_json::{Map, Value, json};

use super::{Preview, ask, email_of};
use crate::{
    cli::{
        answer::{Answer, clean},
        failure::Failure,
        open,
    },
    config::Config,
    model::{Keeper, answer_faults, flat},
    templates::{Context, Files, Limits, Sink, Template},
    value::{JsonLimits, read_json},
};

/// Where the workspace's card is.
const CARD: &str = "templates/profile/groove.liquid";
/// The one that Bellwire brings.
pub(in crate::cli) const BUILT_IN: &str = include_str!("../../../templates/profile/groove.liquid");

/// What one card may use.
const LIMITS: Limits = Limits { steps: 100_000, bytes: 1024 * 1024, time: std::time::Duration::from_secs(1) };

pub(super) fn preview(config: &Config, options: &Preview) -> Result<Answer, Failure> {
    let email = options.email.as_deref().map(email_of).transpose()?;
    let answer = match &options.data {
        Some(file) => given(file)?,
        None => known(config, email.clone().unwrap_or_default())?,
    };
    let faults = answer_faults(&answer);
    let note = |answer: Answer| {
        if faults.is_empty() {
            return answer;
        }
        let lines: Vec<String> = faults.iter().map(|fault| format!("bellwire: {}", clean(fault, 300))).collect();
        Answer { exit: 1, ..answer.note(&lines.join("\n")) }
    };
    if options.json {
        return Ok(note(Answer::json(&answer)));
    }
    let (name, text) = template(config, options.template.as_deref())?;
    let fault = |line: u32, column: u32, message: &str| Failure::No(format!("{name}:{line}:{column}: {message}"));
    let template = Template::parse(&text, &Files::default())
        .map_err(|error| fault(error.place.line, error.place.column, &error.message))?;
    let names = filled(&answer, email.as_deref(), options);
    let mut context = Context::new(open::clock().now(), LIMITS);
    for (name, value) in &names {
        context.set(name, value);
    }
    let out = template
        .render(&context.lenient(), Sink::Plain)
        .map_err(|error| fault(error.place.line, error.place.column, &error.message))?;
    Ok(note(Answer { out, ..Answer::default() }))
}

/// The answer with the fields that Groove always fills in itself.
fn filled(answer: &Value, email: Option<&str>, options: &Preview) -> Map<String, Value> {
    let mut names = answer.as_object().cloned().unwrap_or_default();
    let full = options.full_name.trim();
    let (first, last) = full.split_once(' ').unwrap_or((full, ""));
    let own = json!({
        "name": "Custom Profile",
        "status": options.status,
        "email": email.unwrap_or("maria@example.com"),
        "first_name": first,
        "last_name": last,
        "full_name": full,
    });
    names.extend(own.as_object().cloned().unwrap_or_default());
    names
}

/// What Groove would be answered.
fn known(config: &Config, email: String) -> Result<Value, Failure> {
    let attributes = ask(config, async |store| Ok(store.attributes(Keeper::Profile, email).await?))?;
    let answer = flat(&attributes);
    Ok(if answer.is_empty() { json!({ "known": "no" }) } else { Value::Object(answer) })
}

fn given(file: &Path) -> Result<Value, Failure> {
    let unreadable = |error: std::io::Error| Failure::No(format!("{} cannot be read: {error}", file.display()));
    let bytes = if file == Path::new("-") {
        let mut bytes = Vec::new();
        std::io::Read::read_to_end(&mut std::io::stdin(), &mut bytes).map_err(unreadable)?;
        bytes
    } else {
        fs::read(file).map_err(unreadable)?
    };
    let read = read_json(&bytes, JsonLimits::default());
    read.map(|parsed| parsed.value).map_err(|error| Failure::No(format!("{} is not JSON: {error}", file.display())))
}

/// The card's template, and what messages call it.
fn template(config: &Config, file: Option<&Path>) -> Result<(String, String), Failure> {
    let own = config.workspace.join(CARD);
    let file = match file {
        Some(file) => file,
        None if own.is_file() => &own,
        None => return Ok((CARD.to_owned(), BUILT_IN.to_owned())),
    };
    let shown = file.display().to_string();
    let text = fs::read_to_string(file).map_err(|error| Failure::No(format!("{shown} cannot be read: {error}")))?;
    Ok((shown, text))
}
