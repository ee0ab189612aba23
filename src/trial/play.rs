//! One run in virtual time: the walk of its steps, with replies from a script.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use super::{
    answers::{Answers, Call, action_name, is_read},
    report::TraceLine,
    world::World,
};
use crate::{
    actions::{self, Reading, Request},
    clock::Time,
    model::{ErrorClass, StepError, StepOutcome, StepOutput, StepPath},
    rules::{Rule, Step, Unknown},
    services::Registry,
    value::{Object, Value},
    walk::{About, End, Next, Stand, Wait, Walk},
};

/// Turns of the loop that drives a walk: far more than 200 steps and 10,000 turns of loops need.
const MOST_TURNS: usize = 1_000_000;

/// How a run was left.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Left {
    /// Until then, for a retry.
    Until(Time),
    /// For an event or the time, whichever comes first.
    Waits(Option<Time>),
    Ended(End),
    /// An attempt has no answer, and a person must say what became of it.
    Held(StepError),
    /// There is no reply to go on with, and why.
    Broken(String),
}

/// One run in virtual time.
pub(super) struct Play {
    rule: Arc<Rule>,
    walk: Walk,
    open: Option<Open>,
    /// Attempts of each step, with its turn.
    attempts: BTreeMap<StepPath, u32>,
    /// The last event that it has taken: its own at first.
    taken: usize,
    overdue: bool,
}

/// A request that was begun and has not ended.
struct Open {
    path: StepPath,
    request: Request,
}

/// What a run is given from around it.
pub(super) struct Around<'a> {
    pub(super) registry: &'a Registry,
    pub(super) world: &'a mut World,
    pub(super) answers: &'a mut dyn Answers,
}

impl Play {
    /// A run that has not begun. `event` is the place of its own event among those of the trial.
    pub(super) fn new(rule: &Arc<Rule>, about: About, settings: &Object, vars: Object, event: usize) -> Self {
        let stand = Stand { vars, ..Stand::default() };
        let walk = Walk::new(Arc::clone(rule), about, settings, stand);
        Self { rule: Arc::clone(rule), walk, open: None, attempts: BTreeMap::new(), taken: event, overdue: false }
    }

    /// Goes on as far as it can at this moment.
    pub(super) fn go(&mut self, now: Time, around: &mut Around<'_>) -> Left {
        let mut now = now;
        for _ in 0..MOST_TURNS {
            self.check_timeout(now);
            let left = match self.walk.next(now) {
                Next::Request { path, began } => self.request(&path, began, &mut now, around),
                Next::Effect { path, effect } => {
                    let ended = around.world.apply(effect);
                    let output = match ended {
                        Ok(result) => output(&path, StepOutcome::Ok, result),
                        Err(why) => failed(&path, self.error(&path, ErrorClass::InvalidInput, why), Value::Null),
                    };
                    self.walk.end(output);
                    None
                }
                Next::Wait { path, began, wait } => self.wait(&path, began, &wait, now, around.world),
                Next::End(end) => Some(Left::Ended(end)),
            };
            if let Some(left) = left {
                return left;
            }
        }
        Left::Broken("the run does not come to an end".to_owned())
    }

    fn check_timeout(&mut self, now: Time) {
        let Some(limit) = self.rule.timeout.filter(|_| !self.overdue && self.walk.failure().is_none()) else { return };
        if self.walk.counted(now) >= limit {
            self.overdue = true;
            self.open = None;
            let message = format!("the run took longer than {} s", limit.as_secs());
            let class = ErrorClass::RunTimeout;
            self.walk.fail(StepError { step: "run".to_owned(), class, status: None, message, attempt: 0 });
        }
    }

    fn request(&mut self, path: &StepPath, began: Time, now: &mut Time, around: &mut Around<'_>) -> Option<Left> {
        if self.open.as_ref().is_none_or(|open| open.path != *path) {
            self.open = None;
            match self.prepare(path, began, around) {
                Ok(request) => self.open = Some(Open { path: path.clone(), request }),
                Err(mut error) => {
                    error.message.push_str(&self.walk.explain_var(&error.message));
                    self.walk.end(failed(path, error, Value::Null));
                    return None;
                }
            }
        }
        let attempt = self.attempts.entry(path.clone()).or_default();
        *attempt += 1;
        let attempt = *attempt;
        let after = match self.attempt(path, attempt, now, around) {
            Ok(after) => after,
            Err(why) => return Some(Left::Broken(why)),
        };
        match after {
            After::Ended(output) => {
                self.open = None;
                self.walk.end(output);
                None
            }
            After::Again(delay) => Some(Left::Until(self.in_time(*now, delay))),
            After::Held(error) => Some(Left::Held(error)),
        }
    }

    /// Renders a request for its first attempt, and keeps what it will have done.
    fn prepare(&self, path: &StepPath, began: Time, around: &mut Around<'_>) -> Result<Request, StepError> {
        let Some(step) = self.walk.step(path) else {
            return Err(self.error(path, ErrorClass::Internal, "there is no such step".to_owned()));
        };
        let request = actions::prepare(step, &self.walk.context(path, began), around.registry)?;
        if !is_read(step, around.registry) {
            let inputs = actions::inputs(step, &self.walk.context(path, began), around.registry)?;
            around.world.note(action_name(step), inputs);
        }
        Ok(request)
    }

    fn attempt(&self, path: &StepPath, attempt: u32, now: &mut Time, around: &mut Around<'_>) -> Result<After, String> {
        let (Some(step), Some(open)) = (self.walk.step(path), &self.open) else {
            return Err("there is no such step".to_owned());
        };
        let registry = around.registry;
        let reply = around.answers.answer(&Call { path, step, attempt, request: &open.request, registry })?;
        *now = now.plus(reply.took(step));
        let late = format!("no answer within {} s", step.timeout.as_secs());
        let reading = actions::read(step, registry, &reply.as_answer(&late), attempt, *now);
        let name = |error: StepError| StepError { step: name_of(path, step), attempt, ..error };
        Ok(match reading {
            Reading::Ok { result, response, echo } => {
                around.world.echoes.extend(echo);
                After::Ended(StepOutput { response, ..output(path, StepOutcome::Ok, result) })
            }
            Reading::Failed { error, response } => After::Ended(failed(path, name(error), response)),
            Reading::Retry { error, retry_after, response, .. } => {
                match actions::delay(&step.retry, attempt, retry_after, 0.0) {
                    Some(delay) => After::Again(delay),
                    None => After::Ended(failed(path, name(error), response)),
                }
            }
            // Nobody is there to be read: an attempt that would be verified is taken to have done nothing.
            Reading::Unknown { error, policy: Unknown::Retry | Unknown::Verify } => {
                match actions::delay(&step.retry, attempt, None, 0.0) {
                    Some(delay) => After::Again(delay),
                    None => After::Ended(failed(path, name(error), Value::Null)),
                }
            }
            Reading::Unknown { error, policy: Unknown::Ask } => After::Held(name(error)),
        })
    }

    /// A due time, but not after the run's own `timeout`.
    fn in_time(&self, now: Time, delay: Duration) -> Time {
        let left = self.rule.timeout.filter(|_| self.walk.failure().is_none());
        let left = left.map_or(delay, |limit| limit.saturating_sub(self.walk.counted(now)));
        now.plus(delay.min(left))
    }

    fn wait(&mut self, path: &StepPath, began: Time, wait: &Wait, now: Time, world: &World) -> Option<Left> {
        let after = self.taken + 1;
        let took = wait.event.as_ref().and_then(|event| {
            let mut later = world.events.iter().enumerate().skip(after);
            later.find(|(_, came)| event.kinds.contains(&came.kind) && self.walk.ends_wait(path, began, &came.payload))
        });
        let waited = now.since(began);
        if let Some((at, came)) = took {
            self.taken = at;
            let output = output(path, StepOutcome::Ok, came.payload.clone());
            self.walk.end(StepOutput { waited, ..output });
            return None;
        }
        if wait.until.is_some_and(|until| until <= now) {
            let outcome = if wait.event.is_some() { StepOutcome::TimedOut } else { StepOutcome::Ok };
            self.walk.end(StepOutput { waited, ..output(path, outcome, Value::Null) });
            return None;
        }
        Some(Left::Waits(wait.until))
    }

    fn error(&self, path: &StepPath, class: ErrorClass, message: String) -> StepError {
        let step = self.walk.step(path).map_or_else(|| path.to_string(), |step| name_of(path, step));
        StepError { step, class, status: None, message, attempt: 0 }
    }

    /// Every step that has ended, in that order.
    pub(super) fn trace(&self) -> Vec<TraceLine> {
        let line = |output: &StepOutput| {
            let step = self.walk.step(&output.step)?;
            let said = output.error.as_ref().map(|error| error.message.clone());
            Some(TraceLine {
                step: output.step.to_string(),
                id: step.id.clone(),
                action: action_name(step).to_owned(),
                outcome: output.outcome.word(),
                attempts: self.attempts.get(&output.step).copied().unwrap_or_default(),
                message: said.unwrap_or_default(),
            })
        };
        self.walk.outputs().into_iter().filter_map(line).collect()
    }

    /// `{outcome, result, error, response, attempts}` of each step with an id: of the last of its turns, the attempts of all.
    pub(super) fn steps(&self) -> Object {
        let mut steps = Object::new();
        let mut counted: BTreeMap<&str, u32> = BTreeMap::new();
        for (path, attempts) in &self.attempts {
            if let Some(id) = self.walk.step(path).and_then(|step| step.id.as_deref()) {
                *counted.entry(id).or_default() += attempts;
            }
        }
        for output in self.walk.outputs() {
            let Some(id) = self.walk.step(&output.step).and_then(|step| step.id.as_deref()) else { continue };
            let seen = serde_json::json!({
                "outcome": output.outcome.word(),
                "result": output.result,
                "error": output.error,
                "response": output.response,
                "attempts": counted.get(id).copied().unwrap_or_default(),
            });
            steps.insert(id.to_owned(), seen);
        }
        for (id, attempts) in counted {
            let open = || serde_json::json!({"outcome": null, "attempts": attempts});
            steps.entry(id.to_owned()).or_insert_with(open);
        }
        steps
    }
}

/// A step as people know it: its id, or its path.
fn name_of(path: &StepPath, step: &Step) -> String {
    step.id.clone().unwrap_or_else(|| path.to_string())
}

/// What follows an attempt.
enum After {
    Ended(StepOutput),
    Again(Duration),
    Held(StepError),
}

fn output(path: &StepPath, outcome: StepOutcome, result: Value) -> StepOutput {
    StepOutput { step: path.clone(), outcome, result, error: None, response: Value::Null, waited: Duration::ZERO }
}

fn failed(path: &StepPath, error: StepError, response: Value) -> StepOutput {
    StepOutput { error: Some(error), response, ..output(path, StepOutcome::Failed, Value::Null) }
}
