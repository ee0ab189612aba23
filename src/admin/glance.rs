//! What every page tells about the whole, kept in memory: no page waits for it.

use std::{
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};

use super::state::Admin;
use crate::lifecycle::Phase;

/// How old it may be.
const EVERY: Duration = Duration::from_secs(5);

/// What every page tells about the whole.
#[derive(Default)]
pub(super) struct Glance {
    problems: AtomicU64,
}

impl Glance {
    /// Problems that are open, as of a few seconds ago.
    pub(super) fn problems(&self) -> u64 {
        self.problems.load(Ordering::Relaxed)
    }

    /// Whoever has counted them tells.
    pub(super) fn tell_problems(&self, count: u64) {
        self.problems.store(count, Ordering::Relaxed);
    }
}

/// Looks every few seconds, until the process is asked to end.
pub(super) async fn refresh(admin: Admin) {
    let lifecycle = admin.lifecycle.clone();
    tokio::select! {
        () = lifecycle.reached(Phase::Draining) => {}
        () = look(&admin) => {}
    }
}

async fn look(admin: &Admin) {
    loop {
        // Where the store does not answer, the last count stays: the pages themselves say what is wrong.
        if let Ok(count) = admin.store.open_problems().await {
            admin.glance().tell_problems(u64::try_from(count).unwrap_or(0));
        }
        admin.tell_left_out().await;
        tokio::time::sleep(EVERY).await;
    }
}
