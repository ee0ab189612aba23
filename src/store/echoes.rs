//! Events that our own actions cause, told by a text that both have: whichever of the two is stored first.

use std::time::Duration;

use diesel::{ExpressionMethods as _, JoinOnDsl as _, OptionalExtension as _, QueryDsl as _, RunQueryDsl as _};

use super::{
    accept::NewEvent,
    canonical::hash_of_text,
    compress,
    dialect::{self, Conn, each},
    error::StoreError,
    names::Known,
    places,
    schema::{events, runs},
    tallies::Kind,
};
use crate::{
    clock::Time,
    ids::RunId,
    model::{EventFlags, RunStatus},
};

/// How long an event may prove to be the echo of an action whose end is recorded after it: longer than any step takes.
const EARLY: Duration = Duration::from_mins(10);

/// Rows written between two looks for those that no longer count.
const SWEPT_EVERY: u32 = 500;

/// What `runs` shows of a run that an echo started.
const WHY: &str = "own echo";

/// The depth of the run whose action is known by this text. `None`: no action of ours is.
pub(super) fn depth(conn: &mut Conn, echo: &str, now: Time) -> Result<Option<u8>, StoreError> {
    let depth = dialect::echo_depth(conn, &hash_of_text(echo), now.0)?;
    Ok(depth.map(|depth| u8::try_from(depth).unwrap_or(u8::MAX)))
}

/// The depth of an event that proves to be an echo only now: its action's end was recorded after intake had asked. `None`: it is none, or
/// intake knew it.
pub(super) fn late(conn: &mut Conn, event: &NewEvent) -> Result<Option<i16>, StoreError> {
    match &event.echo {
        Some(echo) if !event.own => Ok(depth(conn, echo, event.received_at)?.map(|depth| i16::from(depth) + 1)),
        _ => Ok(None),
    }
}

/// Remembers an event that may yet prove to be an echo.
pub(super) fn remember(conn: &mut Conn, known: &mut Known, event: &NewEvent) -> Result<(), StoreError> {
    let Some(echo) = &event.echo else { return Ok(()) };
    let hearing: Vec<i64> = event.runs.iter().filter(|run| run.hears_own).map(|run| run.id.0).collect();
    let hearing = if hearing.is_empty() { None } else { Some(pack(&hearing)) };
    let until = event.received_at.plus(EARLY);
    dialect::put_early_echo(conn, &hash_of_text(echo), event.id.0, until.0, hearing.as_deref())?;
    swept(conn, known, event.received_at)
}

/// Keeps an action's echo; events that came before it are flagged as our own, and their runs that have not begun end.
pub(super) fn keep(
    conn: &mut Conn,
    known: &mut Known,
    run: RunId,
    (echo, until): &(String, Time),
    now: Time,
) -> Result<(), StoreError> {
    let depth: Option<i16> = each!(conn, c => runs::table
        .inner_join(events::table.on(events::id.eq(runs::event)))
        .filter(runs::id.eq(run.0))
        .select(events::depth)
        .get_result(c)
        .optional())?;
    let depth = depth.unwrap_or(0);
    let hash = hash_of_text(echo);
    dialect::put_echo(conn, &hash, depth, until.0)?;
    for (event, hearing) in dialect::take_early_echoes(conn, &hash, now.0)? {
        dialect::own_event(conn, event, EventFlags::OWN.0, depth.saturating_add(1))?;
        let hearing = hearing.map_or(Ok(Vec::new()), |packed| open(&packed))?;
        skip_runs(conn, known, event, &hearing, now)?;
    }
    swept(conn, known, now)
}

/// Ends the runs of an event that have not begun, but for those that hear echoes. One that is about other events too goes on.
fn skip_runs(conn: &mut Conn, known: &mut Known, event: i64, hearing: &[i64], now: Time) -> Result<(), StoreError> {
    let started: Vec<(i64, i32)> = each!(conn, c => runs::table
        .filter(runs::event.eq(event))
        .filter(runs::started_at.is_null())
        .filter(runs::replay_of.is_null())
        .select((runs::id, runs::rule))
        .load(c))?;
    let states = [RunStatus::Collecting, RunStatus::Undecided, RunStatus::Due].map(RunStatus::code);
    for (run, rule) in started.into_iter().filter(|(run, _)| !hearing.contains(run)) {
        if dialect::skip_run(conn, run, states, RunStatus::Skipped.code(), WHY, now.0)? {
            known.tally.note(Kind::Ended(RunStatus::Skipped), Some(rule), now);
            dialect::leave_gates(conn, run, rule, event)?;
            places::leave(conn, run, now)?;
        }
    }
    dialect::uncount(conn, event)
}

fn swept(conn: &mut Conn, known: &mut Known, now: Time) -> Result<(), StoreError> {
    known.echoes_since_sweep += 1;
    if known.echoes_since_sweep >= SWEPT_EVERY {
        dialect::delete_old_echoes(conn, now.0)?;
        known.echoes_since_sweep = 0;
    }
    Ok(())
}

fn pack(runs: &[i64]) -> Vec<u8> {
    compress::pack(&runs.iter().flat_map(|run| run.to_le_bytes()).collect::<Vec<_>>())
}

fn open(packed: &[u8]) -> Result<Vec<i64>, StoreError> {
    let bytes = compress::open(packed)?;
    Ok(bytes.chunks_exact(8).filter_map(|run| run.try_into().ok()).map(i64::from_le_bytes).collect())
}
