//! Rule sets by their id, as they were when they decided: a run keeps to the set that started it.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use crate::{
    rules::{Set, Texts},
    services::Registry,
    store::{Store, StoreError},
};

/// Sets that are kept compiled; more are read from the store when they are asked for.
const KEPT: usize = 16;

/// A rule set with the packs that it was checked against.
#[derive(Clone)]
pub struct Pinned {
    /// The rules.
    pub set: Arc<Set>,
    /// The packs.
    pub registry: Arc<Registry>,
}

/// Compiles texts that once held together. `Err` is one sentence.
pub type Loader = Arc<dyn Fn(Texts) -> Result<Pinned, String> + Send + Sync>;

/// Rule sets by id, compiled when first asked for.
pub struct PinnedSets {
    store: Store,
    loader: Loader,
    kept: Mutex<HashMap<i64, Pinned>>,
}

/// Why a set cannot be had.
#[derive(Debug, thiserror::Error)]
pub enum PinnedError {
    /// The store did not answer.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The set is gone, or no longer compiles.
    #[error("rule set {id} cannot be used: {why}")]
    Unusable {
        /// The set's number in the store.
        id: i64,
        /// One sentence.
        why: String,
    },
}

impl PinnedSets {
    /// Sets out of `store`, compiled by `loader`.
    pub fn new(store: Store, loader: Loader) -> Self {
        Self { store, loader, kept: Mutex::default() }
    }

    /// Keeps a set that was just compiled, so that its runs need not compile it again.
    pub fn keep(&self, id: i64, pinned: Pinned) {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.len() >= KEPT
            && let Some(oldest) = kept.keys().min().copied()
        {
            kept.remove(&oldest);
        }
        kept.insert(id, pinned);
    }

    /// The set of this id.
    pub async fn get(&self, id: i64) -> Result<Pinned, PinnedError> {
        if let Some(pinned) = self.kept.lock().unwrap_or_else(PoisonError::into_inner).get(&id) {
            return Ok(pinned.clone());
        }
        let gone = || PinnedError::Unusable { id, why: "its texts are no longer in the database".to_owned() };
        let texts = self.store.set_texts(id).await?.ok_or_else(gone)?;
        let texts = Texts(Arc::new(texts.into_iter().collect()));
        let pinned = (self.loader)(texts).map_err(|why| PinnedError::Unusable { id, why })?;
        self.keep(id, pinned.clone());
        Ok(pinned)
    }
}
