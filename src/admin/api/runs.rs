//! `/api/v1/runs`: one rule on one event, with every attempt.

use std::str::FromStr;

use rocket::{State, get, post};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::{IntoParams, OpenApi, ToSchema};

use super::{
    answer::{Answer, Listed, Moment, Reply, value_of},
    asked::{Asked, Limit, Nothing, Text},
    body::{Body, Empty},
    once::Key,
    part::Part,
};
use crate::{
    admin::{act::runs as act, audit::Deed, refused::Refused, state::Admin},
    ids::{EventId, RunId},
    model::{AttemptKind, Person, Role, RunStatus, Scope, StepError, StepOutput},
    store::{AttemptRow, Resolution, RunDetail, RunFilter, RunRow},
};

#[derive(OpenApi)]
#[openapi(paths(list_runs, show_run, cancel_run, resolve_run, replay_run))]
struct Told;

pub(super) fn part() -> Part {
    Part::of::<Told>("runs", "One rule on one event, with every attempt.")
        .with(Role::Viewer, Scope::Read, rocket::routes![list_runs, show_run])
        .with(Role::Editor, Scope::Run, rocket::routes![cancel_run, resolve_run, replay_run])
}

/// Where a run stands.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
#[expect(dead_code, reason = "the words of `RunStatus`, for the document")]
pub(super) enum RunState {
    Collecting,
    Undecided,
    Due,
    Running,
    Waiting,
    Held,
    Ok,
    Failed,
    Skipped,
    Cancelled,
}

/// A run in a list.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct RunView {
    #[schema(example = "run_01hf3y8a9d000")]
    id: String,
    /// The rule's id.
    #[schema(example = "calls/missed")]
    rule: String,
    #[schema(value_type = RunState)]
    state: &'static str,
    /// The event that started it.
    #[schema(example = "evt_01hf3y8a9d000")]
    event: String,
    created_at: Moment,
    /// When it was over. `null`: it is not.
    ended_at: Option<Moment>,
    /// When it is taken next.
    due_at: Option<Moment>,
    /// Why it failed.
    error: Option<StepErrorView>,
    /// Why it is held, waits, was skipped or cancelled; what `stop` or `fail` said.
    why: Option<String>,
    /// The run that it repeats.
    replay_of: Option<String>,
}

/// Why a step failed.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct StepErrorView {
    /// The step's id, or its path where it has none.
    step: String,
    /// What kind of failure: `status`, `timeout`, `network` and so on.
    #[schema(example = "status")]
    class: &'static str,
    /// The HTTP status, if an answer came.
    status: Option<u16>,
    message: String,
    /// The number of the attempt that failed last; 0 where nothing was attempted.
    attempt: u32,
}

/// A run with all that happened in it.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct RunWhole {
    #[serde(flatten)]
    run: RunView,
    /// The digest of the rule set that it is pinned to. Empty where that is gone.
    rule_set: String,
    /// Its vars as they are now.
    #[schema(value_type = Object)]
    vars: Value,
    /// Steps that have ended, in order.
    steps: Vec<StepView>,
    /// Every attempt, oldest first.
    attempts: Vec<AttemptView>,
}

/// A step that has ended.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct StepView {
    /// Its path, with its turn: `do.2.do.0[3]`.
    #[schema(example = "do.0")]
    step: String,
    /// `ok`, `failed`, `skipped` or `timed_out`.
    outcome: &'static str,
    /// What later steps see as its result.
    result: Value,
    error: Option<StepErrorView>,
    /// `{status, headers}`; null without a reply.
    response: Value,
}

/// One try of a step.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct AttemptView {
    #[schema(example = "att_01hf3y8a9d000")]
    id: String,
    step: String,
    /// `try`; `verify` for a read that tells what became of the last try.
    kind: &'static str,
    number: u32,
    started_at: Moment,
    ended_at: Option<Moment>,
    /// `started`, `ok`, `retry`, `failed` or `unknown`.
    outcome: &'static str,
    error: Option<StepErrorView>,
    /// The HTTP status of the reply.
    status: Option<u16>,
    /// Why the next one waits. Empty: it does not.
    reason: String,
    /// As it was rendered, secrets by their names.
    request: Value,
    /// As it is kept: masked, cut.
    reply: Value,
}

impl From<RunRow> for RunView {
    fn from(row: RunRow) -> Self {
        Self {
            id: row.id.to_string(),
            rule: row.rule,
            state: row.status.word(),
            event: row.event.to_string(),
            created_at: row.created_at.into(),
            ended_at: row.ended_at.map(Moment::from),
            due_at: row.due_at.map(Moment::from),
            error: row.error.map(StepErrorView::from),
            why: row.why,
            replay_of: row.replay_of.map(|run| run.to_string()),
        }
    }
}

impl From<StepError> for StepErrorView {
    fn from(error: StepError) -> Self {
        let StepError { step, class, status, message, attempt } = error;
        Self { step, class: class.word(), status, message, attempt }
    }
}

impl From<StepOutput> for StepView {
    fn from(output: StepOutput) -> Self {
        Self {
            step: output.step.0,
            outcome: output.outcome.word(),
            result: output.result,
            error: output.error.map(StepErrorView::from),
            response: output.response,
        }
    }
}

impl From<AttemptRow> for AttemptView {
    fn from(row: AttemptRow) -> Self {
        Self {
            id: row.id.to_string(),
            step: row.step.0,
            kind: row.kind.word(),
            number: row.number,
            started_at: row.started_at.into(),
            ended_at: row.ended_at.map(Moment::from),
            outcome: row.outcome.word(),
            error: row.error.map(StepErrorView::from),
            status: row.status,
            reason: row.reason,
            request: row.request.as_deref().map(value_of).unwrap_or_default(),
            reply: row.reply.as_deref().map(value_of).unwrap_or_default(),
        }
    }
}

impl From<RunDetail> for RunWhole {
    fn from(detail: RunDetail) -> Self {
        Self {
            run: detail.row.into(),
            rule_set: detail.set_digest,
            vars: Value::Object(detail.vars),
            steps: detail.outputs.into_iter().map(StepView::from).collect(),
            attempts: detail.attempts.into_iter().map(AttemptView::from).collect(),
        }
    }
}

/// Which runs.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct RunsAsked {
    /// Items of a page: 50 unless set.
    #[param(value_type = u32, required = false, minimum = 1, maximum = 1000)]
    #[serde(default)]
    limit: Limit,
    /// `next` of the page before.
    #[param(value_type = String, required = false, pattern = "^run_[0-9a-f][0-9abcdefghjkmnpqrstvwxyz]{12}$")]
    cursor: Option<Text<RunId>>,
    /// In this state.
    #[param(value_type = RunState, required = false, inline)]
    state: Option<Text<RunStatus>>,
    /// Of this rule.
    #[param(value_type = String, required = false, example = "calls/missed")]
    rule: Option<String>,
    /// Of this event.
    #[param(value_type = String, required = false, pattern = "^evt_[0-9a-f][0-9abcdefghjkmnpqrstvwxyz]{12}$")]
    event: Option<Text<EventId>>,
}

/// Runs, newest first.
#[utoipa::path(params(RunsAsked), responses((status = 200, description = "A page of them.", body = Listed<RunView>)))]
#[get("/api/v1/runs")]
async fn list_runs(admin: &State<Admin>, asked: Result<Asked<RunsAsked>, Refused>) -> Answer {
    let Asked(asked) = asked?;
    let filter = RunFilter {
        before: asked.cursor.map(|cursor| cursor.0),
        limit: Some(asked.limit.0),
        rule: asked.rule,
        states: asked.state.map(|state| state.0).into_iter().collect(),
        event: asked.event.map(|event| event.0),
        ..RunFilter::default()
    };
    let rows = admin.store.runs(filter).await?;
    let items = rows.into_iter().map(RunView::from).collect();
    Reply::ok(&Listed::page(items, asked.limit.0, |last| last.id.clone()))
}

/// One run, with its steps and every attempt.
#[utoipa::path(responses((status = 200, description = "The run.", body = RunWhole)))]
#[get("/api/v1/runs/<id>")]
async fn show_run(admin: &State<Admin>, id: &str, asked: Result<Asked<Nothing>, Refused>) -> Answer {
    asked?;
    Reply::ok(&RunWhole::from(detail(admin, run_id(id)?).await?))
}

/// The id of a run in an address.
pub(super) fn run_id(text: &str) -> Result<RunId, Refused> {
    RunId::from_str(text).map_err(|_| missing(text))
}

fn missing(id: &str) -> Refused {
    Refused::missing(&format!("run {}", id.chars().take(64).collect::<String>()))
}

async fn detail(admin: &Admin, id: RunId) -> Result<RunDetail, Refused> {
    admin.store.run(id).await?.ok_or_else(|| missing(&id.to_string()))
}

/// End an open run as cancelled: at once, or after its open request has been answered.
#[utoipa::path(request_body = Empty,
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
        let before = detail(admin, id).await?.row;
        if !admin.store.cancel(id, admin.clock.now()).await? {
            return Err(Refused::conflict(format!(
                "Run {id} is {} already: there is nothing to cancel.",
                before.status
            )));
        }
        admin.wake.ring();
        let after = detail(admin, id).await?;
        let deed = Deed {
            action: "run.cancel",
            subject: id.to_string(),
            before: before.status.word().into(),
            after: after.row.status.word().into(),
        };
        admin.audit(person, deed).await?;
        Reply::ok(&RunWhole::from(after))
    };
    key?.once(admin, person, sent.digest, cancel).await
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

impl Resolved {
    fn resolution(self) -> (Resolution, &'static str) {
        match self {
            Self::Done => (Resolution::Done, "done"),
            Self::Retry => (Resolution::Retry, "retry"),
            Self::Fail => (Resolution::Fail, "fail"),
            Self::Verify => (Resolution::Verify, "verify"),
        }
    }
}

/// Say what became of a held run's attempt that nobody saw end.
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
    let (resolution, word) = sent.value.outcome.resolution();
    let resolve = async {
        let before = detail(admin, id).await?;
        check_held(&before, resolution)?;
        if !admin.store.resolve(id, resolution, admin.clock.now()).await? {
            return Err(Refused::conflict(format!("Run {id} is no longer held: somebody was quicker.")));
        }
        admin.wake.ring();
        let deed = Deed { action: "run.resolve", subject: id.to_string(), before: "held".into(), after: word.into() };
        admin.audit(person, deed).await?;
        Reply::ok(&RunWhole::from(detail(admin, id).await?))
    };
    key?.once(admin, person, sent.digest, resolve).await
}

/// How a run is repeated.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct RepeatSent {
    /// The step where it goes on, by its id or path; those before it keep what they gave. From the beginning unless set.
    #[serde(default)]
    #[schema(required = false, example = "note")]
    from: Option<String>,
    /// By which text. That which it ran by unless set.
    #[serde(default, rename = "with")]
    #[schema(required = false)]
    text: RepeatText,
    /// The text of the rule, with `draft`; nothing of it is kept in the workspace.
    #[serde(default)]
    #[schema(required = false, max_length = 262144)]
    draft: Option<String>,
    /// New Idempotency-Keys also with the original text.
    #[serde(default)]
    #[schema(required = false)]
    new_keys: bool,
}

/// By which text a run is repeated.
#[derive(Debug, Clone, Copy, Default, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(super) enum RepeatText {
    /// That which it ran by.
    #[default]
    Original,
    /// That which is in force.
    Current,
    /// That of `draft`.
    Draft,
}

/// Run a run again, for real: as a new run that points to the old one.
#[utoipa::path(
    request_body = RepeatSent,
    responses((status = 202, description = "The new run.", body = RunView))
)]
#[post("/api/v1/runs/<id>/replay", data = "<sent>")]
async fn replay_run(
    admin: &State<Admin>,
    person: &Person,
    id: &str,
    key: Result<Key, Refused>,
    asked: Result<Asked<Nothing>, Refused>,
    sent: Result<Body<RepeatSent>, Refused>,
) -> Answer {
    let sent = sent?;
    asked?;
    let of = run_id(id)?;
    let RepeatSent { from, text, draft, new_keys } = sent.value;
    let with = match (text, draft) {
        (RepeatText::Original, None) => act::With::Original,
        (RepeatText::Current, None) => act::With::Current,
        (RepeatText::Draft, Some(draft)) => act::With::Draft(draft),
        (RepeatText::Draft, None) => return Err(Refused::new(422, "invalid", "`draft`: the rule's text wanted.")),
        (_, Some(_)) => return Err(Refused::new(422, "invalid", "`draft` means nothing unless `with` is `draft`.")),
    };
    let replay = async {
        let new = act::replay(admin, person, act::Wish { of, from, with, new_keys, key: None }).await?;
        let reply = Reply::new(202, &RunView::from(detail(admin, new).await?.row))?;
        Ok(reply.header("Location", format!("/api/v1/runs/{new}")))
    };
    key?.once(admin, person, sent.digest, replay).await
}

fn check_held(detail: &RunDetail, resolution: Resolution) -> Result<(), Refused> {
    let RunRow { id, status, .. } = &detail.row;
    if *status != RunStatus::Held {
        return Err(Refused::conflict(format!("Run {id} is {status}, not held: there is nothing to resolve.")));
    }
    let last = detail.attempts.iter().rev().find(|attempt| attempt.kind == AttemptKind::Try);
    let Some(last) = last else {
        let why = format!("Run {id} is held by the blown fuse of its rule, not for an attempt: release the rule.");
        return Err(Refused::conflict(why));
    };
    let can_verify = last.request.as_deref().is_some_and(|request| value_of(request).get("inputs").is_some());
    if resolution == Resolution::Verify && !can_verify {
        let why = format!("Nothing can tell what became of the attempt of {id}: its action has no `verify`.");
        return Err(Refused::conflict(why));
    }
    Ok(())
}
