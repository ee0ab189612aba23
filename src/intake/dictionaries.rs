//! The sample of each type of event by which its bodies are compressed, written once a set of packs.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use crate::services::{Pack, Registry};

#[derive(Default)]
pub(super) struct Dictionaries(Mutex<Known>);

#[derive(Default)]
struct Known {
    /// The packs that the texts below are from.
    registry: Option<Arc<Registry>>,
    by_type: HashMap<String, Arc<[u8]>>,
}

impl Dictionaries {
    /// The first sample of `event` of `pack` as JSON text; empty where there is none. `kind` is the whole type.
    pub(super) fn of(&self, registry: &Arc<Registry>, pack: &Pack, event: &str, kind: &str) -> Arc<[u8]> {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if !known.registry.as_ref().is_some_and(|held| Arc::ptr_eq(held, registry)) {
            *known = Known { registry: Some(Arc::clone(registry)), by_type: HashMap::new() };
        }
        if let Some(text) = known.by_type.get(kind) {
            return Arc::clone(text);
        }
        let Some(known_event) = pack.events.get(event) else { return Arc::default() };
        let sample = known_event.samples.first().map(|(_, sample)| sample.to_string()).unwrap_or_default();
        let text: Arc<[u8]> = sample.into_bytes().into();
        known.by_type.insert(kind.to_owned(), Arc::clone(&text));
        text
    }
}
