//! Runs in the order of their ids, by the index that narrows them.

use diesel::{
    Queryable, RunQueryDsl as _,
    sql_types::{BigInt, Integer, Nullable, SmallInt},
};

use super::{
    Conn, each,
    statement::{Bind, question},
};
use crate::store::error::StoreError;

/// What narrows a list of runs.
#[derive(Debug, Clone, Copy)]
pub(in crate::store) enum Source {
    /// Nothing.
    All,
    /// A rule.
    Rule(i32),
    /// A state that is not `ok`.
    State(i16),
    /// A rule and a state above `ok`.
    Ended(i32, i16),
    /// The event that started it.
    Event(i64),
    /// The class of error that it failed with.
    Class(i32),
    /// A problem.
    Problem(i64),
}

/// What a filter looks at.
#[derive(Debug, Queryable)]
pub(in crate::store) struct Light {
    pub(in crate::store) id: i64,
    pub(in crate::store) rule: i32,
    pub(in crate::store) status: i16,
    pub(in crate::store) event: i64,
    pub(in crate::store) class: Option<i32>,
}

/// Runs of a source below an id and not below another, newest first; `limit` at most.
pub(in crate::store) fn runs_below(
    conn: &mut Conn,
    source: &Source,
    below: i64,
    floor: i64,
    limit: usize,
) -> Result<Vec<Light>, StoreError> {
    type Row = (BigInt, Integer, SmallInt, BigInt, Nullable<Integer>);
    // SQLite has no statistics here, and would take the primary key for the order's sake. The texts of the conditions are those of
    // the indexes: both planners want them as they stand there.
    let by = |index: &str| match conn {
        Conn::Sqlite(_) => format!("runs INDEXED BY {index}"),
        Conn::Postgres(_) => "runs".to_owned(),
    };
    let (from, condition, mut binds) = match source {
        Source::All => ("runs".to_owned(), "", Vec::new()),
        Source::Rule(rule) => (by("runs_rule"), "runs.rule = ? AND", vec![Bind::Int(Some(*rule))]),
        Source::State(state) => {
            (by("runs_status"), "runs.status = ? AND runs.status <> 6 AND", vec![Bind::Small(Some(*state))])
        }
        Source::Ended(rule, state) => (
            by("runs_ended"),
            "runs.rule = ? AND runs.status = ? AND runs.status > 6 AND",
            vec![Bind::Int(Some(*rule)), Bind::Small(Some(*state))],
        ),
        Source::Event(event) => (by("runs_event"), "runs.event = ? AND", vec![Bind::Big(Some(*event))]),
        Source::Class(class) => {
            (by("runs_class"), "runs.class = ? AND runs.class IS NOT NULL AND", vec![Bind::Int(Some(*class))])
        }
        Source::Problem(problem) => (
            "problem_runs JOIN runs ON runs.id = problem_runs.run".to_owned(),
            "problem_runs.problem = ? AND",
            vec![Bind::Big(Some(*problem))],
        ),
    };
    let id = if matches!(source, Source::Problem(_)) { "problem_runs.run" } else { "runs.id" };
    binds.extend([Bind::Big(Some(below)), Bind::Big(Some(floor))]);
    let sql = format!(
        "SELECT runs.id, runs.rule, runs.status, runs.event, runs.class FROM {from} \
         WHERE {condition} {id} < ? AND {id} >= ? ORDER BY {id} DESC LIMIT {limit}"
    );
    Ok(each!(conn, c => question::<Row>(&sql, &binds).load(c))?)
}
