//! What the acts on rule files share: one save at a time, few trials at once, and the findings that were there before.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use sha2::{Digest as _, Sha256};
use tokio::sync::{MutexGuard, Semaphore};

use crate::{model::Finding, rules::Digest};

/// Trials of drafts that one person has at once.
const TRIALS: usize = 2;
/// People whose trials are counted; a table that grows beyond is begun anew.
const PEOPLE: usize = 1_000;

/// SHA-256 of a text, in hexadecimal.
pub(in crate::admin) fn digest_of(bytes: &[u8]) -> String {
    hex::encode(Sha256::digest(bytes))
}

/// Shared by everything that writes or tries rule files.
#[derive(Debug, Default)]
pub(in crate::admin) struct Desk {
    saving: tokio::sync::Mutex<()>,
    trials: Mutex<HashMap<i64, Arc<Semaphore>>>,
    before: Mutex<Option<(Digest, Arc<Vec<Finding>>)>>,
}

impl Desk {
    /// Held from the look at the file until it is written: of two saves at once the second sees what the first wrote.
    pub(in crate::admin) async fn alone(&self) -> MutexGuard<'_, ()> {
        self.saving.lock().await
    }

    /// The places that a person's trials take.
    pub(in crate::admin) fn places(&self, person: i64) -> Arc<Semaphore> {
        let mut trials = self.trials.lock().unwrap_or_else(PoisonError::into_inner);
        if trials.len() > PEOPLE {
            trials.clear();
        }
        Arc::clone(trials.entry(person).or_insert_with(|| Arc::new(Semaphore::new(TRIALS))))
    }

    /// The findings of the workspace as it stands on disk, made once for each state of it.
    pub(in crate::admin) fn before(&self, state: Digest, make: impl FnOnce() -> Vec<Finding>) -> Arc<Vec<Finding>> {
        let known = self.before.lock().unwrap_or_else(PoisonError::into_inner).clone();
        if let Some((_, findings)) = known.filter(|(of, _)| *of == state) {
            return findings;
        }
        let findings = Arc::new(make());
        *self.before.lock().unwrap_or_else(PoisonError::into_inner) = Some((state, Arc::clone(&findings)));
        findings
    }
}
