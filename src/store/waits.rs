//! Steps that wait for a time or an event. Events find the waits that they may end by index, in the transaction that stores them.

use std::collections::{HashMap, HashSet};

use diesel::{ExpressionMethods as _, OptionalExtension as _, QueryDsl as _, RunQueryDsl as _};
use serde_json::Value;

use super::{
    accept::NewEvent,
    canonical::hash_of,
    dialect::{self, Answer, Conn, each},
    error::StoreError,
    handle::Store,
    names::{Known, Lookup},
    schema::{events, wait_candidates, wait_keys, waits},
};
use crate::{
    clock::Time,
    ids::{EventId, RunId},
    model::{RunStatus, StepPath},
};

/// Open waits of one rule.
const OF_A_RULE: i64 = 1000;

/// Candidates that a worker sees at once; it sees the others after it has rejected these.
const SEEN_AT_ONCE: i64 = 1000;

/// A wait that begins; with its step's row it is in one transaction with the end of the step before it.
#[derive(Debug, Clone)]
pub struct NewWait {
    /// The step.
    pub step: StepPath,
    /// When it began: `now` of the step.
    pub began_at: Time,
    /// When it ends by itself. `None`: never.
    pub until: Option<Time>,
    /// The events that may end it.
    pub events: Option<WaitEvents>,
}

/// The events that may end a wait.
#[derive(Debug, Clone)]
pub struct WaitEvents {
    /// Any of these types.
    pub kinds: Vec<String>,
    /// Where in the payload the key is, as a JSON pointer.
    pub pointer: String,
    /// What must stand there: a number equals the same number in any form.
    pub value: Value,
    /// Only events stored after this one.
    pub since: EventId,
}

/// A wait as a worker finds it again.
#[derive(Debug, Clone)]
pub struct OpenWait {
    /// The step.
    pub step: StepPath,
    /// When it began: `now` of the step.
    pub began_at: Time,
    /// When it ends by itself. `None`: never.
    pub until: Option<Time>,
    /// Only events after this one.
    pub since: EventId,
    /// The newest event when the wait was registered: those up to it must be looked at one by one, later ones are among `candidates`.
    pub upto: EventId,
    /// The worker has looked at the events up to `upto`.
    pub looked: bool,
    /// Events stored since whose key is the one wanted, oldest first; of more than 1,000 the oldest.
    pub candidates: Vec<EventId>,
}

/// A wait as it is shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WaitRow {
    /// The step, in a loop with its turn.
    pub step: StepPath,
    /// When it ends by itself. `None`: never.
    pub until: Option<Time>,
}

impl Store {
    /// The wait that a run is in. `None`: it is in none.
    pub async fn wait_of(&self, run: RunId) -> Result<Option<WaitRow>, StoreError> {
        self.read(move |conn, lookup| {
            let row: Option<(i32, Option<i64>)> = each!(conn, c => waits::table
                .find(run.0)
                .select((waits::step, waits::until))
                .get_result(c)
                .optional())?;
            let Some((step, until)) = row else { return Ok(None) };
            let step = StepPath(lookup.name(conn, step)?.to_string());
            Ok(Some(WaitRow { step, until: until.map(Time) }))
        })
        .await
    }
}

/// What the writer knows of the waits that are open, so that an event that none waits for costs no statement. Read from the tables when it
/// is first needed, and again after a transaction was rolled back.
#[derive(Default)]
pub(super) struct Open {
    is_read: bool,
    runs: HashSet<i64>,
    /// By type of event.
    shapes: HashMap<String, Vec<Shape>>,
}

/// A place in payloads of one type that waits look at.
struct Shape {
    kind: i32,
    pointer: i32,
    text: String,
    /// How many waits do.
    waits: i64,
}

impl Open {
    fn read(&mut self, conn: &mut Conn) -> Result<(), StoreError> {
        if self.is_read {
            return Ok(());
        }
        *self = Self::default();
        let runs: Vec<i64> = each!(conn, c => waits::table.select(waits::run).load(c))?;
        self.runs = runs.into_iter().collect();
        for (kind, pointer, name, text, waits) in dialect::wait_shapes(conn)? {
            self.shapes.entry(name).or_default().push(Shape { kind, pointer, text, waits });
        }
        self.is_read = true;
        Ok(())
    }

    fn one_more(&mut self, name: &str, kind: i32, pointer: i32, text: &str) {
        let shapes = self.shapes.entry(name.to_owned()).or_default();
        match shapes.iter_mut().find(|shape| shape.pointer == pointer) {
            Some(shape) => shape.waits += 1,
            None => shapes.push(Shape { kind, pointer, text: text.to_owned(), waits: 1 }),
        }
    }

    fn one_less(&mut self, gone: &[(i32, i32)]) {
        for shape in self.shapes.values_mut().flatten() {
            if gone.contains(&(shape.kind, shape.pointer)) {
                shape.waits -= 1;
            }
        }
        self.shapes.retain(|_, shapes| {
            shapes.retain(|shape| shape.waits > 0);
            !shapes.is_empty()
        });
    }
}

/// Makes the event a candidate of the waits that it may end, and their runs due, in the transaction that stores it.
pub(super) fn answer(conn: &mut Conn, known: &mut Known, event: &NewEvent) -> Result<(), StoreError> {
    known.waits.read(conn)?;
    let Some(shapes) = known.waits.shapes.get(&event.kind) else { return Ok(()) };
    for shape in shapes {
        let Some(value) = event.payload.pointer(&shape.text) else { continue };
        let answer = Answer {
            event: event.id.0,
            received_at: event.received_at.0,
            kind: shape.kind,
            pointer: shape.pointer,
            hash: &hash_of(value),
            waiting: RunStatus::Waiting.code(),
        };
        dialect::answer_waits(conn, &answer)?;
    }
    Ok(())
}

/// Why one more wait of the rule cannot be: one sentence. `None`: it can.
pub(super) fn unfit(
    conn: &mut Conn,
    known: &mut Known,
    run: RunId,
    rule: i32,
    wait: &NewWait,
) -> Result<Option<String>, StoreError> {
    let words = wait.events.iter().flat_map(|events| events.kinds.iter().chain([&events.pointer]));
    if words.into_iter().any(|word| word.contains('\0')) {
        return Ok(Some(
            "a `wait` looks at a name with a NUL character, which cannot be kept; write another".to_owned(),
        ));
    }
    if open_of_rule(conn, run, rule)? < OF_A_RULE {
        return Ok(None);
    }
    // Before it is said that there are too many: none that was left behind may count.
    delete_ended(conn, known)?;
    if open_of_rule(conn, run, rule)? < OF_A_RULE {
        return Ok(None);
    }
    Ok(Some(format!(
        "{OF_A_RULE} waits of this rule are open, and no more than that are kept; let fewer runs wait at once, by `once` or a shorter `for`"
    )))
}

fn open_of_rule(conn: &mut Conn, except: RunId, rule: i32) -> Result<i64, StoreError> {
    Ok(each!(conn, c => waits::table
        .filter(waits::rule.eq(rule))
        .filter(waits::run.ne(except.0))
        .count()
        .get_result(c))?)
}

/// Registers a wait: from now on events find it. Those before are the worker's to look at.
pub(super) fn begin(
    conn: &mut Conn,
    known: &mut Known,
    run: RunId,
    rule: i32,
    wait: &NewWait,
) -> Result<(), StoreError> {
    known.waits.read(conn)?;
    let newest: Option<i64> = each!(conn, c => events::table.select(diesel::dsl::max(events::id)).get_result(c))?;
    let step = known.name(conn, &wait.step.0)?;
    let since = wait.events.as_ref().map_or(0, |events| events.since.0);
    let row = (
        (waits::run.eq(run.0), waits::rule.eq(rule), waits::step.eq(step), waits::began_at.eq(wait.began_at.0)),
        (waits::until.eq(wait.until.map(|until| until.0)), waits::since.eq(since)),
        (waits::upto.eq(newest.unwrap_or(0)), waits::looked.eq(false)),
    );
    each!(conn, c => diesel::insert_into(waits::table).values(row).execute(c))?;
    known.waits.runs.insert(run.0);
    let Some(wanted) = &wait.events else { return Ok(()) };
    let pointer = known.name(conn, &wanted.pointer)?;
    let hash = hash_of(&wanted.value);
    let kinds: HashSet<&String> = wanted.kinds.iter().collect();
    for name in kinds {
        let kind = known.name(conn, name)?;
        let key = (
            wait_keys::kind.eq(kind),
            wait_keys::pointer.eq(pointer),
            wait_keys::hash.eq(&hash[..]),
            wait_keys::run.eq(run.0),
        );
        each!(conn, c => diesel::insert_into(wait_keys::table).values(key).execute(c))?;
        known.waits.one_more(name, kind, pointer, &wanted.pointer);
    }
    Ok(())
}

/// When a run is due whose worker has looked at these candidates and sleeps on. `None`: never by itself.
pub(super) fn sleep(conn: &mut Conn, run: RunId, rejected: &[EventId], now: Time) -> Result<Option<Time>, StoreError> {
    dialect::wait_looked(conn, run.0)?;
    for event in rejected {
        dialect::delete_candidate(conn, run.0, event.0)?;
    }
    let left: Option<i64> = each!(conn, c => wait_candidates::table
        .filter(wait_candidates::run.eq(run.0))
        .select(wait_candidates::event)
        .first(c)
        .optional())?;
    if left.is_some() {
        return Ok(Some(now));
    }
    let until: Option<Option<i64>> =
        each!(conn, c => waits::table.find(run.0).select(waits::until).get_result(c).optional())?;
    let until = until.ok_or_else(|| StoreError::Rejected(format!("{run} sleeps on without an open wait")))?;
    Ok(until.map(Time))
}

/// Whether a `wait` step of the run has begun and not ended.
pub(super) fn is_open(conn: &mut Conn, known: &mut Known, run: RunId) -> Result<bool, StoreError> {
    known.waits.read(conn)?;
    Ok(known.waits.runs.contains(&run.0))
}

/// Forgets the wait of a run, where its step is among `ended`. Whether it still waits.
pub(super) fn end_step(conn: &mut Conn, known: &mut Known, run: RunId, ended: &[i32]) -> Result<bool, StoreError> {
    if !is_open(conn, known, run)? {
        return Ok(false);
    }
    let step: Option<i32> = each!(conn, c => waits::table.find(run.0).select(waits::step).get_result(c).optional())?;
    let goes_on = step.is_some_and(|step| !ended.contains(&step));
    if !goes_on {
        end(conn, known, run)?;
    }
    Ok(goes_on)
}

/// Forgets the wait of a run that is over, if it had one. Whoever ends a run calls this.
pub(super) fn end(conn: &mut Conn, known: &mut Known, run: RunId) -> Result<(), StoreError> {
    if !is_open(conn, known, run)? {
        return Ok(());
    }
    let gone = dialect::delete_wait(conn, run.0)?;
    known.waits.one_less(&gone);
    known.waits.runs.remove(&run.0);
    Ok(())
}

/// Deletes the waits of runs that were ended without a word to the writer's memory.
pub(super) fn delete_ended(conn: &mut Conn, known: &mut Known) -> Result<(), StoreError> {
    if dialect::delete_ended_waits(conn)? > 0 {
        known.waits = Open::default();
    }
    Ok(())
}

/// The wait of a run as a worker finds it. `None`: it has none.
pub(super) fn of_run(conn: &mut Conn, lookup: &Lookup, run: RunId) -> Result<Option<OpenWait>, StoreError> {
    type Row = (i32, i64, Option<i64>, i64, i64, bool);
    let row: Option<Row> = each!(conn, c => waits::table
        .find(run.0)
        .select((waits::step, waits::began_at, waits::until, waits::since, waits::upto, waits::looked))
        .get_result(c)
        .optional())?;
    let Some((step, began_at, until, since, upto, looked)) = row else { return Ok(None) };
    let candidates: Vec<i64> = each!(conn, c => wait_candidates::table
        .filter(wait_candidates::run.eq(run.0))
        .order(wait_candidates::event.asc())
        .limit(SEEN_AT_ONCE)
        .select(wait_candidates::event)
        .load(c))?;
    Ok(Some(OpenWait {
        step: StepPath(lookup.name(conn, step)?.to_string()),
        began_at: Time(began_at),
        until: until.map(Time),
        since: EventId(since),
        upto: EventId(upto),
        looked,
        candidates: candidates.into_iter().map(EventId).collect(),
    }))
}

/// Whether a wait of the run is open, for those who have no memory of it.
pub(super) fn has_row(conn: &mut Conn, run: i64) -> Result<bool, StoreError> {
    let found: Option<i64> = each!(conn, c => waits::table.find(run).select(waits::run).get_result(c).optional())?;
    Ok(found.is_some())
}
