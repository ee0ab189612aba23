//! The store as everyone else sees it: one function a question.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
};

use serde_json::{Map, Value};

use super::{
    accept::{Accepted, NewEvent, ReadyEvent},
    admit::{self, Late},
    attributes::{self, AttributesRow, By},
    claim::{self, Claim, ClaimId, LoadedRun},
    compress::Dictionaries,
    counts::{self, Counts},
    dialect::{self, Conn},
    due::{self, Due},
    echoes,
    error::StoreError,
    events::{self, EventDetail, EventFilter, EventRow, StoredEvent},
    gates::{Claimed, Gates, Suppressed},
    lock::Lock,
    names::{Lookup, name_id},
    open::{self, Place},
    page_size, places,
    pool::Pool,
    prune::{self, Pruned},
    record::{self, Record, Recorded},
    refusals::{self, RefusalTableRow},
    replay::{self, Replay},
    resolve::{self, Recovered, Resolution},
    run_lists,
    runs::{self, RunDetail, RunFilter, RunPage, RunRow},
    sets::{self, NewSet},
    state, suppressed,
    writer::{Desk, Health, Writer},
};
use crate::{
    clock::{SharedClock, Time},
    config::Config,
    ids::{EventId, RefusalId, RunId},
    model::{Change, Keeper, Refusal, RunStatus},
};

type Object = Map<String, Value>;

/// How a database is opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// `serve`: takes the lock, migrates, starts the writer.
    Serve,
    /// A command beside the server that only reads. Never migrates.
    Read,
    /// A command beside the server with short writes (`secrets`, `runs resolve`, `run`, `replay`): each is a transaction of its own, and the
    /// server finds what is due within a second. Never migrates.
    Write,
}

/// The store. Clones share it.
#[derive(Clone)]
pub struct Store {
    shared: Arc<Shared>,
}

struct Shared {
    writer: Option<Writer>,
    pool: Arc<Pool>,
    dictionaries: Dictionaries,
    lock: Mutex<Option<Lock>>,
    mode: Mode,
}

impl Store {
    /// Opens the database of `config`. `on_failure` is called once, from any thread, with one sentence when storage has failed for good.
    pub fn open(
        config: &Config,
        mode: Mode,
        clock: SharedClock,
        on_failure: Arc<dyn Fn(String) + Send + Sync>,
    ) -> Result<Self, StoreError> {
        let place = Place::of(config)?;
        let health = Arc::new(Health::default());
        let opened = open::open(&place, &config.data.dir, mode, clock.now(), &health, &on_failure)
            .map_err(|error| place.name(error))?;
        let writer =
            opened.writer.map(|conn| Writer::start(conn, place.clone(), mode, health, on_failure)).transpose()?;
        Ok(Self {
            shared: Arc::new(Shared {
                writer,
                pool: Arc::new(Pool::new(place)),
                dictionaries: Dictionaries::default(),
                lock: Mutex::new(opened.lock),
                mode,
            }),
        })
    }

    /// Whether nothing was ever stored for the workspace of `config`. Asks the server of a PostgreSQL database; errs where it does not
    /// answer.
    pub fn is_unborn(config: &Config) -> Result<bool, StoreError> {
        open::is_unborn(&Place::of(config)?, &config.data.dir)
    }

    /// Commits what waits, ends the writer, closes.
    pub fn close(&self) {
        self.shared.pool.close();
        if let Some(writer) = &self.shared.writer {
            writer.stop();
        }
        if let Ok(mut lock) = self.shared.lock.lock() {
            drop(lock.take());
        }
    }

    /// The highest id of events, runs and attempts; 0 in a fresh database.
    pub async fn highest_id(&self) -> Result<i64, StoreError> {
        self.read(|conn, _| counts::highest_id(conn)).await
    }

    /// Whether the database answers, for `/readyz`: an empty commit, so that one that is locked or read-only is noticed.
    pub async fn ping(&self) -> Result<(), StoreError> {
        if self.shared.writer.is_some() {
            self.write(0, |desk| dialect::ping(&mut desk.conn)).await
        } else {
            self.read(|conn, _| dialect::ping(conn)).await
        }
    }

    // ---- intake -------------------------------------------------------------------------------------------------

    /// Stores an event with its runs and dedupe key in one durable transaction (group commit); returns after the commit.
    pub async fn accept(&self, event: NewEvent) -> Result<Accepted, StoreError> {
        let ready = ReadyEvent::new(event, &self.shared.dictionaries)?;
        self.writer()?.accept(ready)?.await.map_err(|_| gone())?
    }

    /// Keeps a refusal in a ring of 10,000 rows. Never waits; dropped (and counted) where the writer is busy.
    pub fn refuse(&self, refusal: Refusal) {
        let Ok(writer) = self.writer() else { return };
        if writer.is_strained() {
            tracing::debug!(refusal.id = %refusal.id, "a refusal was not kept: the store is busy");
            return;
        }
        let row = RefusalTableRow::from(refusal);
        let kept = writer.write(256, move |desk| {
            refusals::keep(&mut desk.conn, &row, &mut desk.refusals_since_cut)?;
            row.count(&mut desk.conn, &mut desk.known)
        });
        if let Err(error) = kept {
            tracing::debug!(%error, "a refusal was not kept");
        }
    }

    // ---- runner -------------------------------------------------------------------------------------------------

    /// Runs whose due time has come (states undecided, due, waiting), at most `per_rule` of each rule, oldest due first, `limit` in all.
    pub async fn due(&self, now: Time, per_rule: usize, limit: usize) -> Result<Due, StoreError> {
        self.read(move |conn, lookup| due::list(conn, lookup, now, per_rule, limit)).await
    }

    /// Everything a worker needs of a run. `None`: there is none of this id.
    pub async fn load(&self, run: RunId) -> Result<Option<LoadedRun>, StoreError> {
        self.read(move |conn, lookup| claim::load(conn, lookup, run)).await
    }

    /// The same of several runs, in their order. One that does not read is an error of its own.
    pub async fn load_all(&self, runs: Vec<RunId>) -> Result<Vec<Result<Option<LoadedRun>, StoreError>>, StoreError> {
        let load = move |conn: &mut Conn, lookup: &Lookup| {
            Ok(runs.into_iter().map(|run| claim::load(conn, lookup, run)).collect())
        };
        self.read(load).await
    }

    /// Takes a run: only if it is in `from` and nobody holds it. With an attempt, its `started` is in the same commit.
    pub async fn claim(&self, claim: Claim) -> Result<Claimed, StoreError> {
        let request = claim.attempt.as_ref().and_then(|attempt| attempt.request.as_ref()).map_or(0, Vec::len);
        self.write(256 + request, move |desk| claim::take(&mut desk.conn, &mut desk.known, &claim)).await
    }

    /// Records what a worker did, only where `claim_id` is still its own. All of it is one commit.
    pub async fn record(&self, mut record: Record) -> Result<Recorded, StoreError> {
        let emitted =
            record.emitted.take().map(|event| ReadyEvent::new(*event, &self.shared.dictionaries)).transpose()?;
        let reply = record.attempt.as_ref().and_then(|end| end.reply.as_ref()).map_or(0, Vec::len);
        let size = 512 + reply + record.outputs.len() * 1024 + emitted.as_ref().map_or(0, ReadyEvent::size);
        self.write(size, move |desk| record::write(&mut desk.conn, &mut desk.known, &record, emitted.as_ref())).await
    }

    /// Puts a run that intake left undecided, and that its worker found to match, to its rule's gates; the claim ends. False: the claim
    /// was lost. What became of the run is in its row: due, collecting, held, or skipped with why.
    pub async fn pass_gates(
        &self,
        run: RunId,
        claim: ClaimId,
        vars: Object,
        gates: Gates,
        now: Time,
    ) -> Result<bool, StoreError> {
        let pass = move |desk: &mut Desk| {
            let late = Late { run, claim: claim.0, vars: &vars, gates: &gates, now };
            admit::admit_late(&mut desk.conn, &mut desk.known, &late)
        };
        self.write(1024, pass).await
    }

    /// Events of these types stored after `since` and up to `upto`, oldest first, `limit` at most, with their bodies.
    pub async fn events_between(
        &self,
        kinds: Vec<String>,
        since: EventId,
        upto: EventId,
        limit: usize,
    ) -> Result<Vec<StoredEvent>, StoreError> {
        self.read(move |conn, lookup| events::between(conn, lookup, &kinds, since, upto, limit)).await
    }

    /// The depth of the run whose action is known by this echo. `None`: no action of ours is.
    pub async fn echo_depth(&self, echo: &str, now: Time) -> Result<Option<u8>, StoreError> {
        let echo = echo.to_owned();
        self.read(move |conn, _| echoes::depth(conn, &echo, now)).await
    }

    /// The attributes of a person or key. Empty where there are none.
    pub async fn attributes(&self, keeper: Keeper, key: String) -> Result<Object, StoreError> {
        self.read(move |conn, _| attributes::of(conn, keeper, &key)).await
    }

    /// The same with where each comes from. `None`: nothing is kept of this key.
    pub async fn attributes_of(&self, keeper: Keeper, key: String) -> Result<Option<AttributesRow>, StoreError> {
        self.read(move |conn, _| attributes::find(conn, keeper, &key)).await
    }

    /// Up to `limit` of them in the order of their keys, behind `after` (empty: from the first).
    pub async fn attributes_page(
        &self,
        keeper: Keeper,
        after: String,
        limit: usize,
    ) -> Result<Vec<AttributesRow>, StoreError> {
        self.read(move |conn, _| attributes::page(conn, keeper, &after, limit)).await
    }

    /// Up to 51 of those whose keys begin with `prefix`, in the order of the bytes of their keys, behind `after` (empty: from the first).
    pub async fn attributes_with_prefix(
        &self,
        keeper: Keeper,
        prefix: String,
        after: String,
    ) -> Result<Vec<AttributesRow>, StoreError> {
        self.read(move |conn, _| attributes::with_prefix(conn, keeper, &prefix, &after)).await
    }

    /// Makes changes in one transaction, in order; the attributes after each. The inner `Err` is one sentence: that change cannot be made,
    /// and the others are.
    pub async fn change_attributes(
        &self,
        keeper: Keeper,
        changes: Vec<(String, Change)>,
        by: By,
        now: Time,
    ) -> Result<Vec<Result<Object, String>>, StoreError> {
        let work = move |desk: &mut Desk| {
            let one =
                |(key, change): &(String, Change)| attributes::change(&mut desk.conn, keeper, key, change, by, now);
            changes.iter().map(one).collect()
        };
        self.write(4096, work).await
    }

    /// Rules that matched an event without starting a run of their own.
    pub async fn suppressed(&self, event: EventId) -> Result<Vec<Suppressed>, StoreError> {
        self.read(move |conn, lookup| suppressed::of_event(conn, lookup, event)).await
    }

    /// Lets the runs of a rule go that its blown fuse holds, and mends the fuse; how many.
    pub async fn release(&self, rule: String, now: Time) -> Result<usize, StoreError> {
        let mend = move |desk: &mut Desk| {
            let rule = name_id(&mut desk.conn, &rule)?;
            rule.map_or(Ok(()), |rule| dialect::mend(&mut desk.conn, rule)).map(|()| rule)
        };
        let Some(rule) = self.write(64, mend).await? else { return Ok(0) };
        // In short transactions: a rule may have held any number.
        let mut released = 0;
        loop {
            let some = self.write(64, move |desk| dialect::release_some(&mut desk.conn, rule, now.0)).await?;
            released += some;
            if some == 0 {
                return Ok(released);
            }
        }
    }

    /// Ends an open run as cancelled: at once, or after its open request has been answered. False: it is over already.
    pub async fn cancel(&self, run: RunId, now: Time) -> Result<bool, StoreError> {
        self.write(64, move |desk| places::cancel(&mut desk.conn, &mut desk.known, run, 0, now)).await
    }

    /// Stores a run that repeats another, or a manual one on a stored event; its id, or that of the run that was stored by the same key.
    pub async fn replay(&self, replay: Replay) -> Result<RunId, StoreError> {
        let size = 512 + replay.outputs.len() * 1024;
        self.write(size, move |desk| replay::insert(&mut desk.conn, &mut desk.known, &replay)).await
    }

    /// Stores a set (texts once by digest) without putting it in force; its id.
    pub async fn keep_set(&self, set: NewSet, at: Time) -> Result<i64, StoreError> {
        let size = set.texts.iter().map(|(path, text)| path.len() + text.len()).sum();
        self.write(size, move |desk| sets::keep(&mut desk.conn, &set, at)).await
    }

    /// A refused delivery. `None`: none is kept of this id.
    pub async fn refusal(&self, id: RefusalId) -> Result<Option<Refusal>, StoreError> {
        self.read(move |conn, _| refusals::find(conn, id)).await
    }

    /// At start: runs that a dead process held become due; their started attempts become `unknown`.
    pub async fn recover(&self, now: Time) -> Result<Recovered, StoreError> {
        self.write(64, move |desk| resolve::recover(&mut desk.conn, &mut desk.known, now)).await
    }

    /// When the oldest event was received that a budget of `rows` events keeps. `None`: all of them fit.
    pub async fn first_kept_of(&self, rows: u64) -> Result<Option<Time>, StoreError> {
        self.read(move |conn, _| prune::first_kept_of(conn, rows)).await
    }

    // ---- rule sets ----------------------------------------------------------------------------------------------

    /// Stores a set (texts once by digest) and puts it in force; its id.
    pub async fn put_in_force(&self, set: NewSet, at: Time) -> Result<i64, StoreError> {
        let size = set.texts.iter().map(|(path, text)| path.len() + text.len()).sum();
        self.write(size, move |desk| sets::put_in_force(&mut desk.conn, &set, at)).await
    }

    /// The id of the set in force. `None`: there was never any.
    pub async fn in_force(&self) -> Result<Option<i64>, StoreError> {
        self.read(|conn, _| state::number(conn, state::IN_FORCE)).await
    }

    /// The texts of a set by path. `None`: there is no such set.
    pub async fn set_texts(&self, set: i64) -> Result<Option<Vec<(String, String)>>, StoreError> {
        self.read(move |conn, _| sets::texts_of(conn, set)).await
    }

    // ---- lists (also in Read mode) ------------------------------------------------------------------------------

    /// Events, newest first.
    pub async fn events(&self, filter: EventFilter) -> Result<Vec<EventRow>, StoreError> {
        self.read(move |conn, lookup| events::list(conn, lookup, &filter)).await
    }

    /// Events of types that are `wanted` stored after one and up to another, oldest first, `limit` at most, with their bodies.
    pub async fn event_page(
        &self,
        wanted: Arc<dyn Fn(&str) -> bool + Send + Sync>,
        after: EventId,
        upto: EventId,
        limit: usize,
    ) -> Result<Vec<StoredEvent>, StoreError> {
        self.read(move |conn, lookup| events::page(conn, lookup, &*wanted, (after, upto), limit)).await
    }

    /// How many events were stored after one and up to another.
    pub async fn events_counted(&self, after: EventId, upto: EventId) -> Result<u64, StoreError> {
        self.read(move |conn, _| events::count_between(conn, after, upto)).await
    }

    /// One event. `None`: there is none of this id.
    pub async fn event(&self, id: EventId) -> Result<Option<EventDetail>, StoreError> {
        self.read(move |conn, lookup| events::detail(conn, lookup, id)).await
    }

    /// Runs, newest first, however long it takes to find them.
    pub async fn runs(&self, mut filter: RunFilter) -> Result<Vec<RunRow>, StoreError> {
        let limit = usize::try_from(page_size(filter.limit)).unwrap_or(0);
        let mut rows = Vec::new();
        loop {
            filter.limit = Some(limit - rows.len());
            let page = self.run_page(filter.clone()).await?;
            rows.extend(page.rows);
            if rows.len() >= limit || page.next.is_none() {
                return Ok(rows);
            }
            filter.before = page.next;
        }
    }

    /// Runs, newest first: those that a bounded look finds.
    pub async fn run_page(&self, filter: RunFilter) -> Result<RunPage, StoreError> {
        self.read(move |conn, lookup| run_lists::page(conn, lookup, &filter)).await
    }

    /// The run of the same rule before one, and that after it.
    pub async fn runs_beside(&self, run: RunId) -> Result<(Option<RunId>, Option<RunId>), StoreError> {
        self.read(move |conn, _| runs::beside(conn, run)).await
    }

    /// Runs that repeat one, newest first; 20 at most.
    pub async fn repeats(&self, run: RunId) -> Result<Vec<RunRow>, StoreError> {
        self.read(move |conn, lookup| runs::repeats(conn, lookup, run)).await
    }

    /// The runs that repeat any of these, the newest of each.
    pub async fn repeated(&self, runs: Vec<RunId>) -> Result<HashMap<RunId, (RunId, RunStatus)>, StoreError> {
        self.read(move |conn, _| runs::repeated(conn, &runs)).await
    }

    /// The events that a run is about, oldest first; at most 1,000.
    pub async fn events_of_run(&self, run: RunId) -> Result<Vec<EventId>, StoreError> {
        self.read(move |conn, _| runs::events_of(conn, run)).await
    }

    /// Makes a run due now that is due later. False: it is not, or somebody has it in hand.
    pub async fn hasten(&self, run: RunId, now: Time) -> Result<bool, StoreError> {
        self.write(64, move |desk| runs::hasten(&mut desk.conn, run, now)).await
    }

    /// One run. `None`: there is none of this id.
    pub async fn run(&self, id: RunId) -> Result<Option<RunDetail>, StoreError> {
        self.read(move |conn, lookup| runs::detail(conn, lookup, id)).await
    }

    /// Refused deliveries, newest first.
    pub async fn refusals(&self, limit: usize) -> Result<Vec<Refusal>, StoreError> {
        self.read(move |conn, _| refusals::list(conn, limit)).await
    }

    /// The same older than one of them: the next page.
    pub async fn refusals_before(&self, before: Option<RefusalId>, limit: usize) -> Result<Vec<Refusal>, StoreError> {
        self.read(move |conn, _| refusals::page(conn, before, limit)).await
    }

    /// Counts for doctor, logs and health.
    pub async fn counts(&self, now: Time) -> Result<Counts, StoreError> {
        self.read(move |conn, _| counts::count(conn, now)).await
    }

    // ---- short writes of the command line -----------------------------------------------------------------------

    /// A person says what became of an unknown attempt of a run that is held, or that waits for a read to tell it; the runner acts on it.
    /// False: the run does neither.
    pub async fn resolve(&self, run: RunId, resolution: Resolution, now: Time) -> Result<bool, StoreError> {
        self.write(64, move |desk| resolve::resolve(&mut desk.conn, run, resolution, now)).await
    }

    // ---- housekeeping -------------------------------------------------------------------------------------------

    /// Deletes what is older than `before` and not needed by an open run, in short transactions; gives the space back.
    pub async fn prune(&self, before: Time, now: Time) -> Result<Pruned, StoreError> {
        prune::all(self, before, now).await
    }

    // ---- inside the part ----------------------------------------------------------------------------------------

    fn writer(&self) -> Result<&Writer, StoreError> {
        self.shared
            .writer
            .as_ref()
            .ok_or_else(|| StoreError::Refused("this command opened the database for reading only".to_owned()))
    }

    /// Runs a job on the writer's thread and waits for its commit.
    pub(super) async fn write<T: Send + 'static>(
        &self,
        size: usize,
        work: impl FnMut(&mut Desk) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        self.writer()?.write(size, work)?.await.map_err(|_| gone())?
    }

    /// Asks a question on a blocking thread.
    pub(super) async fn read<T: Send + 'static>(
        &self,
        question: impl FnOnce(&mut Conn, &Lookup) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        self.shared.pool.read(question).await
    }

    /// Asks a question on this thread: for the start, before there is anything to hold up.
    pub(super) fn ask<T>(
        &self,
        question: impl FnOnce(&mut Conn, &Lookup) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        self.shared.pool.ask(question)
    }

    /// The dictionaries that bodies are packed with.
    pub(super) fn dictionaries(&self) -> &Dictionaries {
        &self.shared.dictionaries
    }

    /// How it was opened.
    pub(super) fn mode(&self) -> Mode {
        self.shared.mode
    }

    /// After dictionaries were deleted.
    pub(super) fn forget_dictionaries(&self) {
        self.shared.pool.lookup.forget_dictionaries();
    }
}

fn gone() -> StoreError {
    StoreError::Failed("the writer went away without an answer".to_owned())
}
