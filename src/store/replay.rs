//! Runs that repeat another, or that a person starts on a stored event.

use diesel::{ExpressionMethods as _, OptionalExtension as _, QueryDsl as _, RunQueryDsl as _};
use serde_json::{Map, Value};

use super::{
    dialect::{self, Conn, each},
    error::StoreError,
    json,
    names::Known,
    outputs::{self, OutputInsert},
    schema::{events, replay_keys, runs},
};
use crate::{
    clock::Time,
    ids::{EventId, RunId},
    model::{RunStatus, StepOutput},
};

/// A run that repeats another, or that a person starts on a stored event.
#[derive(Debug, Clone)]
pub struct Replay {
    /// Its id.
    pub id: RunId,
    /// The event, or the newest of them.
    pub event: EventId,
    /// The run that it repeats: its other events are its own too. `None`: a rule on an event that it did not run on.
    pub of: Option<RunId>,
    /// The rule's id.
    pub rule: String,
    /// The rule set that it runs by.
    pub set: i64,
    /// The first run in the chain, whose Idempotency-Keys it uses. `None`: it has keys of its own.
    pub root: Option<RunId>,
    /// Vars that are known.
    pub vars: Map<String, Value>,
    /// Steps that count as ended.
    pub outputs: Vec<StepOutput>,
    /// What tells it from the same one asked for twice. `None`: it is a new one each time.
    pub key: Option<[u8; 16]>,
    /// Now.
    pub at: Time,
}

/// Stores the run, due at once; its id, or that of the one that was stored by the same key. Rejected where its event is not stored.
pub(super) fn insert(conn: &mut Conn, known: &mut Known, replay: &Replay) -> Result<RunId, StoreError> {
    if let Some(first) = by_key(conn, replay)? {
        return Ok(first);
    }
    let events: i64 = each!(conn, c => events::table.filter(events::id.eq(replay.event.0)).count().get_result(c))?;
    if events == 0 {
        return Err(StoreError::Rejected(format!("{} is not stored; retention may have deleted it", replay.event)));
    }
    let row = (
        (runs::id.eq(replay.id.0), runs::event.eq(replay.event.0), runs::rule_set.eq(replay.set)),
        (runs::rule.eq(known.name(conn, &replay.rule)?), runs::status.eq(RunStatus::Due.code())),
        (runs::due_at.eq(replay.at.0), runs::vars.eq(json::pack_object(&replay.vars)?)),
        (runs::root.eq(replay.root.map(|root| root.0)), runs::replay_of.eq(replay.of.map(|of| of.0))),
    );
    each!(conn, c => diesel::insert_into(runs::table).values(row).execute(c))?;
    let mut rows = Vec::with_capacity(replay.outputs.len());
    for (seq, output) in (0..).zip(&replay.outputs) {
        rows.push(OutputInsert {
            run: replay.id.0,
            seq,
            step: known.name(conn, &output.step.0)?,
            outcome: output.outcome.code(),
            data: outputs::pack(output)?,
        });
    }
    dialect::insert_outputs(conn, &rows)?;
    if let Some(key) = &replay.key {
        let row = (replay_keys::key.eq(&key[..]), replay_keys::run.eq(replay.id.0));
        each!(conn, c => diesel::insert_into(replay_keys::table).values(row).execute(c))?;
    }
    if let Some(of) = replay.of {
        copy_events(conn, of, replay.id)?;
    }
    Ok(replay.id)
}

/// The run that was asked for with the same key. Rejected where it repeats another run than this one would.
fn by_key(conn: &mut Conn, replay: &Replay) -> Result<Option<RunId>, StoreError> {
    let Some(key) = &replay.key else { return Ok(None) };
    let known: Option<i64> =
        each!(conn, c => replay_keys::table.find(&key[..]).select(replay_keys::run).get_result(c).optional())?;
    let Some(run) = known else { return Ok(None) };
    let of: Option<i64> = each!(conn, c => runs::table.find(run).select(runs::replay_of).get_result(c))?;
    if of == replay.of.map(|of| of.0) {
        return Ok(Some(RunId(run)));
    }
    Err(StoreError::Rejected("the key of this replay was used for another".to_owned()))
}

/// The earlier events of a digest or threshold are the new run's own too.
fn copy_events(conn: &mut Conn, of: RunId, to: RunId) -> Result<(), StoreError> {
    dialect::copy_run_events(conn, of.0, to.0)
}
