//! `/api/v1/problems`: what is wrong for longer than a moment.

use rocket::{State, get};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, OpenApi, ToSchema};

use super::{
    answer::{Answer, Listed, Moment, Reply},
    asked::{Asked, Limit},
    part::Part,
};
use crate::{
    admin::{refused::Refused, state::Admin},
    model::{Role, Scope},
    store::ProblemRow,
};

/// Problems that are looked through.
const MOST: usize = 1_000;

#[derive(OpenApi)]
#[openapi(paths(list_problems))]
struct Told;

pub(super) fn part() -> Part {
    Part::of::<Told>("problems", "What is wrong for longer than a moment: one a fingerprint, counted.").with(
        Role::Viewer,
        Scope::Read,
        rocket::routes![list_problems],
    )
}

/// Whether a problem is open.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(super) enum ProblemState {
    Open,
    Solved,
}

/// A problem.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct ProblemView {
    /// What makes two of them one.
    fingerprint: String,
    /// `schedule`, `silence`, `poll`, `circuit`, `grant` and so on.
    kind: String,
    /// What it is about: a rule, a source, a host, a connection.
    subject: String,
    /// One sentence, of the last time.
    message: String,
    /// How often it was seen since it was opened.
    count: i64,
    state: ProblemState,
    first_at: Moment,
    last_at: Moment,
    /// `null`: it is open.
    solved_at: Option<Moment>,
}

impl From<ProblemRow> for ProblemView {
    fn from(row: ProblemRow) -> Self {
        Self {
            fingerprint: row.fingerprint,
            kind: row.kind,
            subject: row.subject,
            message: row.message,
            count: row.count,
            state: if row.solved_at.is_some() { ProblemState::Solved } else { ProblemState::Open },
            first_at: row.first_at.into(),
            last_at: row.last_at.into(),
            solved_at: row.solved_at.map(Moment::from),
        }
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
    #[param(value_type = String, required = false)]
    cursor: Option<String>,
    /// All unless set.
    #[param(value_type = ProblemState, required = false, inline)]
    state: Option<ProblemState>,
    /// Of this kind.
    #[param(value_type = String, required = false, example = "circuit")]
    kind: Option<String>,
}

/// Problems, the one seen last first.
#[utoipa::path(
    params(ProblemsAsked),
    responses((status = 200, description = "A page of them.", body = Listed<ProblemView>))
)]
#[get("/api/v1/problems")]
async fn list_problems(admin: &State<Admin>, asked: Result<Asked<ProblemsAsked>, Refused>) -> Answer {
    let Asked(asked) = asked?;
    let rows = admin.store.problems(asked.state == Some(ProblemState::Open), MOST).await?;
    let fits = |row: &ProblemView| {
        asked.state.is_none_or(|state| row.state == state) && asked.kind.as_ref().is_none_or(|kind| row.kind == *kind)
    };
    let all = rows.into_iter().map(ProblemView::from).filter(fits);
    let behind = |row: &ProblemView| asked.cursor.as_ref().is_some_and(|cursor| row.fingerprint != *cursor);
    let skipped: Vec<ProblemView> = match &asked.cursor {
        None => all.take(asked.limit.0).collect(),
        Some(_) => all.skip_while(behind).skip(1).take(asked.limit.0).collect(),
    };
    Reply::ok(&Listed::page(skipped, asked.limit.0, |last| last.fingerprint.clone()))
}
