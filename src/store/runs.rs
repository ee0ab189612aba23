//! Runs as lists and pages show them.

use std::collections::HashMap;

use diesel::{
    ExpressionMethods as _, Insertable, OptionalExtension as _, QueryDsl as _, Queryable, RunQueryDsl as _, Selectable,
    SelectableHelper as _,
};
use serde_json::{Map, Value};

use super::{
    attempts::{self, AttemptRow, READ_FOLLOWS},
    dialect::{Conn, each},
    error::StoreError,
    json, marks,
    names::Lookup,
    outputs,
    resolve::Resolution,
    schema::{run_events, runs, sets},
    sources::PAUSED,
};
use crate::{
    clock::Time,
    ids::{EventId, ProblemId, RunId, time_of},
    model::{AttemptKind, AttemptOutcome, RunStatus, StepError, StepOutput, StepPath},
};

/// Events of a run that are told.
const MOST_EVENTS: i64 = 1_000;
/// Runs that repeat those of a page: there is hardly more than one of each.
const MOST_REPEATS: i64 = 10_000;

/// Which runs a list shows, newest first.
#[derive(Debug, Clone, Default)]
pub struct RunFilter {
    /// Older than this one: the next page.
    pub before: Option<RunId>,
    /// 50 unless set; at most 1,000.
    pub limit: Option<usize>,
    /// Of this rule.
    pub rule: Option<String>,
    /// In any of these states; empty for all.
    pub states: Vec<RunStatus>,
    /// Of this event.
    pub event: Option<EventId>,
    /// Failed with this class of error, by its word.
    pub class: Option<String>,
    /// Failed with this problem.
    pub problem: Option<ProblemId>,
    /// Made at this time or later.
    pub from: Option<Time>,
    /// Made before this time.
    pub until: Option<Time>,
}

/// A page of runs.
#[derive(Debug, Clone, Default)]
pub struct RunPage {
    /// Those that were found, newest first; fewer than asked for where looking for more would have taken too long.
    pub rows: Vec<RunRow>,
    /// Before which run it goes on. `None`: there are no more.
    pub next: Option<RunId>,
}

/// A run in a list.
#[derive(Debug, Clone, serde::Serialize)]
pub struct RunRow {
    /// Its id.
    pub id: RunId,
    /// The rule's id.
    pub rule: String,
    /// Where it stands.
    #[serde(rename = "state")]
    pub status: RunStatus,
    /// The event that started it.
    pub event: EventId,
    /// When it was made.
    pub created_at: Time,
    /// When it was over. `None`: it is not.
    pub ended_at: Option<Time>,
    /// When it is taken next. `None` for a run that is over, held, running, or due and waiting for a place.
    pub due_at: Option<Time>,
    /// Why it failed.
    pub error: Option<StepError>,
    /// What `stop` or `fail` said; why a run is held by its rule's fuse, waits for a place, was skipped or cancelled.
    pub why: Option<String>,
    /// The run that it repeats. `None`: an event started it, or a person.
    pub replay_of: Option<RunId>,
}

/// A run with all that happened in it.
#[derive(Debug, Clone)]
pub struct RunDetail {
    /// As in the list.
    pub row: RunRow,
    /// The rule set it is pinned to. 0 for none.
    pub set: i64,
    /// Its digest in hex. Empty where the set is gone.
    pub set_digest: String,
    /// When its first step began.
    pub started_at: Option<Time>,
    /// The step that was begun and has not ended.
    pub step: Option<StepPath>,
    /// It was asked to end as cancelled.
    pub cancelled: bool,
    /// What a person has said of its last attempt, until that is done.
    pub said: Option<Resolution>,
    /// Its vars as they are now.
    pub vars: Map<String, Value>,
    /// Steps that have ended, in order.
    pub outputs: Vec<StepOutput>,
    /// Every attempt, oldest first.
    pub attempts: Vec<AttemptRow>,
}

#[derive(Debug, Insertable)]
#[diesel(table_name = runs, treat_none_as_default_value = false)]
pub(super) struct RunInsert {
    pub(super) id: i64,
    pub(super) event: i64,
    pub(super) rule_set: i64,
    pub(super) rule: i32,
    pub(super) status: i16,
    pub(super) due_at: Option<i64>,
    pub(super) ended_at: Option<i64>,
    pub(super) vars: Option<Vec<u8>>,
    pub(super) error: Option<Vec<u8>>,
    pub(super) why: Option<String>,
    pub(super) marks: Option<i32>,
}

/// What lists read of a run.
#[derive(Debug, Queryable, Selectable)]
#[diesel(table_name = runs)]
struct ListRow {
    id: i64,
    event: i64,
    rule_set: i64,
    rule: i32,
    status: i16,
    due_at: Option<i64>,
    ended_at: Option<i64>,
    vars: Option<Vec<u8>>,
    error: Option<Vec<u8>>,
    why: Option<String>,
    replay_of: Option<i64>,
    started_at: Option<i64>,
    step: Option<i32>,
    marks: Option<i32>,
    resolution: Option<i16>,
}

impl RunDetail {
    /// Held, and not for an attempt without an answer: a blown fuse holds runs that have not begun.
    pub fn is_held_by_fuse(&self) -> bool {
        self.row.status == RunStatus::Held && self.attempts.is_empty() && !self.is_held_by_source()
    }

    /// Held until its source is resumed, and by nothing else.
    pub fn is_held_by_source(&self) -> bool {
        self.row.status == RunStatus::Held && self.row.why.as_deref() == Some(PAUSED)
    }

    /// Due, and not for an attempt: a read is to tell what became of the last one, which has no answer.
    pub fn waits_for_read(&self) -> bool {
        let is_open = self.row.status == RunStatus::Due && matches!(self.said, None | Some(Resolution::Verify));
        let Some(last) = self.attempts.last().filter(|_| is_open) else { return false };
        let is_unknown = match last.kind {
            AttemptKind::Verify => last.outcome != AttemptOutcome::Ok,
            AttemptKind::Try => {
                last.outcome == AttemptOutcome::Unknown && (self.said.is_some() || last.reason == READ_FOLLOWS)
            }
        };
        is_unknown && !self.outputs.iter().any(|output| output.step == last.step)
    }

    /// Whether a read can tell what became of the last attempt: its request then holds what the action was given.
    pub fn can_be_read_back(&self) -> bool {
        let last = self.attempts.iter().rev().find(|attempt| attempt.kind == AttemptKind::Try);
        let request = last.and_then(|attempt| attempt.request.as_deref());
        let request: Option<Value> = request.and_then(|bytes| serde_json::from_slice(bytes).ok());
        request.is_some_and(|request| request.get("inputs").is_some())
    }
}

/// The state of a number in a row.
pub(super) fn status_of(code: i16) -> Result<RunStatus, StoreError> {
    RunStatus::from_code(code).ok_or_else(|| StoreError::Corrupt(format!("{code} is no state of a run")))
}

fn shown(conn: &mut Conn, lookup: &Lookup, row: &mut ListRow) -> Result<RunRow, StoreError> {
    Ok(RunRow {
        id: RunId(row.id),
        rule: lookup.name(conn, row.rule)?.to_string(),
        status: status_of(row.status)?,
        event: EventId(row.event),
        created_at: time_of(row.id),
        ended_at: row.ended_at.map(Time),
        due_at: row.due_at.map(Time),
        error: json::open_error(row.error.take())?,
        why: row.why.take(),
        replay_of: row.replay_of.map(RunId),
    })
}

/// The digest of a rule set in hex. `None`: there is no such set.
pub(super) fn digest_of(conn: &mut Conn, set: i64) -> Result<Option<String>, StoreError> {
    let digest: Option<Vec<u8>> =
        each!(conn, c => sets::table.find(set).select(sets::digest).get_result(c).optional())?;
    Ok(digest.map(hex::encode))
}

/// Those of these runs that there are, newest first.
pub(super) fn of_ids(conn: &mut Conn, lookup: &Lookup, ids: &[i64]) -> Result<Vec<RunRow>, StoreError> {
    let rows: Vec<ListRow> = each!(conn, c => runs::table
        .filter(runs::id.eq_any(ids))
        .order(runs::id.desc())
        .select(ListRow::as_select())
        .load(c))?;
    rows.into_iter().map(|mut row| shown(conn, lookup, &mut row)).collect()
}

/// The run of the same rule before one, and that after it.
pub(super) fn beside(conn: &mut Conn, run: RunId) -> Result<(Option<RunId>, Option<RunId>), StoreError> {
    let rule: Option<i32> = each!(conn, c => runs::table.find(run.0).select(runs::rule).get_result(c).optional())?;
    let Some(rule) = rule else { return Ok((None, None)) };
    let older: Option<i64> = each!(conn, c => runs::table
        .filter(runs::rule.eq(rule))
        .filter(runs::id.lt(run.0))
        .order(runs::id.desc())
        .select(runs::id)
        .first(c)
        .optional())?;
    let newer: Option<i64> = each!(conn, c => runs::table
        .filter(runs::rule.eq(rule))
        .filter(runs::id.gt(run.0))
        .order(runs::id.asc())
        .select(runs::id)
        .first(c)
        .optional())?;
    Ok((older.map(RunId), newer.map(RunId)))
}

/// Runs that repeat one, newest first; 20 at most.
pub(super) fn repeats(conn: &mut Conn, lookup: &Lookup, run: RunId) -> Result<Vec<RunRow>, StoreError> {
    let rows: Vec<ListRow> = each!(conn, c => runs::table
        .filter(runs::replay_of.eq(run.0))
        .order(runs::id.desc())
        .limit(20)
        .select(ListRow::as_select())
        .load(c))?;
    rows.into_iter().map(|mut row| shown(conn, lookup, &mut row)).collect()
}

/// The newest run that repeats each of these, where there is any.
pub(super) fn repeated(conn: &mut Conn, of: &[RunId]) -> Result<HashMap<RunId, (RunId, RunStatus)>, StoreError> {
    if of.is_empty() {
        return Ok(HashMap::new());
    }
    let of: Vec<i64> = of.iter().map(|run| run.0).collect();
    let rows: Vec<(Option<i64>, i64, i16)> = each!(conn, c => runs::table
        .filter(runs::replay_of.eq_any(of))
        .select((runs::replay_of, runs::id, runs::status))
        .limit(MOST_REPEATS)
        .load(c))?;
    let mut newest = HashMap::new();
    for (first, id, status) in rows {
        let Some(first) = first.map(RunId) else { continue };
        let known = newest.entry(first).or_insert((RunId(id), status));
        if known.0.0 < id {
            *known = (RunId(id), status);
        }
    }
    newest.into_iter().map(|(first, (id, status))| Ok((first, (id, status_of(status)?)))).collect()
}

/// The events that a run is about, oldest first; of very many the newest, and the oldest of the others.
pub(super) fn events_of(conn: &mut Conn, run: RunId) -> Result<Vec<EventId>, StoreError> {
    let mut all: Vec<i64> = each!(conn, c => run_events::table
        .filter(run_events::run.eq(run.0))
        .order(run_events::seq.asc())
        .limit(MOST_EVENTS - 1)
        .select(run_events::event)
        .load(c))?;
    let newest: Option<i64> = each!(conn, c => runs::table.find(run.0).select(runs::event).get_result(c).optional())?;
    all.extend(newest);
    Ok(all.into_iter().map(EventId).collect())
}

/// Makes a run due now that is due later, and nobody has in hand. False: it is not.
pub(super) fn hasten(conn: &mut Conn, run: RunId, now: Time) -> Result<bool, StoreError> {
    let changed = each!(conn, c => diesel::update(
            runs::table
                .filter(runs::id.eq(run.0))
                .filter(runs::status.eq(RunStatus::Due.code()))
                .filter(runs::claim_id.is_null())
                .filter(runs::due_at.gt(now.0))
        )
        .set(runs::due_at.eq(now.0))
        .execute(c))?;
    Ok(changed == 1)
}

/// One run as lists show it. `None`: there is none of this id.
pub(super) fn brief(conn: &mut Conn, lookup: &Lookup, id: RunId) -> Result<Option<RunRow>, StoreError> {
    let row: Option<ListRow> =
        each!(conn, c => runs::table.find(id.0).select(ListRow::as_select()).get_result(c).optional())?;
    row.map(|mut row| shown(conn, lookup, &mut row)).transpose()
}

/// One run. `None`: there is none of this id.
pub(super) fn detail(conn: &mut Conn, lookup: &Lookup, id: RunId) -> Result<Option<RunDetail>, StoreError> {
    let row: Option<ListRow> =
        each!(conn, c => runs::table.find(id.0).select(ListRow::as_select()).get_result(c).optional())?;
    let Some(mut row) = row else { return Ok(None) };
    let digest = digest_of(conn, row.rule_set)?;
    let step = row.step.map(|step| lookup.name(conn, step)).transpose()?;
    Ok(Some(RunDetail {
        started_at: row.started_at.map(Time),
        step: step.map(|step| StepPath(step.to_string())),
        cancelled: marks::has(row.marks, marks::CANCEL),
        said: row.resolution.map(Resolution::from_code).transpose()?,
        set: row.rule_set,
        set_digest: digest.unwrap_or_default(),
        vars: json::open_object(row.vars.take())?,
        outputs: outputs::of_run(conn, lookup, id)?,
        attempts: attempts::of_run(conn, lookup, id)?,
        row: shown(conn, lookup, &mut row)?,
    }))
}
