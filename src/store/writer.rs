//! The one thread that writes: it takes whatever waits and commits it together, so that an fsync serves many.

use std::{
    sync::{
        Arc, OnceLock,
        atomic::{AtomicBool, AtomicUsize, Ordering},
        mpsc::{Receiver, RecvTimeoutError, SyncSender, TrySendError, sync_channel},
    },
    thread::JoinHandle,
    time::Duration,
};

use tokio::sync::oneshot;

#[cfg(debug_assertions)]
use super::fault;
use super::{
    accept::{Accepted, ReadyEvent, accept_all},
    dialect::{self, Conn},
    error::StoreError,
    handle::Mode,
    names::Known,
    open::Place,
    tallies::{Tally, Unwritten},
    watched::Watched,
};

/// Jobs that may wait.
const QUEUE: usize = 4096;
/// Bytes that may wait.
const QUEUE_BYTES: usize = 64 << 20;
/// Jobs of one commit: beyond this a larger group is no quicker, and the first waits longer.
const GROUP: usize = 512;

/// How often an idle writer looks whether its file is still there.
const LOOKS_EVERY: Duration = Duration::from_secs(1);

/// Called once, from any thread, with one sentence when storage has failed for good.
pub(super) type OnFailure = Arc<dyn Fn(String) + Send + Sync>;

/// What a job works with.
pub(super) struct Desk {
    pub(super) conn: Conn,
    pub(super) known: Known,
    /// Refusals since the ring was last cut.
    pub(super) refusals_since_cut: u32,
    /// After the commit the log of writes is to be emptied: a job has deleted what must not be read there either.
    pub(super) empties_log: bool,
}

/// A job that is neither an event nor the end. It may be run more than once, each time on a state without its earlier tries.
pub(super) trait Work: Send {
    /// Does it in the transaction that is open.
    fn run(&mut self, desk: &mut Desk) -> Result<(), StoreError>;
    /// Tells whoever waits, after the commit.
    fn answer(self: Box<Self>, outcome: Result<(), StoreError>);
}

struct Task<F, T> {
    work: F,
    result: Option<T>,
    reply: oneshot::Sender<Result<T, StoreError>>,
}

impl<F, T> Work for Task<F, T>
where
    F: FnMut(&mut Desk) -> Result<T, StoreError> + Send,
    T: Send,
{
    fn run(&mut self, desk: &mut Desk) -> Result<(), StoreError> {
        self.result = Some((self.work)(desk)?);
        Ok(())
    }

    fn answer(self: Box<Self>, outcome: Result<(), StoreError>) {
        let answer = match (outcome, self.result) {
            (Ok(()), Some(result)) => Ok(result),
            (Ok(()), None) => Err(StoreError::Corrupt("a job ended without a result".to_owned())),
            (Err(error), _) => Err(error),
        };
        // Whoever asked may have gone; what is committed stays.
        drop(self.reply.send(answer));
    }
}

struct Acceptance {
    ready: ReadyEvent,
    accepted: Option<Accepted>,
    reply: oneshot::Sender<Result<Accepted, StoreError>>,
}

enum Job {
    Accept(Box<Acceptance>),
    Work(Box<dyn Work>),
    Stop,
}

impl Job {
    fn answer(self, outcome: Result<(), StoreError>) {
        match self {
            Self::Accept(job) => {
                let answer = match (outcome, job.accepted) {
                    (Ok(()), Some(accepted)) => Ok(accepted),
                    (Ok(()), None) => Err(StoreError::Corrupt("an event ended without an answer".to_owned())),
                    (Err(error), _) => Err(error),
                };
                drop(job.reply.send(answer));
            }
            Self::Work(work) => work.answer(outcome),
            Self::Stop => {}
        }
    }
}

/// What the writer shares with those who hand in jobs.
#[derive(Default)]
pub(super) struct Health {
    failed: OnceLock<String>,
    waiting_bytes: AtomicUsize,
    waiting: AtomicUsize,
    told: AtomicBool,
}

impl Health {
    /// Notes that storage has failed for good, and tells it once.
    pub(super) fn fail(&self, why: &str, on_failure: &OnFailure) {
        drop(self.failed.set(why.to_owned()));
        if !self.told.swap(true, Ordering::SeqCst) {
            on_failure(format!("storage failed: {why}"));
        }
    }

    fn check(&self) -> Result<(), StoreError> {
        self.failed.get().map_or(Ok(()), |why| Err(StoreError::Failed(why.clone())))
    }
}

/// The way to the writer.
pub(super) struct Writer {
    sender: SyncSender<(Job, usize)>,
    health: Arc<Health>,
    thread: std::sync::Mutex<Option<JoinHandle<()>>>,
}

impl Writer {
    /// Starts the thread.
    pub(super) fn start(
        conn: Conn,
        place: Place,
        mode: Mode,
        health: Arc<Health>,
        on_failure: OnFailure,
    ) -> Result<Self, StoreError> {
        let (sender, receiver) = sync_channel(QUEUE);
        let worker = Worker {
            desk: Desk {
                conn,
                known: Known::default(),
                refusals_since_cut: super::refusals::CUT_EVERY,
                empties_log: false,
            },
            watched: Watched::of(&place),
            place,
            is_beside_server: mode != Mode::Serve,
            unwritten: Unwritten::new(),
            health: Arc::clone(&health),
            on_failure,
        };
        let thread = std::thread::Builder::new()
            .name("store-writer".to_owned())
            .spawn(move || worker.work(&receiver))
            .map_err(|error| StoreError::Refused(format!("the writer's thread does not start: {error}")))?;
        Ok(Self { sender, health, thread: std::sync::Mutex::new(Some(thread)) })
    }

    fn hand_in(&self, job: Job, size: usize) -> Result<(), StoreError> {
        self.health.check()?;
        let before = self.health.waiting_bytes.fetch_add(size, Ordering::SeqCst);
        if before.saturating_add(size) > QUEUE_BYTES {
            self.health.waiting_bytes.fetch_sub(size, Ordering::SeqCst);
            return Err(StoreError::Busy("too many bytes wait for the disk".to_owned()));
        }
        self.health.waiting.fetch_add(1, Ordering::SeqCst);
        self.sender.try_send((job, size)).map_err(|error| {
            self.health.waiting_bytes.fetch_sub(size, Ordering::SeqCst);
            self.health.waiting.fetch_sub(1, Ordering::SeqCst);
            match error {
                TrySendError::Full(_) => StoreError::Busy(format!("{QUEUE} writes wait for the disk")),
                TrySendError::Disconnected(_) => StoreError::Busy("the store is closed".to_owned()),
            }
        })
    }

    /// Hands in an event.
    pub(super) fn accept(
        &self,
        ready: ReadyEvent,
    ) -> Result<oneshot::Receiver<Result<Accepted, StoreError>>, StoreError> {
        let (reply, answer) = oneshot::channel();
        let size = ready.size();
        self.hand_in(Job::Accept(Box::new(Acceptance { ready, accepted: None, reply })), size)?;
        Ok(answer)
    }

    /// Hands in any other job; `size` is what it holds in memory, roughly.
    pub(super) fn write<T: Send + 'static>(
        &self,
        size: usize,
        work: impl FnMut(&mut Desk) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<oneshot::Receiver<Result<T, StoreError>>, StoreError> {
        let (reply, answer) = oneshot::channel();
        self.hand_in(Job::Work(Box::new(Task { work, result: None, reply })), size)?;
        Ok(answer)
    }

    /// Whether more than half the queue is taken: what is not needed should not be handed in.
    pub(super) fn is_strained(&self) -> bool {
        self.health.waiting.load(Ordering::SeqCst) > QUEUE / 2
    }

    /// Commits what waits, and ends the thread.
    pub(super) fn stop(&self) {
        let thread = self.thread.lock().ok().and_then(|mut thread| thread.take());
        let Some(thread) = thread else { return };
        // An error here means that the thread is gone already.
        drop(self.sender.send((Job::Stop, 0)));
        if thread.join().is_err() {
            tracing::error!("the writer's thread panicked");
        }
    }
}

struct Worker {
    desk: Desk,
    watched: Option<Watched>,
    place: Place,
    is_beside_server: bool,
    unwritten: Unwritten,
    health: Arc<Health>,
    on_failure: OnFailure,
}

/// Says so where the thread ends by a panic: nobody would answer from then on.
struct LastWord(Arc<Health>, OnFailure);

impl Drop for LastWord {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.0.fail("the writer's thread panicked", &self.1);
        }
    }
}

impl Worker {
    fn work(mut self, receiver: &Receiver<(Job, usize)>) {
        let _last_word = LastWord(Arc::clone(&self.health), Arc::clone(&self.on_failure));
        let mut stopping = false;
        while !stopping {
            let first = match receiver.recv_timeout(LOOKS_EVERY) {
                Ok(first) => first,
                Err(RecvTimeoutError::Disconnected) => break,
                Err(RecvTimeoutError::Timeout) => {
                    self.look();
                    self.write_tallies();
                    continue;
                }
            };
            let mut group = Vec::new();
            let mut next = Some(first);
            while let Some((job, size)) = next.take() {
                self.health.waiting_bytes.fetch_sub(size, Ordering::SeqCst);
                if matches!(job, Job::Stop) {
                    stopping = true;
                    break;
                }
                self.health.waiting.fetch_sub(1, Ordering::SeqCst);
                group.push(job);
                if group.len() < GROUP {
                    next = receiver.try_recv().ok();
                }
            }
            if !group.is_empty() {
                self.commit_group(group);
                self.empty_log();
            }
            if self.is_beside_server {
                // A command ends soon, and not always in a way that is told here.
                self.write_tallies();
            }
        }
        self.write_tallies();
    }

    /// Writes what was counted in a commit of its own: while nothing else is written, and at the end.
    fn write_tallies(&mut self) {
        if self.unwritten.is_empty() || self.health.check().is_err() {
            return;
        }
        let begun = dialect::begin(&mut self.desk.conn);
        let done = begun.and_then(|()| self.unwritten.write_now(&mut self.desk.conn));
        match done.and_then(|()| dialect::commit(&mut self.desk.conn)) {
            Ok(()) => self.unwritten.written(),
            Err(error) => {
                self.roll_back();
                tracing::warn!(%error, "counts were not written; they are tried again");
            }
        }
    }

    /// Empties the log of writes where a job asked for it: that is not possible within a transaction.
    fn empty_log(&mut self) {
        if !std::mem::take(&mut self.desk.empties_log) {
            return;
        }
        if let Err(error) = dialect::empty_log(&mut self.desk.conn) {
            tracing::warn!(%error, "the log of writes could not be emptied; the next checkpoint does it");
        }
    }

    /// Fails for good where the file of the database is no longer at its path: what is written then is lost.
    fn look(&self) {
        if let Some(Err(StoreError::Failed(why))) = self.watched.as_ref().map(Watched::check) {
            self.health.fail(&why, &self.on_failure);
        }
    }

    fn commit_group(&mut self, mut group: Vec<Job>) {
        // Before each commit: it costs microseconds beside an fsync, and nothing is acknowledged that went to a file that is gone.
        self.look();
        if let Err(error) = self.health.check() {
            return answer_all(group, &Err(error));
        }
        if self.is_beside_server {
            // What the server has written since the last commit is not known here.
            self.desk.known.forget();
        }
        #[cfg(debug_assertions)]
        if fault::answers_before_commit() {
            return self.answer_first(group);
        }
        match self.try_together(&mut group) {
            Ok(()) => answer_all(group, &Ok(())),
            Err(error) if error.is_of_the_job() => self.one_by_one(group),
            Err(error) => self.give_up(group, error),
        }
    }

    /// All jobs in one transaction without savepoints: the way that nearly every group goes.
    fn try_together(&mut self, group: &mut [Job]) -> Result<(), StoreError> {
        dialect::begin(&mut self.desk.conn)?;
        let done = run_all(&mut self.desk, group).and_then(|()| self.commit());
        if done.is_err() {
            self.roll_back();
        }
        done
    }

    /// Commits, with the counts of earlier commits where it is time for them.
    fn commit(&mut self) -> Result<(), StoreError> {
        let wrote = self.unwritten.write(&mut self.desk.conn)?;
        dialect::commit(&mut self.desk.conn)?;
        if wrote {
            self.unwritten.written();
        }
        self.unwritten.absorb(&mut self.desk.known.tally);
        Ok(())
    }

    fn roll_back(&mut self) {
        dialect::rollback(&mut self.desk.conn);
        self.desk.known.roll_back();
    }

    /// Each job in a savepoint of its own, so that only the guilty one errs.
    fn one_by_one(&mut self, mut group: Vec<Job>) {
        if let Err(error) = dialect::begin(&mut self.desk.conn) {
            return self.give_up(group, error);
        }
        let mut outcomes = Vec::with_capacity(group.len());
        let mut counted = Tally::default();
        for job in &mut group {
            match self.alone(job) {
                Err(error) if !error.is_of_the_job() => {
                    self.roll_back();
                    return self.give_up(group, error);
                }
                outcome => outcomes.push(outcome),
            }
            counted.absorb(&mut self.desk.known.tally);
        }
        if let Err(error) = dialect::commit(&mut self.desk.conn) {
            self.roll_back();
            return self.give_up(group, error);
        }
        self.unwritten.absorb(&mut counted);
        for (job, outcome) in group.into_iter().zip(outcomes) {
            job.answer(outcome);
        }
    }

    fn alone(&mut self, job: &mut Job) -> Result<(), StoreError> {
        dialect::savepoint(&mut self.desk.conn)?;
        match run_all(&mut self.desk, std::slice::from_mut(job)) {
            Ok(()) => dialect::release(&mut self.desk.conn),
            Err(error) => {
                self.desk.known.roll_back();
                dialect::undo(&mut self.desk.conn)?;
                Err(error)
            }
        }
    }

    fn give_up(&mut self, group: Vec<Job>, error: StoreError) {
        let error = match error {
            // A commit that is rejected was nobody's: it may pass the next time.
            StoreError::Rejected(why) | StoreError::Doubled(why) | StoreError::Corrupt(why) => StoreError::Busy(why),
            other => self.place.name(other),
        };
        if let StoreError::Failed(why) = &error {
            self.health.fail(why, &self.on_failure);
        } else {
            tracing::warn!(jobs = group.len(), %error, "a commit did not succeed");
        }
        answer_all(group, &Err(error));
    }

    /// The planted fault: answers, and only then commits. The crash test must notice.
    #[cfg(debug_assertions)]
    fn answer_first(&mut self, mut group: Vec<Job>) {
        let begun = dialect::begin(&mut self.desk.conn);
        let done = begun.and_then(|()| run_all(&mut self.desk, &mut group));
        answer_all(group, &done);
        // Long enough for the answer to reach the sender before a kill.
        std::thread::sleep(fault::GAP);
        if self.commit().is_err() {
            self.roll_back();
        }
    }
}

fn answer_all(group: Vec<Job>, outcome: &Result<(), StoreError>) {
    for job in group {
        job.answer(outcome.clone());
    }
}

/// Events first and together, then everything else in its order.
fn run_all(desk: &mut Desk, group: &mut [Job]) -> Result<(), StoreError> {
    let mut events: Vec<&mut Acceptance> = Vec::new();
    let mut others: Vec<&mut Box<dyn Work>> = Vec::new();
    for job in group {
        match job {
            Job::Accept(job) => events.push(job),
            Job::Work(work) => others.push(work),
            Job::Stop => {}
        }
    }
    if !events.is_empty() {
        let ready: Vec<&ReadyEvent> = events.iter().map(|job| &job.ready).collect();
        let answers = accept_all(&mut desk.conn, &mut desk.known, &ready)?;
        for (job, answer) in events.into_iter().zip(answers) {
            job.accepted = Some(answer);
        }
    }
    for work in others {
        work.run(desk)?;
    }
    Ok(())
}
