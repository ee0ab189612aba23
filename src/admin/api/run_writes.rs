//! Writes of `/api/v1/runs`: ended, tried at once, decided, repeated.

use rocket::{State, post};
use serde::Deserialize;
use sha2::{Digest as _, Sha256};
use utoipa::{OpenApi, ToSchema};

use super::{
    answer::{Answer, Reply},
    asked::{Asked, Nothing},
    body::{Body, Empty},
    once::Key,
    part::Part,
    runs::{RunView, RunWhole, detail, run_id},
};
use crate::{
    admin::{
        act::runs::{self, Wish, With},
        refused::Refused,
        state::Admin,
    },
    ids::RunId,
    model::{Person, Role, Scope},
    store::Resolution,
};

#[derive(OpenApi)]
#[openapi(paths(cancel_run, retry_run, resolve_run, replay_run))]
struct Told;

pub(super) fn part() -> Part {
    Part::of::<Told>("runs", super::runs::ABOUT).with(
        Role::Editor,
        Scope::Run,
        rocket::routes![cancel_run, retry_run, resolve_run, replay_run],
    )
}

async fn now(admin: &Admin, id: RunId) -> Answer {
    Reply::ok(&RunWhole::of(admin, id).await?)
}

/// End an open run as cancelled: at once, or after its open request has been answered.
#[utoipa::path(
    request_body = Empty,
    responses((status = 200, description = "The run as it is now.", body = RunWhole))
)]
#[post("/api/v1/runs/<id>/cancel", data = "<sent>")]
async fn cancel_run(
    admin: &State<Admin>,
    person: &Person,
    id: &str,
    key: Result<Key, Refused>,
    asked: Result<Asked<Nothing>, Refused>,
    sent: Result<Body<Empty>, Refused>,
) -> Answer {
    let sent = sent?;
    asked?;
    let id = run_id(id)?;
    let cancel = async {
        runs::cancel(admin, person, id).await?;
        now(admin, id).await
    };
    key?.once(admin, person, sent.digest, cancel).await
}

/// Let a run go on at once that waits for its next attempt.
#[utoipa::path(
    request_body = Empty,
    responses((status = 200, description = "The run as it is now.", body = RunWhole))
)]
#[post("/api/v1/runs/<id>/retry", data = "<sent>")]
async fn retry_run(
    admin: &State<Admin>,
    person: &Person,
    id: &str,
    key: Result<Key, Refused>,
    asked: Result<Asked<Nothing>, Refused>,
    sent: Result<Body<Empty>, Refused>,
) -> Answer {
    let sent = sent?;
    asked?;
    let id = run_id(id)?;
    let retry = async {
        runs::retry_now(admin, person, id).await?;
        now(admin, id).await
    };
    key?.once(admin, person, sent.digest, retry).await
}

/// What a person says became of an attempt of unknown outcome.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ResolveSent {
    /// `done`: it took effect. `retry`: it did not, try again. `fail`: it did not, and shall not. `verify`: let the service be asked.
    outcome: Resolved,
}

#[derive(Debug, Clone, Copy, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
enum Resolved {
    Done,
    Retry,
    Fail,
    Verify,
}

impl From<Resolved> for Resolution {
    fn from(resolved: Resolved) -> Self {
        match resolved {
            Resolved::Done => Self::Done,
            Resolved::Retry => Self::Retry,
            Resolved::Fail => Self::Fail,
            Resolved::Verify => Self::Verify,
        }
    }
}

/// Say what became of an attempt that nobody saw end: of a held run, or of one that waits for a read to tell it.
#[utoipa::path(
    request_body = ResolveSent,
    responses((status = 200, description = "The run as it is now.", body = RunWhole))
)]
#[post("/api/v1/runs/<id>/resolve", data = "<sent>")]
async fn resolve_run(
    admin: &State<Admin>,
    person: &Person,
    id: &str,
    key: Result<Key, Refused>,
    asked: Result<Asked<Nothing>, Refused>,
    sent: Result<Body<ResolveSent>, Refused>,
) -> Answer {
    let sent = sent?;
    asked?;
    let id = run_id(id)?;
    let resolve = async {
        runs::resolve(admin, person, id, sent.value.outcome.into()).await?;
        now(admin, id).await
    };
    key?.once(admin, person, sent.digest, resolve).await
}

/// By which text a run is repeated.
#[derive(Debug, Clone, Copy, Default, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
enum TextOf {
    /// That which it ran by, with its Idempotency-Keys.
    #[default]
    Original,
    /// That which is in force, with new keys.
    Current,
    /// `draft`, with new keys.
    Draft,
}

/// How a run is repeated.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ReplayRunSent {
    /// By which text: that which it ran by unless set.
    #[serde(default, rename = "with")]
    #[schema(required = false)]
    text: TextOf,
    /// The rule's text, where `with` is `draft`. Nothing of it is kept in the workspace.
    #[serde(default)]
    #[schema(required = false)]
    draft: Option<String>,
    /// The step where it goes on, by its id or path. From the beginning unless set.
    #[serde(default)]
    #[schema(required = false, example = "do.1")]
    from: Option<String>,
    /// New Idempotency-Keys also with the original text: the target may do again what it did.
    #[serde(default)]
    #[schema(required = false)]
    new_keys: bool,
}

/// Repeat a run that is over.
#[utoipa::path(
    request_body = ReplayRunSent,
    responses((status = 202, description = "The new run.", body = RunView))
)]
#[post("/api/v1/runs/<id>/replay", data = "<sent>")]
async fn replay_run(
    admin: &State<Admin>,
    person: &Person,
    id: &str,
    key: Result<Key, Refused>,
    asked: Result<Asked<Nothing>, Refused>,
    sent: Result<Body<ReplayRunSent>, Refused>,
) -> Answer {
    let sent = sent?;
    asked?;
    let (of, key) = (run_id(id)?, key?);
    let ReplayRunSent { text, draft, from, new_keys } = sent.value;
    let by = match (text, draft) {
        (TextOf::Original, None) => With::Original,
        (TextOf::Current, None) => With::Current,
        (TextOf::Draft, Some(draft)) => With::Draft(draft),
        _ => return Err(Refused::new(422, "invalid", "`draft` goes with `with: draft`, and only with that.")),
    };
    // Also behind the kept answer: a wish that was cut off and is sent again makes no second run.
    let mark = key.text().map(|text| mark(person, text));
    let replay = async {
        let wish = Wish { of, from, with: by, new_keys, key: mark };
        let new = runs::replay(admin, person, wish).await?;
        let row = detail(admin, new).await?.row;
        Ok(Reply::new(202, &RunView::from(row))?.header("Location", format!("/api/v1/runs/{new}")))
    };
    key.clone().once(admin, person, sent.digest, replay).await
}

fn mark(person: &Person, key: &str) -> [u8; 16] {
    let mut mark = [0; 16];
    let digest = Sha256::digest(format!("{} {key}", person.id));
    mark.iter_mut().zip(digest).for_each(|(to, from)| *to = from);
    mark
}
