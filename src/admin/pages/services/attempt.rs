//! A form to try an action: first what would be sent, then for real.

use askama::Template;
use rocket::State;

use super::show::pack_of;
use crate::{
    admin::{
        act,
        outward::{Came, Prepared, Trial},
        refused::Refused,
        sent::Sent,
        state::Admin,
        view::{Frame, Page, page},
    },
    model::Person,
    services::{Action, Input, InputType},
};

/// What stands before an input's name in the form.
const PREFIX: &str = "input.";
/// Bytes of the key of a request at most; it is remembered for a while.
const LONGEST_KEY: usize = 200;

/// An input as a field of the form.
struct Field {
    name: String,
    label: String,
    /// `area`, `choice` or a type of `<input>`.
    shape: &'static str,
    required: bool,
    choices: Vec<String>,
    help: String,
    value: String,
}

impl Field {
    fn of(input: &Input, trial: Option<&Trial>) -> Self {
        let (shape, hint) = match input.kind {
            InputType::Text | InputType::Html => ("area", ""),
            InputType::List => ("area", "a list in JSON"),
            InputType::Object => ("area", "an object in JSON"),
            InputType::Integer => ("number", "a whole number"),
            InputType::Number => ("text", "a number"),
            InputType::Boolean | InputType::Enum => ("choice", ""),
            InputType::Email => ("email", ""),
            InputType::Url => ("url", ""),
            InputType::Time => ("text", "a time with offset such as 2026-03-01T10:00:00Z"),
        };
        let choices = match input.kind {
            InputType::Boolean => vec!["true".to_owned(), "false".to_owned()],
            _ => input.choices.clone(),
        };
        let unless = input.default.as_ref().map(|default| format!("{default} unless given"));
        let help = [Some(hint.to_owned()), unless, Some(input.help.clone())].into_iter().flatten();
        let help: Vec<String> = help.filter(|part| !part.is_empty()).collect();
        let given = trial.and_then(|trial| trial.inputs.iter().find(|(name, _)| *name == input.name));
        Self {
            name: format!("{PREFIX}{}", input.name),
            label: input.name.clone(),
            shape,
            required: input.required && input.default.is_none(),
            choices,
            help: help.join("; "),
            value: given.map(|(_, text)| text.clone()).unwrap_or_default(),
        }
    }
}

#[derive(Template)]
#[template(path = "attempt.html")]
struct Attempt {
    frame: Frame,
    service: String,
    service_title: String,
    action: String,
    title: String,
    is_read: bool,
    /// Names of the ways out of this service, and which is chosen.
    connections: Vec<(String, bool)>,
    fields: Vec<Field>,
    /// What would be sent.
    prepared: Option<Prepared>,
    /// Tells this press of the button from all others.
    key: String,
    came: Option<Came>,
    /// What was wrong with what was given.
    fault: Option<String>,
}

async fn attempt(
    admin: &Admin,
    person: &Person,
    service: &str,
    action: &str,
    trial: Option<&Trial>,
) -> Result<Attempt, Refused> {
    let registry = (admin.in_force)().registry;
    let pack = pack_of(&registry, service)?;
    let missing = || Refused::missing(&format!("action `{}`", action.chars().take(100).collect::<String>()));
    let of: &Action = pack.actions.get(action).ok_or_else(missing)?;
    let links = admin.outward.links().await?;
    let chosen = trial.map_or(pack.name.as_str(), |trial| trial.connection.as_str());
    let connections = links.iter().filter(|link| link.service == pack.name);
    Ok(Attempt {
        frame: Frame::new(admin, person, "/services", format!("Try {service}.{action}")),
        service: pack.name.clone(),
        service_title: pack.title.clone(),
        action: of.name.clone(),
        title: of.title.clone(),
        is_read: of.read,
        connections: connections.map(|link| (link.name.clone(), link.name == chosen)).collect(),
        fields: of.inputs.iter().map(|input| Field::of(input, trial)).collect(),
        prepared: None,
        key: format!("{:016x}", admin.ids.next(admin.clock.now())),
        came: None,
        fault: None,
    })
}

/// What the form has sent.
async fn trial(admin: &Admin, service: &str, action: &str, sent: &Sent) -> Result<Trial, Refused> {
    let connection = sent.text("connection")?.unwrap_or(service);
    let given = |name: &str| Ok(sent.text(&format!("{PREFIX}{name}"))?.map(|text| text.replace("\r\n", "\n")));
    act::connections::trial(admin, (service, action), connection, given).await
}

#[rocket::get("/services/<service>/try/<action>?<connection>")]
pub(super) async fn form(
    admin: &State<Admin>,
    person: &Person,
    service: &str,
    action: &str,
    connection: Option<&str>,
) -> Page {
    let given =
        Trial { connection: connection.unwrap_or(service).to_owned(), action: action.to_owned(), inputs: Vec::new() };
    page(&attempt(admin, person, service, action, Some(&given)).await?)
}

#[rocket::post("/services/<service>/try/<action>/preview", data = "<sent>")]
pub(super) async fn preview(
    admin: &State<Admin>,
    person: &Person,
    service: &str,
    action: &str,
    sent: Result<Sent, Refused>,
) -> Page {
    let sent = sent?;
    let trial = trial(admin, service, action, &sent).await?;
    let mut shown = attempt(admin, person, service, action, Some(&trial)).await?;
    match act::connections::prepare(admin, &trial).await {
        Ok(prepared) => shown.prepared = Some(prepared),
        Err(refused) if refused.status == 422 => shown.fault = Some(refused.message.into_owned()),
        Err(refused) => return Err(refused),
    }
    page(&shown)
}

#[rocket::post("/services/<service>/try/<action>/send", data = "<sent>")]
pub(super) async fn send(
    admin: &State<Admin>,
    person: &Person,
    service: &str,
    action: &str,
    sent: Result<Sent, Refused>,
) -> Page {
    let sent = sent?;
    let trial = trial(admin, service, action, &sent).await?;
    let key = sent.wanted("key")?;
    if key.len() > LONGEST_KEY {
        return Err(Refused::invalid(format!("`key`: {LONGEST_KEY} bytes at most.")));
    }
    let mut shown = attempt(admin, person, service, action, Some(&trial)).await?;
    match act::connections::send(admin, person, &trial, key).await {
        Ok(came) => shown.came = Some(came),
        Err(refused) if refused.status == 422 => shown.fault = Some(refused.message.into_owned()),
        Err(refused) => return Err(refused),
    }
    page(&shown)
}
