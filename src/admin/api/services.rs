//! `/api/v1/services`: packs in force, with their events and actions.

use rocket::{State, get};
use serde::Serialize;
use serde_json::Value;
use utoipa::{OpenApi, ToSchema};

use super::{
    answer::{Answer, Listed, Reply},
    asked::{Asked, Nothing, Page},
    part::Part,
};
use crate::{
    admin::{refused::Refused, state::Admin},
    model::{Role, Scope},
    services::{Action, Pack},
};

#[derive(OpenApi)]
#[openapi(paths(list_services, show_service))]
struct Told;

pub(super) fn part() -> Part {
    Part::of::<Told>("services", "Kinds of outside systems: what they send, and what they can be asked to do.").with(
        Role::Viewer,
        Scope::Read,
        rocket::routes![list_services, show_service],
    )
}

/// A service in the list.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct ServiceView {
    #[schema(example = "groove")]
    name: String,
    title: String,
    /// It sends deliveries.
    has_hook: bool,
    /// The types of its events, without the service.
    events: Vec<String>,
    /// The names of its actions, without the service.
    actions: Vec<String>,
}

/// A service with all that it sends and does.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct ServiceWhole {
    #[serde(flatten)]
    service: ServiceView,
    description: Option<String>,
    /// The page of its own documentation.
    docs: Option<String>,
    base_url: Option<String>,
    event_list: Vec<EventKindView>,
    action_list: Vec<ActionView>,
}

/// A kind of event.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct EventKindView {
    #[serde(rename = "type")]
    #[schema(example = "gruveo.call")]
    kind: String,
    title: String,
    /// JSON Schema of the payload.
    schema: Value,
    /// Names of its samples.
    samples: Vec<String>,
}

/// An action.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct ActionView {
    #[schema(example = "groove.add_note")]
    name: String,
    title: String,
    /// It changes nothing.
    reads: bool,
    inputs: Vec<InputView>,
}

/// An input of an action.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct InputView {
    name: String,
    /// `text`, `integer`, `email` and so on.
    #[serde(rename = "type")]
    kind: &'static str,
    required: bool,
    /// A hint for people. May be empty.
    help: String,
}

fn view(pack: &Pack) -> ServiceView {
    ServiceView {
        name: pack.name.clone(),
        title: pack.title.clone(),
        has_hook: pack.hook.is_some(),
        events: pack.events.keys().cloned().collect(),
        actions: pack.actions.keys().cloned().collect(),
    }
}

/// Services, by name.
#[utoipa::path(params(Page), responses((status = 200, description = "A page of them.", body = Listed<ServiceView>)))]
#[get("/api/v1/services")]
fn list_services(admin: &State<Admin>, asked: Result<Asked<Page>, Refused>) -> Answer {
    let Asked(asked) = asked?;
    let registry = (admin.in_force)().registry;
    let all = registry.packs.values().map(|pack| view(pack));
    Reply::ok(&Listed::of(all, asked.cursor.as_deref(), asked.limit.0, |service| &service.name))
}

/// One service, with its events and actions.
#[utoipa::path(responses((status = 200, description = "The service.", body = ServiceWhole)))]
#[get("/api/v1/services/<name>")]
fn show_service(admin: &State<Admin>, name: &str, asked: Result<Asked<Nothing>, Refused>) -> Answer {
    asked?;
    let registry = (admin.in_force)().registry;
    let missing = || Refused::missing(&format!("service `{}`", name.chars().take(64).collect::<String>()));
    let pack = registry.pack(name).ok_or_else(missing)?;
    let events = pack.events.iter().map(|(event, kind)| EventKindView {
        kind: format!("{name}.{event}"),
        title: kind.title.clone(),
        schema: kind.schema.clone(),
        samples: kind.samples.iter().map(|(sample, _)| sample.clone()).collect(),
    });
    Reply::ok(&ServiceWhole {
        service: view(pack),
        description: pack.description.clone(),
        docs: pack.docs.clone(),
        base_url: pack.base_url.clone(),
        event_list: events.collect(),
        action_list: pack.actions.iter().map(|(action, of)| action_view(name, action, of)).collect(),
    })
}

fn action_view(service: &str, name: &str, action: &Action) -> ActionView {
    let inputs = action.inputs.iter().map(|input| InputView {
        name: input.name.clone(),
        kind: input.kind.word(),
        required: input.required,
        help: input.help.clone(),
    });
    ActionView {
        name: format!("{service}.{name}"),
        title: action.title.clone(),
        reads: action.read,
        inputs: inputs.collect(),
    }
}
