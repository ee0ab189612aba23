//! Problems as they are listed and shown.

use diesel::{
    ExpressionMethods as _, Insertable, OptionalExtension as _, QueryDsl as _, Queryable, RunQueryDsl as _, Selectable,
    SelectableHelper as _,
};

use super::{
    dialect::{self, Conn, each},
    error::StoreError,
    handle::Store,
    page_size,
    schema::problems,
};
use crate::{
    clock::Time,
    ids::{ProblemId, RunId},
    model::ProblemState,
};

/// A problem in the list.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct ProblemRow {
    /// Its id.
    pub id: ProblemId,
    /// What makes two of them one.
    pub fingerprint: String,
    /// Its kind.
    pub kind: String,
    /// What it is about.
    pub subject: String,
    /// One sentence, of the last time.
    pub message: String,
    /// Where it stands.
    pub state: ProblemState,
    /// How often it was seen since it was opened.
    pub count: i64,
    /// When it was first seen at all.
    pub first_at: Time,
    /// When it was opened, or opened again.
    pub opened_at: Time,
    /// When it was last seen.
    pub last_at: Time,
    /// When it was solved. `None`: it is open.
    pub solved_at: Option<Time>,
    /// Who has acknowledged it.
    pub acknowledged_by: Option<String>,
    /// When.
    pub acknowledged_at: Option<Time>,
    /// Until when it is muted; the end of time for until somebody says so.
    pub muted_until: Option<Time>,
    /// The rule of the runs that failed, of the poll or of the schedule.
    pub rule: Option<String>,
    /// The step that they failed in, as people know it.
    pub step: Option<String>,
    /// The host or connection that the step called. Empty for none.
    pub host: Option<String>,
    /// The class of error that they failed with.
    pub class: Option<String>,
    /// The newest of them.
    pub run: Option<RunId>,
}

/// Which problems a list shows, the one seen last first.
#[derive(Debug, Clone, Default)]
pub struct ProblemFilter {
    /// In any of these states; empty for all.
    pub states: Vec<ProblemState>,
    /// Of this kind.
    pub kind: Option<String>,
    /// Of this rule.
    pub rule: Option<String>,
    /// Behind this one, by when it was last seen: the next page.
    pub before: Option<(Time, ProblemId)>,
    /// 50 unless set; at most 1,000.
    pub limit: Option<usize>,
}

/// A row of `problems`.
#[derive(Debug, Queryable, Selectable, Insertable)]
#[diesel(table_name = problems, treat_none_as_default_value = false)]
pub(super) struct TableRow {
    pub(super) fingerprint: String,
    pub(super) kind: String,
    pub(super) subject: String,
    pub(super) message: String,
    pub(super) count: i64,
    pub(super) first_at: i64,
    pub(super) last_at: i64,
    pub(super) solved_at: Option<i64>,
    pub(super) id: i64,
    pub(super) state: i16,
    pub(super) opened_at: i64,
    pub(super) acknowledged_by: Option<String>,
    pub(super) acknowledged_at: Option<i64>,
    pub(super) muted_until: Option<i64>,
    pub(super) rule: Option<String>,
    pub(super) step: Option<String>,
    pub(super) path: Option<String>,
    pub(super) host: Option<String>,
    pub(super) class: Option<String>,
    pub(super) run: Option<i64>,
    pub(super) depth: i16,
    pub(super) told: i16,
}

pub(super) fn state_of(code: i16) -> Result<ProblemState, StoreError> {
    ProblemState::from_code(code).ok_or_else(|| StoreError::Corrupt(format!("{code} is no state of a problem")))
}

/// Each state is asked by an index that has the order of the list, and the answers are merged.
fn list(conn: &mut Conn, filter: &ProblemFilter) -> Result<Vec<ProblemRow>, StoreError> {
    let limit = page_size(filter.limit);
    let wanted = |state: &ProblemState| filter.states.is_empty() || filter.states.contains(state);
    let mut rows: Vec<TableRow> = Vec::new();
    for state in ProblemState::ALL.into_iter().filter(wanted) {
        rows.extend(in_state(conn, filter, state, limit)?);
    }
    rows.sort_by_key(|row| std::cmp::Reverse((row.last_at, row.id)));
    rows.truncate(usize::try_from(limit).unwrap_or(usize::MAX));
    rows.into_iter().map(ProblemRow::try_from).collect()
}

fn in_state(
    conn: &mut Conn,
    filter: &ProblemFilter,
    state: ProblemState,
    limit: i64,
) -> Result<Vec<TableRow>, StoreError> {
    let mut question = problems::table
        .select(TableRow::as_select())
        .filter(problems::state.eq(state.code()))
        .order((problems::last_at.desc(), problems::id.desc()))
        .limit(limit)
        .into_boxed();
    if let Some(kind) = &filter.kind {
        question = question.filter(problems::kind.eq(kind.clone()));
    }
    if let Some(rule) = &filter.rule {
        question = question.filter(problems::rule.eq(rule.clone()));
    }
    if let Some((last_at, id)) = filter.before {
        use diesel::BoolExpressionMethods as _;
        // The first half is what an index begins at.
        question = question.filter(problems::last_at.le(last_at.0));
        question = question.filter(problems::last_at.lt(last_at.0).or(problems::id.lt(id.0)));
    }
    Ok(question.load(conn)?)
}

pub(super) fn find(conn: &mut Conn, id: ProblemId) -> Result<Option<ProblemRow>, StoreError> {
    let row: Option<TableRow> = each!(conn, c => problems::table
        .filter(problems::id.eq(id.0))
        .select(TableRow::as_select())
        .get_result(c)
        .optional())?;
    row.map(ProblemRow::try_from).transpose()
}

impl Store {
    /// Problems, the one seen last first: those that are not solved, or all; 1,000 at most.
    pub async fn problems(&self, open: bool, limit: usize) -> Result<Vec<ProblemRow>, StoreError> {
        let there = [ProblemState::Open, ProblemState::Acknowledged, ProblemState::Muted];
        let states = if open { there.to_vec() } else { Vec::new() };
        self.problem_page(ProblemFilter { states, limit: Some(limit), ..ProblemFilter::default() }).await
    }

    /// Problems like that, the one seen last first.
    pub async fn problem_page(&self, filter: ProblemFilter) -> Result<Vec<ProblemRow>, StoreError> {
        self.read(move |conn, _| list(conn, &filter)).await
    }

    /// One problem. `None`: there is none of this id.
    pub async fn problem(&self, id: ProblemId) -> Result<Option<ProblemRow>, StoreError> {
        self.read(move |conn, _| find(conn, id)).await
    }

    /// The problem that a failed run belongs to. `None`: none is known.
    pub async fn problem_of(&self, run: RunId) -> Result<Option<ProblemId>, StoreError> {
        use super::schema::problem_runs as of;
        self.read(move |conn, _| {
            let found: Option<i64> = each!(conn, c => of::table
                .filter(of::run.eq(run.0))
                .order(of::problem.desc())
                .select(of::problem)
                .first(c)
                .optional())?;
            Ok(found.map(ProblemId))
        })
        .await
    }

    /// How many problems are open and neither acknowledged nor muted.
    pub async fn open_problems(&self) -> Result<i64, StoreError> {
        self.read(|conn, _| {
            Ok(each!(conn, c => problems::table
                .filter(problems::state.eq(ProblemState::Open.code()))
                .count()
                .get_result(c))?)
        })
        .await
    }

    /// Failed runs of a problem after one, oldest first, that nothing has repeated yet.
    pub async fn runs_to_repeat(&self, id: ProblemId, after: RunId, limit: usize) -> Result<Vec<RunId>, StoreError> {
        let runs = self.read(move |conn, _| dialect::unrepeated_runs(conn, id.0, after.0, limit)).await?;
        Ok(runs.into_iter().map(RunId).collect())
    }

    /// How many of the newest `of` failed runs of each problem nothing has repeated yet, in the same order.
    pub async fn unrepeated(&self, ids: Vec<ProblemId>, of: u32) -> Result<Vec<u64>, StoreError> {
        self.read(move |conn, _| {
            let count = |id: ProblemId| Ok(u64::try_from(dialect::count_unrepeated(conn, id.0, of)?).unwrap_or(0));
            ids.into_iter().map(count).collect()
        })
        .await
    }
}

impl TryFrom<TableRow> for ProblemRow {
    type Error = StoreError;

    fn try_from(row: TableRow) -> Result<Self, StoreError> {
        Ok(Self {
            id: ProblemId(row.id),
            fingerprint: row.fingerprint,
            kind: row.kind,
            subject: row.subject,
            message: row.message,
            state: state_of(row.state)?,
            count: row.count,
            first_at: Time(row.first_at),
            opened_at: Time(row.opened_at),
            last_at: Time(row.last_at),
            solved_at: row.solved_at.map(Time),
            acknowledged_by: row.acknowledged_by,
            acknowledged_at: row.acknowledged_at.map(Time),
            muted_until: row.muted_until.map(Time),
            rule: row.rule,
            step: row.step,
            host: row.host,
            class: row.class,
            run: row.run.map(RunId),
        })
    }
}
