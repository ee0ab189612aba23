//! Taking a run, and what a worker then sees of it.

use diesel::{OptionalExtension as _, QueryDsl as _, Queryable, RunQueryDsl as _, Selectable, SelectableHelper as _};
use serde_json::{Map, Value};

use super::{
    attempts::{self, AttemptInsert},
    compress,
    dialect::{self, ClaimUpdate, Conn, each},
    error::StoreError,
    events::{self, StoredEvent},
    gates::{Claimed, PlaceWish},
    json, marks,
    names::{Known, Lookup},
    outputs::{self, RequestInsert},
    places,
    resolve::Resolution,
    runs::status_of,
    schema::runs,
    waits::{self, OpenWait},
};
use crate::{
    clock::Time,
    ids::{AttemptId, RunId},
    model::{AttemptKind, AttemptOutcome, RunStatus, StepError, StepOutput, StepPath},
};

/// Tells one holder of a run from another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ClaimId(pub i64);

/// A worker's wish to take a run.
#[derive(Debug, Clone)]
pub struct Claim {
    /// Which run.
    pub run: RunId,
    /// Who asks; unlike any other claim.
    pub claim: ClaimId,
    /// The state it was seen in.
    pub from: RunStatus,
    /// What a person had said of its attempt when it was seen.
    pub said: Option<Resolution>,
    /// The time now.
    pub now: Time,
    /// When the claim runs out unless renewed.
    pub until: Time,
    /// The attempt that begins with it.
    pub attempt: Option<NewAttempt>,
    /// Its rule's `concurrency`, with the first claim of a run.
    pub place: Option<PlaceWish>,
}

/// An attempt that begins.
#[derive(Debug, Clone)]
pub struct NewAttempt {
    /// Its id.
    pub id: AttemptId,
    /// The step it tries.
    pub step: StepPath,
    /// What it is for.
    pub kind: AttemptKind,
    /// From 1: among the tries of its step, or among the reads since its last try.
    pub number: u32,
    /// When it was to begin. `None`: now, since its step was only just reached.
    pub planned_at: Option<Time>,
    /// When it begins.
    pub started_at: Time,
    /// The rendered request without secrets, with the step's first try and its first read alone.
    pub request: Option<Vec<u8>>,
}

/// Everything a worker needs of a run.
#[derive(Debug, Clone)]
pub struct LoadedRun {
    /// Its id.
    pub id: RunId,
    /// The rule's id.
    pub rule: String,
    /// The rule set it is pinned to.
    pub set: i64,
    /// Where it stands.
    pub status: RunStatus,
    /// The first run in a chain of replays; the run itself where it is none.
    pub root: RunId,
    /// The run that it repeats.
    pub replay_of: Option<RunId>,
    /// When its first step began.
    pub started_at: Option<Time>,
    /// Its vars as they are now.
    pub vars: Map<String, Value>,
    /// It has finally failed and its rule's `on_error` is at work.
    pub failure: Option<StepError>,
    /// The event that started it.
    pub event: StoredEvent,
    /// Every step that has ended, in the order in which they ended.
    pub outputs: Vec<StepOutput>,
    /// The step that was begun and has not ended.
    pub pending: Option<Pending>,
    /// When it is due; `None` where it is not open for a worker.
    pub due_at: Option<Time>,
    /// The other events it is about, oldest first, without `event`: of a digest or threshold.
    pub earlier: Vec<StoredEvent>,
    /// The `wait` step that was begun and has not ended.
    pub wait: Option<OpenWait>,
    /// It has been asked to end as cancelled.
    pub cancelled: bool,
    /// What a person has said of its attempt: whoever takes the run must have seen it.
    pub said: Option<Resolution>,
}

/// A step that was begun and has not ended.
#[derive(Debug, Clone)]
pub struct Pending {
    /// The step.
    pub step: StepPath,
    /// As stored with the first attempt. Empty where it had none.
    pub request: Vec<u8>,
    /// Tries so far.
    pub attempts: u32,
    /// How the last one ended.
    pub last: AttemptOutcome,
    /// Why the last one failed.
    pub last_error: Option<StepError>,
    /// When the last one began.
    pub last_began_at: Time,
    /// When the last one ended. `None`: nobody saw it end.
    pub last_ended_at: Option<Time>,
    /// The last read since then that tells whether it took effect. `None`: there was none yet.
    pub read: Option<LastRead>,
    /// When the first attempt began: `now` of the step.
    pub began_at: Time,
    /// What a person said of the last, unknown attempt.
    pub resolution: Option<Resolution>,
}

/// A read that was to tell whether a try without an answer took effect.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LastRead {
    /// From 1, since that try.
    pub number: u32,
    /// How it ended; `ok` where it found that the try took no effect.
    pub outcome: AttemptOutcome,
}

#[derive(Debug, Queryable, Selectable)]
#[diesel(table_name = runs)]
struct WorkRow {
    event: i64,
    rule_set: i64,
    rule: i32,
    status: i16,
    due_at: Option<i64>,
    started_at: Option<i64>,
    step: Option<i32>,
    resolution: Option<i16>,
    root: Option<i64>,
    replay_of: Option<i64>,
    vars: Option<Vec<u8>>,
    failure: Option<Vec<u8>>,
    marks: Option<i32>,
}

/// Takes the run in the transaction that is open, unless it is not in the state it was seen in, or something stands in its way.
pub(super) fn take(conn: &mut Conn, known: &mut Known, claim: &Claim) -> Result<Claimed, StoreError> {
    let running = claim.from.next(RunStatus::Running)?;
    let attempt = match &claim.attempt {
        Some(attempt) => Some((AttemptInsert::begun(conn, known, claim.run, claim.claim.0, attempt)?, attempt)),
        None => None,
    };
    let mut update = ClaimUpdate {
        run: claim.run.0,
        from: claim.from.code(),
        running: running.code(),
        claim: claim.claim.0,
        now: claim.now.0,
        until: claim.until.0,
        step: attempt.as_ref().map(|(row, _)| row.step()),
        said: claim.said.map(Resolution::code),
        is_passed: false,
    };
    // Nearly every run is taken by this alone.
    let is_plain = claim.place.is_none() && claim.from != RunStatus::Collecting;
    if !(is_plain && dialect::claim_run(conn, &update)?) {
        if let Some(stopped) = places::door(conn, known, claim)? {
            return Ok(stopped);
        }
        update.is_passed = true;
        if !dialect::claim_run(conn, &update)? {
            return Ok(Claimed::NotMine);
        }
    }
    if let Some((row, attempt)) = attempt {
        begin_attempt(conn, known, claim.run, row, attempt)?;
    }
    Ok(Claimed::Mine)
}

/// Writes the row of an attempt that begins, and its request.
pub(super) fn begin_attempt(
    conn: &mut Conn,
    known: &mut Known,
    run: RunId,
    row: AttemptInsert,
    attempt: &NewAttempt,
) -> Result<(), StoreError> {
    if let Some(request) = &attempt.request {
        let step = match attempt.kind {
            AttemptKind::Try => row.step(),
            AttemptKind::Verify => known.name(conn, &attempt.step.verify().0)?,
        };
        let row = RequestInsert { run: run.0, step, data: compress::pack(request) };
        dialect::insert_request(conn, &row)?;
    }
    dialect::insert_attempts(conn, &[row])
}

/// Everything a worker needs of a run. `None`: there is none of this id.
pub(super) fn load(conn: &mut Conn, lookup: &Lookup, id: RunId) -> Result<Option<LoadedRun>, StoreError> {
    let row: Option<WorkRow> =
        each!(conn, c => runs::table.find(id.0).select(WorkRow::as_select()).get_result(c).optional())?;
    let Some(row) = row else { return Ok(None) };
    let Some(event) = events::stored(conn, lookup, row.event)? else {
        return Err(StoreError::Corrupt(format!("the event of {id} is missing")));
    };
    let earlier = if marks::has(row.marks, marks::EVENTS) { earlier(conn, lookup, id)? } else { Vec::new() };
    let pending = match row.step {
        Some(step) => pending(conn, lookup, id, step, row.resolution)?,
        None => None,
    };
    let status = status_of(row.status)?;
    let wait = match status {
        RunStatus::Waiting | RunStatus::Running => waits::of_run(conn, lookup, id)?,
        _ => None,
    };
    Ok(Some(LoadedRun {
        id,
        rule: lookup.name(conn, row.rule)?.to_string(),
        set: row.rule_set,
        status,
        root: row.root.map_or(id, RunId),
        replay_of: row.replay_of.map(RunId),
        started_at: row.started_at.map(Time),
        vars: json::open_object(row.vars)?,
        failure: json::open_error(row.failure)?,
        event,
        outputs: outputs::of_run(conn, lookup, id)?,
        pending,
        due_at: row.due_at.map(Time),
        earlier,
        wait,
        cancelled: marks::has(row.marks, marks::CANCEL),
        said: row.resolution.map(Resolution::from_code).transpose()?,
    }))
}

/// The other events of a run, oldest first; without those that retention has deleted after the run was over.
fn earlier(conn: &mut Conn, lookup: &Lookup, run: RunId) -> Result<Vec<StoredEvent>, StoreError> {
    let ids = dialect::run_events(conn, run.0)?;
    ids.into_iter().filter_map(|id| events::stored(conn, lookup, id).transpose()).collect()
}

fn pending(
    conn: &mut Conn,
    lookup: &Lookup,
    run: RunId,
    step: i32,
    resolution: Option<i16>,
) -> Result<Option<Pending>, StoreError> {
    let mut tries = attempts::of_step(conn, run, step)?;
    let Some(began_at) = tries.first().map(|first| Time(first.started_at)) else { return Ok(None) };
    let mut read = None;
    let last = loop {
        let Some(last) = tries.pop() else { return Ok(None) };
        if last.kind()? == AttemptKind::Try {
            break last;
        }
        if read.is_none() {
            read = Some(LastRead { number: u32::try_from(last.number).unwrap_or(0), outcome: last.outcome()? });
        }
    };
    Ok(Some(Pending {
        step: StepPath(lookup.name(conn, step)?.to_string()),
        request: outputs::request_of(conn, run, step)?,
        attempts: u32::try_from(last.number).unwrap_or(0),
        last: last.outcome()?,
        last_began_at: Time(last.started_at),
        last_ended_at: last.ended_at.map(Time),
        read,
        last_error: json::open_error(last.error)?,
        began_at,
        resolution: resolution.map(Resolution::from_code).transpose()?,
    }))
}
