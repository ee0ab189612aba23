//! The order in which the runs of a rule ask for their places: workers begin many at once, and the oldest shall not be overtaken.

use std::{
    collections::{BTreeSet, HashMap},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use tokio::sync::Notify;

use crate::{ids::RunId, store::DueRun};

/// Runs in hand that have not asked for a place yet, by rule. Whether a rule has places is known to those who wait here alone.
#[derive(Default)]
pub(super) struct Line {
    rules: Mutex<HashMap<Arc<str>, BTreeSet<RunId>>>,
    moved: Notify,
}

impl Line {
    fn rules(&self) -> MutexGuard<'_, HashMap<Arc<str>, BTreeSet<RunId>>> {
        self.rules.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Runs that were taken in hand: all of one look, so that none begins before the others are known.
    pub(super) fn join(&self, runs: &[DueRun]) {
        let mut rules = self.rules();
        for run in runs {
            rules.entry(Arc::clone(&run.rule)).or_default().insert(run.id);
        }
    }

    /// A run that has asked, or need not; those behind it go on.
    pub(super) fn leave(&self, rule: &str, run: RunId) {
        let mut rules = self.rules();
        let Some(waiting) = rules.get_mut(rule) else { return };
        if !waiting.remove(&run) {
            return;
        }
        if waiting.is_empty() {
            rules.remove(rule);
        }
        drop(rules);
        self.moved.notify_waiters();
    }

    /// Returns once no older run of the rule is in hand that has not asked.
    pub(super) async fn first(&self, rule: &str, run: RunId) {
        loop {
            let mut moved = std::pin::pin!(self.moved.notified());
            // From here on no ring is missed.
            moved.as_mut().enable();
            let is_first = self.rules().get(rule).and_then(BTreeSet::first).is_none_or(|first| *first >= run);
            if is_first {
                return;
            }
            moved.await;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::time::timeout;

    use super::*;
    use crate::{clock::Time, model::RunStatus};

    fn due(id: i64, rule: &str) -> DueRun {
        DueRun { id: RunId(id), rule: Arc::from(rule), status: RunStatus::Due, due_at: Time(0) }
    }

    async fn waits(line: &Line, rule: &str, run: i64) -> bool {
        timeout(Duration::from_millis(20), line.first(rule, RunId(run))).await.is_err()
    }

    #[tokio::test]
    async fn a_run_waits_for_the_older_ones_of_its_rule_alone() {
        let line = Line::default();
        line.join(&[due(2, "a"), due(1, "a"), due(3, "b")]);
        assert!(waits(&line, "a", 2).await && !waits(&line, "a", 1).await && !waits(&line, "b", 3).await);
        line.leave("a", RunId(2));
        assert!(!waits(&line, "a", 1).await, "one behind it changes nothing");
        line.join(&[due(4, "a")]);
        let (first, ()) = tokio::join!(timeout(Duration::from_secs(5), line.first("a", RunId(4))), async {
            line.leave("a", RunId(1));
        });
        assert!(first.is_ok(), "it is called when the last older one has gone");
        line.leave("a", RunId(4));
        line.leave("b", RunId(3));
        assert!(line.rules().is_empty(), "nothing is kept of those who have gone");
    }
}
