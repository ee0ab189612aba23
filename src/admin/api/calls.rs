//! `/api/v1/calls`: the call log, a view over stored `gruveo.call` events.

use std::time::Instant;

use rocket::{State, get};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::{IntoParams, OpenApi, ToSchema};

use super::{
    answer::{Answer, Listed, Moment, Reply},
    asked::{Asked, Limit, Text},
    part::Part,
};
use crate::{
    admin::{calls::CALLS_TIME, refused::Refused, state::Admin},
    clock::Time,
    ids::EventId,
    model::{Role, Scope},
    store::{EventFilter, StoredEvent},
    value::{JsonLimits, read_json},
};

/// The type of a call.
const KIND: &str = "gruveo.call";
/// Events that are asked for at once, so that the time is looked at now and then.
const AT_ONCE: usize = 200;

#[derive(OpenApi)]
#[openapi(paths(list_calls))]
struct Told;

pub(super) fn part() -> Part {
    Part::of::<Told>("calls", "The call log: stored events of Gruveo.").with(
        Role::Viewer,
        Scope::Read,
        rocket::routes![list_calls],
    )
}

/// How a call ended.
#[derive(Debug, Clone, Copy, Deserialize, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(super) enum Ended {
    Missed,
    Answered,
    Declined,
}

impl Ended {
    fn word(self) -> &'static str {
        match self {
            Self::Missed => "missed",
            Self::Answered => "answered",
            Self::Declined => "declined",
        }
    }
}

/// A call.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct CallView {
    #[schema(example = "evt_01hf3y8a9d000")]
    event: String,
    at: Moment,
    /// The permanent link that was called.
    link: String,
    /// `missed`, `answered` or `declined`.
    resolution: String,
    /// Seconds.
    duration: Option<i64>,
    /// Seconds.
    waiting_time: Option<i64>,
    location: String,
    /// Who answered: `{name, email}`.
    user: Value,
    /// Parameters that the link carried.
    tracking: Value,
}

impl CallView {
    /// `None` for an event whose body is gone or no call.
    fn of(event: &StoredEvent) -> Option<Self> {
        let body = read_json(event.body.as_ref()?, JsonLimits::default()).ok()?.value;
        let text = |name: &str| body.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
        let number = |name: &str| body.get(name).and_then(Value::as_i64);
        Some(Self {
            event: event.id.to_string(),
            at: number("timestamp").map_or(event.received_at, Time).into(),
            link: text("link"),
            resolution: text("resolution"),
            duration: number("duration"),
            waiting_time: number("waitingTime"),
            location: text("location"),
            user: body.get("user").cloned().unwrap_or_default(),
            tracking: body.get("tracking").cloned().unwrap_or_default(),
        })
    }
}

/// Which calls.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct CallsAsked {
    /// Items of a page: 50 unless set.
    #[param(value_type = u32, required = false, minimum = 1, maximum = 1000)]
    #[serde(default)]
    limit: Limit,
    /// `next` of the page before.
    #[param(value_type = String, required = false, pattern = "^evt_[0-9a-f][0-9abcdefghjkmnpqrstvwxyz]{12}$")]
    cursor: Option<Text<EventId>>,
    /// Only those that ended so.
    #[param(value_type = Ended, required = false, inline)]
    resolution: Option<Ended>,
    /// Only of this permanent link.
    #[param(value_type = String, required = false, example = "@acme.sales")]
    link: Option<String>,
}

/// Calls, newest first. A page may hold fewer than asked for, and `next` still say that there are more: a search stops now and then.
#[utoipa::path(params(CallsAsked), responses((status = 200, description = "A page of them.", body = Listed<CallView>)))]
#[get("/api/v1/calls")]
async fn list_calls(admin: &State<Admin>, asked: Result<Asked<CallsAsked>, Refused>) -> Answer {
    let Asked(asked) = asked?;
    let fits = |call: &CallView| {
        asked.resolution.is_none_or(|wanted| call.resolution == wanted.word())
            && asked.link.as_ref().is_none_or(|wanted| call.link == *wanted)
    };
    let begun = Instant::now();
    let (mut items, mut before) = (Vec::new(), asked.cursor.map(|cursor| cursor.0));
    let mut page = asked.limit.0.clamp(1, AT_ONCE);
    loop {
        let filter = EventFilter { kind: Some(KIND.to_owned()), before, limit: Some(page), ..EventFilter::default() };
        let rows = admin.store.events(filter).await?;
        let (Some(newest), Some(oldest)) = (rows.first(), rows.last()) else {
            return Reply::ok(&Listed { items, next: None });
        };
        let wanted = std::sync::Arc::new(|kind: &str| kind == KIND);
        let after = EventId(oldest.id.0.saturating_sub(1));
        let events = admin.store.event_page(wanted, after, newest.id, page).await?;
        for event in events.iter().rev() {
            items.extend(CallView::of(event).filter(|call| fits(call)));
            if items.len() == asked.limit.0 {
                return Reply::ok(&Listed { items, next: Some(event.id.to_string()) });
            }
        }
        before = Some(oldest.id);
        if rows.len() < page {
            return Reply::ok(&Listed { items, next: None });
        }
        page = AT_ONCE;
        if begun.elapsed() >= CALLS_TIME {
            return Reply::ok(&Listed { items, next: Some(oldest.id.to_string()) });
        }
    }
}
