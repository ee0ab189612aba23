//! A run in a worker's hand: its claim, and what no record holds yet.

use std::{sync::Arc, time::Duration};

use serde_json::json;

use super::{Pinned, line::Line, workers::RunnerParts};
use crate::{
    clock::Time,
    ids::EventId,
    matcher::Key,
    model::{ErrorClass, RunStatus, StepError, StepOutcome, StepOutput, StepPath},
    rules::{Rule, Step},
    starts,
    store::{
        AttemptEnd, Claim, ClaimId, Claimed, LoadedRun, NewAttempt, PlaceWish, Record, Recorded, StoreError, Then,
    },
    value::{Object, Value},
    walk::Walk,
};

/// How long a claim outlives the step it was made for.
const CLAIM_MARGIN: Duration = Duration::from_secs(60);

/// How a worker left a run.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Left {
    /// Ended or held: the store says which.
    Done,
    /// Waits for its time; or something else may have become due by what was done here.
    Waits,
    /// Its connection is fully in use: take it again when a place is given back.
    Parked(String),
    /// Somebody else has it, or it is gone.
    NotMine,
}

/// What came of a step.
pub(super) enum Flow {
    /// It has ended; the next record will hold that.
    Ended(StepOutput),
    /// It has ended, and a record holds it already.
    Kept(StepOutput),
    /// The run is left as it is now.
    Leave(Left),
}

/// A run in a worker's hand.
pub(super) struct Hold<'p> {
    pub(super) parts: &'p RunnerParts,
    line: &'p Line,
    pub(super) run: LoadedRun,
    pub(super) rule: Arc<Rule>,
    pub(super) pinned: Pinned,
    pub(super) claim: Option<ClaimId>,
    /// The end of an attempt that no record holds yet.
    pub(super) ended: Option<AttemptEnd>,
    /// What that attempt tells its own echo by, and until when it is kept.
    pub(super) echo: Option<(String, Time)>,
    /// A request was answered since it was last asked whether the run has been cancelled.
    pub(super) answered: bool,
    /// The payloads, where the rule has `concurrency`.
    seen: Vec<Value>,
    /// Outputs that no record holds yet.
    fresh: Vec<StepOutput>,
    /// Vars that no record holds yet.
    vars: Option<Object>,
    failure: Option<StepError>,
}

impl<'p> Hold<'p> {
    pub(super) fn new(
        parts: &'p RunnerParts,
        line: &'p Line,
        run: LoadedRun,
        rule: Arc<Rule>,
        pinned: Pinned,
        seen: Vec<Value>,
    ) -> Self {
        Self {
            parts,
            line,
            failure: run.failure.clone(),
            run,
            rule,
            pinned,
            claim: None,
            ended: None,
            echo: None,
            answered: false,
            seen,
            fresh: Vec::new(),
            vars: None,
        }
    }

    pub(super) fn now(&self) -> Time {
        self.parts.clock.now()
    }

    /// Takes over what the walk has made since it was last asked: the next record holds it.
    pub(super) fn gather(&mut self, walk: &mut Walk) {
        self.fresh.extend(walk.take_fresh());
        if let Some(vars) = walk.take_vars() {
            self.vars = Some(vars);
        }
        if self.failure.is_none() {
            self.failure = walk.failure().cloned();
        }
    }

    /// A record holds the end of this step already.
    pub(super) fn forget(&mut self, step: &StepPath) {
        self.fresh.retain(|output| output.step != *step);
    }

    /// What the run's own `timeout` leaves. `None`: it has none.
    pub(super) fn time_left(&self, walk: &Walk) -> Option<Duration> {
        let limit = self.rule.timeout?;
        // Whoever is taken up for the first time has used up nothing.
        let used = if self.run.started_at.is_some() { walk.counted(self.now()) } else { Duration::ZERO };
        Some(limit.saturating_sub(used))
    }

    /// The error of a run that has used up its own `timeout`.
    pub(super) fn overdue(&self, walk: &Walk) -> Option<StepError> {
        let limit = self.rule.timeout.filter(|_| self.time_left(walk).is_some_and(|left| left.is_zero()))?;
        Some(error_of("run", ErrorClass::RunTimeout, format!("the run took longer than {} s", limit.as_secs())))
    }

    /// Whether the run was asked to end while its last request was open. Only then can that have been missed.
    pub(super) async fn was_cancelled(&mut self) -> Result<bool, StoreError> {
        if !std::mem::take(&mut self.answered) {
            return Ok(false);
        }
        let run = self.parts.store.load(self.run.id).await?;
        Ok(run.is_some_and(|run| run.cancelled))
    }

    /// Writes that an attempt starts, before anything goes out. How the run was left where it is not ours.
    pub(super) async fn begin(&mut self, attempt: NewAttempt, timeout: Duration) -> Result<Option<Left>, StoreError> {
        if self.claim.is_none() {
            if self.fresh.is_empty() {
                return self.take(timeout, Some(attempt)).await;
            }
            // What has been decided on the way must not be decided otherwise after a crash.
            if let Some(left) = self.take(timeout, None).await? {
                return Ok(Some(left));
            }
        }
        let kept = self.record(Then::Attempt(attempt)).await?.is_mine();
        Ok(if kept { None } else { Some(Left::NotMine) })
    }

    /// Asks for the place that a new run of a rule with `concurrency` needs, before anything else holds it up: its turn is by its age, and
    /// not by who is called first. How the run was left where it is not ours.
    pub(super) async fn ask_for_place(&mut self) -> Result<Option<Left>, StoreError> {
        if self.claim.is_some() {
            return Ok(None);
        }
        if self.place().is_some() {
            return self.ensure().await;
        }
        self.line.leave(&self.run.rule, self.run.id);
        Ok(None)
    }

    /// Makes sure that the run is ours. How it was left where it is not.
    pub(super) async fn ensure(&mut self) -> Result<Option<Left>, StoreError> {
        if self.claim.is_some() { Ok(None) } else { self.take(Duration::ZERO, None).await }
    }

    /// Claims the run. How it was left where it is not ours.
    pub(super) async fn take(
        &mut self,
        timeout: Duration,
        attempt: Option<NewAttempt>,
    ) -> Result<Option<Left>, StoreError> {
        let place = self.place();
        let is_limited = place.is_some();
        if is_limited {
            self.line.first(&self.run.rule, self.run.id).await;
        }
        let claimed = self.claim(timeout, attempt, place).await?;
        self.line.leave(&self.run.rule, self.run.id);
        if is_limited {
            // An older run may have been asked to end, and is due for that.
            self.parts.wake.ring();
        }
        Ok(match claimed {
            Claimed::Mine => None,
            // Its window has closed with this: it is due, with all the events that joined it.
            Claimed::NotMine if self.run.status == RunStatus::Collecting => Some(Left::Waits),
            Claimed::NotMine => Some(Left::NotMine),
            Claimed::Queued => Some(Left::Done),
            Claimed::Skipped => {
                tracing::info!(run.id = %self.run.id, rule = self.run.rule, state = "skipped", "run ended: its key has no place");
                Some(Left::Done)
            }
            Claimed::Held => {
                tracing::warn!(run.id = %self.run.id, rule = self.run.rule, "run held: the rule's fuse is blown, or its source is paused");
                Some(Left::Done)
            }
        })
    }

    pub(super) async fn claim(
        &mut self,
        timeout: Duration,
        attempt: Option<NewAttempt>,
        place: Option<PlaceWish>,
    ) -> Result<Claimed, StoreError> {
        let now = self.now();
        let claim = ClaimId(self.parts.ids.next(now));
        let until = now.plus(timeout + CLAIM_MARGIN);
        let job =
            Claim { run: self.run.id, claim, from: self.run.status, said: self.run.said, now, until, attempt, place };
        let claimed = self.parts.store.claim(job).await?;
        if claimed.is_mine() {
            self.claim = Some(claim);
            self.run.started_at.get_or_insert(now);
        }
        Ok(claimed)
    }

    /// The place that the run needs before its first step.
    fn place(&self) -> Option<PlaceWish> {
        self.rule.around.concurrency.as_ref()?;
        let run = &self.run;
        let is_new = run.outputs.is_empty() && run.pending.is_none() && run.wait.is_none() && run.failure.is_none();
        if !is_new && run.started_at.is_some() {
            return None;
        }
        let (events, trigger) = (Value::Array(self.seen.clone()), starts::trigger_of(&run.event));
        let about = json!({"id": &*self.rule.id, "name": self.rule.name});
        let mut vars = self.parts.config.vars.clone();
        vars.extend(run.vars.iter().map(|(name, value)| (name.clone(), value.clone())));
        let vars = Value::Object(vars);
        let event = self.seen.last().unwrap_or(&Value::Null);
        let roots = [("event", event), ("events", &events), ("trigger", &trigger), ("rule", &about), ("vars", &vars)];
        let key = Key::of_concurrency(&self.rule, &roots, run.event.received_at);
        if let Key::Nothing(why) = &key {
            tracing::info!(run.id = %run.id, rule = run.rule, why, "concurrency does not apply");
        }
        starts::place(&self.rule, &key)
    }

    /// Writes all that is not yet written, and lets the run go.
    pub(super) async fn leave(&mut self, then: Then) -> Result<Left, StoreError> {
        if let Some(left) = self.ensure().await? {
            return Ok(left);
        }
        let ended = matches!(then, Then::End { .. });
        // A run that gives its place back makes another one due.
        let waits = matches!(then, Then::Due(_) | Then::Pause { .. } | Then::Wait(_) | Then::Sleep { .. })
            || (ended && self.rule.around.concurrency.is_some());
        let log = self.log_line(&then);
        let mine = self.record(then).await?.is_mine();
        if ended && mine {
            log();
        }
        Ok(match (mine, waits) {
            (false, _) => Left::NotMine,
            (true, true) => Left::Waits,
            (true, false) => Left::Done,
        })
    }

    async fn record(&mut self, then: Then) -> Result<Recorded, StoreError> {
        let Some(record) = self.drafted(then) else { return Ok(Recorded::Lost) };
        let recorded = self.parts.persist(&record).await?;
        self.settle(&record, &recorded);
        Ok(recorded)
    }

    /// All that is not yet written, as one record. `None`: the run is not ours.
    pub(super) fn drafted(&self, then: Then) -> Option<Record> {
        // A run that ends without an `on_error` has its failure in its end.
        let goes_on = !matches!(then, Then::End { .. });
        Some(Record {
            run: self.run.id,
            claim: self.claim?,
            now: self.now(),
            attempt: self.ended.clone(),
            outputs: self.fresh.clone(),
            vars: self.vars.clone(),
            failure: self.failure.clone().filter(|_| goes_on && self.run.failure.is_none()),
            echo: self.echo.clone(),
            attributes: None,
            emitted: None,
            then,
        })
    }

    /// What a record holds need not be written again; one that was unfit holds nothing.
    pub(super) fn settle(&mut self, record: &Record, recorded: &Recorded) {
        if matches!(recorded, Recorded::Unfit(_)) {
            return;
        }
        (self.ended, self.echo, self.vars) = (None, None, None);
        self.fresh.clear();
        if record.failure.is_some() {
            self.run.failure.clone_from(&record.failure);
        }
    }

    fn log_line(&self, then: &Then) -> impl FnOnce() + use<> {
        let (run, event, rule): (_, EventId, String) = (self.run.id, self.run.event.id, self.run.rule.clone());
        let (status, class) = match then {
            Then::End { status, error, .. } => (status.word(), error.as_ref().map_or("", |error| error.class.word())),
            _ => ("", ""),
        };
        let taken = self.now().since(self.run.event.received_at);
        move || {
            tracing::info!(run.id = %run, event.id = %event, rule, state = status, class, since_event_ms = taken.as_millis(), "run ended");
        }
    }
}

pub(super) fn output(step: &StepPath, outcome: StepOutcome, result: Value) -> StepOutput {
    StepOutput { step: step.clone(), outcome, result, error: None, response: Value::Null, waited: Duration::ZERO }
}

pub(super) fn failed(step: &StepPath, error: StepError) -> StepOutput {
    StepOutput { error: Some(error), ..output(step, StepOutcome::Failed, Value::Null) }
}

/// A step as people know it: its id, or its path.
pub(super) fn name(step: Option<&Step>, path: &StepPath) -> String {
    step.and_then(|step| step.id.clone()).unwrap_or_else(|| path.0.clone())
}

pub(super) fn error_of(step: &str, class: ErrorClass, message: String) -> StepError {
    StepError { step: step.to_owned(), class, status: None, message, attempt: 0 }
}
