//! One run, from where it stands to where it must wait or ends: asks its walk what is next, and does it.

use std::sync::Arc;

use super::{
    Pinned,
    hold::{Flow, Hold, Left, error_of, failed},
    line::Line,
    workers::RunnerParts,
};
use crate::{
    model::{ErrorClass, RunStatus, StepError, StepOutcome},
    starts,
    store::{LoadedRun, StoreError, Then},
    walk::{About, End, Next, Stand, Walk},
};

/// One run in the hands of a worker.
pub(super) struct Execution<'p> {
    hold: Hold<'p>,
    walk: Walk,
}

impl<'p> Execution<'p> {
    /// Takes a run as it was loaded. `Err` is one sentence: it can never go on.
    pub(super) fn new(
        parts: &'p RunnerParts,
        line: &'p Line,
        run: LoadedRun,
        pinned: Pinned,
    ) -> Result<Self, (Box<LoadedRun>, String)> {
        let Some(rule) = pinned.set.rules.get(run.rule.as_str()).cloned() else {
            let why = format!("rule `{}` is not in the rule set that started this run", run.rule);
            return Err((Box::new(run), why));
        };
        let payloads: Result<Vec<_>, String> = run
            .earlier
            .iter()
            .chain([&run.event])
            .map(|event| starts::event_value(event, &pinned.registry).map_err(|why| format!("{}: {why}", event.id)))
            .collect();
        let events = match payloads {
            Ok(events) => events,
            Err(why) => return Err((Box::new(run), why)),
        };
        // Of use to `concurrency` alone, and a copy of all that the run is about.
        let seen = if rule.around.concurrency.is_some() { events.clone() } else { Vec::new() };
        let about = About {
            events,
            trigger: starts::trigger_of(&run.event),
            received_at: run.event.received_at,
            run: run.id.to_string(),
            started_at: run.started_at.or_else(|| Some(parts.clock.now())),
            replay_of: run.replay_of.map(|id| id.to_string()),
        };
        let begun = run.pending.as_ref().map(|pending| (pending.step.clone(), pending.began_at));
        let stand = Stand {
            vars: run.vars.clone(),
            outputs: run.outputs.clone(),
            failure: run.failure.clone(),
            begun: begun.or_else(|| run.wait.as_ref().map(|wait| (wait.step.clone(), wait.began_at))),
        };
        let walk = Walk::new(Arc::clone(&rule), about, &parts.config.vars, stand);
        Ok(Self { hold: Hold::new(parts, line, run, rule, pinned, seen), walk })
    }

    /// Goes on with the run as far as it can.
    pub(super) async fn go(mut self) -> Result<Left, StoreError> {
        if self.hold.run.status == RunStatus::Undecided
            && let Some(left) = self.hold.decide().await?
        {
            return Ok(left);
        }
        loop {
            let next = self.walk.next(self.hold.now());
            self.hold.gather(&mut self.walk);
            let next = match next {
                Next::End(end) => return self.end(end).await,
                next => next,
            };
            // Waiting takes none of the run's own time.
            if !matches!(next, Next::Wait { .. })
                && self.walk.failure().is_none()
                && let Some(error) = self.hold.overdue(&self.walk)
            {
                self.walk.fail(error);
                continue;
            }
            if self.hold.was_cancelled().await? {
                return self.hold.leave(Then::End { status: RunStatus::Cancelled, error: None, why: None }).await;
            }
            match self.step(next).await? {
                Flow::Ended(output) => self.walk.end(output),
                Flow::Kept(output) => {
                    let kept = output.step.clone();
                    self.walk.end(output);
                    self.hold.gather(&mut self.walk);
                    self.hold.forget(&kept);
                }
                Flow::Leave(left) => return Ok(left),
            }
        }
    }

    async fn step(&mut self, next: Next) -> Result<Flow, StoreError> {
        match next {
            Next::Request { path, began } => {
                let pending = self.hold.run.pending.take_if(|pending| pending.step == path);
                let Some(step) = self.walk.step(&path) else {
                    let why = "the rule has no such step".to_owned();
                    return Ok(Flow::Ended(failed(&path, error_of(&path.0, ErrorClass::Internal, why))));
                };
                self.hold.request(&self.walk, step, &path, pending, began).await
            }
            Next::Effect { path, effect } => self.hold.effect(&self.walk, path, effect).await,
            Next::Wait { path, began, wait } => self.hold.wait(&self.walk, path, began, wait).await,
            Next::End(_) => Ok(Flow::Leave(Left::NotMine)),
        }
    }

    async fn end(mut self, end: End) -> Result<Left, StoreError> {
        let then = match end {
            End::Ok { why } => Then::End { status: RunStatus::Ok, error: None, why },
            End::Failed(error) => {
                self.tell_second_failure();
                Then::End { status: RunStatus::Failed, error: Some(error), why: None }
            }
        };
        self.hold.leave(then).await
    }

    /// A rule's `on_error` that fails itself is a problem of its own, and nobody else tells it.
    fn tell_second_failure(&self) {
        let outputs = self.walk.outputs();
        let last = outputs.last().filter(|output| output.step.0.starts_with("on_error"));
        let error: Option<&StepError> =
            last.filter(|output| output.outcome == StepOutcome::Failed).and_then(|output| output.error.as_ref());
        if let Some(error) = error {
            let run = self.hold.run.id;
            tracing::warn!(run.id = %run, step = %error.step, class = error.class.word(), "on_error failed too");
        }
    }
}
