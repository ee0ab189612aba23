//! Waits that intake answers by index, and the short-lived rows beside them.

use diesel::{
    RunQueryDsl as _,
    sql_types::{BigInt, Integer, Text},
};

use super::{
    Conn, each,
    statement::{Bind, execute, question},
};
use crate::store::error::StoreError;

/// An event whose payload has a value where open waits look.
pub(in crate::store) struct Answer<'a> {
    pub(in crate::store) event: i64,
    pub(in crate::store) received_at: i64,
    pub(in crate::store) kind: i32,
    pub(in crate::store) pointer: i32,
    pub(in crate::store) hash: &'a [u8],
    /// The state of a run that waits.
    pub(in crate::store) waiting: i16,
}

/// Makes the event a candidate of every open wait with that key, and those of their runs that nobody holds due. Whether there were any.
pub(in crate::store) fn answer_waits(conn: &mut Conn, answer: &Answer<'_>) -> Result<bool, StoreError> {
    let found = execute(
        conn,
        // CROSS JOIN keeps SQLite, which has no statistics here, from reading all waits.
        "INSERT INTO wait_candidates (run, event) SELECT w.run, CAST(? AS BIGINT) FROM wait_keys k CROSS JOIN waits w \
         WHERE k.kind = ? AND k.pointer = ? AND k.hash = ? AND w.run = k.run AND w.since < ? \
         AND (w.until IS NULL OR w.until >= ?) ON CONFLICT DO NOTHING",
        &[
            Bind::Big(Some(answer.event)),
            Bind::Int(Some(answer.kind)),
            Bind::Int(Some(answer.pointer)),
            Bind::Bytes(Some(answer.hash)),
            Bind::Big(Some(answer.event)),
            Bind::Big(Some(answer.received_at)),
        ],
    )?;
    if found == 0 {
        return Ok(false);
    }
    execute(
        conn,
        "UPDATE runs SET due_at = ? WHERE id IN (SELECT run FROM wait_candidates WHERE event = ?) AND status = ? \
         AND (due_at IS NULL OR due_at > ?)",
        &[
            Bind::Big(Some(answer.received_at)),
            Bind::Big(Some(answer.event)),
            Bind::Small(Some(answer.waiting)),
            Bind::Big(Some(answer.received_at)),
        ],
    )?;
    Ok(true)
}

/// A type and a place in its payload that open waits look at: the numbers of both, their texts, and how many do.
pub(in crate::store) type WaitShape = (i32, i32, String, String, i64);

/// Every one of them.
pub(in crate::store) fn wait_shapes(conn: &mut Conn) -> Result<Vec<WaitShape>, StoreError> {
    type Row = (Integer, Integer, Text, Text, BigInt);
    let sql = "SELECT g.kind, g.pointer, k.name, p.name, g.waits FROM \
               (SELECT kind, pointer, count(*) AS waits FROM wait_keys GROUP BY kind, pointer) g \
               JOIN names k ON k.id = g.kind JOIN names p ON p.id = g.pointer";
    Ok(each!(conn, c => question::<Row>(sql, &[]).load(c))?)
}

/// Deletes a wait with its keys and candidates; the types and places that it looked at.
pub(in crate::store) fn delete_wait(conn: &mut Conn, run: i64) -> Result<Vec<(i32, i32)>, StoreError> {
    let binds = [Bind::Big(Some(run))];
    let sql = "DELETE FROM wait_keys WHERE run = ? RETURNING kind, pointer";
    let shapes = each!(conn, c => question::<(Integer, Integer)>(sql, &binds).load(c))?;
    execute(conn, "DELETE FROM waits WHERE run = ?", &binds)?;
    Ok(shapes)
}

/// A worker has looked at the events before the wait began.
pub(in crate::store) fn wait_looked(conn: &mut Conn, run: i64) -> Result<(), StoreError> {
    execute(conn, "UPDATE waits SET looked = TRUE WHERE run = ? AND NOT looked", &[Bind::Big(Some(run))]).map(drop)
}

/// A candidate did not end the wait.
pub(in crate::store) fn delete_candidate(conn: &mut Conn, run: i64, event: i64) -> Result<(), StoreError> {
    let binds = [Bind::Big(Some(run)), Bind::Big(Some(event))];
    execute(conn, "DELETE FROM wait_candidates WHERE run = ? AND event = ?", &binds).map(drop)
}

/// Lets a run that is due wait on instead: its `wait` step has not ended.
pub(in crate::store) fn wait_on(conn: &mut Conn, run: i64, waiting: i16, due_at: i64) -> Result<(), StoreError> {
    let binds = [Bind::Small(Some(waiting)), Bind::Big(Some(due_at)), Bind::Big(Some(run))];
    execute(conn, "UPDATE runs SET status = ?, due_at = ? WHERE id = ?", &binds).map(drop)
}

/// Deletes the waits of runs that are over, which none should have. Rows deleted.
pub(in crate::store) fn delete_ended_waits(conn: &mut Conn) -> Result<usize, StoreError> {
    execute(
        conn,
        "DELETE FROM waits WHERE NOT EXISTS (SELECT 1 FROM runs WHERE runs.id = waits.run AND runs.ended_at IS NULL)",
        &[],
    )
}

/// The rule of a run that this claim holds. `None`: the claim was lost.
pub(in crate::store) fn held_rule(
    conn: &mut Conn,
    run: i64,
    claim: i64,
    running: i16,
) -> Result<Option<i32>, StoreError> {
    let binds = [Bind::Big(Some(run)), Bind::Big(Some(claim)), Bind::Small(Some(running))];
    let sql = "SELECT rule FROM runs WHERE id = ? AND claim_id = ? AND status = ?";
    let rows: Vec<i32> = each!(conn, c => question::<Integer>(sql, &binds).load(c))?;
    Ok(rows.first().copied())
}
