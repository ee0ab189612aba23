//! Problems.

use diesel::{
    Queryable, RunQueryDsl as _,
    sql_types::{BigInt, Nullable, Text},
};

use super::{
    Conn, each,
    statement::{Bind, execute, question},
};
use crate::{model::Problem, store::error::StoreError};

/// A row of `problems`.
#[derive(Debug, Queryable)]
pub(in crate::store) struct ProblemTableRow {
    pub(in crate::store) fingerprint: String,
    pub(in crate::store) kind: String,
    pub(in crate::store) subject: String,
    pub(in crate::store) message: String,
    pub(in crate::store) count: i64,
    pub(in crate::store) first_at: i64,
    pub(in crate::store) last_at: i64,
    pub(in crate::store) solved_at: Option<i64>,
}

/// Opens a problem, counts it once more, or opens it anew.
pub(in crate::store) fn raise_problem(conn: &mut Conn, problem: &Problem, at: i64) -> Result<(), StoreError> {
    execute(
        conn,
        "INSERT INTO problems (fingerprint, kind, subject, message, count, first_at, last_at) VALUES (?, ?, ?, ?, 1, ?, ?) \
         ON CONFLICT (fingerprint) DO UPDATE SET \
         kind = excluded.kind, subject = excluded.subject, message = excluded.message, last_at = excluded.last_at, \
         count = CASE WHEN problems.solved_at IS NULL THEN problems.count + 1 ELSE 1 END, \
         first_at = CASE WHEN problems.solved_at IS NULL THEN problems.first_at ELSE excluded.first_at END, \
         solved_at = NULL",
        &[
            Bind::Text(Some(&problem.fingerprint)),
            Bind::Text(Some(problem.kind)),
            Bind::Text(Some(&problem.subject)),
            Bind::Text(Some(&problem.message)),
            Bind::Big(Some(at)),
            Bind::Big(Some(at)),
        ],
    )
    .map(drop)
}

/// Closes a problem. False: it was not open.
pub(in crate::store) fn solve_problem(conn: &mut Conn, fingerprint: &str, at: i64) -> Result<bool, StoreError> {
    let binds = [Bind::Big(Some(at)), Bind::Text(Some(fingerprint))];
    let sql = "UPDATE problems SET solved_at = ? WHERE fingerprint = ? AND solved_at IS NULL";
    execute(conn, sql, &binds).map(|changed| changed == 1)
}

/// Problems, the one seen last first.
pub(in crate::store) fn problems(conn: &mut Conn, open: bool) -> Result<Vec<ProblemTableRow>, StoreError> {
    type Row = (Text, Text, Text, Text, BigInt, BigInt, BigInt, Nullable<BigInt>);
    let sql = if open {
        "SELECT fingerprint, kind, subject, message, count, first_at, last_at, solved_at FROM problems \
         WHERE solved_at IS NULL ORDER BY last_at DESC, fingerprint LIMIT 1000"
    } else {
        "SELECT fingerprint, kind, subject, message, count, first_at, last_at, solved_at FROM problems \
         ORDER BY last_at DESC, fingerprint LIMIT 1000"
    };
    Ok(each!(conn, c => question::<Row>(sql, &[]).load(c))?)
}

/// Deletes problems that were solved before a time. Rows deleted.
pub(in crate::store) fn delete_solved(conn: &mut Conn, before: i64) -> Result<usize, StoreError> {
    execute(conn, "DELETE FROM problems WHERE solved_at < ?", &[Bind::Big(Some(before))])
}
