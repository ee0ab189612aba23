//! People who are being forgotten: the search through all stored events takes a while, so it goes on behind the page.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use super::{refused::Refused, state::Admin, traces::Traces};
use crate::{
    clock::Time,
    store::{Forgotten, StoreError},
};

/// Ends that are remembered, for whoever looks at the page.
const ENDS: usize = 100;

/// How far it has come.
#[derive(Debug, Clone)]
pub(super) struct Progress {
    /// When it began.
    pub(super) began: Time,
    /// Events that were looked at.
    pub(super) looked: u64,
    /// Events that there were when it began.
    pub(super) all: u64,
    /// `None`: it is under way. `Err` is one sentence.
    pub(super) end: Option<Result<Gone, String>>,
}

/// What was forgotten.
#[derive(Debug, Clone)]
pub(super) struct Gone {
    /// In the store.
    pub(super) stored: Forgotten,
    /// Captured deliveries that were deleted.
    pub(super) captures: usize,
    /// Files of the workspace that name the person, and are left as they are.
    pub(super) files: Vec<String>,
}

/// Everybody who is being forgotten, or was lately. Lives in memory alone: nothing of it is to outlive what it deletes.
#[derive(Debug, Clone, Default)]
pub(super) struct Forgetting(Arc<Mutex<HashMap<String, Progress>>>);

impl Forgetting {
    fn lock(&self) -> MutexGuard<'_, HashMap<String, Progress>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How far it has come with a person. `None`: nobody has asked for it.
    pub(super) fn of(&self, email: &str) -> Option<Progress> {
        self.lock().get(email).cloned()
    }

    /// Begins with a person. False: it is under way already.
    pub(super) async fn begin(&self, admin: &Admin, email: &str) -> Result<bool, Refused> {
        let now = admin.clock.now();
        let all = admin.store.counts(now).await?.events;
        {
            let mut known = self.lock();
            if known.get(email).is_some_and(|progress| progress.end.is_none()) {
                return Ok(false);
            }
            if known.len() >= ENDS {
                known.retain(|_, progress| progress.end.is_none());
            }
            known.insert(email.to_owned(), Progress { began: now, looked: 0, all, end: None });
        }
        let (forgetting, admin, email) = (self.clone(), admin.clone(), email.to_owned());
        tokio::spawn(async move {
            let end = forgetting.forget(&admin, &email).await;
            if let Err(error) = &end {
                tracing::error!(%error, "a person could not be forgotten");
            }
            if let Some(progress) = forgetting.lock().get_mut(&email) {
                progress.end = Some(end.map_err(|error| error.to_string()));
            }
        });
        Ok(true)
    }

    async fn forget(&self, admin: &Admin, email: &str) -> Result<Gone, StoreError> {
        let mut seen = |searched: crate::store::Searched| {
            if let Some(progress) = self.lock().get_mut(email) {
                progress.looked = searched.events;
            }
        };
        let stored = admin.store.forget(email, false, &mut seen).await?;
        let (config, email) = (Arc::clone(&admin.config), email.to_owned());
        let files = tokio::task::spawn_blocking(move || {
            let traces = Traces::of(&config, &email);
            traces.delete().map(|()| traces)
        });
        let failed = |why: String| StoreError::Rejected(why);
        let traces = files
            .await
            .map_err(|error| failed(error.to_string()))?
            .map_err(|(file, error)| failed(format!("{} cannot be deleted: {error}", file.display())))?;
        let files = traces.files.iter().map(|file| file.display().to_string()).collect();
        Ok(Gone { stored, captures: traces.captures.len(), files })
    }
}
