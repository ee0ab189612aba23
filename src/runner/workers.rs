//! The loop that takes due runs and hands them to workers.

use std::{
    collections::HashSet,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use tokio::{
    sync::Notify,
    task::{JoinHandle, JoinSet},
    time::{sleep, timeout},
};

use super::{
    PinnedSets,
    execute::{Execution, Left},
    housekeeping::prune_nightly,
    lane::Parked,
};
use crate::{
    clock::SharedClock,
    config::Config,
    connections::Connections,
    ids::{IdSource, RunId},
    lifecycle::{Lifecycle, Phase},
    model::{ErrorClass, RunStatus, StepError},
    net::Client,
    store::{Claim, ClaimId, DueRun, LoadedRun, Record, Store, StoreError, Then, Vault},
    wake::Wake,
};

/// The longest the loop sleeps: commands beside the server write due runs without ringing.
const POLL: Duration = Duration::from_secs(1);

/// How long the loop waits after the store did not answer.
const STORE_PAUSE: Duration = Duration::from_millis(500);

/// Due runs looked at in one go.
const BATCH: usize = 1024;

/// How long the claim of a run that ends without a step may last.
const SHORT_CLAIM: Duration = Duration::from_secs(60);

/// What a runner is made of.
pub struct RunnerParts {
    /// Settings.
    pub config: Arc<Config>,
    /// Where runs are.
    pub store: Store,
    /// For masking.
    pub vault: Arc<Vault>,
    /// The time.
    pub clock: SharedClock,
    /// Ids of attempts and claims.
    pub ids: Arc<IdSource>,
    /// Rung when there may be due runs.
    pub wake: Wake,
    /// How far the process is on its way down.
    pub lifecycle: Lifecycle,
    /// Rule sets by id.
    pub pinned: PinnedSets,
    /// Credentials, rates and places.
    pub connections: Connections,
    /// The way out.
    pub client: Client,
}

/// From 0 to 1, by chance: spreads retries.
pub(super) fn jitter() -> f64 {
    let mut bytes = [0; 4];
    match getrandom::fill(&mut bytes) {
        Ok(()) => f64::from(u32::from_le_bytes(bytes)) / f64::from(u32::MAX),
        Err(_) => 0.0,
    }
}

impl RunnerParts {
    /// Writes a record, again and again while the store is busy: what was done must not be forgotten.
    pub(super) async fn persist(&self, record: Record) -> Result<bool, StoreError> {
        loop {
            match self.store.record(record.clone()).await {
                Err(StoreError::Busy(why)) if self.lifecycle.phase() < Phase::Stopped => {
                    tracing::warn!(run.id = %record.run, why, "a step's end waits for the store");
                    sleep(STORE_PAUSE).await;
                }
                other => return other,
            }
        }
    }
}

/// The running loop. Dropping it does not end it: [`Runner::stop`] does.
pub struct Runner {
    shared: Arc<Shared>,
    task: Mutex<Option<JoinHandle<()>>>,
    nightly: JoinHandle<()>,
}

struct Shared {
    parts: RunnerParts,
    state: Mutex<State>,
    /// Rung when a worker has left a run.
    left: Notify,
}

#[derive(Default)]
struct State {
    in_hand: HashSet<RunId>,
    parked: Parked,
    /// Runs whose worker panicked: they are left alone until the next start, so that one bad run cannot keep the others waiting.
    poisoned: HashSet<RunId>,
}

impl Shared {
    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Runner {
    /// Starts the loop. Runs of a dead process must have been recovered before.
    pub fn start(parts: RunnerParts) -> Self {
        let shared = Arc::new(Shared { parts, state: Mutex::default(), left: Notify::new() });
        let task = tokio::spawn(run(Arc::clone(&shared)));
        let housekeeper = Arc::clone(&shared);
        let nightly = tokio::spawn(async move { prune_nightly(&housekeeper.parts).await });
        Self { shared, task: Mutex::new(Some(task)), nightly }
    }

    /// The rule sets, to keep one that was just compiled.
    pub fn pinned(&self) -> &PinnedSets {
        &self.shared.parts.pinned
    }

    /// Returns once no run is in hand and none is due at the clock's present time: for tests that hold the clock.
    pub async fn settled(&self) -> Result<(), StoreError> {
        loop {
            self.shared.parts.wake.ring();
            let left = self.shared.left.notified();
            let idle = self.shared.state().in_hand.is_empty();
            let due = self.shared.parts.store.due(self.shared.parts.clock.now(), 1, 1).await?;
            if idle && due.is_empty() && self.shared.state().in_hand.is_empty() {
                return Ok(());
            }
            drop(timeout(Duration::from_millis(20), left).await);
        }
    }

    /// Ends the loop: no new claims, open requests may end within `grace`. True: all ended in time.
    pub async fn stop(&self, grace: Duration) -> bool {
        self.shared.parts.lifecycle.enter(Phase::Draining);
        self.shared.parts.wake.ring();
        self.nightly.abort();
        let Some(task) = self.task.lock().unwrap_or_else(PoisonError::into_inner).take() else {
            return true;
        };
        let abort = task.abort_handle();
        let ended = timeout(grace, task).await.is_ok();
        abort.abort();
        ended
    }
}

async fn run(shared: Arc<Shared>) {
    let parts = &shared.parts;
    let mut workers = JoinSet::new();
    while parts.lifecycle.is_serving() {
        while let Some(ended) = workers.try_join_next() {
            report_panic(ended);
        }
        let free = parts.config.runner.workers.saturating_sub(workers.len());
        let started =
            if parts.config.runner.enabled && free > 0 { start_due(&shared, free, &mut workers).await } else { Ok(0) };
        match started {
            Ok(0) => rest(&shared).await,
            Ok(_) => {}
            Err(error) => {
                tracing::error!(error = %error, "due runs cannot be read");
                sleep(STORE_PAUSE).await;
            }
        }
    }
    while let Some(ended) = workers.join_next().await {
        report_panic(ended);
    }
}

fn report_panic(ended: Result<(), tokio::task::JoinError>) {
    if let Err(error) = ended
        && error.is_panic()
    {
        tracing::error!("a worker panicked; its run is left alone until the next start");
    }
}

/// Hands up to `free` due runs to workers. Returns how many.
async fn start_due(shared: &Arc<Shared>, free: usize, workers: &mut JoinSet<()>) -> Result<usize, StoreError> {
    let parts = &shared.parts;
    let per_rule = (parts.config.runner.workers / 4).max(16);
    let due = parts.store.due(parts.clock.now(), per_rule, BATCH).await?;
    let chosen: Vec<DueRun> = {
        let mut state = shared.state();
        let open = |run: &DueRun| {
            !state.in_hand.contains(&run.id) && !state.parked.has(run.id) && !state.poisoned.contains(&run.id)
        };
        let chosen: Vec<DueRun> = due.into_iter().filter(open).take(free).collect();
        state.in_hand.extend(chosen.iter().map(|run| run.id));
        chosen
    };
    for run in &chosen {
        let shared = Arc::clone(shared);
        let id = run.id;
        workers.spawn(async move {
            let hand = InHand { shared: &shared, run: id };
            let left = work(&shared.parts, id).await;
            hand.put_down(left);
        });
    }
    Ok(chosen.len())
}

/// Waits for a ring, a worker that has ended, a place given back, or the next due time.
async fn rest(shared: &Shared) {
    let parts = &shared.parts;
    let now = parts.clock.now();
    let pause = match parts.store.next_due(now).await {
        Ok(Some(due)) => due.since(now).clamp(Duration::from_millis(1), POLL),
        _ => POLL,
    };
    tokio::select! {
        () = parts.wake.heard() => {}
        () = shared.left.notified() => {}
        () = parts.connections.freed() => {
            shared.state().parked.release();
        }
        () = parts.lifecycle.reached(Phase::Draining) => {}
        () = sleep(pause) => {
            // A place may have been given back while nobody listened.
            shared.state().parked.release();
        }
    }
}

/// A run in a worker's hand; put down also when the worker panics.
struct InHand<'s> {
    shared: &'s Shared,
    run: RunId,
}

impl InHand<'_> {
    fn put_down(&self, left: Result<Left, StoreError>) {
        match left {
            Ok(Left::Done | Left::NotMine) => {}
            Ok(Left::Parked(lane)) => self.shared.state().parked.add(self.run, lane),
            Err(error) => tracing::error!(run.id = %self.run, error = %error, "a run cannot go on for now"),
        }
    }
}

impl Drop for InHand<'_> {
    fn drop(&mut self) {
        let mut state = self.shared.state();
        state.in_hand.remove(&self.run);
        if std::thread::panicking() {
            state.poisoned.insert(self.run);
        }
        drop(state);
        self.shared.left.notify_waiters();
        self.shared.left.notify_one();
    }
}

async fn work(parts: &RunnerParts, id: RunId) -> Result<Left, StoreError> {
    let Some(run) = parts.store.load(id).await? else {
        return Ok(Left::NotMine);
    };
    let pinned = match parts.pinned.get(run.set).await {
        Ok(pinned) => pinned,
        Err(super::pinned::PinnedError::Store(error)) => return Err(error),
        Err(error) => return give_up(parts, run, error.to_string()).await,
    };
    match Execution::new(parts, run, pinned) {
        Ok(execution) => execution.go().await,
        Err((run, why)) => give_up(parts, *run, why).await,
    }
}

/// Ends a run that can never go on.
async fn give_up(parts: &RunnerParts, run: LoadedRun, why: String) -> Result<Left, StoreError> {
    let now = parts.clock.now();
    let claim = ClaimId(parts.ids.next(now));
    let job = Claim { run: run.id, claim, from: run.status, now, until: now.plus(SHORT_CLAIM), attempt: None };
    if !parts.store.claim(job).await? {
        return Ok(Left::NotMine);
    }
    tracing::error!(run.id = %run.id, rule = run.rule, why, "run failed");
    let error =
        StepError { step: "run".to_owned(), class: ErrorClass::Internal, status: None, message: why, attempt: 0 };
    let record = Record {
        run: run.id,
        claim,
        now,
        attempt: None,
        outputs: Vec::new(),
        vars: None,
        failure: None,
        then: Then::End { status: RunStatus::Failed, error: Some(error), why: None },
    };
    parts.persist(record).await?;
    Ok(Left::Done)
}
