//! What is kept, on SQLite or PostgreSQL. Knows no HTTP. One writer thread commits for everyone (group commit); readers have a pool.
// CONTRACT STUB: part C replaces the bodies; keep the signatures (add freely).

use std::{path::PathBuf, sync::Arc};

use serde_json::{Map, Value};

use crate::{
    clock::{SharedClock, Time},
    config::Config,
    ids::{AttemptId, EventId, RefusalId, RunId},
    model::{AttemptOutcome, ErrorClass, EventFlags, Refusal, RunStatus, StepError, StepOutcome, StepPath},
    secret::{Masker, Secret},
};

/// Why the store did not do what was asked. Nothing of the job is kept.
#[derive(Debug, Clone, thiserror::Error)]
pub enum StoreError {
    /// The queue to the writer is full, or the database is locked, full or read-only: answer 503 and go on.
    #[error("the store is busy: {0}")]
    Busy(String),
    /// An I/O error or corruption at commit: the process ends with 74.
    #[error("storage failed: {0}")]
    Failed(String),
    /// The database is not one of ours, of another schema version, in use, or lost. The sentence names path and way out.
    #[error("{0}")]
    Refused(String),
    /// A row that no version wrote.
    #[error("stored data does not read: {0}")]
    Corrupt(String),
}

/// How a database is opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// `serve`: takes the lock, migrates, starts the writer.
    Serve,
    /// A command beside the server that only reads. Never migrates.
    Read,
    /// A command beside the server with one short write (`secrets`, `runs resolve`). Never migrates.
    Write,
}

/// The store. Clones share it.
#[derive(Clone)]
pub struct Store {}

impl Store {
    /// Opens the database of `config`. `on_failure` is called once, from any thread, with one sentence when storage has failed for good.
    pub fn open(
        _config: &Config,
        _mode: Mode,
        _clock: SharedClock,
        _on_failure: Arc<dyn Fn(String) + Send + Sync>,
    ) -> Result<Self, StoreError> {
        unimplemented!()
    }
    /// Commits what waits, ends the writer, closes.
    pub fn close(&self) {
        unimplemented!()
    }
    /// The highest id of events, runs and attempts; 0 in a fresh database.
    pub async fn highest_id(&self) -> Result<i64, StoreError> {
        unimplemented!()
    }
    /// A write or read that says whether the database answers, for `/readyz`.
    pub async fn ping(&self) -> Result<(), StoreError> {
        unimplemented!()
    }

    // ---- intake -------------------------------------------------------------------------------------------------
    /// Stores an event with its runs and dedupe key in one durable transaction (group commit); returns after the commit.
    pub async fn accept(&self, _event: NewEvent) -> Result<Accepted, StoreError> {
        unimplemented!()
    }
    /// Keeps a refusal in a ring of 10,000 rows. Never waits; dropped (and counted) where the writer is busy.
    pub fn refuse(&self, _refusal: Refusal) {
        unimplemented!()
    }

    // ---- runner -------------------------------------------------------------------------------------------------
    /// Runs whose due time has come (states undecided, due, waiting), at most `per_rule` of each rule, oldest due first, `limit` in all.
    pub async fn due(&self, _now: Time, _per_rule: usize, _limit: usize) -> Result<Vec<DueRun>, StoreError> {
        unimplemented!()
    }
    /// The earliest due time of any open run after `now`.
    pub async fn next_due(&self, _now: Time) -> Result<Option<Time>, StoreError> {
        unimplemented!()
    }
    /// Everything a worker needs of a run.
    pub async fn load(&self, _run: RunId) -> Result<Option<LoadedRun>, StoreError> {
        unimplemented!()
    }
    /// Takes a run: only if it is in `from` and nobody holds it. With an attempt, its `started` is in the same commit. False: not mine.
    pub async fn claim(&self, _claim: Claim) -> Result<bool, StoreError> {
        unimplemented!()
    }
    /// Records what a worker did, only where `claim_id` is still its own. All of it is one commit. False: the claim was lost (the
    /// attempt's end is kept all the same, marked late).
    pub async fn record(&self, _record: Record) -> Result<bool, StoreError> {
        unimplemented!()
    }
    /// At start: runs that a dead process held become due; their started attempts become `unknown`.
    pub async fn recover(&self, _now: Time) -> Result<Recovered, StoreError> {
        unimplemented!()
    }

    // ---- rule sets ----------------------------------------------------------------------------------------------
    /// Stores a set (texts once by digest) and puts it in force.
    pub async fn put_in_force(&self, _set: NewSet, _at: Time) -> Result<i64, StoreError> {
        unimplemented!()
    }
    /// The id of the set in force.
    pub async fn in_force(&self) -> Result<Option<i64>, StoreError> {
        unimplemented!()
    }
    /// The texts of a set by path.
    pub async fn set_texts(&self, _set: i64) -> Result<Option<Vec<(String, String)>>, StoreError> {
        unimplemented!()
    }

    // ---- lists (also in Read mode) ------------------------------------------------------------------------------
    pub async fn events(&self, _filter: EventFilter) -> Result<Vec<EventRow>, StoreError> {
        unimplemented!()
    }
    pub async fn event(&self, _id: EventId) -> Result<Option<EventDetail>, StoreError> {
        unimplemented!()
    }
    pub async fn runs(&self, _filter: RunFilter) -> Result<Vec<RunRow>, StoreError> {
        unimplemented!()
    }
    pub async fn run(&self, _id: RunId) -> Result<Option<RunDetail>, StoreError> {
        unimplemented!()
    }
    pub async fn refusals(&self, _limit: usize) -> Result<Vec<Refusal>, StoreError> {
        unimplemented!()
    }
    /// Counts for doctor, logs and health.
    pub async fn counts(&self, _now: Time) -> Result<Counts, StoreError> {
        unimplemented!()
    }

    // ---- short writes of the command line -----------------------------------------------------------------------
    /// A person says what became of a held run's unknown attempt; the runner acts on it. False: the run is not held.
    pub async fn resolve(&self, _run: RunId, _resolution: Resolution, _now: Time) -> Result<bool, StoreError> {
        unimplemented!()
    }

    // ---- housekeeping -------------------------------------------------------------------------------------------
    /// Deletes what is older than `before` and not needed by an open run, in short transactions; gives the space back.
    pub async fn prune(&self, _before: Time, _now: Time) -> Result<Pruned, StoreError> {
        unimplemented!()
    }
}

/// An accepted delivery as it is stored.
#[derive(Debug, Clone)]
pub struct NewEvent {
    pub id: EventId,
    /// `gruveo.call`.
    pub kind: String,
    pub source: String,
    pub service: Option<String>,
    pub received_at: Time,
    /// How it was verified: `hex`, `base64`, `token`, or empty for a public source.
    pub verified: String,
    pub depth: u8,
    pub flags: EventFlags,
    /// Headers and query that rules may see, and whatever else belongs to `trigger`: a JSON object.
    pub meta: Map<String, Value>,
    /// The raw bytes as they came.
    pub body: Vec<u8>,
    /// Compression dictionary for bodies of this type: a sample of the pack, empty where there is none.
    pub dictionary: Arc<[u8]>,
    pub dedupe: Option<Dedupe>,
    /// The rule set that decided. 0 where no set is in force.
    pub set: i64,
    pub runs: Vec<NewRun>,
}

#[derive(Debug, Clone)]
pub struct Dedupe {
    /// SHA-256 of the key, cut.
    pub key: [u8; 16],
    /// SHA-256 of type and raw body, cut.
    pub digest: [u8; 16],
    pub expires: Time,
}

#[derive(Debug, Clone)]
pub struct NewRun {
    pub id: RunId,
    pub rule: String,
    /// Due, Undecided or Failed.
    pub status: RunStatus,
    pub due_at: Time,
    pub vars: Map<String, Value>,
    /// Of a run that failed in its `vars` or `when`.
    pub error: Option<StepError>,
}

/// What became of an accepted delivery.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Accepted {
    /// Stored.
    New { id_reused: bool },
    /// Seen before, with the same body: the first event of it. Its `seen` count went up.
    Duplicate { first: EventId },
}

/// What the due list tells of a run.
#[derive(Debug, Clone)]
pub struct DueRun {
    pub id: RunId,
    pub rule: String,
    pub status: RunStatus,
    pub due_at: Time,
}

/// Everything a worker needs of a run.
#[derive(Debug, Clone)]
pub struct LoadedRun {
    pub id: RunId,
    pub rule: String,
    pub set: i64,
    pub status: RunStatus,
    /// The first run in a chain of replays; the run itself where it is none.
    pub root: RunId,
    pub replay_of: Option<RunId>,
    /// When its first step began.
    pub started_at: Option<Time>,
    pub vars: Map<String, Value>,
    /// It has finally failed and its rule's `on_error` is at work.
    pub failure: Option<StepError>,
    pub event: StoredEvent,
    /// Every step that has ended, in the order in which they ended.
    pub outputs: Vec<StepOutput>,
    /// The step that was begun and has not ended.
    pub pending: Option<Pending>,
}

/// A step that was begun and has not ended.
#[derive(Debug, Clone)]
pub struct Pending {
    pub step: StepPath,
    /// As stored with the first attempt.
    pub request: Vec<u8>,
    /// Attempts so far.
    pub attempts: u32,
    /// How the last one ended.
    pub last: AttemptOutcome,
    pub last_error: Option<StepError>,
    /// When the first attempt began: `now` of the step.
    pub began_at: Time,
    /// What a person said of the last, unknown attempt.
    pub resolution: Option<Resolution>,
}

#[derive(Debug, Clone)]
pub struct StoredEvent {
    pub id: EventId,
    pub kind: String,
    pub source: String,
    pub service: Option<String>,
    pub received_at: Time,
    pub verified: String,
    pub depth: u8,
    pub flags: EventFlags,
    pub meta: Map<String, Value>,
    /// `None` where retention has deleted it.
    pub body: Option<Vec<u8>>,
    pub set: i64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ClaimId(pub i64);

#[derive(Debug, Clone)]
pub struct Claim {
    pub run: RunId,
    pub claim: ClaimId,
    pub from: RunStatus,
    pub now: Time,
    /// When the claim runs out unless renewed.
    pub until: Time,
    pub attempt: Option<NewAttempt>,
}

#[derive(Debug, Clone)]
pub struct NewAttempt {
    pub id: AttemptId,
    pub step: StepPath,
    /// From 1.
    pub number: u32,
    pub started_at: Time,
    /// The rendered request without secrets, with the step's first attempt alone.
    pub request: Option<Vec<u8>>,
}

#[derive(Debug, Clone)]
pub struct Record {
    pub run: RunId,
    pub claim: ClaimId,
    pub now: Time,
    /// The end of the attempt that was on its way.
    pub attempt: Option<AttemptEnd>,
    /// Steps that ended, in order.
    pub outputs: Vec<StepOutput>,
    /// All vars of the run, where they have changed.
    pub vars: Option<Map<String, Value>>,
    /// The run has finally failed; `on_error` goes on.
    pub failure: Option<StepError>,
    pub then: Then,
}

#[derive(Debug, Clone)]
pub struct AttemptEnd {
    pub id: AttemptId,
    pub ended_at: Time,
    pub outcome: AttemptOutcome,
    pub error: Option<StepError>,
    pub status: Option<u16>,
    /// Status, headers and body as kept: masked, 64 KiB at most.
    pub reply: Option<Vec<u8>>,
    /// Why the next one waits: `schedule`, `retry_after`, `rate`. Empty where there is none.
    pub reason: String,
}

/// What a step left behind.
#[derive(Debug, Clone, PartialEq)]
pub struct StepOutput {
    pub step: StepPath,
    pub outcome: StepOutcome,
    pub result: Value,
    pub error: Option<StepError>,
    /// `{status, headers}`; null without a reply.
    pub response: Value,
}

/// What follows a record.
#[derive(Debug, Clone)]
pub enum Then {
    /// The claim goes on with the next attempt.
    Attempt(NewAttempt),
    /// The claim ends; the run is due again at that time.
    Due(Time),
    /// The claim ends; a person must look.
    Held,
    /// The run is over: Ok, Failed, Skipped or Cancelled.
    End { status: RunStatus, error: Option<StepError>, why: Option<String> },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Resolution {
    /// It took effect: the step ends ok with a null result.
    Done,
    /// Try again.
    Retry,
    /// It did not, and shall not: the step fails.
    Fail,
}

#[derive(Debug, Clone, Default)]
pub struct Recovered {
    pub runs: usize,
    pub attempts: usize,
}

#[derive(Debug, Clone)]
pub struct NewSet {
    pub digest: [u8; 32],
    /// Path -> text.
    pub texts: Vec<(String, String)>,
}

#[derive(Debug, Clone, Default)]
pub struct EventFilter {
    pub before: Option<EventId>,
    /// 50 unless set; at most 1,000.
    pub limit: Option<usize>,
    pub kind: Option<String>,
    pub source: Option<String>,
    pub matched: Option<bool>,
}

#[derive(Debug, Clone, serde::Serialize)]
pub struct EventRow {
    pub id: EventId,
    #[serde(rename = "type")]
    pub kind: String,
    pub source: String,
    pub received_at: Time,
    /// `matched` or `unmatched`.
    pub state: &'static str,
    pub runs: u32,
    /// Deliveries of it, the first included.
    pub seen: u32,
    pub bytes: u64,
    pub flags: Vec<&'static str>,
}

#[derive(Debug, Clone)]
pub struct EventDetail {
    pub row: EventRow,
    pub event: StoredEvent,
    pub runs: Vec<RunRow>,
}

#[derive(Debug, Clone, Default)]
pub struct RunFilter {
    pub before: Option<RunId>,
    pub limit: Option<usize>,
    pub rule: Option<String>,
    pub status: Option<RunStatus>,
    pub event: Option<EventId>,
}

#[derive(Debug, Clone, serde::Serialize)]
pub struct RunRow {
    pub id: RunId,
    pub rule: String,
    #[serde(rename = "state")]
    pub status: RunStatus,
    pub event: EventId,
    pub created_at: Time,
    pub ended_at: Option<Time>,
    /// When it is taken next. `None` for a run that is over, held or running.
    pub due_at: Option<Time>,
    pub error: Option<StepError>,
    /// What `stop` or `fail` said.
    pub why: Option<String>,
}

#[derive(Debug, Clone)]
pub struct RunDetail {
    pub row: RunRow,
    pub set: i64,
    pub set_digest: String,
    pub vars: Map<String, Value>,
    pub outputs: Vec<StepOutput>,
    pub attempts: Vec<AttemptRow>,
}

#[derive(Debug, Clone)]
pub struct AttemptRow {
    pub id: AttemptId,
    pub step: StepPath,
    pub number: u32,
    pub started_at: Time,
    pub ended_at: Option<Time>,
    pub outcome: AttemptOutcome,
    pub error: Option<StepError>,
    pub status: Option<u16>,
    /// As stored with the step's first attempt.
    pub request: Option<Vec<u8>>,
    pub reply: Option<Vec<u8>>,
    pub reason: String,
}

#[derive(Debug, Clone, Default)]
pub struct Counts {
    pub events: u64,
    pub runs_open: u64,
    pub runs_held: u64,
    pub runs_failed: u64,
    /// When the oldest due run was due.
    pub oldest_due: Option<Time>,
    pub bytes: u64,
}

#[derive(Debug, Clone, Default)]
pub struct Pruned {
    pub events: u64,
    pub runs: u64,
    pub dedupe_keys: u64,
}

/// Secrets as they are in force: those of the environment, then the sealed ones in the database; kept unsealed in memory, read again
/// within a second of a change by the command line.
#[derive(Clone)]
pub struct Vault {}

/// Why a secret cannot be had.
#[derive(Debug, Clone, thiserror::Error)]
pub enum VaultError {
    #[error("secret `{0}` is not set; set it with `bellwire secrets set {0}`")]
    Missing(String),
    #[error("secret `{name}` cannot be unsealed: {why}")]
    Sealed { name: String, why: String },
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// A secret in the list: never its value.
#[derive(Debug, Clone, serde::Serialize)]
pub struct SecretRow {
    pub name: String,
    /// `environment` or `database`.
    pub from: &'static str,
    pub origins: Vec<String>,
    pub changed_at: Option<Time>,
    /// The value in the database opens with our key.
    pub healthy: bool,
}

impl Vault {
    /// Loads the key file (made where there is none and `Mode::Serve` or `Write`), checks it against the database's check value.
    pub fn open(_store: Store, _config: &Config, _clock: SharedClock) -> Result<Self, VaultError> {
        unimplemented!()
    }
    /// The secret of this name.
    pub fn get(&self, _name: &str) -> Result<Secret, VaultError> {
        unimplemented!()
    }
    /// Whether there is one of this name, readable or not.
    pub fn has(&self, _name: &str) -> bool {
        unimplemented!()
    }
    /// Origins set with `--for`, as text (`https://host[:port]`). Empty: none of its own.
    pub fn origins(&self, _name: &str) -> Vec<String> {
        unimplemented!()
    }
    /// Masks every secret that is in force.
    pub fn masker(&self) -> Arc<Masker> {
        unimplemented!()
    }
    /// Reads again where the database has changed; called once a second by `app`, and after `set`.
    pub async fn refresh(&self) -> Result<(), VaultError> {
        unimplemented!()
    }
    /// Seals and stores. Refuses values under `secret::SHORTEST` characters.
    pub async fn set(&self, _name: &str, _value: Secret, _origins: Vec<String>) -> Result<(), VaultError> {
        unimplemented!()
    }
    /// False: there was none.
    pub async fn remove(&self, _name: &str) -> Result<bool, VaultError> {
        unimplemented!()
    }
    pub async fn list(&self) -> Result<Vec<SecretRow>, VaultError> {
        unimplemented!()
    }
}

#[expect(dead_code, reason = "stub")]
fn _uses(_: PathBuf, _: RefusalId, _: ErrorClass) {}
