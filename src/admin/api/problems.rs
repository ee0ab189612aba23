//! `/api/v1/problems`: what is wrong for longer than a moment.

use std::str::FromStr;

use rocket::{State, get, post};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, OpenApi, ToSchema};

use super::{
    answer::{Answer, Listed, Moment, Reply},
    asked::{Asked, At, Limit, Nothing, Text},
    body::{Body, Empty},
    jobs::{self, JobView, TextSent},
    once::Key,
    part::Part,
};
use crate::{
    admin::{
        act::{
            jobs::{NewJob, Runs, Work, begin},
            problems,
        },
        refused::Refused,
        state::Admin,
    },
    clock::Time,
    ids::ProblemId,
    model::{Person, Role, Scope},
    store::{ProblemFilter, ProblemRow, ProblemWord},
};

/// The end of time.
const FOREVER: Time = Time(i64::MAX);

#[derive(OpenApi)]
#[openapi(paths(
    list_problems,
    show_problem,
    acknowledge_problem,
    mute_problem,
    resolve_problem,
    reopen_problem,
    replay_problem
))]
struct Told;

pub(super) fn part() -> Part {
    Part::of::<Told>("problems", "What is wrong for longer than a moment: one a fingerprint, counted.")
        .with(Role::Viewer, Scope::Read, rocket::routes![list_problems, show_problem])
        .with(
            Role::Editor,
            Scope::Run,
            rocket::routes![acknowledge_problem, mute_problem, resolve_problem, reopen_problem, replay_problem],
        )
}

/// Where a problem stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(super) enum ProblemState {
    Open,
    Acknowledged,
    Muted,
    Solved,
}

impl From<ProblemState> for crate::model::ProblemState {
    fn from(state: ProblemState) -> Self {
        match state {
            ProblemState::Open => Self::Open,
            ProblemState::Acknowledged => Self::Acknowledged,
            ProblemState::Muted => Self::Muted,
            ProblemState::Solved => Self::Solved,
        }
    }
}

/// A problem.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct ProblemView {
    #[schema(example = "prb_01hf3y8a9d000")]
    id: String,
    /// What makes two of them one.
    fingerprint: String,
    /// `run`, `schedule`, `silence`, `poll`, `circuit`, `grant` and so on.
    kind: String,
    /// What it is about: a rule, a source, a host, a connection.
    subject: String,
    /// One sentence, of the last time.
    message: String,
    #[schema(value_type = ProblemState)]
    state: &'static str,
    /// How often it was seen since it was opened.
    count: i64,
    first_at: Moment,
    opened_at: Moment,
    last_at: Moment,
    /// `null`: it is there.
    solved_at: Option<Moment>,
    acknowledged_by: Option<String>,
    acknowledged_at: Option<Moment>,
    /// `null` of one that is muted: until somebody says so.
    muted_until: Option<Moment>,
    /// Of failed runs.
    rule: Option<String>,
    /// Of failed runs.
    step: Option<String>,
    /// Of failed runs.
    host: Option<String>,
    /// The class of the error, of failed runs.
    class: Option<String>,
    /// The newest run that failed so.
    run: Option<String>,
}

impl From<ProblemRow> for ProblemView {
    fn from(row: ProblemRow) -> Self {
        Self {
            id: row.id.to_string(),
            fingerprint: row.fingerprint,
            kind: row.kind,
            subject: row.subject,
            message: row.message,
            state: row.state.word(),
            count: row.count,
            first_at: row.first_at.into(),
            opened_at: row.opened_at.into(),
            last_at: row.last_at.into(),
            solved_at: row.solved_at.map(Moment::from),
            acknowledged_by: row.acknowledged_by,
            acknowledged_at: row.acknowledged_at.map(Moment::from),
            muted_until: row.muted_until.filter(|until| *until < FOREVER).map(Moment::from),
            rule: row.rule,
            step: row.step,
            host: row.host,
            class: row.class,
            run: row.run.map(|run| run.to_string()),
        }
    }
}

/// A place in the list: when the last problem of a page was last seen, and which it is.
#[derive(Debug, Clone, Copy)]
pub(super) struct Place(Time, ProblemId);

impl FromStr for Place {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (at, id) = text.split_once('.').ok_or("this is no cursor of a list of problems")?;
        let at = at.parse().map_err(|_| "this is no cursor of a list of problems")?;
        Ok(Self(Time(at), id.parse().map_err(|_| "this is no cursor of a list of problems")?))
    }
}

/// Which problems.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct ProblemsAsked {
    /// Items of a page: 50 unless set.
    #[param(value_type = u32, required = false, minimum = 1, maximum = 1000)]
    #[serde(default)]
    limit: Limit,
    /// `next` of the page before.
    #[param(value_type = String, required = false, pattern = "^[0-9]{1,18}[.]prb_[0-9a-f][0-9abcdefghjkmnpqrstvwxyz]{12}$")]
    cursor: Option<Text<Place>>,
    /// All unless set.
    #[param(value_type = ProblemState, required = false, inline)]
    state: Option<ProblemState>,
    /// Of this kind.
    #[param(value_type = String, required = false, example = "circuit")]
    kind: Option<String>,
    /// Of failed runs of this rule.
    #[param(value_type = String, required = false, example = "calls/missed")]
    rule: Option<String>,
}

/// Problems, the one seen last first.
#[utoipa::path(
    params(ProblemsAsked),
    responses((status = 200, description = "A page of them.", body = Listed<ProblemView>))
)]
#[get("/api/v1/problems")]
async fn list_problems(admin: &State<Admin>, asked: Result<Asked<ProblemsAsked>, Refused>) -> Answer {
    let Asked(asked) = asked?;
    let filter = ProblemFilter {
        states: asked.state.map(Into::into).into_iter().collect(),
        kind: asked.kind,
        rule: asked.rule,
        before: asked.cursor.map(|cursor| (cursor.0.0, cursor.0.1)),
        limit: Some(asked.limit.0),
    };
    let rows = admin.store.problem_page(filter).await?;
    let last = rows.last().filter(|_| rows.len() >= asked.limit.0);
    let next = last.map(|row| format!("{}.{}", row.last_at.0, row.id));
    Reply::ok(&Listed { items: rows.into_iter().map(ProblemView::from).collect(), next })
}

fn problem_id(text: &str) -> Result<ProblemId, Refused> {
    let missing = || Refused::missing(&format!("problem {}", text.chars().take(64).collect::<String>()));
    ProblemId::from_str(text).map_err(|_| missing())
}

/// One problem.
#[utoipa::path(responses((status = 200, description = "The problem.", body = ProblemView)))]
#[get("/api/v1/problems/<id>")]
async fn show_problem(admin: &State<Admin>, id: &str, asked: Result<Asked<Nothing>, Refused>) -> Answer {
    asked?;
    Reply::ok(&ProblemView::from(problems::find(admin, problem_id(id)?).await?))
}

async fn said(admin: &Admin, person: &Person, id: ProblemId, word: ProblemWord) -> Answer {
    problems::say(admin, person, id, word).await?;
    Reply::ok(&ProblemView::from(problems::find(admin, id).await?))
}

/// Say that you know of a problem.
#[utoipa::path(
    request_body = Empty,
    responses((status = 200, description = "The problem as it is now.", body = ProblemView))
)]
#[post("/api/v1/problems/<id>/acknowledge", data = "<sent>")]
async fn acknowledge_problem(
    admin: &State<Admin>,
    person: &Person,
    id: &str,
    key: Result<Key, Refused>,
    asked: Result<Asked<Nothing>, Refused>,
    sent: Result<Body<Empty>, Refused>,
) -> Answer {
    let sent = sent?;
    asked?;
    let word = ProblemWord::Acknowledge { by: person.name.clone() };
    key?.once(admin, person, sent.digest, said(admin, person, problem_id(id)?, word)).await
}

/// For how long a problem tells nobody.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct MuteSent {
    /// Until then. Until somebody says so unless set.
    #[serde(default)]
    #[schema(value_type = Option<String>, required = false, format = DateTime)]
    until: Option<Text<At>>,
}

/// Let a problem tell nobody for a while. It is counted all the same.
#[utoipa::path(
    request_body = MuteSent,
    responses((status = 200, description = "The problem as it is now.", body = ProblemView))
)]
#[post("/api/v1/problems/<id>/mute", data = "<sent>")]
async fn mute_problem(
    admin: &State<Admin>,
    person: &Person,
    id: &str,
    key: Result<Key, Refused>,
    asked: Result<Asked<Nothing>, Refused>,
    sent: Result<Body<MuteSent>, Refused>,
) -> Answer {
    let sent = sent?;
    asked?;
    let until = sent.value.until.map_or(FOREVER, |until| until.0.0);
    let word = ProblemWord::Mute { by: person.name.clone(), until };
    key?.once(admin, person, sent.digest, said(admin, person, problem_id(id)?, word)).await
}

/// Say that a problem is gone.
#[utoipa::path(
    request_body = Empty,
    responses((status = 200, description = "The problem as it is now.", body = ProblemView))
)]
#[post("/api/v1/problems/<id>/resolve", data = "<sent>")]
async fn resolve_problem(
    admin: &State<Admin>,
    person: &Person,
    id: &str,
    key: Result<Key, Refused>,
    asked: Result<Asked<Nothing>, Refused>,
    sent: Result<Body<Empty>, Refused>,
) -> Answer {
    let sent = sent?;
    asked?;
    let resolve = said(admin, person, problem_id(id)?, ProblemWord::Resolve);
    key?.once(admin, person, sent.digest, resolve).await
}

/// Let a problem that was acknowledged or muted be open again.
#[utoipa::path(
    request_body = Empty,
    responses((status = 200, description = "The problem as it is now.", body = ProblemView))
)]
#[post("/api/v1/problems/<id>/reopen", data = "<sent>")]
async fn reopen_problem(
    admin: &State<Admin>,
    person: &Person,
    id: &str,
    key: Result<Key, Refused>,
    asked: Result<Asked<Nothing>, Refused>,
    sent: Result<Body<Empty>, Refused>,
) -> Answer {
    let sent = sent?;
    asked?;
    let reopen = said(admin, person, problem_id(id)?, ProblemWord::Reopen);
    key?.once(admin, person, sent.digest, reopen).await
}

/// By which text the failed runs of a problem are repeated.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ReplayProblemSent {
    /// Those in force unless set.
    #[serde(default, rename = "with")]
    #[schema(required = false)]
    text: TextSent,
}

/// Repeat all failed runs of a problem, as one job.
#[utoipa::path(
    request_body = ReplayProblemSent,
    responses((status = 202, description = "The job that does it.", body = JobView))
)]
#[post("/api/v1/problems/<id>/replay", data = "<sent>")]
async fn replay_problem(
    admin: &State<Admin>,
    person: &Person,
    id: &str,
    key: Result<Key, Refused>,
    asked: Result<Asked<Nothing>, Refused>,
    sent: Result<Body<ReplayProblemSent>, Refused>,
) -> Answer {
    let sent = sent?;
    asked?;
    let id = problem_id(id)?;
    let replay = async {
        let row = problems::find(admin, id).await?;
        let job = NewJob {
            work: Work::ReplayRuns(Runs::Problem(row.id)),
            with: sent.value.text.into(),
            key: String::new(),
            what: format!("replay of the failed runs of \"{}\"", row.subject),
            back: format!("/problems/{}", row.id),
        };
        let job = begin(admin, person, job).await?;
        Ok(Reply::new(202, &jobs::found(admin, job).await?)?.header("Location", format!("/api/v1/jobs/{job}")))
    };
    key?.once(admin, person, sent.digest, replay).await
}
