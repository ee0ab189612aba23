//! The loop that takes due runs and hands them to workers.

use std::{
    collections::{HashMap, HashSet},
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
    hold::Left,
    housekeeping::prune_nightly,
    lane::Parked,
    line::Line,
    polling::{Polling, keep_polling},
    schedule::{Clockwork, keep_time},
    take_up::work,
};
use crate::{
    clock::{SharedClock, Time},
    config::Config,
    connections::Connections,
    ids::{IdSource, RunId},
    lifecycle::{Lifecycle, Phase},
    net::Client,
    starts::InForce,
    store::{Due, DueRun, Record, Recorded, Store, StoreError, Vault},
    wake::Wake,
};

/// The longest the loop sleeps: commands beside the server write due runs without ringing.
const POLL: Duration = Duration::from_secs(1);

/// How long the loop waits after the store did not answer.
pub(super) const STORE_PAUSE: Duration = Duration::from_millis(500);

/// Due runs looked at in one go.
const BATCH: usize = 1024;

/// Runs of one rule set aside at which no more of it are begun: they would most likely find the same connection in use.
const ENOUGH_PARKED: usize = 16;

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
    /// When this process took over: whatever an earlier one had begun was over by then.
    pub since: Time,
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
    /// What decides about events of our own; called once for each, and must be quick.
    pub in_force: Arc<dyn Fn() -> InForce + Send + Sync>,
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
    pub(super) async fn persist(&self, record: &Record) -> Result<Recorded, StoreError> {
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
    time: JoinHandle<()>,
    polls: Mutex<Option<JoinHandle<()>>>,
}

pub(super) struct Shared {
    pub(super) parts: RunnerParts,
    pub(super) polling: Polling,
    state: Mutex<State>,
    line: Line,
    clockwork: Clockwork,
    /// Rung when a worker has left a run, for those who wait until all is settled.
    left: Notify,
    /// Rung when a run was left that may be due before anything else is.
    look: Notify,
}

#[derive(Default)]
struct State {
    /// With their rules.
    in_hand: HashMap<RunId, Arc<str>>,
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
        let shared = Arc::new(Shared {
            parts,
            polling: Polling::default(),
            state: Mutex::default(),
            line: Line::default(),
            clockwork: Clockwork::default(),
            left: Notify::new(),
            look: Notify::new(),
        });
        let task = tokio::spawn(run(Arc::clone(&shared)));
        let housekeeper = Arc::clone(&shared);
        let nightly = tokio::spawn(async move { prune_nightly(&housekeeper.parts).await });
        let timekeeper = Arc::clone(&shared);
        let time = tokio::spawn(async move { keep_time(&timekeeper.parts, &timekeeper.clockwork).await });
        let poller = Arc::clone(&shared);
        let polls = Mutex::new(Some(tokio::spawn(async move { keep_polling(&poller).await })));
        Self { shared, task: Mutex::new(Some(task)), nightly, time, polls }
    }

    /// The rule sets, to keep one that was just compiled.
    pub fn pinned(&self) -> &PinnedSets {
        &self.shared.parts.pinned
    }

    /// Returns once every slot of a schedule has been fired, no poll and no run is in hand and none is due at the clock's present time: for
    /// tests that hold the clock.
    pub async fn settled(&self) -> Result<(), StoreError> {
        self.shared.clockwork.look(&self.shared.parts).await?;
        self.shared.polling.settled(&self.shared.parts).await?;
        loop {
            self.shared.parts.wake.ring();
            let left = self.shared.left.notified();
            let idle = self.shared.state().in_hand.is_empty();
            let due = self.shared.parts.store.due(self.shared.parts.clock.now(), 1, 1).await?;
            if idle && due.runs.is_empty() && self.shared.state().in_hand.is_empty() {
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
        self.time.abort();
        let polls = self.polls.lock().unwrap_or_else(PoisonError::into_inner).take();
        let Some(task) = self.task.lock().unwrap_or_else(PoisonError::into_inner).take() else {
            return true;
        };
        let abort = task.abort_handle();
        let polls = async {
            if let Some(polls) = polls {
                let abort = polls.abort_handle();
                let ended = timeout(grace, polls).await.is_ok();
                abort.abort();
                return ended;
            }
            true
        };
        let (ended, polled) = tokio::join!(timeout(grace, task), polls);
        abort.abort();
        ended.is_ok() && polled
    }
}

async fn run(shared: Arc<Shared>) {
    let parts = &shared.parts;
    let mut workers = JoinSet::new();
    while parts.lifecycle.is_serving() {
        while let Some(ended) = workers.try_join_next() {
            report_panic(ended);
        }
        let free =
            if parts.config.runner.enabled { parts.config.runner.workers.saturating_sub(workers.len()) } else { 0 };
        match start_due(&shared, free, &mut workers).await {
            Ok(Looked { more: true, .. }) => {}
            Ok(Looked { next, .. }) => rest(&shared, next, free == 0, &mut workers).await,
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

/// What a look at the due runs brought.
#[derive(Default)]
struct Looked {
    /// Some were begun, and there may be more.
    more: bool,
    /// When the next run is due.
    next: Option<Time>,
}

/// Hands up to `free` due runs to workers.
async fn start_due(shared: &Arc<Shared>, free: usize, workers: &mut JoinSet<()>) -> Result<Looked, StoreError> {
    if free == 0 {
        return Ok(Looked::default());
    }
    let parts = &shared.parts;
    // Those in hand that are not claimed yet still look due: they must not hide the others.
    let per_rule = (parts.config.runner.workers / 4).max(16) + shared.state().in_hand.len();
    let Due { runs, cut, next } = parts.store.due(parts.clock.now(), per_rule, BATCH).await?;
    let chosen = {
        let mut state = shared.state();
        state.parked.release(|lane| parts.connections.room(lane));
        let chosen = choose(runs, &state, free);
        state.in_hand.extend(chosen.iter().map(|run| (run.id, Arc::clone(&run.rule))));
        shared.line.join(&chosen);
        chosen
    };
    if chosen.is_empty() {
        return Ok(Looked { more: false, next });
    }
    let hands: Vec<InHand> = chosen.iter().map(|run| InHand { shared: Arc::clone(shared), run: run.id }).collect();
    let loaded = parts.store.load_all(chosen.iter().map(|run| run.id).collect()).await?;
    for (hand, run) in hands.into_iter().zip(loaded) {
        workers.spawn(async move {
            let left = Box::pin(work(&hand.shared.parts, &hand.shared.line, run)).await;
            hand.put_down(left);
        });
    }
    Ok(Looked { more: cut || chosen.len() == free, next })
}

/// Up to `free` runs that nobody has in hand: each time one of the rule that has the fewest in hand, and of those the one due longest.
fn choose(due: Vec<DueRun>, state: &State, free: usize) -> Vec<DueRun> {
    let mut held: HashMap<Arc<str>, usize> = HashMap::new();
    for rule in state.in_hand.values() {
        *held.entry(Arc::clone(rule)).or_default() += 1;
    }
    let mut begun: HashMap<Arc<str>, usize> = HashMap::new();
    let mut open: Vec<(usize, DueRun)> = Vec::new();
    for run in due {
        let begun = begun.entry(Arc::clone(&run.rule)).or_default();
        let parked = state.parked.of_rule(&run.rule);
        let is_open = !state.in_hand.contains_key(&run.id)
            && !state.parked.has(run.id)
            && !state.poisoned.contains(&run.id)
            && (parked == 0 || parked + *begun < ENOUGH_PARKED);
        if is_open {
            *begun += 1;
            let place = held.entry(Arc::clone(&run.rule)).or_default();
            open.push((*place, run));
            *place += 1;
        }
    }
    // Within a rule and among equals they stay oldest due first.
    open.sort_by_key(|(place, _)| *place);
    open.truncate(free);
    open.into_iter().map(|(_, run)| run).collect()
}

/// Waits for something to do: a ring, room in a connection's lane, the next due time; where all workers are busy, one that has ended.
async fn rest(shared: &Shared, next: Option<Time>, is_full: bool, workers: &mut JoinSet<()>) {
    let parts = &shared.parts;
    let now = parts.clock.now();
    let pause = next.map_or(POLL, |due| due.since(now).clamp(Duration::from_millis(1), POLL));
    let mut pause = std::pin::pin!(sleep(pause));
    loop {
        tokio::select! {
            () = parts.wake.heard(), if !is_full => return,
            () = shared.look.notified(), if !is_full => return,
            Some(ended) = workers.join_next(), if is_full => return report_panic(ended),
            () = parts.connections.freed() => {
                if !is_full && !shared.state().parked.is_empty() {
                    return;
                }
            }
            () = parts.lifecycle.reached(Phase::Draining) => return,
            () = &mut pause => return,
        }
    }
}

/// A run in a worker's hand; put down also when the worker panics.
struct InHand {
    shared: Arc<Shared>,
    run: RunId,
}

impl InHand {
    fn put_down(&self, left: Result<Left, StoreError>) {
        match left {
            Ok(Left::Done | Left::NotMine) => {}
            Ok(Left::Waits) => self.shared.look.notify_one(),
            Ok(Left::Parked(lane)) => {
                let has_room = self.shared.parts.connections.room(&lane) > 0;
                let mut state = self.shared.state();
                let rule = state.in_hand.get(&self.run).cloned();
                // Beyond that it stays as due as it was: of a rule that has enough set aside, no more are begun than are let go.
                if let Some(rule) = rule.filter(|rule| state.parked.of_rule(rule) < ENOUGH_PARKED) {
                    state.parked.add(self.run, rule, lane);
                }
                if has_room {
                    // Made since the run was turned away, when it was not there to be released.
                    self.shared.look.notify_one();
                }
            }
            Err(error) => tracing::error!(run.id = %self.run, error = %error, "a run cannot go on for now"),
        }
    }
}

impl Drop for InHand {
    fn drop(&mut self) {
        let mut state = self.shared.state();
        if let Some(rule) = state.in_hand.remove(&self.run) {
            self.shared.line.leave(&rule, self.run);
        }
        if std::thread::panicking() {
            state.poisoned.insert(self.run);
        }
        drop(state);
        self.shared.left.notify_waiters();
    }
}
