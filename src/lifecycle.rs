//! How far the process is on its way down, for everyone who must stop taking work.

use std::sync::{Arc, OnceLock};

use tokio::sync::watch;

/// Where the process stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Phase {
    /// Taking deliveries and runs.
    Serving,
    /// No new claims; open requests may end.
    Draining,
    /// Over: whatever is still open is given up.
    Stopped,
}

/// One a process; clones share it.
#[derive(Debug, Clone)]
pub struct Lifecycle {
    phase: Arc<watch::Sender<Phase>>,
    failure: Arc<OnceLock<Failure>>,
}

/// Why the process must end at once.
#[derive(Debug, Clone)]
pub struct Failure {
    /// The exit code: 74 for storage, 78 for configuration.
    pub exit: u8,
    /// One sentence for the operator.
    pub why: String,
}

impl Default for Lifecycle {
    fn default() -> Self {
        Self { phase: Arc::new(watch::Sender::new(Phase::Serving)), failure: Arc::default() }
    }
}

impl Lifecycle {
    /// Where the process stands now.
    pub fn phase(&self) -> Phase {
        *self.phase.borrow()
    }

    /// True until somebody asked for the end.
    pub fn is_serving(&self) -> bool {
        self.phase() == Phase::Serving
    }

    /// Moves on to `phase`; never back.
    pub fn enter(&self, phase: Phase) {
        self.phase.send_if_modified(|now| {
            let moves = phase > *now;
            if moves {
                *now = phase;
            }
            moves
        });
    }

    /// Ends the process with `exit` as soon as it can, saying `why`. The first failure counts.
    pub fn fail(&self, exit: u8, why: String) {
        if self.failure.set(Failure { exit, why }).is_err() {
            tracing::debug!("a second failure on the way down");
        }
        self.enter(Phase::Stopped);
    }

    /// What ended the process, if something failed.
    pub fn failure(&self) -> Option<&Failure> {
        self.failure.get()
    }

    /// Returns once `phase` is reached or passed.
    pub async fn reached(&self, phase: Phase) {
        let mut seen = self.phase.subscribe();
        // An error means that the sender is gone, and so is the process.
        drop(seen.wait_for(|now| *now >= phase).await);
    }
}
