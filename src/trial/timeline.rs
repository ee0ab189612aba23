//! Events and the runs of one rule in virtual time, from an empty state: the whole order of the language.

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use super::{
    answers::Answers,
    events::Given,
    gates::{Gates, Passed, named},
    play::{Around, Left, Play},
    report::TraceLine,
    world::{Came, World},
};
use crate::{
    clock::Time,
    ids::RunId,
    matcher::{self, Key, Keys, Subject},
    model::{Evidence, StepError, Verdict},
    rules::{On, Rule, WhenFull},
    services::Registry,
    starts,
    value::{Object, Value},
    walk::{About, End},
};

/// What deciding on one event may take: long beside what a rule takes in a server, since a test must not fail on a busy machine.
const DECIDING: Duration = Duration::from_secs(2);

/// What a rule said to an event of a trial.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Said {
    /// It does not listen to such events.
    Deaf,
    /// One of our own actions caused it.
    Own,
    NotMatched(Evidence),
    Error(String),
    /// It matched, and the gate of this name did not let it through.
    Dropped {
        gate: &'static str,
        why: String,
    },
    /// It matched, and waits for the end of its digest.
    Gathered,
    /// It started a run.
    Matched,
}

/// How a run ended.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Ended {
    /// `ok, failed, held, skipped, cancelled, waiting`.
    pub(super) outcome: &'static str,
    pub(super) error: Option<StepError>,
    /// The words of `stop`, or why it was skipped.
    pub(super) why: Option<String>,
    pub(super) trace: Vec<TraceLine>,
    pub(super) steps: Object,
}

/// What came of a trial.
pub(super) struct Outcome {
    /// Of each event, in their order.
    pub(super) said: Vec<Said>,
    /// Of each run, in the order of their starts.
    pub(super) runs: Vec<Ended>,
    /// Why it could not go on. `None`: it went to its end.
    pub(super) broken: Option<String>,
}

/// What a timeline is made of.
pub(super) struct Setting<'a> {
    pub(super) rule: &'a Arc<Rule>,
    pub(super) registry: &'a Registry,
    /// `[vars]`, under those of the test.
    pub(super) vars: &'a Object,
}

/// What happens next: in order of time; at one moment events come first, then what waits for time.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Next {
    Event(usize),
    Window { key: String, number: usize },
    Run(usize),
}

struct Running {
    play: Play,
    /// When it goes on; what was planned for another time before is void.
    due: Option<Time>,
    /// The key whose place it holds.
    place: Option<String>,
    ended: Option<Ended>,
    /// It waits for a place.
    queued: bool,
    /// An event may let it go on before its time.
    listens: bool,
}

/// Events and runs in virtual time.
pub(super) struct Timeline<'a> {
    setting: Setting<'a>,
    world: &'a mut World,
    answers: &'a mut dyn Answers,
    events: Vec<(Time, &'a Given)>,
    subjects: Vec<Subject>,
    queue: BTreeSet<(Time, Next)>,
    gates: Gates,
    runs: Vec<Running>,
    said: Vec<Said>,
    broken: Option<String>,
}

impl<'a> Timeline<'a> {
    /// Plays all events, and all runs that they start, to their ends.
    pub(super) fn play(
        setting: Setting<'a>,
        world: &'a mut World,
        answers: &'a mut dyn Answers,
        events: Vec<(Time, &'a Given)>,
    ) -> Outcome {
        let mut line = Self {
            setting,
            world,
            answers,
            subjects: Vec::with_capacity(events.len()),
            queue: events.iter().enumerate().map(|(at, (time, _))| (*time, Next::Event(at))).collect(),
            events,
            gates: Gates::default(),
            runs: Vec::new(),
            said: Vec::new(),
            broken: None,
        };
        while let Some((now, next)) = line.queue.pop_first() {
            if line.broken.is_some() {
                break;
            }
            match next {
                Next::Event(at) => line.event(at, now),
                Next::Window { key, number } => {
                    if let Some(events) = line.gates.close(&key, number) {
                        line.start(&events, Object::new(), now);
                    }
                }
                Next::Run(at) => {
                    if line.runs.get(at).is_some_and(|run| run.due == Some(now)) {
                        line.go(at, now);
                    }
                }
            }
        }
        let ended = |run: Running| run.ended.unwrap_or_else(|| ended_as(&run.play, "waiting", None, None));
        Outcome { said: line.said, runs: line.runs.into_iter().map(ended).collect(), broken: line.broken }
    }

    fn event(&mut self, at: usize, now: Time) {
        let Some((_, given)) = self.events.get(at) else { return };
        let number = i64::try_from(at).unwrap_or_default() + 1;
        let (mut subject, echo) = match given.subject(self.setting.registry, now, number) {
            Ok(made) => made,
            Err(why) => {
                self.broken = Some(why);
                return;
            }
        };
        subject.own = echo.is_some_and(|echo| self.world.echoes.contains(&echo));
        self.world.events.push(Came { kind: subject.kind.clone(), payload: subject.event.clone() });
        self.subjects.push(subject);
        // Waits are answered first: in the transaction that stores the event.
        for run in 0..self.runs.len() {
            if self.runs.get(run).is_some_and(|run| run.ended.is_none() && run.listens) {
                self.go(run, now);
            }
        }
        let said = self.decide(now);
        self.said.push(said);
    }

    /// What the rule says to the newest event, and the run that it starts.
    fn decide(&mut self, now: Time) -> Said {
        let rule = Arc::clone(self.setting.rule);
        let at = self.subjects.len().saturating_sub(1);
        let Some(subject) = self.subjects.last() else { return Said::Deaf };
        if !hears(&rule, subject) {
            return if hears(&rule, &Subject { own: false, ..subject.clone() }) { Said::Own } else { Said::Deaf };
        }
        let (verdict, mut vars) = matcher::verdict(&rule, subject, self.setting.vars, DECIDING);
        match verdict {
            Verdict::Matched => {}
            Verdict::NotMatched(evidence) => return Said::NotMatched(evidence),
            Verdict::Error { message } => return Said::Error(message),
            Verdict::Undecided => return Said::Error("the rule could not be evaluated in its time".to_owned()),
        }
        let about = rule_value(&rule);
        let events = Value::Array(vec![subject.event.clone()]);
        let settings = Value::Object(self.setting.vars.clone());
        let roots = [
            ("event", &subject.event),
            ("events", &events),
            ("trigger", &subject.trigger),
            ("rule", &about),
            ("vars", &settings),
        ];
        let keys = Keys::of(&rule, &roots, now, &mut vars);
        match self.gates.pass(&rule, &keys, at, now) {
            Passed::Dropped { gate, why } => Said::Dropped { gate, why },
            Passed::Gathered(None) => Said::Gathered,
            Passed::Gathered(Some((closes, key, number))) => {
                match closes {
                    Some(closes) => {
                        self.queue.insert((closes, Next::Window { key, number }));
                    }
                    None => self.broken = Some("the cron of `digest` has no next time".to_owned()),
                }
                Said::Gathered
            }
            Passed::Starts(events) => {
                // Those of one event are known; of several they may look at all of them.
                let vars = if events.len() == 1 { vars } else { Object::new() };
                self.start(&events, vars, now);
                Said::Matched
            }
        }
    }

    fn start(&mut self, events: &[usize], vars: Object, now: Time) {
        let subjects: Vec<&Subject> = events.iter().filter_map(|at| self.subjects.get(*at)).collect();
        let (Some(newest), Some(own)) = (subjects.last(), events.last()) else { return };
        let number = i64::try_from(self.runs.len()).unwrap_or_default() + 1;
        let about = About {
            events: subjects.iter().map(|subject| subject.event.clone()).collect(),
            trigger: newest.trigger.clone(),
            received_at: newest.received_at,
            run: RunId(number).to_string(),
            started_at: Some(now),
            replay_of: None,
        };
        let place = self.place(&about, now);
        let play = Play::new(self.setting.rule, about, self.setting.vars, vars, *own);
        let at = self.runs.len();
        self.runs.push(Running { play, due: None, place: None, ended: None, queued: false, listens: false });
        if self.take_place(at, place, now) {
            self.go(at, now);
        }
    }

    /// The key of `concurrency` of a run that is first due. `None`: it does not apply.
    fn place(&self, about: &About, now: Time) -> Option<String> {
        let rule = self.setting.rule;
        rule.around.concurrency.as_ref()?;
        let events = Value::Array(about.events.clone());
        let (own, settings) = (rule_value(rule), Value::Object(self.setting.vars.clone()));
        let event = about.events.last()?;
        let roots =
            [("event", event), ("events", &events), ("trigger", &about.trigger), ("rule", &own), ("vars", &settings)];
        match Key::of_concurrency(rule, &roots, now) {
            Key::Unset => None,
            key => named(&key).ok(),
        }
    }

    /// Whether a run may begin: it holds a place, or needs none.
    fn take_place(&mut self, at: usize, place: Option<String>, now: Time) -> bool {
        let (Some(place), Some(concurrency)) = (place, &self.setting.rule.around.concurrency) else { return true };
        let holds = |run: &Running| !run.queued && run.place.as_ref() == Some(&place);
        let held: Vec<usize> =
            self.runs.iter().enumerate().filter(|(other, run)| *other != at && holds(run)).map(|(at, _)| at).collect();
        let full = held.len() >= usize::try_from(concurrency.limit).unwrap_or(usize::MAX);
        let when_full = concurrency.when_full;
        if full && when_full == WhenFull::Skip {
            self.end(at, "skipped", None, Some("its key's places are taken".to_owned()), now);
            return false;
        }
        if let Some(run) = self.runs.get_mut(at) {
            run.place = Some(place);
            run.queued = full && when_full == WhenFull::Queue;
            if run.queued {
                return false;
            }
        }
        if let Some(oldest) = held.first().filter(|_| full) {
            self.end(*oldest, "cancelled", None, None, now);
        }
        true
    }

    /// Lets a run go on as far as it can now.
    fn go(&mut self, at: usize, now: Time) {
        let Some(run) = self.runs.get_mut(at) else { return };
        let mut around =
            Around { registry: self.setting.registry, world: &mut *self.world, answers: &mut *self.answers };
        run.due = None;
        run.listens = false;
        let due = match run.play.go(now, &mut around) {
            Left::Until(due) => Some(due),
            Left::Waits(due) => {
                run.listens = true;
                due
            }
            Left::Ended(End::Ok { why }) => return self.end(at, "ok", None, why, now),
            Left::Ended(End::Failed(error)) => return self.end(at, "failed", Some(error), None, now),
            Left::Held(error) => return self.end(at, "held", Some(error), None, now),
            Left::Broken(why) => {
                self.broken = Some(why);
                return;
            }
        };
        run.due = due;
        if let Some(due) = due {
            self.queue.insert((due, Next::Run(at)));
        }
    }

    fn end(&mut self, at: usize, outcome: &'static str, error: Option<StepError>, why: Option<String>, now: Time) {
        let Some(run) = self.runs.get_mut(at) else { return };
        run.ended = Some(ended_as(&run.play, outcome, error, why));
        run.due = None;
        let Some(place) = run.place.take() else { return };
        // The next in order of arrival has its place; a held run keeps its own.
        if outcome == "held" {
            run.place = Some(place);
            return;
        }
        let next = self.runs.iter().position(|run| run.queued && run.place.as_ref() == Some(&place));
        if let Some(next) = next {
            if let Some(run) = self.runs.get_mut(next) {
                run.queued = false;
            }
            self.go(next, now);
        }
    }
}

/// A rule without its `enabled`, which tests do not look at; a manual one hears what is called `manual`, one with a
/// schedule what that fires, one with a poll what that finds.
fn hears(rule: &Rule, subject: &Subject) -> bool {
    let is_manual = rule.on.iter().any(|on| matches!(on, On::Manual { .. }));
    (is_manual && (subject.kind == "manual" || subject.kind == starts::MANUAL))
        || (subject.kind == starts::SCHEDULED && rule.schedules().next().is_some())
        || (subject.kind == starts::POLLED && rule.polls().next().is_some())
        || rule.hears(&subject.kind, subject.own)
}

fn rule_value(rule: &Rule) -> Value {
    serde_json::json!({"id": &*rule.id, "name": rule.name})
}

fn ended_as(play: &Play, outcome: &'static str, error: Option<StepError>, why: Option<String>) -> Ended {
    Ended { outcome, error, why, trace: play.trace(), steps: play.steps() }
}
