//! Which polls are due, and the tasks that ask: one for each poll at a time.

use std::{
    collections::{HashMap, HashSet},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::{
    sync::Notify,
    task::JoinSet,
    time::{sleep, timeout},
};

use super::{
    poll::{Asked, ask},
    workers::{RunnerParts, STORE_PAUSE, Shared},
};
use crate::{
    clock::Time,
    lifecycle::Phase,
    rules::Poll,
    starts::InForce,
    store::{PollId, PollRow, StoreError},
};

/// The longest that the loop sleeps: `bellwire polls run` writes beside the server without ringing.
const LOOK: Duration = Duration::from_secs(1);

/// Polls that ask at once.
const AT_ONCE: usize = 16;

/// A due time further ahead than this and than the `every` that it was reckoned by is one from before the clock was set back. A
/// connection's rate may leave no turn for a day.
const FURTHEST: Duration = Duration::from_hours(26);

/// What asks.
#[derive(Default)]
pub(super) struct Polling {
    in_hand: Mutex<HashSet<PollId>>,
    /// Rung when one may be due.
    bell: Notify,
    /// Rung when one has been asked.
    left: Notify,
}

impl Polling {
    fn in_hand(&self) -> MutexGuard<'_, HashSet<PollId>> {
        self.in_hand.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns once none is in hand and none is due at the clock's present time: for tests that hold the clock.
    pub(super) async fn settled(&self, parts: &RunnerParts) -> Result<(), StoreError> {
        loop {
            let left = self.left.notified();
            if self.in_hand().is_empty() && due(parts).await?.0.is_empty() && self.in_hand().is_empty() {
                return Ok(());
            }
            self.bell.notify_one();
            drop(timeout(Duration::from_millis(20), left).await);
        }
    }
}

/// A poll in hand; put down also when its task panics.
struct InHand<'p>(&'p Polling, PollId);

impl Drop for InHand<'_> {
    fn drop(&mut self) {
        self.0.in_hand().remove(&self.1);
        self.0.left.notify_waiters();
    }
}

/// Asks whatever is due until the process drains.
pub(super) async fn keep_polling(shared: &Arc<Shared>) {
    let parts = &shared.parts;
    let mut tasks = JoinSet::new();
    while parts.lifecycle.is_serving() && parts.config.runner.enabled {
        while let Some(ended) = tasks.try_join_next() {
            report_panic(&ended);
        }
        // Before the rows are read: what was in hand then may have ended since, and its row says that it is due still.
        let before = shared.polling.in_hand().clone();
        let pause = match due(parts).await {
            Ok((due, next)) => {
                let free = AT_ONCE.saturating_sub(tasks.len());
                let idle: Vec<Asked> = due.into_iter().filter(|asked| !before.contains(&asked.id)).take(free).collect();
                for asked in idle {
                    shared.polling.in_hand().insert(asked.id.clone());
                    let shared = Arc::clone(shared);
                    tasks.spawn(async move {
                        let _in_hand = InHand(&shared.polling, asked.id.clone());
                        if let Err(error) = ask(&shared.parts, &asked).await {
                            tracing::error!(rule = asked.id.rule, error = %error, "a poll cannot be kept for now");
                            sleep(STORE_PAUSE).await;
                        }
                    });
                }
                next.map_or(LOOK, |at| at.since(parts.clock.now()).clamp(Duration::from_millis(10), LOOK))
            }
            Err(StoreError::Busy(why)) => {
                tracing::warn!(why, "due polls cannot be read at the moment");
                STORE_PAUSE
            }
            Err(error) => {
                tracing::error!(error = %error, "due polls cannot be read");
                STORE_PAUSE
            }
        };
        tokio::select! {
            () = sleep(pause) => {}
            () = shared.polling.bell.notified() => {}
            Some(ended) = tasks.join_next(), if !tasks.is_empty() => report_panic(&ended),
            () = parts.lifecycle.reached(Phase::Draining) => {}
        }
    }
    // What is asked now may be answered; what is not is asked again by the next process.
    while tasks.join_next().await.is_some() {}
}

fn report_panic(ended: &Result<(), tokio::task::JoinError>) {
    if ended.as_ref().is_err_and(tokio::task::JoinError::is_panic) {
        tracing::error!("a poll panicked; it is asked again when it is due");
    }
}

/// The polls that are due, and when the next one is.
async fn due(parts: &RunnerParts) -> Result<(Vec<Asked>, Option<Time>), StoreError> {
    let in_force: InForce = (parts.in_force)();
    let has_polls = in_force.set.rules.values().any(|rule| rule.enabled && rule.polls().next().is_some());
    if !has_polls {
        return Ok((Vec::new(), None));
    }
    let mut rows: HashMap<PollId, PollRow> =
        parts.store.polls().await?.into_iter().map(|row| (row.id.clone(), row)).collect();
    let now = parts.clock.now();
    let (mut due, mut next) = (Vec::new(), None::<Time>);
    for rule in in_force.set.rules.values().filter(|rule| rule.enabled) {
        for (place, poll) in (0..).zip(rule.polls()) {
            let id = PollId { rule: rule.id.to_string(), place };
            let row = rows.remove(&id);
            let at = row.as_ref().map_or(now, |row| due_at(poll, row, now));
            if at <= now {
                due.push(Asked { id, rule: Arc::clone(rule), poll: poll.clone(), row, in_force: in_force.clone() });
            } else {
                next = Some(next.map_or(at, |next| next.min(at)));
            }
        }
    }
    Ok((due, next))
}

/// When a poll is asked next: as its row says, unless its `every` was changed or the clock was set back since.
fn due_at(poll: &Poll, row: &PollRow, now: Time) -> Time {
    let reckoned = Duration::from_millis(u64::try_from(row.every).unwrap_or(0));
    let kept = if row.due_at > now.plus(reckoned.max(FURTHEST)) { now } else { row.due_at };
    let is_changed = Time(0).plus(poll.every).0 != row.every;
    match row.tried_at.filter(|_| is_changed && row.failures == 0) {
        Some(tried) => kept.min(tried.plus(poll.every)),
        None => kept,
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::rules::{Set, Texts, fake::Fake};

    #[test]
    fn a_due_time_holds_but_after_a_change_of_the_rule_or_the_clock() {
        let text =
            "name: a\non: { poll: { every: 1m, http: { url: \"https://a.example/\" }, key: id } }\ndo:\n- stop: x\n";
        let texts = Texts(Arc::new(BTreeMap::from([("rules/a.yaml".to_owned(), text.to_owned())])));
        let set = Set::compile(texts, &Fake::new()).set;
        let poll = set.rules["a"].polls().next().unwrap().clone();
        let (minute, day) = (60_000, 86_400_000);
        for (every, due, failures, wanted) in [
            (minute, 500_000, 0, 500_000),
            (day, 100_000 + day, 0, 160_000),
            (10_000, 110_000, 0, 110_000),
            (day, 100_000 + 3_600_000, 3, 100_000 + 3_600_000),
            (minute, 3 * day, 0, 200_000),
        ] {
            let row = PollRow {
                id: PollId { rule: "a".to_owned(), place: 0 },
                target: Vec::new(),
                every,
                due_at: Time(due),
                tried_at: Some(Time(100_000)),
                last_at: None,
                turn: 1,
                failures,
                error: None,
                odd: None,
                items: 0,
                cursor: serde_json::Value::Null,
                asked: None,
                etag: None,
                modified: None,
            };
            assert_eq!(due_at(&poll, &row, Time(200_000)), Time(wanted), "{every} {due} {failures}");
        }
    }
}
