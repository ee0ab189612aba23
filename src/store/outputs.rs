//! What steps left behind, and the requests they sent.

use std::{collections::HashMap, time::Duration};

use diesel::{ExpressionMethods as _, Insertable, OptionalExtension as _, QueryDsl as _, Queryable, RunQueryDsl as _};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{
    compress,
    dialect::{Conn, each},
    error::StoreError,
    names::Lookup,
    schema::{outputs, requests},
};
use crate::{
    ids::RunId,
    model::{StepError, StepOutcome, StepOutput, StepPath},
};

/// The part of an output that is one packed column; all of it absent is NULL.
#[derive(Debug, Default, Serialize, Deserialize)]
struct Data {
    #[serde(default, skip_serializing_if = "Value::is_null")]
    result: Value,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    error: Option<StepError>,
    #[serde(default, skip_serializing_if = "Value::is_null")]
    response: Value,
    /// Milliseconds.
    #[serde(default, skip_serializing_if = "is_zero")]
    waited: u64,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks by reference")]
fn is_zero(number: &u64) -> bool {
    *number == 0
}

#[derive(Debug, Insertable)]
#[diesel(table_name = outputs)]
pub(super) struct OutputInsert {
    pub(super) run: i64,
    pub(super) seq: i32,
    pub(super) step: i32,
    pub(super) outcome: i16,
    #[diesel(treat_none_as_default_value = false)]
    pub(super) data: Option<Vec<u8>>,
}

#[derive(Debug, Insertable)]
#[diesel(table_name = requests)]
pub(super) struct RequestInsert {
    pub(super) run: i64,
    pub(super) step: i32,
    pub(super) data: Vec<u8>,
}

#[derive(Debug, Queryable)]
struct OutputRow {
    _run: i64,
    _seq: i32,
    step: i32,
    outcome: i16,
    data: Option<Vec<u8>>,
}

/// An output's packed column.
pub(super) fn pack(output: &StepOutput) -> Result<Option<Vec<u8>>, StoreError> {
    if output.result.is_null() && output.error.is_none() && output.response.is_null() && output.waited.is_zero() {
        return Ok(None);
    }
    let data = Data {
        result: output.result.clone(),
        error: output.error.clone(),
        response: output.response.clone(),
        waited: u64::try_from(output.waited.as_millis()).unwrap_or(u64::MAX),
    };
    let text = serde_json::to_vec(&data).map_err(|error| StoreError::Rejected(error.to_string()))?;
    Ok(Some(compress::pack(&text)))
}

/// Why a step failed, out of its packed column.
pub(super) fn error_in(data: Option<Vec<u8>>) -> Result<Option<StepError>, StoreError> {
    let Some(packed) = data else { return Ok(None) };
    let data: Data = serde_json::from_slice(&compress::open(&packed)?)
        .map_err(|error| StoreError::Corrupt(format!("an output does not read: {error}")))?;
    Ok(data.error)
}

/// The place after the last output of a run.
pub(super) fn next_seq(conn: &mut Conn, run: RunId) -> Result<i32, StoreError> {
    let last: Option<i32> = each!(conn, c => outputs::table
        .filter(outputs::run.eq(run.0))
        .select(diesel::dsl::max(outputs::seq))
        .get_result(c))?;
    Ok(last.map_or(0, |last| last.saturating_add(1)))
}

/// Every output of a run, in the order in which the steps ended.
pub(super) fn of_run(conn: &mut Conn, lookup: &Lookup, run: RunId) -> Result<Vec<StepOutput>, StoreError> {
    let rows: Vec<OutputRow> =
        each!(conn, c => outputs::table.filter(outputs::run.eq(run.0)).order(outputs::seq.asc()).load(c))?;
    rows.into_iter()
        .map(|row| {
            let data = match row.data {
                Some(packed) => serde_json::from_slice(&compress::open(&packed)?)
                    .map_err(|error| StoreError::Corrupt(format!("an output does not read: {error}")))?,
                None => Data::default(),
            };
            Ok(StepOutput {
                step: StepPath(lookup.name(conn, row.step)?.to_string()),
                outcome: StepOutcome::from_code(row.outcome)
                    .ok_or_else(|| StoreError::Corrupt(format!("{} is no outcome of a step", row.outcome)))?,
                result: data.result,
                error: data.error,
                response: data.response,
                waited: Duration::from_millis(data.waited),
            })
        })
        .collect()
}

/// The requests of a run by the number of their step, packed.
pub(super) fn requests_of(conn: &mut Conn, run: RunId) -> Result<HashMap<i32, Vec<u8>>, StoreError> {
    let rows: Vec<(i32, Vec<u8>)> = each!(conn, c => requests::table
        .filter(requests::run.eq(run.0))
        .select((requests::step, requests::data))
        .load(c))?;
    Ok(rows.into_iter().collect())
}

/// The request of one step. Empty where none was stored.
pub(super) fn request_of(conn: &mut Conn, run: RunId, step: i32) -> Result<Vec<u8>, StoreError> {
    let packed: Option<Vec<u8>> =
        each!(conn, c => requests::table.find((run.0, step)).select(requests::data).get_result(c).optional())?;
    packed.map_or(Ok(Vec::new()), |packed| compress::open(&packed))
}
