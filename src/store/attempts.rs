//! Attempts: one try of a step each.

use std::collections::HashMap;

use diesel::{
    ExpressionMethods as _, Insertable, QueryDsl as _, Queryable, RunQueryDsl as _, Selectable, SelectableHelper as _,
};

use super::{
    claim::NewAttempt,
    compress,
    dialect::{Conn, each},
    error::StoreError,
    json,
    names::{Known, Lookup},
    outputs,
    schema::attempts,
};
use crate::{
    clock::Time,
    ids::{AttemptId, RunId},
    model::{AttemptKind, AttemptOutcome, StepError, StepPath},
};

/// The reason of an attempt without an answer whose outcome a read will tell.
pub(super) const READ_FOLLOWS: &str = "verify";

/// An attempt as a run's page shows it.
#[derive(Debug, Clone)]
pub struct AttemptRow {
    /// Its id.
    pub id: AttemptId,
    /// The step it tried.
    pub step: StepPath,
    /// What it was for.
    pub kind: AttemptKind,
    /// From 1: among the tries of its step, or among the reads since its last try.
    pub number: u32,
    /// When it was to begin. `None`: at once, when its step was reached.
    pub planned_at: Option<Time>,
    /// When it began.
    pub started_at: Time,
    /// When it ended. `None`: it has not, or nobody saw it end.
    pub ended_at: Option<Time>,
    /// How it ended.
    pub outcome: AttemptOutcome,
    /// Why it failed.
    pub error: Option<StepError>,
    /// The HTTP status of the reply.
    pub status: Option<u16>,
    /// As stored with the step's first attempt of that kind.
    pub request: Option<Vec<u8>>,
    /// The reply as kept: masked, cut.
    pub reply: Option<Vec<u8>>,
    /// Why the next one waits; `late` where its end came after its claim was lost.
    pub reason: String,
}

#[derive(Debug, Insertable)]
#[diesel(table_name = attempts)]
pub(super) struct AttemptInsert {
    id: i64,
    run: i64,
    step: i32,
    number: i32,
    started_at: i64,
    outcome: i16,
    #[diesel(treat_none_as_default_value = false)]
    claim_id: Option<i64>,
    late: bool,
    #[diesel(treat_none_as_default_value = false)]
    kind: Option<i16>,
    #[diesel(treat_none_as_default_value = false)]
    planned_at: Option<i64>,
}

impl AttemptInsert {
    /// The row of an attempt that begins now.
    pub(super) fn begun(
        conn: &mut Conn,
        known: &mut Known,
        run: RunId,
        claim: i64,
        attempt: &NewAttempt,
    ) -> Result<Self, StoreError> {
        Ok(Self {
            id: attempt.id.0,
            run: run.0,
            step: known.name(conn, &attempt.step.0)?,
            number: i32::try_from(attempt.number).unwrap_or(i32::MAX),
            started_at: attempt.started_at.0,
            outcome: AttemptOutcome::Started.code(),
            claim_id: Some(claim),
            late: false,
            kind: attempt.kind.code(),
            planned_at: attempt.planned_at.map(|at| at.0),
        })
    }

    /// The number of its step.
    pub(super) fn step(&self) -> i32 {
        self.step
    }
}

#[derive(Debug, Queryable, Selectable)]
#[diesel(table_name = attempts)]
pub(super) struct StoredAttempt {
    id: i64,
    pub(super) step: i32,
    pub(super) number: i32,
    pub(super) started_at: i64,
    pub(super) ended_at: Option<i64>,
    outcome: i16,
    status: Option<i32>,
    pub(super) reason: Option<i32>,
    late: bool,
    pub(super) error: Option<Vec<u8>>,
    kind: Option<i16>,
    planned_at: Option<i64>,
}

impl StoredAttempt {
    /// How it ended.
    pub(super) fn outcome(&self) -> Result<AttemptOutcome, StoreError> {
        AttemptOutcome::from_code(self.outcome)
            .ok_or_else(|| StoreError::Corrupt(format!("{} is no outcome of an attempt", self.outcome)))
    }

    /// What it was for.
    pub(super) fn kind(&self) -> Result<AttemptKind, StoreError> {
        AttemptKind::from_code(self.kind)
            .ok_or_else(|| StoreError::Corrupt(format!("{:?} is no kind of an attempt", self.kind)))
    }
}

/// The attempts of a step, oldest first, without their replies.
pub(super) fn of_step(conn: &mut Conn, run: RunId, step: i32) -> Result<Vec<StoredAttempt>, StoreError> {
    Ok(each!(conn, c => attempts::table
        .filter(attempts::run.eq(run.0))
        .filter(attempts::step.eq(step))
        .order(attempts::id.asc())
        .select(StoredAttempt::as_select())
        .load(c))?)
}

/// Every attempt of a run, oldest first.
pub(super) fn of_run(conn: &mut Conn, lookup: &Lookup, run: RunId) -> Result<Vec<AttemptRow>, StoreError> {
    let rows: Vec<(StoredAttempt, Option<Vec<u8>>)> = each!(conn, c => attempts::table
        .filter(attempts::run.eq(run.0))
        .order(attempts::id.asc())
        .select((StoredAttempt::as_select(), attempts::reply))
        .load(c))?;
    let mut requests = HashMap::new();
    for (step, packed) in outputs::requests_of(conn, run)? {
        requests.insert(StepPath(lookup.name(conn, step)?.to_string()), packed);
    }
    rows.into_iter()
        .map(|(row, reply)| {
            let outcome = row.outcome()?;
            let reason = match row.reason {
                _ if row.late => "late".to_owned(),
                Some(id) => lookup.name(conn, id)?.to_string(),
                None => String::new(),
            };
            let (kind, step) = (row.kind()?, StepPath(lookup.name(conn, row.step)?.to_string()));
            let kept = if kind == AttemptKind::Verify { requests.get(&step.verify()) } else { requests.get(&step) };
            let request = kept.map(|packed| compress::open(packed)).transpose()?;
            Ok(AttemptRow {
                id: AttemptId(row.id),
                step,
                kind,
                number: u32::try_from(row.number).unwrap_or(0),
                planned_at: row.planned_at.map(Time),
                started_at: Time(row.started_at),
                ended_at: row.ended_at.map(Time),
                outcome,
                error: json::open_error(row.error)?,
                status: row.status.and_then(|status| u16::try_from(status).ok()),
                request,
                reply: reply.map(|packed| compress::open(&packed)).transpose()?,
                reason,
            })
        })
        .collect()
}
