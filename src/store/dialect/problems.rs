//! Problems.

use diesel::{
    RunQueryDsl as _,
    sql_types::{BigInt, Integer, Text},
};

use super::{
    Conn, each,
    statement::{Bind, execute, question},
};
use crate::store::error::StoreError;

/// Of problems that rules are still to be told of: as their index has it, which a bound value would not find.
pub(in crate::store) fn is_untold() -> diesel::expression::SqlLiteral<diesel::sql_types::Bool> {
    diesel::dsl::sql("problems.told <> 0")
}

/// Closes a problem. Nobody is told who was not told of its opening, or did not want to be. False: it was not open.
pub(in crate::store) fn solve_problem(
    conn: &mut Conn,
    fingerprint: &str,
    at: i64,
    depth: i16,
) -> Result<bool, StoreError> {
    let binds = [Bind::Big(Some(at)), Bind::Small(Some(depth)), Bind::Text(Some(fingerprint))];
    // 2 is `muted`, 3 is `solved`.
    let sql = "UPDATE problems SET solved_at = ?, depth = ?, \
               told = CASE WHEN told = 1 OR state = 2 THEN 0 ELSE 2 END, state = 3 \
               WHERE fingerprint = ? AND solved_at IS NULL";
    execute(conn, sql, &binds).map(|changed| changed == 1)
}

/// Opens problems again that were muted for long enough, and tells of those.
pub(in crate::store) fn unmute_problems(conn: &mut Conn, now: i64) -> Result<usize, StoreError> {
    let sql = "UPDATE problems SET state = 0, muted_until = NULL, told = 1 WHERE state = 2 AND muted_until <= ?";
    execute(conn, sql, &[Bind::Big(Some(now))])
}

/// Deletes problems that were solved before a time, with what is known of their runs. Rows deleted.
pub(in crate::store) fn delete_solved(conn: &mut Conn, before: i64) -> Result<usize, StoreError> {
    let of = "DELETE FROM problem_runs WHERE problem IN (SELECT id FROM problems WHERE solved_at < ?)";
    execute(conn, of, &[Bind::Big(Some(before))])?;
    execute(conn, "DELETE FROM problems WHERE solved_at < ?", &[Bind::Big(Some(before))])
}

/// Notes that a run failed with a problem.
pub(in crate::store) fn add_problem_run(conn: &mut Conn, problem: i64, run: i64) -> Result<(), StoreError> {
    let binds = [Bind::Big(Some(problem)), Bind::Big(Some(run))];
    execute(conn, "INSERT INTO problem_runs (problem, run) VALUES (?, ?) ON CONFLICT DO NOTHING", &binds).map(drop)
}

/// Forgets the oldest runs of a problem that has more than 100,000.
pub(in crate::store) fn cut_problem_runs(conn: &mut Conn, problem: i64) -> Result<(), StoreError> {
    let binds = [Bind::Big(Some(problem)), Bind::Big(Some(problem))];
    let sql = "DELETE FROM problem_runs WHERE problem = ? AND run <= \
               (SELECT run FROM problem_runs WHERE problem = ? ORDER BY run DESC LIMIT 1 OFFSET 100000)";
    execute(conn, sql, &binds).map(drop)
}

/// Failed runs of a problem above `after` that nothing has repeated yet, oldest first.
pub(in crate::store) fn unrepeated_runs(
    conn: &mut Conn,
    problem: i64,
    after: i64,
    limit: usize,
) -> Result<Vec<i64>, StoreError> {
    let sql = format!(
        "SELECT run FROM problem_runs WHERE problem = ? AND run > ? AND NOT EXISTS \
         (SELECT 1 FROM runs WHERE runs.replay_of = problem_runs.run AND runs.replay_of IS NOT NULL) \
         ORDER BY run LIMIT {}",
        limit.next_power_of_two()
    );
    let binds = [Bind::Big(Some(problem)), Bind::Big(Some(after))];
    let mut rows: Vec<i64> = each!(conn, c => question::<(BigInt,)>(&sql, &binds).load::<(i64,)>(c))?
        .into_iter()
        .map(|(run,)| run)
        .collect();
    rows.truncate(limit);
    Ok(rows)
}

/// How many of the newest `of` failed runs of a problem nothing has repeated yet.
pub(in crate::store) fn count_unrepeated(conn: &mut Conn, problem: i64, of: u32) -> Result<i64, StoreError> {
    let sql = format!(
        "SELECT count(*) FROM (SELECT run FROM problem_runs WHERE problem = ? ORDER BY run DESC LIMIT {of}) AS few \
         WHERE NOT EXISTS (SELECT 1 FROM runs WHERE runs.replay_of = few.run AND runs.replay_of IS NOT NULL)"
    );
    let rows: Vec<(i64,)> = each!(conn, c => question::<(BigInt,)>(&sql, &[Bind::Big(Some(problem))]).load(c))?;
    Ok(rows.first().map_or(0, |(count,)| *count))
}

/// Numbers of the rules that have problems of failed runs which are not solved.
pub(in crate::store) fn troubled_rules(conn: &mut Conn) -> Result<Vec<i32>, StoreError> {
    let sql = "SELECT DISTINCT names.id FROM problems JOIN names ON names.name = problems.rule \
               WHERE problems.solved_at IS NULL AND problems.kind = 'run'";
    let rows: Vec<(i32,)> = each!(conn, c => question::<(Integer,)>(sql, &[]).load(c))?;
    Ok(rows.into_iter().map(|(rule,)| rule).collect())
}

/// The steps of a run that ended as `ok`, which is 0.
pub(in crate::store) fn steps_passed(conn: &mut Conn, run: i64) -> Result<Vec<String>, StoreError> {
    let sql = "SELECT DISTINCT names.name FROM outputs JOIN names ON names.id = outputs.step \
               WHERE outputs.run = ? AND outputs.outcome = 0";
    let rows: Vec<(String,)> = each!(conn, c => question::<(Text,)>(sql, &[Bind::Big(Some(run))]).load(c))?;
    Ok(rows.into_iter().map(|(name,)| name).collect())
}
