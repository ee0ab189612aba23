//! `/api/v1/rules/<id>/run` and `/release`: rules started by hand, and their fuses mended.

use std::collections::BTreeMap;

use rocket::{State, post};
use serde::{Deserialize, Serialize};
use utoipa::{OpenApi, ToSchema};

use super::{
    answer::{Answer, Reply},
    asked::{Asked, Nothing, Text},
    body::{Body, Empty},
    once::Key,
    part::Part,
    runs::{RunView, detail},
};
use crate::{
    admin::{
        act::{rules, runs},
        refused::Refused,
        state::Admin,
    },
    ids::EventId,
    model::{Person, Role, Scope},
};

#[derive(OpenApi)]
#[openapi(paths(run_rule, release_rule))]
struct Told;

pub(super) fn part() -> Part {
    Part::of::<Told>("rules", super::rules::ABOUT).with(
        Role::Editor,
        Scope::Run,
        rocket::routes![run_rule, release_rule],
    )
}

/// What a rule is started on: inputs, or a stored event.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct RunSent {
    /// Inputs by name, as they would be typed; of a list or object JSON.
    #[serde(default)]
    #[schema(required = false, example = json!({"email": "maria@example.com"}))]
    inputs: BTreeMap<String, String>,
    /// A stored event, also one that the rule does not match. Without inputs.
    #[serde(default)]
    #[schema(value_type = Option<String>, required = false, pattern = "^evt_[0-9a-f][0-9abcdefghjkmnpqrstvwxyz]{12}$")]
    event: Option<Text<EventId>>,
}

/// Start a rule by hand: one with `manual`, one with a schedule as if a slot were now, or any on a stored event.
#[utoipa::path(request_body = RunSent, responses((status = 202, description = "The run.", body = RunView)))]
#[post("/api/v1/rules/<id>/run", data = "<sent>")]
async fn run_rule(
    admin: &State<Admin>,
    person: &Person,
    id: &str,
    key: Result<Key, Refused>,
    asked: Result<Asked<Nothing>, Refused>,
    sent: Result<Body<RunSent>, Refused>,
) -> Answer {
    let sent = sent?;
    asked?;
    let RunSent { inputs, event } = sent.value;
    if event.is_some() && !inputs.is_empty() {
        return Err(Refused::new(422, "invalid", "Say either `inputs` or `event`."));
    }
    let start = async {
        let run = match event {
            Some(event) => rules::run_on(admin, person, id, event.0).await?,
            None => rules::run(admin, person, id, inputs.into_iter().collect()).await?,
        };
        let row = detail(admin, run).await?.row;
        Ok(Reply::new(202, &RunView::from(row))?.header("Location", format!("/api/v1/runs/{run}")))
    };
    key?.once(admin, person, sent.digest, start).await
}

/// What was held, and goes on.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Released {
    /// How many runs.
    runs: usize,
}

/// Let go of the runs that a rule's blown fuse holds, and mend the fuse.
#[utoipa::path(
    request_body = Empty,
    responses((status = 200, description = "They go on.", body = Released))
)]
#[post("/api/v1/rules/<id>/release", data = "<sent>")]
async fn release_rule(
    admin: &State<Admin>,
    person: &Person,
    id: &str,
    key: Result<Key, Refused>,
    asked: Result<Asked<Nothing>, Refused>,
    sent: Result<Body<Empty>, Refused>,
) -> Answer {
    let sent = sent?;
    asked?;
    let release = async { Reply::ok(&Released { runs: runs::release(admin, person, id).await? }) };
    key?.once(admin, person, sent.digest, release).await
}
