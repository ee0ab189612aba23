//! The clockwork: fires the slots of the schedules in force, each once, and says so where one is overdue.

use std::{
    collections::{BTreeMap, HashSet},
    sync::Arc,
    time::Duration,
};

use tokio::{sync::Mutex, time::sleep};

use super::{RunnerParts, silence::Silence, tell::tell};
use crate::{
    clock::Time,
    lifecycle::Phase,
    model::Problem,
    rules::{CatchUp, Rule, Schedule, Set},
    starts::{self, InForce},
    store::{ScheduleId, StoreError},
};

/// The longest it sleeps: a rule set that came into force, or a clock that was set, is noticed within it.
const LOOK: Duration = Duration::from_secs(1);

/// Between two looks that are further apart than this nobody was there: a machine that slept, a store that did not answer.
const GAP: Duration = Duration::from_mins(1);

/// A slot that is due for so long and was not fired is a problem.
const OVERDUE: Duration = Duration::from_mins(1);

/// Slots that `catch_up: all` makes up for at most: the newest of them.
const MOST: usize = 1000;

/// The kind of its problems.
const KIND: &str = "schedule";

/// The schedules in force and how far each has come.
#[derive(Default)]
pub(super) struct Clockwork(Mutex<State>);

#[derive(Default)]
struct State {
    /// The set whose schedules these are.
    set: Option<Arc<Set>>,
    lines: Vec<Line>,
    /// When it was last looked, and all was well. `None`: not in this process.
    seen: Option<Time>,
    /// Open problems with the slot that was last counted; read from the store at the first look.
    overdue: Option<BTreeMap<String, Time>>,
    silence: Silence,
}

/// One schedule of a rule.
struct Line {
    rule: Arc<Rule>,
    schedule: Schedule,
    id: ScheduleId,
    /// Slots up to here were fired or skipped.
    upto: Time,
    next: Option<Time>,
}

/// What is to be done about the slots that are due.
#[derive(Debug, PartialEq, Eq)]
struct Due {
    /// Each with the number of slots that are given up with it.
    fire: Vec<(Time, u64)>,
    /// Given up without one that is fired after them.
    skipped: u64,
}

impl Clockwork {
    /// Looks at every schedule and fires what is due. When to look again, at the latest.
    pub(super) async fn look(&self, parts: &RunnerParts) -> Result<Duration, StoreError> {
        let mut state = self.0.lock().await;
        let now = parts.clock.now();
        let watched = state.silence.look(parts, now).await;
        let in_force = (parts.in_force)();
        state.take_over(parts, &in_force.set, now).await?;
        let fired = if parts.config.runner.enabled { state.fire(parts, &in_force, now).await? } else { 0 };
        state.watch(parts, now).await?;
        state.seen = Some(now);
        let told = tell(parts, &in_force, now).await;
        if fired > 0 || told.as_ref().is_ok_and(|told| *told > 0) {
            parts.wake.ring();
        }
        told?;
        watched?;
        let next = state.lines.iter().filter_map(|line| line.next).min();
        Ok(next.map_or(LOOK, |next| next.since(now).clamp(Duration::from_millis(1), LOOK)))
    }
}

/// Looks again and again until the process drains.
pub(super) async fn keep_time(parts: &RunnerParts, clockwork: &Clockwork) {
    while parts.lifecycle.is_serving() {
        let pause = match clockwork.look(parts).await {
            // Slots of a runner that is switched off stay due.
            Ok(_) if !parts.config.runner.enabled => LOOK,
            Ok(pause) => pause,
            Err(error) => {
                tracing::error!(error = %error, "schedules cannot be looked at for now");
                LOOK
            }
        };
        tokio::select! {
            () = sleep(pause) => {}
            () = parts.lifecycle.reached(Phase::Draining) => return,
        }
    }
}

impl State {
    /// Makes the schedules those of the set that is in force now.
    async fn take_over(&mut self, parts: &RunnerParts, set: &Arc<Set>, now: Time) -> Result<(), StoreError> {
        if self.set.as_ref().is_some_and(|known| Arc::ptr_eq(known, set)) {
            return Ok(());
        }
        let mut named = HashSet::new();
        let mut wanted = Vec::new();
        for rule in set.rules.values().filter(|rule| rule.enabled) {
            for schedule in rule.schedules() {
                let id = ScheduleId { rule: rule.id.to_string(), schedule: schedule.key() };
                if named.insert(id.clone()) {
                    wanted.push((Arc::clone(rule), schedule.clone(), id));
                }
            }
        }
        let rows = parts.store.keep_schedules(wanted.iter().map(|(_, _, id)| id.clone()).collect(), now).await?;
        let upto = |id: &ScheduleId| rows.iter().find(|row| row.id == *id).map_or(now, |row| row.upto);
        let line = |(rule, schedule, id): (Arc<Rule>, Schedule, ScheduleId)| {
            let upto = upto(&id);
            Line { next: schedule.next_after(upto), rule, schedule, upto, id }
        };
        self.lines = wanted.into_iter().map(line).collect();
        self.set = Some(Arc::clone(set));
        Ok(())
    }

    /// Fires what is due; how many slots.
    async fn fire(&mut self, parts: &RunnerParts, in_force: &InForce, now: Time) -> Result<usize, StoreError> {
        let seen = self.seen;
        let mut fired = 0;
        for line in &mut self.lines {
            // The clock was set back: what it shows a second time has its row already.
            if now < line.upto {
                line.upto = now;
                line.next = line.schedule.next_after(now);
            }
            if line.next.is_some_and(|next| next <= now) {
                fired += line.fire(parts, in_force, seen, now).await?;
            }
        }
        Ok(fired)
    }

    /// Raises a problem for each slot that is overdue, and solves those that are no more.
    async fn watch(&mut self, parts: &RunnerParts, now: Time) -> Result<(), StoreError> {
        let mut open = match self.overdue.take() {
            Some(open) => open,
            None => known(parts).await?,
        };
        let mut late = BTreeMap::new();
        for line in &self.lines {
            if let Some(next) = line.next.filter(|next| now.since(*next) >= OVERDUE) {
                late.insert(fingerprint(&line.id), (line, next));
            }
        }
        let solved: Vec<String> = open.keys().filter(|known| !late.contains_key(*known)).cloned().collect();
        for fingerprint in solved {
            if parts.store.solve(&fingerprint, now).await? {
                tracing::info!(problem = fingerprint, "a schedule is no longer overdue");
            }
            open.remove(&fingerprint);
        }
        for (fingerprint, (line, next)) in late {
            let more = match open.get(&fingerprint) {
                None => Some(next),
                // The next slot that is overdue too, but not one a second.
                Some(before) => {
                    line.schedule.next_after(before.plus(OVERDUE)).filter(|slot| now.since(*slot) >= OVERDUE)
                }
            };
            if let Some(slot) = more {
                let problem = overdue(parts, line, next, &fingerprint);
                tracing::warn!(rule.id = %line.rule.id, slot = %slot, "{}", problem.message);
                parts.store.raise(problem, now).await?;
                open.insert(fingerprint, slot);
            }
        }
        self.overdue = Some(open);
        Ok(())
    }
}

/// Problems about schedules that an earlier process left open, each with when it was last seen.
async fn known(parts: &RunnerParts) -> Result<BTreeMap<String, Time>, StoreError> {
    let rows = parts.store.problems(true, usize::MAX).await?;
    Ok(rows.into_iter().filter(|row| row.kind == KIND).map(|row| (row.fingerprint, row.last_at)).collect())
}

fn fingerprint(id: &ScheduleId) -> String {
    format!("{KIND}:{}#{}", id.rule, id.schedule)
}

fn overdue(parts: &RunnerParts, line: &Line, slot: Time, fingerprint: &str) -> Problem {
    let way_out = if parts.config.runner.enabled {
        "the store did not take it; see the log"
    } else {
        "runner.enabled is false; set it to true and start again, and `catch_up` decides about what was missed"
    };
    Problem {
        fingerprint: fingerprint.to_owned(),
        kind: KIND,
        subject: line.rule.id.to_string(),
        message: format!(
            "the slot {slot} of `{}` ({}) was not fired: {way_out}",
            line.rule.id,
            line.schedule.expression()
        ),
    }
}

impl Line {
    async fn fire(
        &mut self,
        parts: &RunnerParts,
        in_force: &InForce,
        seen: Option<Time>,
        now: Time,
    ) -> Result<usize, StoreError> {
        let due = due(&self.schedule, self.upto, seen, now);
        let mut fired = 0;
        let given_up = due.skipped + due.fire.iter().map(|(_, before)| *before).sum::<u64>();
        if given_up > 0 {
            let catch_up = self.schedule.catch_up.word();
            tracing::warn!(rule.id = %self.rule.id, slots = given_up, catch_up, "slots that nobody was there for are given up");
        }
        for (slot, missed) in due.fire {
            let fresh = starts::fired(&self.rule, &self.schedule, slot, missed);
            let event = starts::started_one(&parts.config, &parts.ids, in_force, &self.rule, fresh, now);
            let id = event.id;
            if parts.store.fire(self.id.clone(), slot, missed, event).await? {
                tracing::info!(rule.id = %self.rule.id, slot = %slot, event.id = %id, "a schedule has fired");
                fired += 1;
            }
            self.upto = slot;
            self.next = self.schedule.next_after(slot);
        }
        if due.skipped > 0 {
            parts.store.skip_slots(self.id.clone(), now, due.skipped).await?;
            self.upto = now;
            self.next = self.schedule.next_after(now);
        }
        Ok(fired)
    }
}

/// What is to be done about the slots after `upto`. A slot is on time where somebody was there for it: it came after the last look, which
/// was `seen` no longer ago than a minute, or it is now. The others are missed, and `catch_up` decides.
fn due(schedule: &Schedule, upto: Time, seen: Option<Time>, now: Time) -> Due {
    let slots = schedule.between(upto, now, MOST);
    let there_since =
        seen.filter(|seen| now.since(*seen) <= GAP).map_or(now, |seen| seen.plus(Duration::from_millis(1)));
    let (missed, on_time): (Vec<Time>, Vec<Time>) = slots.newest.into_iter().partition(|slot| *slot < there_since);
    let mut given_up = slots.before;
    let mut fire: Vec<Time> = Vec::new();
    match schedule.catch_up {
        CatchUp::All => fire.extend(missed),
        CatchUp::Last if on_time.is_empty() => {
            given_up += u64::try_from(missed.len()).unwrap_or(0).saturating_sub(1);
            fire.extend(missed.last());
        }
        CatchUp::Last | CatchUp::None => given_up += u64::try_from(missed.len()).unwrap_or(0),
    }
    fire.extend(on_time);
    let mut with = std::iter::once(given_up).chain(std::iter::repeat(0));
    let fire: Vec<(Time, u64)> = fire.into_iter().map(|slot| (slot, with.next().unwrap_or(0))).collect();
    Due { skipped: if fire.is_empty() { given_up } else { 0 }, fire }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::{Cron, Every};

    fn time(text: &str) -> Time {
        Time::parse(text).unwrap()
    }

    fn schedule(catch_up: CatchUp) -> Schedule {
        Schedule { at: Every::Cron(Cron::parse("*/10 * * * *", None).unwrap()), catch_up }
    }

    fn shown(due: &Due) -> (Vec<String>, u64) {
        let fire = due.fire.iter().map(|(slot, missed)| format!("{} {missed}", slot.to_string().get(11..16).unwrap()));
        (fire.collect(), due.skipped)
    }

    #[test]
    fn slots_that_somebody_was_there_for_are_all_fired_and_the_others_as_catch_up_says() {
        use CatchUp::{All, Last, None as Never};
        type Case<'c> = (CatchUp, Option<&'c str>, &'c str, &'c [&'c str], u64);
        // In force since 10:00; when it was last looked, and now.
        let cases: [Case<'_>; 10] = [
            (Never, Some("10:09:59"), "10:10:00", &["10:10 0"], 0),
            (Never, Some("10:09:59"), "10:10:40", &["10:10 0"], 0),
            (Never, Some("10:09:59"), "10:12:00", &[], 1),
            (Never, None, "10:35:00", &[], 3),
            (Never, None, "10:30:00", &["10:30 2"], 0),
            (Last, None, "10:35:00", &["10:30 2"], 0),
            (Last, None, "10:30:00", &["10:30 2"], 0),
            (Last, Some("10:09:59"), "10:12:00", &["10:10 0"], 0),
            (All, None, "10:35:00", &["10:10 0", "10:20 0", "10:30 0"], 0),
            (All, Some("10:09:00"), "10:09:30", &[], 0),
        ];
        let at = |clock: &str| time(&format!("2026-03-01T{clock}Z"));
        for (catch_up, seen, now, fire, skipped) in cases {
            let due = due(&schedule(catch_up), at("10:00:00"), seen.map(at), at(now));
            let wanted: Vec<String> = fire.iter().map(|slot| (*slot).to_owned()).collect();
            assert_eq!(shown(&due), (wanted, skipped), "{catch_up:?} {seen:?} {now}");
        }
    }

    #[test]
    fn all_is_the_newest_thousand() {
        let due = due(&schedule(CatchUp::All), time("2026-03-01T00:00:00Z"), None, time("2026-03-15T00:05:00Z"));
        assert_eq!((due.fire.len(), due.skipped), (1000, 0));
        assert_eq!(due.fire.first().map(|(_, missed)| *missed), Some(14 * 144 - 1000));
        assert_eq!(due.fire.last().map(|(slot, _)| *slot), Some(time("2026-03-15T00:00:00Z")));
        assert!(due.fire.is_sorted());
    }
}
