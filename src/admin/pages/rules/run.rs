//! `/rules/run`: a rule is started by hand, with inputs that it asks for.

use askama::Template;
use rocket::{State, response::Redirect};

use crate::{
    admin::{
        act::rules as act,
        refused::Refused,
        sent::Sent,
        state::Admin,
        view::{Frame, Page, page},
    },
    model::Person,
    rules::{ManualInput, On},
};

/// What stands before the name of an input in the form.
const PREFIX: &str = "input.";

/// An input as the form asks for it.
struct Field {
    name: String,
    label: String,
    /// Of `<input>`.
    kind: &'static str,
    /// `list` and `object` take lines of JSON.
    is_long: bool,
    required: bool,
    value: String,
    choices: Vec<String>,
    help: String,
}

#[derive(Template)]
#[template(path = "rule_run.html")]
struct Form {
    frame: Frame,
    id: String,
    encoded: String,
    name: String,
    fields: Vec<Field>,
    /// It goes by a schedule: the run is as if a slot were now.
    is_schedule: bool,
    is_enabled: bool,
}

fn field(input: &ManualInput) -> Field {
    let kind = match input.kind.as_str() {
        "integer" | "number" => "number",
        "email" => "email",
        "url" => "url",
        _ => "text",
    };
    let value = match &input.default {
        serde_json::Value::Null => String::new(),
        serde_json::Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    let choices = match input.kind.as_str() {
        "boolean" => vec!["true".to_owned(), "false".to_owned()],
        _ => input.choices.clone(),
    };
    let help = match (input.kind.as_str(), input.help.as_str()) {
        ("list" | "object", "") => format!("{}, as JSON", input.kind),
        ("time", "") => "such as 2026-03-01T10:00:00Z".to_owned(),
        (_, help) => help.to_owned(),
    };
    Field {
        name: format!("{PREFIX}{}", input.name),
        label: input.name.clone(),
        kind,
        is_long: matches!(input.kind.as_str(), "list" | "object"),
        required: input.required && input.default.is_null(),
        value,
        choices,
        help,
    }
}

#[rocket::get("/rules/run?<id>")]
pub(super) fn form(admin: &State<Admin>, person: &Person, id: &str) -> Page {
    let in_force = (admin.in_force)();
    let missing = || {
        let shown: String = id.chars().take(120).collect();
        Refused::missing(&format!("rule `{}` in force", shown.escape_debug()))
    };
    let rule = in_force.set.rules.get(id).ok_or_else(missing)?;
    let manual = rule.on.iter().find_map(|on| match on {
        On::Manual { inputs } => Some(inputs),
        _ => None,
    });
    if manual.is_none() && rule.schedules().next().is_none() {
        let told =
            format!("`{id}` is not started by hand: it has no `on: manual` and no schedule. Replay one of its events.");
        return Err(Refused::new(422, "not_manual", told));
    }
    page(&Form {
        frame: Frame::new(admin, person, "/rules", format!("Run {}", rule.name)),
        encoded: url::form_urlencoded::byte_serialize(id.as_bytes()).collect(),
        id: id.to_owned(),
        name: rule.name.clone(),
        fields: manual.map(|inputs| inputs.iter().map(field).collect()).unwrap_or_default(),
        is_schedule: manual.is_none(),
        is_enabled: rule.enabled,
    })
}

#[rocket::post("/rules/run", data = "<sent>")]
pub(super) async fn run(
    admin: &State<Admin>,
    person: &Person,
    sent: Result<Sent, Refused>,
) -> Result<Redirect, Refused> {
    let sent = sent?;
    let id = sent.wanted("id")?;
    let in_force = (admin.in_force)();
    let declared = in_force.set.rules.get(id).map(|rule| rule.on.clone()).unwrap_or_default();
    let mut inputs = Vec::new();
    for on in &declared {
        let On::Manual { inputs: known } = on else { continue };
        for input in known {
            // An empty field is one that was not given.
            if let Some(value) = sent.text(&format!("{PREFIX}{}", input.name))?.filter(|value| !value.is_empty()) {
                inputs.push((input.name.clone(), value.to_owned()));
            }
        }
    }
    let run = act::run(admin, person, id, inputs).await?;
    Ok(Redirect::to(format!("/runs/{run}?did=started")))
}
