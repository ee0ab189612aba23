//! The card of a person as Groove shows it: a template of the workspace, or the one that Bellwire brings.

use std::{fs, path::Path, time::Duration};

use serde_json::{Map, json};

use crate::{
    clock::Time,
    config::Config,
    model::flat,
    templates::{Context, Files, Limits, Sink, Template},
    value::Value,
};

/// Where the workspace's card is.
const CARD: &str = "templates/profile/groove.liquid";
/// The one that Bellwire brings.
pub const CARD_TEMPLATE: &str = include_str!("../../templates/profile/groove.liquid");

/// What one card may use.
const LIMITS: Limits = Limits { steps: 100_000, bytes: 1024 * 1024, time: Duration::from_secs(1) };

/// Whom a card is of, as Groove fills it in.
#[derive(Debug, Clone, Copy)]
pub struct CardOf<'a> {
    /// The e-mail.
    pub email: &'a str,
    /// The customer's name.
    pub full_name: &'a str,
    /// The customer's status.
    pub status: &'a str,
}

/// What Groove is answered of attributes.
pub fn card_answer(attributes: &Map<String, Value>) -> Value {
    let answer = flat(attributes);
    if answer.is_empty() { json!({ "known": "no" }) } else { Value::Object(answer) }
}

/// The card's template and what messages call it: `file`, else the workspace's, else the built-in one. `Err` is one sentence.
pub fn card_template(config: &Config, file: Option<&Path>) -> Result<(String, String), String> {
    let own = config.workspace.join(CARD);
    let file = match file {
        Some(file) => file,
        None if own.is_file() => {
            // A link may lead anywhere, and whoever sees the page would see what is there.
            let real = |path: &Path| fs::canonicalize(path).ok();
            match (real(&own), real(&config.workspace.join("templates"))) {
                (Some(file), Some(root)) if file.starts_with(&root) => &own,
                _ => return Err(format!("{CARD} is a link out of templates/; put the file itself there")),
            }
        }
        None => return Ok((CARD.to_owned(), CARD_TEMPLATE.to_owned())),
    };
    let shown = file.display().to_string();
    let text = fs::read_to_string(file).map_err(|error| format!("{shown} cannot be read: {error}"))?;
    Ok((shown, text))
}

/// The card of an answer. `Err` is one sentence that names the place in the template.
pub fn card((name, text): &(String, String), answer: &Value, of: CardOf<'_>, now: Time) -> Result<String, String> {
    let fault = |line: u32, column: u32, message: &str| format!("{name}:{line}:{column}: {message}");
    let template = Template::parse(text, &Files::default())
        .map_err(|error| fault(error.place.line, error.place.column, &error.message))?;
    let names = filled(answer, of);
    let mut context = Context::new(now, LIMITS);
    for (name, value) in &names {
        context.set(name, value);
    }
    let rendered = template.render(&context.lenient(), Sink::Plain);
    rendered.map_err(|error| fault(error.place.line, error.place.column, &error.message))
}

/// The answer with the fields that Groove always fills in itself.
fn filled(answer: &Value, of: CardOf<'_>) -> Map<String, Value> {
    let mut names = answer.as_object().cloned().unwrap_or_default();
    let full = of.full_name.trim();
    let (first, last) = full.split_once(' ').unwrap_or((full, ""));
    let own = json!({
        "name": "Custom Profile",
        "status": of.status,
        "email": of.email,
        "first_name": first,
        "last_name": last,
        "full_name": full,
    });
    names.extend(own.as_object().cloned().unwrap_or_default());
    names
}
