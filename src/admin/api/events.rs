//! `/api/v1/events`: what came in, and what was said to it.

use std::str::FromStr;

use rocket::{State, get};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::{IntoParams, OpenApi, ToSchema};

use super::{
    answer::{Answer, Listed, Moment, Reply, value_of},
    asked::{Asked, Limit, Nothing, Text},
    explained::{ExplainAsked, Explained, explained},
    part::Part,
    runs::RunView,
};
use crate::{
    admin::{refused::Refused, state::Admin},
    ids::EventId,
    model::{Person, Role, Scope},
    store::{EventDetail, EventFilter, EventRow},
};

/// What the resource is.
pub(super) const ABOUT: &str = "Accepted deliveries, fired schedules, items of polls, events by hand.";

#[derive(OpenApi)]
#[openapi(paths(list_events, show_event, event_body, explain_event))]
struct Told;

pub(super) fn part() -> Part {
    Part::of::<Told>("events", ABOUT).with(
        Role::Viewer,
        Scope::Read,
        rocket::routes![list_events, show_event, event_body, explain_event],
    )
}

/// Whether rules matched an event.
#[derive(Debug, Clone, Copy, Deserialize, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(super) enum EventState {
    Matched,
    Unmatched,
}

/// An event in a list.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct EventView {
    #[schema(example = "evt_01hf3y8a9d000")]
    id: String,
    #[serde(rename = "type")]
    #[schema(example = "gruveo.call")]
    kind: String,
    /// The source it came in by.
    source: String,
    received_at: Moment,
    #[schema(value_type = EventState)]
    state: &'static str,
    /// Runs that it started.
    runs: u32,
    /// Deliveries of it, the first included.
    seen: u32,
    /// Length of its body.
    bytes: u64,
    /// What was odd about it, such as `id_reused`.
    flags: Vec<&'static str>,
}

/// An event with its body and runs.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct EventWhole {
    #[serde(flatten)]
    event: EventView,
    /// The source's service. `null` for a generic source.
    service: Option<String>,
    /// How it was verified. Empty: its source is public.
    verified: String,
    /// How many events of our own stand between it and one from outside.
    depth: u8,
    /// Headers and query that rules may see.
    #[schema(value_type = Object)]
    trigger: Value,
    /// JSON as it is, any other bytes as text. `null` where retention has deleted it.
    body: Value,
    /// The runs that are about it, newest first.
    run_list: Vec<RunView>,
}

impl From<EventRow> for EventView {
    fn from(row: EventRow) -> Self {
        Self {
            id: row.id.to_string(),
            kind: row.kind,
            source: row.source,
            received_at: row.received_at.into(),
            state: row.state,
            runs: row.runs,
            seen: row.seen,
            bytes: row.bytes,
            flags: row.flags,
        }
    }
}

impl From<EventDetail> for EventWhole {
    fn from(detail: EventDetail) -> Self {
        Self {
            event: detail.row.into(),
            service: detail.event.service,
            verified: detail.event.verified,
            depth: detail.event.depth,
            trigger: Value::Object(detail.event.meta),
            body: detail.event.body.as_deref().map(value_of).unwrap_or_default(),
            run_list: detail.runs.into_iter().map(RunView::from).collect(),
        }
    }
}

/// Which events.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct EventsAsked {
    /// Items of a page: 50 unless set.
    #[param(value_type = u32, required = false, minimum = 1, maximum = 1000)]
    #[serde(default)]
    limit: Limit,
    /// `next` of the page before.
    #[param(value_type = String, required = false, pattern = "^evt_[0-9a-f][0-9abcdefghjkmnpqrstvwxyz]{12}$")]
    cursor: Option<Text<EventId>>,
    /// Of this type.
    #[serde(rename = "type")]
    #[param(value_type = String, required = false, example = "gruveo.call")]
    kind: Option<String>,
    /// From this source.
    #[param(value_type = String, required = false)]
    source: Option<String>,
    /// Those that a rule matched, or those that none did.
    #[param(value_type = EventState, required = false, inline)]
    state: Option<EventState>,
}

/// Events, newest first.
#[utoipa::path(params(EventsAsked), responses((status = 200, description = "A page of them.", body = Listed<EventView>)))]
#[get("/api/v1/events")]
async fn list_events(admin: &State<Admin>, asked: Result<Asked<EventsAsked>, Refused>) -> Answer {
    let Asked(asked) = asked?;
    let filter = EventFilter {
        before: asked.cursor.map(|cursor| cursor.0),
        limit: Some(asked.limit.0),
        kind: asked.kind,
        source: asked.source,
        matched: asked.state.map(|state| matches!(state, EventState::Matched)),
    };
    let rows = admin.store.events(filter).await?;
    let items = rows.into_iter().map(EventView::from).collect();
    Reply::ok(&Listed::page(items, asked.limit.0, |last| last.id.clone()))
}

/// One event, with its body and the runs that are about it.
#[utoipa::path(responses((status = 200, description = "The event.", body = EventWhole)))]
#[get("/api/v1/events/<id>")]
async fn show_event(admin: &State<Admin>, id: &str, asked: Result<Asked<Nothing>, Refused>) -> Answer {
    asked?;
    Reply::ok(&EventWhole::from(detail(admin, id).await?))
}

/// The event of an id in an address.
pub(super) async fn detail(admin: &Admin, id: &str) -> Result<EventDetail, Refused> {
    let missing = || Refused::missing(&format!("event {}", id.chars().take(64).collect::<String>()));
    let id = EventId::from_str(id).map_err(|_| missing())?;
    admin.store.event(id).await?.ok_or_else(missing)
}

/// The body of an event, to the byte.
#[utoipa::path(responses(
    (status = 200, description = "The bytes.", body = Vec<u8>, content_type = "application/octet-stream")
))]
#[get("/api/v1/events/<id>/body")]
async fn event_body(admin: &State<Admin>, id: &str, asked: Result<Asked<Nothing>, Refused>) -> Answer {
    asked?;
    let found = detail(admin, id).await?;
    let Some(body) = found.event.body else {
        return Err(Refused::new(
            404,
            "body_gone",
            format!("The body of event {} was deleted by retention.", found.row.id),
        ));
    };
    // Never the content type of whoever sent it: a browser would show it as a page of ours.
    let reply = Reply { status: 200, body, kind: Some("application/octet-stream"), headers: Vec::new() };
    Ok(reply.header("Content-Disposition", format!("attachment; filename=\"{}.bin\"", found.row.id)))
}

/// What every rule said to an event, condition by condition.
#[utoipa::path(params(ExplainAsked), responses((status = 200, description = "The truth tables.", body = Explained)))]
#[get("/api/v1/events/<id>/explain")]
async fn explain_event(
    admin: &State<Admin>,
    person: &Person,
    id: &str,
    asked: Result<Asked<ExplainAsked>, Refused>,
) -> Answer {
    let Asked(asked) = asked?;
    let detail = detail(admin, id).await?;
    Reply::ok(&explained(admin, person, detail, asked, Vec::new()).await?)
}
