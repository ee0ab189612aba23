//! `/api/v1/runs`: one rule on one event, with every attempt.

use std::str::FromStr;

use rocket::{State, get};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::{IntoParams, OpenApi, ToSchema};

use super::{
    answer::{Answer, Listed, Moment, Reply, value_of},
    asked::{Asked, At, Limit, Nothing, Text},
    part::Part,
};
use crate::{
    admin::{
        refused::Refused,
        said::{self, Said},
        state::Admin,
    },
    ids::{EventId, ProblemId, RunId},
    model::{Role, RunStatus, Scope, StepError, StepOutput},
    store::{AttemptRow, RunDetail, RunFilter, RunRow},
};

/// What the resource is.
pub(super) const ABOUT: &str = "One rule on one event, with every attempt.";

#[derive(OpenApi)]
#[openapi(paths(list_runs, show_run))]
struct Told;

pub(super) fn part() -> Part {
    Part::of::<Told>("runs", ABOUT).with(Role::Viewer, Scope::Read, rocket::routes![list_runs, show_run])
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
    /// Every event that it is about, oldest first: of a digest or threshold more than one. At most 1,000.
    #[schema(example = json!(["evt_01hf3y8a9d000"]))]
    events: Vec<String>,
    /// What people have said became of attempts without an answer, oldest first.
    said: Vec<SaidView>,
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

/// A person's word on an attempt without an answer.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct SaidView {
    /// The name as it was then.
    who: String,
    at: Moment,
    /// `done`, `retry`, `fail` or `verify`.
    outcome: String,
}

impl From<Said> for SaidView {
    fn from(said: Said) -> Self {
        Self { who: said.who, at: said.at.into(), outcome: said.outcome }
    }
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

impl RunWhole {
    /// A run as it is now.
    pub(super) async fn of(admin: &Admin, id: RunId) -> Result<Self, Refused> {
        let detail = detail(admin, id).await?;
        let events = admin.store.events_of_run(id).await?;
        let said = said::of_run(admin, id).await?;
        Ok(Self {
            run: detail.row.into(),
            events: events.iter().map(ToString::to_string).collect(),
            said: said.into_iter().map(SaidView::from).collect(),
            rule_set: detail.set_digest,
            vars: Value::Object(detail.vars),
            steps: detail.outputs.into_iter().map(StepView::from).collect(),
            attempts: detail.attempts.into_iter().map(AttemptView::from).collect(),
        })
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
    /// Failed with this class of error.
    #[param(value_type = String, required = false, example = "status")]
    class: Option<String>,
    /// Failed with this problem.
    #[param(value_type = String, required = false, pattern = "^prb_[0-9a-f][0-9abcdefghjkmnpqrstvwxyz]{12}$")]
    problem: Option<Text<ProblemId>>,
    /// Made at this time or later.
    #[param(value_type = String, required = false, format = DateTime)]
    from: Option<Text<At>>,
    /// Made before this time.
    #[param(value_type = String, required = false, format = DateTime)]
    until: Option<Text<At>>,
}

/// Runs, newest first. A page may hold fewer than asked for while `next` says that there are more: a search stops now and then.
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
        class: asked.class,
        problem: asked.problem.map(|problem| problem.0),
        from: asked.from.map(|from| from.0.0),
        until: asked.until.map(|until| until.0.0),
    };
    let page = admin.store.run_page(filter).await?;
    let items = page.rows.into_iter().map(RunView::from).collect();
    Reply::ok(&Listed { items, next: page.next.map(|next| next.to_string()) })
}

/// One run, with its steps and every attempt.
#[utoipa::path(responses((status = 200, description = "The run.", body = RunWhole)))]
#[get("/api/v1/runs/<id>")]
async fn show_run(admin: &State<Admin>, id: &str, asked: Result<Asked<Nothing>, Refused>) -> Answer {
    asked?;
    Reply::ok(&RunWhole::of(admin, run_id(id)?).await?)
}

/// The id of a run in an address.
pub(super) fn run_id(text: &str) -> Result<RunId, Refused> {
    RunId::from_str(text).map_err(|_| missing(text))
}

fn missing(id: &str) -> Refused {
    Refused::missing(&format!("run {}", id.chars().take(64).collect::<String>()))
}

/// A run as it is now.
pub(super) async fn detail(admin: &Admin, id: RunId) -> Result<RunDetail, Refused> {
    admin.store.run(id).await?.ok_or_else(|| missing(&id.to_string()))
}
