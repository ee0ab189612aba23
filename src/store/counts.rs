//! Counts for doctor, logs and health.

use diesel::{QueryDsl as _, RunQueryDsl as _};

use super::{
    dialect::{self, Conn},
    error::StoreError,
    schema::{api_tokens, attempts, audit, events, jobs, repeats, runs, users},
    state,
};
use crate::{clock::Time, model::RunStatus};

/// Counts for doctor, logs and health.
#[derive(Debug, Clone, Default)]
pub struct Counts {
    /// Events that are stored.
    pub events: u64,
    /// Runs that are not over.
    pub runs_open: u64,
    /// Of these, those that wait for a person.
    pub runs_held: u64,
    /// Runs that failed.
    pub runs_failed: u64,
    /// When the oldest due run was due. `None`: none is due now.
    pub oldest_due: Option<Time>,
    /// Of the database, its write-ahead log aside.
    pub bytes: u64,
}

/// Counts now. Reads the runs that did not end well, by index; never all of them.
pub(super) fn count(conn: &mut Conn, now: Time) -> Result<Counts, StoreError> {
    let by_status: Vec<(i16, i64)> = runs::table
        .filter(dialect::not_ok())
        .group_by(runs::status)
        .select((runs::status, diesel::dsl::count_star()))
        .load(conn)?;
    let of = |wanted: &dyn Fn(RunStatus) -> bool| -> u64 {
        let counted = by_status.iter().filter(|(code, _)| RunStatus::from_code(*code).is_some_and(wanted));
        counted.map(|(_, count)| u64::try_from(*count).unwrap_or(0)).sum()
    };
    let oldest = dialect::open_rules(conn, now)?.into_iter().filter_map(|rule| rule.first).min();
    Ok(Counts {
        events: state::number(conn, state::EVENTS)?.and_then(|count| u64::try_from(count).ok()).unwrap_or(0),
        runs_open: of(&|status| !status.is_final()),
        runs_held: of(&|status| status == RunStatus::Held),
        runs_failed: of(&|status| status == RunStatus::Failed),
        oldest_due: oldest.filter(|at| *at <= now.0).map(Time),
        bytes: u64::try_from(dialect::bytes(conn)?).unwrap_or(0),
    })
}

/// The highest id of what is known by one. 0 in a fresh database.
pub(super) fn highest_id(conn: &mut Conn) -> Result<i64, StoreError> {
    let event: Option<i64> = events::table.select(diesel::dsl::max(events::id)).get_result(conn)?;
    let run: Option<i64> = runs::table.select(diesel::dsl::max(runs::id)).get_result(conn)?;
    let attempt: Option<i64> = attempts::table.select(diesel::dsl::max(attempts::id)).get_result(conn)?;
    let repeat: Option<i64> = repeats::table.select(diesel::dsl::max(repeats::id)).get_result(conn)?;
    let job: Option<i64> = jobs::table.select(diesel::dsl::max(jobs::id)).get_result(conn)?;
    let user: Option<i64> = users::table.select(diesel::dsl::max(users::id)).get_result(conn)?;
    let token: Option<i64> = api_tokens::table.select(diesel::dsl::max(api_tokens::id)).get_result(conn)?;
    let deed: Option<i64> = audit::table.select(diesel::dsl::max(audit::id)).get_result(conn)?;
    Ok([event, run, attempt, repeat, job, user, token, deed].into_iter().flatten().max().unwrap_or(0))
}
