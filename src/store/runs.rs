//! Runs as lists and pages show them.

use diesel::{
    ExpressionMethods as _, Insertable, OptionalExtension as _, QueryDsl as _, Queryable, RunQueryDsl as _, Selectable,
    SelectableHelper as _,
};
use serde_json::{Map, Value};

use super::{
    attempts::{self, AttemptRow},
    dialect::{self, Conn, each},
    error::StoreError,
    json,
    names::{Lookup, name_id},
    outputs, page_size,
    schema::{runs, sets},
};
use crate::{
    clock::Time,
    ids::{EventId, RunId, time_of},
    model::{RunStatus, StepError, StepOutput},
};

/// Which runs a list shows, newest first.
#[derive(Debug, Clone, Default)]
pub struct RunFilter {
    /// Older than this one: the next page.
    pub before: Option<RunId>,
    /// 50 unless set; at most 1,000.
    pub limit: Option<usize>,
    /// Of this rule.
    pub rule: Option<String>,
    /// In this state.
    pub status: Option<RunStatus>,
    /// Of this event.
    pub event: Option<EventId>,
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

/// Runs newest first.
pub(super) fn list(conn: &mut Conn, lookup: &Lookup, filter: &RunFilter) -> Result<Vec<RunRow>, StoreError> {
    let rule = match &filter.rule {
        Some(rule) => match name_id(conn, rule)? {
            Some(id) => Some(id),
            None => return Ok(Vec::new()),
        },
        None => None,
    };
    let mut question =
        runs::table.select(ListRow::as_select()).order(runs::id.desc()).limit(page_size(filter.limit)).into_boxed();
    if let Some(before) = filter.before {
        question = question.filter(runs::id.lt(before.0));
    }
    if let Some(rule) = rule {
        question = question.filter(runs::rule.eq(rule));
    }
    if let Some(event) = filter.event {
        question = question.filter(runs::event.eq(event.0));
    }
    if let Some(status) = filter.status {
        question = question.filter(runs::status.eq(status.code()));
        if status != RunStatus::Ok {
            question = question.filter(dialect::not_ok());
        }
    }
    let rows: Vec<ListRow> = question.load(conn)?;
    rows.into_iter().map(|mut row| shown(conn, lookup, &mut row)).collect()
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
    Ok(Some(RunDetail {
        set: row.rule_set,
        set_digest: digest.unwrap_or_default(),
        vars: json::open_object(row.vars.take())?,
        outputs: outputs::of_run(conn, lookup, id)?,
        attempts: attempts::of_run(conn, lookup, id)?,
        row: shown(conn, lookup, &mut row)?,
    }))
}
