//! What a test of the store needs: a database in a temporary folder, a held clock, ids, and things to store.

use std::{
    path::Path,
    sync::{Arc, Mutex},
    time::Duration,
};

use serde_json::{Map, Value, json};

use super::postgres::fresh_database;
use crate::{
    clock::{HeldClock, Time},
    config::Config,
    ids::{AttemptId, EventId, IdSource, RunId},
    model::{AttemptKind, AttemptOutcome, EventFlags, RunStatus, StepOutcome, StepOutput, StepPath},
    secret::Secret,
    store::{AttemptEnd, Claim, ClaimId, Dedupe, Mode, NewAttempt, NewEvent, NewRun, Record, Store, StoreError, Then},
};

pub(super) const NOW: Time = Time(1_700_000_000_000);

/// A store and what belongs to it.
pub(super) struct Bed {
    pub(super) store: Store,
    pub(super) config: Config,
    pub(super) clock: Arc<HeldClock>,
    pub(super) ids: IdSource,
    /// What `on_failure` was told.
    pub(super) failures: Arc<Mutex<Vec<String>>>,
    _dir: tempfile::TempDir,
}

/// Settings as they are when nothing is set.
pub(super) fn config(workspace: &Path, url: Option<String>) -> Config {
    let mut config = Config::defaults(workspace);
    config.database.url = url.map(Secret::new);
    config
}

impl Bed {
    pub(super) fn sqlite() -> Self {
        Self::new(None)
    }

    pub(super) fn postgresql() -> Self {
        Self::new(Some(fresh_database()))
    }

    fn new(url: Option<String>) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let config = config(dir.path(), url);
        let clock = HeldClock::at(NOW);
        let failures = Arc::default();
        let store = open(&config, Mode::Serve, &clock, &failures).unwrap();
        Self { store, config, clock, ids: IdSource::default(), failures, _dir: dir }
    }

    /// Another handle on the same database, as another process would have it.
    pub(super) fn open(&self, mode: Mode) -> Result<Store, StoreError> {
        open(&self.config, mode, &self.clock, &self.failures)
    }

    pub(super) fn id(&self) -> i64 {
        self.ids.next(NOW)
    }

    /// An event with one due run of rule `calls/missed`.
    pub(super) fn event(&self) -> NewEvent {
        NewEvent { runs: vec![self.due_run("calls/missed", NOW)], ..self.unmatched() }
    }

    pub(super) fn unmatched(&self) -> NewEvent {
        NewEvent {
            id: EventId(self.id()),
            kind: "gruveo.call".to_owned(),
            source: "gruveo".to_owned(),
            service: Some("gruveo".to_owned()),
            received_at: NOW,
            verified: "hex".to_owned(),
            depth: 0,
            flags: EventFlags::default(),
            meta: object(&json!({"headers": {"content-type": "application/json"}})),
            body: br#"{"type":"call","resolution":"missed"}"#.to_vec(),
            dictionary: Arc::from(&b"{}"[..]),
            dedupe: None,
            set: 0,
            payload: Value::Null,
            echo: None,
            own: false,
            runs: Vec::new(),
        }
    }

    pub(super) fn due_run(&self, rule: &str, due_at: Time) -> NewRun {
        NewRun::new(RunId(self.id()), rule, RunStatus::Due, due_at, Map::new(), None)
    }

    pub(super) fn attempt(&self, step: &str, number: u32) -> NewAttempt {
        NewAttempt {
            kind: AttemptKind::Try,
            id: AttemptId(self.id()),
            step: StepPath(step.to_owned()),
            number,
            planned_at: None,
            started_at: NOW,
            request: (number == 1).then(|| br#"{"method":"POST"}"#.to_vec()),
        }
    }

    pub(super) fn claim(&self, run: RunId, from: RunStatus, attempt: Option<NewAttempt>) -> Claim {
        Claim {
            run,
            claim: ClaimId(self.id()),
            from,
            said: None,
            now: NOW,
            until: NOW.plus(Duration::from_mins(1)),
            attempt,
            place: None,
        }
    }

    /// Accepts an event and takes its run with an attempt of `do.0`.
    pub(super) async fn taken(&self) -> (RunId, ClaimId, AttemptId) {
        let event = self.event();
        let run = event.runs[0].id;
        self.store.accept(event).await.unwrap();
        let claim = self.claim(run, RunStatus::Due, Some(self.attempt("do.0", 1)));
        let (id, attempt) = (claim.claim, claim.attempt.as_ref().unwrap().id);
        assert!(self.store.claim(claim).await.unwrap().is_mine());
        (run, id, attempt)
    }
}

pub(super) fn open(
    config: &Config,
    mode: Mode,
    clock: &Arc<HeldClock>,
    failures: &Arc<Mutex<Vec<String>>>,
) -> Result<Store, StoreError> {
    let told = Arc::clone(failures);
    let on_failure = Arc::new(move |why: String| told.lock().unwrap().push(why));
    let clock: Arc<HeldClock> = Arc::clone(clock);
    Store::open(config, mode, clock, on_failure)
}

pub(super) fn object(value: &Value) -> Map<String, Value> {
    value.as_object().cloned().unwrap_or_default()
}

pub(super) fn dedupe(key: u8, digest: u8) -> Dedupe {
    Dedupe { key: [key; 16], digest: [digest; 16], expires: NOW.plus(Duration::from_hours(7 * 24)) }
}

pub(super) fn ended(id: AttemptId, outcome: AttemptOutcome) -> AttemptEnd {
    AttemptEnd { id, ended_at: NOW, outcome, error: None, status: None, reply: None, reason: String::new() }
}

pub(super) fn output(step: &str, result: Value) -> StepOutput {
    StepOutput {
        step: StepPath(step.to_owned()),
        outcome: StepOutcome::Ok,
        result,
        error: None,
        response: Value::Null,
        waited: Duration::ZERO,
    }
}

pub(super) fn record(run: RunId, claim: ClaimId, then: Then) -> Record {
    Record {
        run,
        claim,
        now: NOW,
        attempt: None,
        outputs: Vec::new(),
        vars: None,
        failure: None,
        echo: None,
        attributes: None,
        emitted: None,
        then,
    }
}

pub(super) fn end(status: RunStatus) -> Then {
    Then::End { status, error: None, why: None }
}
