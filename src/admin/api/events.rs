//! `/api/v1/events`: what came in, and what was said to it.

use std::str::FromStr;

use rocket::{State, get};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::{IntoParams, OpenApi, ToSchema};

use super::{
    answer::{Answer, Moment, Reply, value_of},
    asked::{Asked, Limit, Nothing, Text},
    explained::{ExplainAsked, Explained, explained},
    part::Part,
    runs::RunView,
};
use crate::{
    admin::{inbox, query::Query, refused::Refused, state::Admin},
    clock::Time,
    ids::{EventId, time_of},
    model::{Person, Role, Scope},
    store::{EventDetail, EventRow, InboxAsk, InboxRow, InboxState},
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

/// What became of a delivery.
#[derive(Debug, Clone, Copy, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
#[expect(dead_code, reason = "the words of the document; the store writes them")]
pub(super) enum EventState {
    Matched,
    Unmatched,
    Duplicate,
    Refused,
}

/// Which deliveries are wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(super) enum EventWish {
    Matched,
    Unmatched,
    Failed,
    Duplicate,
    Refused,
    All,
}

impl EventWish {
    fn state(self) -> Option<InboxState> {
        match self {
            Self::Matched => Some(InboxState::Matched),
            Self::Unmatched => Some(InboxState::Unmatched),
            Self::Failed => Some(InboxState::Failed),
            Self::Duplicate => Some(InboxState::Duplicate),
            Self::Refused => Some(InboxState::Refused),
            Self::All => None,
        }
    }
}

/// An event in a list.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct EventView {
    /// `evt_...`: of a duplicate that of its first delivery. `ref_...` of a delivery that was refused.
    #[schema(example = "evt_01hf3y8a9d000")]
    id: String,
    /// Empty where it was refused: nobody knows what it would have been.
    #[serde(rename = "type")]
    #[schema(example = "gruveo.call")]
    kind: String,
    /// The source it came in by. Empty: it was refused, since there is no such source.
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
    /// Why it was refused. `null`: it was not.
    reason: Option<String>,
}

/// A page of deliveries.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct EventsPage {
    /// What is on this page.
    items: Vec<EventView>,
    /// Give it as `cursor` to get the next page. `null`: this is the last one. The last page may be empty.
    next: Option<String>,
    /// The time of one request was over before the page was full: the search goes on from `next`.
    is_cut: bool,
    /// How far back it was searched. `null`: to the end, or the page is full.
    searched_to: Option<Moment>,
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
            reason: None,
        }
    }
}

impl From<InboxRow> for EventView {
    fn from(row: InboxRow) -> Self {
        match row {
            InboxRow::Event(event) => event.into(),
            InboxRow::Duplicate(repeat) => Self {
                id: repeat.event.to_string(),
                kind: repeat.kind,
                source: repeat.source,
                received_at: repeat.at.into(),
                state: InboxState::Duplicate.word(),
                runs: 0,
                seen: 0,
                bytes: 0,
                flags: Vec::new(),
                reason: None,
            },
            InboxRow::Refused(refusal) => Self {
                id: refusal.id.to_string(),
                kind: String::new(),
                source: refusal.source.unwrap_or_default(),
                received_at: Time(refusal.at).into(),
                state: InboxState::Refused.word(),
                runs: 0,
                seen: 0,
                bytes: refusal.bytes,
                flags: Vec::new(),
                reason: Some(refusal.reason),
            },
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
    #[serde(rename = "type", default)]
    #[param(value_type = String, required = false, example = "gruveo.call", max_length = 200)]
    kind: String,
    /// From this source.
    #[serde(default)]
    #[param(value_type = String, required = false, max_length = 200)]
    source: String,
    /// What became of them; `failed` are those of which a run failed. Unless set, all that were accepted.
    #[param(value_type = EventWish, required = false, inline)]
    state: Option<EventWish>,
    /// That this rule ran on.
    #[serde(default)]
    #[param(value_type = String, required = false, example = "calls/missed", max_length = 200)]
    rule: String,
    /// Within so long before now: `1h`, `7d`.
    #[serde(default)]
    #[param(value_type = String, required = false, example = "7d", max_length = 20)]
    since: String,
    /// From this time on; without an offset in UTC.
    #[serde(default)]
    #[param(value_type = String, required = false, example = "2026-03-01T10:00:00Z", max_length = 40)]
    from: String,
    /// Before this time; without an offset in UTC.
    #[serde(default)]
    #[param(value_type = String, required = false, example = "2026-03-02", max_length = 40)]
    to: String,
    /// A text anywhere in headers, query or body, whatever its case.
    #[serde(default)]
    #[param(value_type = String, required = false, max_length = 200)]
    q: String,
    /// Conditions as a rule's `when` has them, in YAML.
    #[serde(default)]
    #[param(value_type = String, required = false, example = "event.resolution: missed", max_length = 4096)]
    when: String,
}

impl EventsAsked {
    /// The same as the inbox takes it.
    fn ask(self, admin: &Admin) -> Result<InboxAsk, Refused> {
        let mut query = url::form_urlencoded::Serializer::new(String::new());
        for (name, text) in [
            ("type", &self.kind),
            ("source", &self.source),
            ("rule", &self.rule),
            ("since", &self.since),
            ("from", &self.from),
            ("to", &self.to),
            ("q", &self.q),
            ("when", &self.when),
        ] {
            query.append_pair(name, text);
        }
        let read = inbox::Asked::read(&Query::read(&query.finish())?)?;
        let asked = inbox::Asked { state: self.state.and_then(EventWish::state), ..read };
        let mut ask = asked.ask(admin, admin.clock.now())?;
        ask.filter.is_accepted = self.state.is_none();
        ask.below = self.cursor.map(|cursor| cursor.0.0);
        ask.limit = self.limit.0;
        Ok(ask)
    }
}

/// Events, newest first. What no index finds is searched for a part of a second; then it says how far it has come.
#[utoipa::path(params(EventsAsked), responses((status = 200, description = "A page of them.", body = EventsPage)))]
#[get("/api/v1/events")]
async fn list_events(admin: &State<Admin>, asked: Result<Asked<EventsAsked>, Refused>) -> Answer {
    let Asked(asked) = asked?;
    let page = admin.store.inbox(asked.ask(admin)?).await?;
    Reply::ok(&EventsPage {
        items: page.rows.into_iter().map(EventView::from).collect(),
        next: page.next.map(|next| EventId(next).to_string()),
        is_cut: page.is_cut,
        searched_to: page.next.filter(|_| page.is_cut).map(|next| time_of(next).into()),
    })
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
