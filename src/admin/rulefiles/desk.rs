//! What the acts on rule files share: one save at a time, and the findings that were there before.

use std::sync::{Arc, Mutex, PoisonError};

use sha2::{Digest as _, Sha256};
use tokio::sync::MutexGuard;

use crate::{model::Finding, rules::Digest};

/// SHA-256 of a text, in hexadecimal.
pub(in crate::admin) fn digest_of(bytes: &[u8]) -> String {
    hex::encode(Sha256::digest(bytes))
}

/// Shared by everything that writes or tries rule files.
#[derive(Debug, Default)]
pub(in crate::admin) struct Desk {
    saving: tokio::sync::Mutex<()>,
    before: Mutex<Option<(Digest, Arc<Vec<Finding>>)>>,
}

impl Desk {
    /// Held from the look at the file until it is written: of two saves at once the second sees what the first wrote.
    pub(in crate::admin) async fn alone(&self) -> MutexGuard<'_, ()> {
        self.saving.lock().await
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
