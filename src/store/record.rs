//! What a worker did, recorded only while the claim is its own.

use std::borrow::Cow;

use serde_json::{Map, Value};

use super::{
    accept::{NewEvent, ReadyEvent, accept_all},
    attempts::AttemptInsert,
    attributes::{self, After, By},
    claim::{ClaimId, NewAttempt, begin_attempt},
    compress,
    dialect::{self, AttemptUpdate, Conn, RunUpdate},
    echoes,
    error::StoreError,
    failures, grants, json, marks,
    names::Known,
    outputs::{self, OutputInsert},
    places,
    tallies::Kind,
    waits::{self, NewWait},
};
use crate::{
    clock::Time,
    ids::{AttemptId, EventId, RunId},
    model::{AttemptOutcome, Change, Keeper, RunStatus, StepError, StepOutput, StepPath},
};

/// What a worker did.
#[derive(Debug, Clone)]
pub struct Record {
    /// Which run.
    pub run: RunId,
    /// The claim it was taken with.
    pub claim: ClaimId,
    /// The time now.
    pub now: Time,
    /// The end of the attempt that was on its way.
    pub attempt: Option<AttemptEnd>,
    /// Steps that ended, in order.
    pub outputs: Vec<StepOutput>,
    /// All vars of the run, where they have changed.
    pub vars: Option<Map<String, Value>>,
    /// The run has finally failed; `on_error` goes on.
    pub failure: Option<StepError>,
    /// What the attempt that ended tells its own echo by, and until when that is kept.
    pub echo: Option<(String, Time)>,
    /// A `profile` or `record` step that ends with this record: its output's result is made in the transaction.
    pub attributes: Option<(StepPath, Keeper, String, Change)>,
    /// The event of an `emit` step, stored in the same transaction.
    pub emitted: Option<Box<NewEvent>>,
    /// What follows.
    pub then: Then,
}

/// How an attempt ended.
#[derive(Debug, Clone)]
pub struct AttemptEnd {
    /// Which attempt.
    pub id: AttemptId,
    /// When.
    pub ended_at: Time,
    /// How.
    pub outcome: AttemptOutcome,
    /// Why it failed.
    pub error: Option<StepError>,
    /// The HTTP status of the reply.
    pub status: Option<u16>,
    /// Status, headers and body as kept: masked, 64 KiB at most.
    pub reply: Option<Vec<u8>>,
    /// Why the next one waits: `schedule`, `retry_after`, `rate`. Empty where there is none.
    pub reason: String,
}

/// What follows a record.
#[derive(Debug, Clone)]
pub enum Then {
    /// The claim goes on with the next attempt.
    Attempt(NewAttempt),
    /// The claim goes on.
    Go,
    /// A `wait` begins; the claim ends, and the run is due at once if events must be looked at, else when the wait ends.
    Wait(NewWait),
    /// The worker has looked at the events up to `OpenWait::upto` and at these candidates, and none ended the wait: the claim ends, and
    /// the run is due when the wait ends, or at once where newer candidates have come.
    Sleep {
        /// Candidates that were looked at.
        rejected: Vec<EventId>,
    },
    /// The claim ends; the run is due again at that time.
    Due(Time),
    /// The claim ends; the run is due when the connection's grant changes, and at that time at the latest. At once where the grant is
    /// no longer the one that was seen.
    Pause {
        /// The connection.
        connection: String,
        /// The generation of the grant that does not serve; 0 where there was none.
        generation: i64,
        /// At the latest.
        until: Time,
        /// One sentence, kept with the run.
        why: String,
    },
    /// The claim ends; a person must look.
    Held,
    /// The run is over: Ok, Failed, Skipped or Cancelled.
    End {
        /// How it ended.
        status: RunStatus,
        /// Why it failed.
        error: Option<StepError>,
        /// What `stop` or `fail` said.
        why: Option<String>,
    },
}

impl Then {
    fn is_end(&self) -> bool {
        matches!(self, Self::End { .. })
    }
}

/// What became of a record.
#[derive(Debug, Clone, PartialEq)]
pub enum Recorded {
    /// It is kept, with the attributes after the change where it made one.
    Kept(Option<Map<String, Value>>),
    /// The change of attributes cannot be made, or the wait not be registered, for that reason: nothing of the record is kept, and the claim
    /// goes on.
    Unfit(String),
    /// The claim was lost; the attempt's end is kept, marked late. Or the run was asked to end as cancelled and has, with all that the
    /// record says, while its worker meant to go on.
    Lost,
}

impl Recorded {
    /// Whether the claim was still mine.
    pub fn is_mine(&self) -> bool {
        !matches!(self, Self::Lost)
    }
}

/// What must be known of a record before anything of it is written.
#[derive(Default)]
struct Plan {
    /// The run's rule, where a wait begins.
    rule: i32,
    /// The attributes after the change.
    after: Option<After>,
    /// When a run that goes on waiting is due.
    due_at: Option<Time>,
}

/// Looks whether all of the record can be. The inner `Err` is one sentence: it cannot.
fn plan(conn: &mut Conn, known: &mut Known, record: &Record) -> Result<Result<Plan, String>, StoreError> {
    let mut plan = Plan::default();
    if let Then::Pause { connection, generation, .. } = &record.then {
        // Who logged in a moment ago found no run to let go.
        plan.due_at = grants::has_changed(conn, connection, *generation)?.then_some(record.now);
    }
    if record.attributes.is_none() && !matches!(record.then, Then::Wait(_) | Then::Sleep { .. }) {
        return Ok(Ok(plan));
    }
    let held = dialect::held_rule(conn, record.run.0, record.claim.0, RunStatus::Running.code())?;
    // Where the claim was lost, that is what will be said.
    let Some(rule) = held else { return Ok(Ok(plan)) };
    plan.rule = rule;
    if let Some((_, keeper, key, change)) = &record.attributes {
        match attributes::changed(conn, By::Run(record.run), *keeper, key, change)? {
            Ok(after) => plan.after = Some(after),
            Err(why) => return Ok(Err(why)),
        }
    }
    match &record.then {
        Then::Wait(wait) => {
            if let Some(why) = waits::unfit(conn, known, record.run, rule, wait)? {
                return Ok(Err(why));
            }
            plan.due_at = if wait.events.is_some() { Some(record.now) } else { wait.until };
        }
        Then::Sleep { rejected } => plan.due_at = waits::sleep(conn, record.run, rejected, record.now)?,
        _ => {}
    }
    Ok(Ok(plan))
}

/// Records in the transaction that is open; `emitted` is the record's event, made ready.
pub(super) fn write(
    conn: &mut Conn,
    known: &mut Known,
    record: &Record,
    emitted: Option<&ReadyEvent>,
) -> Result<Recorded, StoreError> {
    let plan = match plan(conn, known, record)? {
        Ok(plan) => plan,
        Err(why) => return Ok(Recorded::Unfit(why)),
    };
    if move_on(conn, known, record, &plan, false)? {
        keep(conn, known, record, &plan, emitted)?;
        return Ok(Recorded::Kept(plan.after.map(|after| after.attributes)));
    }
    let Some(known_marks) = dialect::marks_of_mine(conn, record.run.0, record.claim.0)? else {
        if let Some(end) = &record.attempt {
            // Nothing to keep where the attempt has an end already.
            write_end(conn, known, record.run, end, true)?;
        }
        return Ok(Recorded::Lost);
    };
    if !marks::has(Some(known_marks), marks::CANCEL) || record.then.is_end() {
        write_marked(conn, known, record, &plan, emitted)?;
        return Ok(Recorded::Kept(plan.after.map(|after| after.attributes)));
    }
    let why = places::cancelled_by(known_marks).to_owned();
    let then = Then::End { status: RunStatus::Cancelled, error: None, why: Some(why) };
    write_marked(conn, known, &Record { then, ..record.clone() }, &plan, emitted)?;
    // Whoever would go on with the claim must not: nothing of this run is sent any more.
    let goes_on = matches!(record.then, Then::Attempt(_) | Then::Go);
    Ok(if goes_on { Recorded::Lost } else { Recorded::Kept(plan.after.map(|after| after.attributes)) })
}

/// Records of a run that has a place, was asked to end, or is otherwise marked.
fn write_marked(
    conn: &mut Conn,
    known: &mut Known,
    record: &Record,
    plan: &Plan,
    emitted: Option<&ReadyEvent>,
) -> Result<(), StoreError> {
    if !move_on(conn, known, record, plan, true)? {
        return Err(StoreError::Corrupt(format!("{} went away while it was recorded", record.run)));
    }
    keep(conn, known, record, plan, emitted)?;
    if record.then.is_end() {
        places::leave(conn, record.run.0, record.now)?;
    }
    Ok(())
}

/// All of a record but the run's new state.
fn keep(
    conn: &mut Conn,
    known: &mut Known,
    record: &Record,
    plan: &Plan,
    emitted: Option<&ReadyEvent>,
) -> Result<(), StoreError> {
    if let Some(end) = &record.attempt
        && !write_end(conn, known, record.run, end, false)?
    {
        return Err(StoreError::Rejected(format!("{} was not on its way", end.id)));
    }
    let ended = write_outputs(conn, known, record.run, &outputs_after(record, plan))?;
    if record.vars.is_some() || record.failure.is_some() {
        let vars = record.vars.as_ref().map(json::pack_all).transpose()?;
        let failure = json::pack_error(record.failure.as_ref())?;
        dialect::set_memory(conn, record.run.0, vars.as_deref(), failure.as_deref())?;
    }
    write_effects(conn, known, record, plan, emitted)?;
    follow(conn, known, record, plan, &ended)
}

/// What the steps that ended change beside their run.
fn write_effects(
    conn: &mut Conn,
    known: &mut Known,
    record: &Record,
    plan: &Plan,
    emitted: Option<&ReadyEvent>,
) -> Result<(), StoreError> {
    if let Some(after) = &plan.after {
        attributes::put(conn, after, record.now)?;
    }
    if let Some(echo) = &record.echo {
        echoes::keep(conn, known, record.run, echo, record.now)?;
    }
    if let Some(event) = emitted {
        accept_all(conn, known, &[event])?;
    }
    Ok(())
}

/// Makes what follows ready: an attempt, a wait, or nothing that is begun. `ended` are the steps that have ended.
fn follow(conn: &mut Conn, known: &mut Known, record: &Record, plan: &Plan, ended: &[i32]) -> Result<(), StoreError> {
    if let Then::End { status, error, .. } = &record.then {
        match status {
            RunStatus::Ok => failures::succeeded(conn, known, record.run, record.now)?,
            RunStatus::Failed => failures::failed(conn, known, record.run, error.as_ref(), record.now)?,
            _ => {}
        }
        // A run that is over needs no care for the step it had begun.
        return waits::end(conn, known, record.run);
    }
    let still_waits = waits::end_step(conn, known, record.run, ended)?;
    if let Then::Pause { connection, .. } = &record.then {
        grants::pause(conn, record.run, connection)?;
    }
    match &record.then {
        Then::Attempt(attempt) => {
            let row = AttemptInsert::begun(conn, known, record.run, record.claim.0, attempt)?;
            dialect::set_step(conn, record.run.0, Some(row.step()))?;
            begin_attempt(conn, known, record.run, row, attempt)?;
        }
        Then::Due(at) if still_waits => dialect::wait_on(conn, record.run.0, RunStatus::Waiting.code(), at.0)?,
        _ => {
            for step in ended {
                dialect::end_step(conn, record.run.0, *step)?;
            }
        }
    }
    if let Then::Wait(wait) = &record.then {
        waits::begin(conn, known, record.run, plan.rule, wait)?;
    }
    Ok(())
}

fn move_on(
    conn: &mut Conn,
    known: &mut Known,
    record: &Record,
    plan: &Plan,
    is_marked: bool,
) -> Result<bool, StoreError> {
    let running = RunStatus::Running;
    let (status, due_at, error, why) = match &record.then {
        Then::Attempt(_) | Then::Go => (running, None, None, None),
        Then::Wait(_) | Then::Sleep { .. } => (RunStatus::Waiting, plan.due_at.map(|at| at.0), None, None),
        Then::Due(at) => (RunStatus::Due, Some(at.0), None, None),
        Then::Pause { until, why, .. } => {
            (RunStatus::Due, Some(plan.due_at.unwrap_or(*until).0), None, Some(why.as_str()))
        }
        Then::Held => (RunStatus::Held, None, None, None),
        Then::End { status, error, why } => {
            if !status.is_final() {
                return Err(StoreError::Rejected(format!("a run does not end as {status}")));
            }
            (*status, None, json::pack_error(error.as_ref())?, why.as_deref())
        }
    };
    let update = RunUpdate {
        run: record.run.0,
        claim: record.claim.0,
        running: running.code(),
        status: running.next(status)?.code(),
        due_at,
        ended_at: status.is_final().then_some(record.now.0),
        is_marked,
        keeps_claim: matches!(record.then, Then::Attempt(_) | Then::Go),
        // What begins an attempt has cleared it: one that is still there waits for its turn.
        keeps_word: status == RunStatus::Due,
        error: error.as_deref(),
        why,
    };
    let Some(rule) = dialect::move_run(conn, &update)? else { return Ok(false) };
    if record.then.is_end() {
        known.tally.note(Kind::Ended(status), Some(rule), record.now);
    }
    Ok(true)
}

fn write_end(conn: &mut Conn, known: &mut Known, run: RunId, end: &AttemptEnd, late: bool) -> Result<bool, StoreError> {
    let reason = if end.reason.is_empty() { None } else { Some(known.name(conn, &end.reason)?) };
    let error = json::pack_error(end.error.as_ref())?;
    let reply = end.reply.as_deref().map(compress::pack);
    let update = AttemptUpdate {
        id: end.id.0,
        run: run.0,
        ended_at: end.ended_at.0,
        outcome: end.outcome.code(),
        status: end.status.map(i32::from),
        reason,
        late,
        error: error.as_deref(),
        reply: reply.as_deref(),
    };
    dialect::end_attempt(conn, &update)
}

/// The outputs of a record, that of a change of attributes with its result.
fn outputs_after<'r>(record: &'r Record, plan: &Plan) -> Cow<'r, [StepOutput]> {
    let mut outputs = Cow::Borrowed(&record.outputs[..]);
    if let (Some((step, ..)), Some(after)) = (&record.attributes, &plan.after)
        && let Some(output) = outputs.to_mut().iter_mut().find(|output| output.step == *step)
    {
        output.result = Value::Object(after.attributes.clone());
    }
    outputs
}

/// Writes the outputs; the numbers of their steps.
fn write_outputs(
    conn: &mut Conn,
    known: &mut Known,
    run: RunId,
    outputs: &[StepOutput],
) -> Result<Vec<i32>, StoreError> {
    if outputs.is_empty() {
        return Ok(Vec::new());
    }
    let mut rows = Vec::with_capacity(outputs.len());
    let mut seq = outputs::next_seq(conn, run)?;
    for output in outputs {
        rows.push(OutputInsert {
            run: run.0,
            seq,
            step: known.name(conn, &output.step.0)?,
            outcome: output.outcome.code(),
            data: outputs::pack(output)?,
        });
        seq = seq.saturating_add(1);
    }
    dialect::insert_outputs(conn, &rows)?;
    Ok(rows.iter().map(|row| row.step).collect())
}
