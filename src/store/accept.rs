//! An accepted delivery into its rows: dedupe key first, then event, body and runs. Deliveries of one commit are written together.

use std::{collections::HashMap, sync::Arc};

use diesel::{Insertable, Queryable, QueryableByName};
use serde_json::{Map, Value};

use super::{
    admit,
    compress::{Dictionaries, Dictionary, pack_body},
    dialect::{self, Conn},
    echoes,
    error::StoreError,
    failures,
    gates::Gates,
    inbox::{self, RepeatInsert},
    json,
    names::{Channel, Known},
    runs::RunInsert,
    schema::{bodies, dedupe, events},
    sources,
    tallies::Kind,
    waits,
};
use crate::{
    clock::Time,
    ids::{EventId, RunId},
    model::{EventFlags, RunStatus, StepError},
};

/// In the meta of a delivery: the address it came from.
pub const PEER: &str = "ip";

/// An accepted delivery as it is stored.
#[derive(Debug, Clone)]
pub struct NewEvent {
    /// Its id.
    pub id: EventId,
    /// `gruveo.call`.
    pub kind: String,
    /// The source it came in by.
    pub source: String,
    /// The source's service. `None` for a generic source.
    pub service: Option<String>,
    /// When its last byte was read.
    pub received_at: Time,
    /// How it was verified: `hex`, `base64`, `token`, or empty for a public source.
    pub verified: String,
    /// How many emitted events stand between it and a delivery from outside.
    pub depth: u8,
    /// What was odd about it.
    pub flags: EventFlags,
    /// Headers and query that rules may see, and whatever else belongs to `trigger`: a JSON object.
    pub meta: Map<String, Value>,
    /// The raw bytes as they came.
    pub body: Vec<u8>,
    /// Compression dictionary for bodies of this type: a sample of the pack, empty where there is none.
    pub dictionary: Arc<[u8]>,
    /// What tells it from its repetitions. `None`: it is always new.
    pub dedupe: Option<Dedupe>,
    /// The rule set that decided. 0 where no set is in force.
    pub set: i64,
    /// What rules see as `event`: waits are answered by what stands in it.
    pub payload: Value,
    /// What tells that one of our own actions caused it. `None` where its pack has no echo for it.
    pub echo: Option<String>,
    /// One of our own actions is known to have caused it.
    pub own: bool,
    /// The runs that it starts.
    pub runs: Vec<NewRun>,
}

/// What tells an event from its repetitions.
#[derive(Debug, Clone)]
pub struct Dedupe {
    /// SHA-256 of the key, cut.
    pub key: [u8; 16],
    /// SHA-256 of type and raw body, cut.
    pub digest: [u8; 16],
    /// From when on the key counts no more.
    pub expires: Time,
}

/// A run that an event starts.
#[derive(Debug, Clone)]
pub struct NewRun {
    /// Its id.
    pub id: RunId,
    /// The rule's id, such as `calls/missed`.
    pub rule: String,
    /// Due, Undecided or Failed.
    pub status: RunStatus,
    /// When it is taken first.
    pub due_at: Time,
    /// The rule's vars as rendered at the match.
    pub vars: Map<String, Value>,
    /// Of a run that failed in its `vars` or `when`.
    pub error: Option<StepError>,
    /// What it must pass before it starts.
    pub gates: Gates,
    /// The run hears echoes of our own actions.
    pub hears_own: bool,
}

impl NewRun {
    /// A run that has nothing to pass.
    pub fn new(
        id: RunId,
        rule: &str,
        status: RunStatus,
        due_at: Time,
        vars: Map<String, Value>,
        error: Option<StepError>,
    ) -> Self {
        Self { id, rule: rule.to_owned(), status, due_at, vars, error, gates: Gates::default(), hears_own: false }
    }
}

/// What became of an accepted delivery.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Accepted {
    /// Stored.
    New {
        /// The key was seen before, with another body.
        id_reused: bool,
    },
    /// Seen before, with the same body: the first event of it. Its `seen` count went up.
    Duplicate {
        /// The first event of it.
        first: EventId,
    },
}

#[derive(Debug, Insertable)]
#[diesel(table_name = events, treat_none_as_default_value = false)]
pub(super) struct EventInsert {
    id: i64,
    channel: i32,
    received_at: i64,
    depth: i16,
    flags: i32,
    rule_set: i64,
    runs: i32,
    matched: bool,
    seen: i32,
    bytes: i64,
    dictionary: i32,
}

impl EventInsert {
    /// The row of an event that proves to be an echo as it is stored: it starts only what hears echoes.
    fn of_our_own(mut self, depth: i16, event: &NewEvent) -> Self {
        let hearing = event.runs.iter().filter(|run| run.hears_own && !has_gates(run)).count();
        self.flags = EventFlags(self.flags).and(EventFlags::OWN).0;
        self.depth = self.depth.max(depth);
        self.runs = i32::try_from(hearing).unwrap_or(i32::MAX);
        self.matched = hearing > 0;
        self
    }
}

#[derive(Debug, Insertable)]
#[diesel(table_name = bodies)]
pub(super) struct BodyRow<'d> {
    event: i64,
    data: &'d [u8],
}

#[derive(Debug, Clone, Insertable, Queryable, QueryableByName)]
#[diesel(table_name = dedupe)]
pub(super) struct DedupeRow {
    pub(super) source: i32,
    pub(super) key: Vec<u8>,
    pub(super) digest: Vec<u8>,
    pub(super) event: i64,
    pub(super) expires: i64,
    pub(super) seen: i32,
}

/// An event made ready on the thread of whoever hands it in: packed, and its columns in bytes.
pub(super) struct ReadyEvent {
    event: NewEvent,
    channel: Channel,
    /// Length of the raw body.
    bytes: i64,
    used: Option<Arc<Dictionary>>,
    data: Vec<u8>,
}

impl ReadyEvent {
    /// Packs meta and body into one value.
    pub(super) fn new(mut event: NewEvent, dictionaries: &Dictionaries) -> Result<Self, StoreError> {
        let body = std::mem::take(&mut event.body);
        let plain = json::join(&event.meta, &body)?;
        let (used, data) = pack_body(&dictionaries.of(&event.dictionary), plain);
        let channel = Channel {
            kind: event.kind.clone(),
            source: event.source.clone(),
            service: event.service.clone().unwrap_or_default(),
            verified: event.verified.clone(),
        };
        let bytes = i64::try_from(body.len()).unwrap_or(i64::MAX);
        Ok(Self { event, channel, bytes, used, data })
    }

    /// The event's id.
    pub(super) fn id(&self) -> EventId {
        self.event.id
    }

    /// Roughly what it holds in memory.
    pub(super) fn size(&self) -> usize {
        // The payload beside the packed body takes about as much as the body as it came.
        self.data.len() + usize::try_from(self.bytes).unwrap_or(0) + 512 + self.event.runs.len() * 256
    }
}

/// The keys that a batch has looked at, as they will be after it.
#[derive(Default)]
struct Keys(HashMap<(i32, [u8; 16]), Vec<DedupeRow>>);

/// What is written about keys after the batch has been decided.
#[derive(Default)]
struct KeyWrites {
    new: Vec<DedupeRow>,
    renewed: Vec<DedupeRow>,
    again: Vec<DedupeRow>,
}

/// A source by its number, and a key of its deliveries.
type SourceKey = (i32, [u8; 16]);

impl KeyWrites {
    fn write(&self, conn: &mut Conn) -> Result<(), StoreError> {
        dialect::insert_keys(conn, &self.new)?;
        for key in &self.renewed {
            dialect::renew_key(conn, key)?;
        }
        for key in &self.again {
            dialect::seen_again(conn, key)?;
        }
        Ok(())
    }
}

impl Keys {
    fn load(conn: &mut Conn, wanted: &[SourceKey]) -> Result<Self, StoreError> {
        let mut keys: HashMap<_, Vec<DedupeRow>> = wanted.iter().map(|key| (*key, Vec::new())).collect();
        let distinct: Vec<_> = keys.keys().copied().collect();
        for row in dialect::known_keys(conn, &distinct)? {
            let Ok(key) = <[u8; 16]>::try_from(row.key.as_slice()) else {
                return Err(StoreError::Corrupt("a dedupe key is not 16 bytes".to_owned()));
            };
            if let Some(rows) = keys.get_mut(&(row.source, key)) {
                rows.push(row);
            }
        }
        Ok(Self(keys))
    }

    /// Decides about one event, and remembers it for those after it in the batch.
    fn decide(&mut self, source: i32, dedupe: &Dedupe, event: EventId, now: Time, writes: &mut KeyWrites) -> Accepted {
        let rows = self.0.entry((source, dedupe.key)).or_default();
        let lives = |row: &DedupeRow| row.expires > now.0;
        let id_reused = rows.iter().any(|row| lives(row) && row.digest != dedupe.digest);
        let fresh = DedupeRow {
            source,
            key: dedupe.key.to_vec(),
            digest: dedupe.digest.to_vec(),
            event: event.0,
            expires: dedupe.expires.0,
            seen: 1,
        };
        match rows.iter_mut().find(|row| row.digest == dedupe.digest) {
            Some(known) if lives(known) => {
                writes.again.push(known.clone());
                Accepted::Duplicate { first: EventId(known.event) }
            }
            Some(expired) => {
                *expired = fresh.clone();
                writes.renewed.push(fresh);
                Accepted::New { id_reused }
            }
            None => {
                rows.push(fresh.clone());
                writes.new.push(fresh);
                Accepted::New { id_reused }
            }
        }
    }
}

/// Writes the events in the transaction that is open; what became of each, in their order.
pub(super) fn accept_all(
    conn: &mut Conn,
    known: &mut Known,
    batch: &[&ReadyEvent],
) -> Result<Vec<Accepted>, StoreError> {
    let (sources, wanted) = keys_of(conn, known, batch)?;
    let mut keys = Keys::load(conn, &wanted)?;
    let mut writes = KeyWrites::default();
    let (mut events, mut bodies, mut runs, mut gated) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    let mut paused = Vec::new();
    let mut answers = Vec::with_capacity(batch.len());
    let mut fresh = Vec::with_capacity(batch.len());
    let mut repeats = Vec::new();
    let mut failed = Vec::new();
    for (ready, source) in batch.iter().zip(sources) {
        let event = &ready.event;
        let answer = match &event.dedupe {
            Some(dedupe) => keys.decide(source, dedupe, event.id, event.received_at, &mut writes),
            None => Accepted::New { id_reused: false },
        };
        answers.push(answer);
        if let Accepted::Duplicate { first } = answer {
            let peer = event.meta.get(PEER).and_then(Value::as_str).unwrap_or_default().to_owned();
            let channel = known.channel(conn, &ready.channel)?;
            repeats.push(RepeatInsert { id: event.id.0, event: first.0, channel, peer });
        }
        let name = known.name(conn, &event.source)?;
        let kind = if matches!(answer, Accepted::New { .. }) { Kind::Accepted } else { Kind::Duplicate };
        known.tally.note(kind, Some(name), event.received_at);
        if let Accepted::New { id_reused } = answer {
            let late_echo = echoes::late(conn, event)?;
            let row = event_row(conn, known, ready, id_reused)?;
            events.push(match late_echo {
                Some(depth) => row.of_our_own(depth, event),
                None => row,
            });
            bodies.push(BodyRow { event: event.id.0, data: &ready.data });
            fresh.push((event, late_echo.is_some()));
            for run in event.runs.iter().filter(|run| late_echo.is_none() || run.hears_own) {
                let mut row = run_row(conn, known, event, run)?;
                if known.is_paused(conn, &event.source)? && !run.status.is_final() {
                    sources::wait(&mut row, run.status);
                    paused.push((event.source.as_str(), run.id.0));
                }
                known.tally.note(Kind::Ended(run.status), Some(row.rule), event.received_at);
                if run.status == RunStatus::Failed {
                    failed.push((run.id, run.error.as_ref(), event.received_at));
                }
                if has_gates(run) {
                    gated.push((event, run, row));
                } else {
                    runs.push(row);
                }
            }
        }
    }
    dialect::insert_events(conn, &events)?;
    dialect::insert_bodies(conn, &bodies)?;
    dialect::insert_runs(conn, &runs)?;
    for (run, error, at) in failed {
        failures::failed(conn, known, run, error, at)?;
    }
    // One by one and after all others: each sees what those before it have left, and the batch needs no memory of its own.
    for (event, run, row) in gated {
        if admit::admit(conn, row, event.received_at, run.due_at, &run.gates)? {
            dialect::add_started(conn, event.id.0, 1)?;
        }
    }
    for (source, run) in paused {
        // One that its gates have kept from starting is not there.
        dialect::queue_run(conn, source, run)?;
    }
    writes.write(conn)?;
    inbox::keep(conn, known, &repeats)?;
    for (event, is_own) in fresh {
        if !(is_own || event.own) {
            echoes::remember(conn, known, event)?;
        }
        waits::answer(conn, known, event)?;
    }
    if !events.is_empty() {
        dialect::count(conn, super::state::EVENTS, i64::try_from(events.len()).unwrap_or(i64::MAX))?;
    }
    Ok(answers)
}

/// The source of each event that has a key (0 of any other), and the keys.
fn keys_of(
    conn: &mut Conn,
    known: &mut Known,
    batch: &[&ReadyEvent],
) -> Result<(Vec<i32>, Vec<SourceKey>), StoreError> {
    let mut sources = Vec::with_capacity(batch.len());
    let mut wanted = Vec::with_capacity(batch.len());
    for ready in batch {
        let Some(dedupe) = &ready.event.dedupe else {
            sources.push(0);
            continue;
        };
        let source = known.name(conn, &ready.event.source)?;
        wanted.push((source, dedupe.key));
        sources.push(source);
    }
    Ok((sources, wanted))
}

fn event_row(
    conn: &mut Conn,
    known: &mut Known,
    ready: &ReadyEvent,
    id_reused: bool,
) -> Result<EventInsert, StoreError> {
    let event = &ready.event;
    let flags = if id_reused { event.flags.and(EventFlags::ID_REUSED) } else { event.flags };
    Ok(EventInsert {
        id: event.id.0,
        channel: known.channel(conn, &ready.channel)?,
        received_at: event.received_at.0,
        depth: i16::from(event.depth),
        flags: flags.0,
        rule_set: event.set,
        runs: i32::try_from(event.runs.iter().filter(|run| !has_gates(run)).count()).unwrap_or(i32::MAX),
        matched: !event.runs.is_empty(),
        seen: 1,
        bytes: ready.bytes,
        dictionary: known.dictionary(conn, ready.used.as_deref())?,
    })
}

/// Only a run that would start has something to pass.
fn has_gates(run: &NewRun) -> bool {
    run.status == RunStatus::Due && !run.gates.are_open()
}

fn run_row(conn: &mut Conn, known: &mut Known, event: &NewEvent, run: &NewRun) -> Result<RunInsert, StoreError> {
    let open = match run.status {
        RunStatus::Due | RunStatus::Undecided => true,
        RunStatus::Failed => false,
        other => return Err(StoreError::Rejected(format!("a run does not begin as {other}"))),
    };
    Ok(RunInsert {
        id: run.id.0,
        event: event.id.0,
        rule_set: event.set,
        rule: known.name(conn, &run.rule)?,
        status: run.status.code(),
        due_at: open.then_some(run.due_at.0),
        ended_at: (!open).then_some(event.received_at.0),
        vars: json::pack_object(&run.vars)?,
        error: json::pack_error(run.error.as_ref())?,
        why: None,
        marks: None,
    })
}
