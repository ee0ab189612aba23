//! The event types that rules emit, beside those of packs and sources.

use std::{
    collections::BTreeSet,
    sync::{
        LazyLock,
        atomic::{AtomicUsize, Ordering},
    },
};

use crate::{
    rules::{ActionInfo, EventInfo, Hours, Vocabulary, pattern::OF_A_SET},
    value::{Object, Value, YamlLimits, read_yaml},
};

/// The schema of a payload of which nothing is known.
static ANYTHING: LazyLock<Value> = LazyLock::new(|| Value::Object(Object::new()));

/// A vocabulary with the types that the rules of a set emit.
pub(super) struct WithEmitted<'v> {
    inner: &'v dyn Vocabulary,
    pub(super) types: BTreeSet<String>,
    /// Bytes of the patterns that were compiled.
    patterns: AtomicUsize,
}

impl<'v> WithEmitted<'v> {
    /// Looks through the rules that hold the word; one that is no YAML gets its findings elsewhere.
    pub(super) fn new<'t>(inner: &'v dyn Vocabulary, rules: impl Iterator<Item = &'t String>) -> Self {
        let mut types = BTreeSet::new();
        for text in rules.filter(|text| text.contains("emit")) {
            let Ok(document) = read_yaml(text, YamlLimits::default()) else { continue };
            for name in ["do", "on_error"] {
                collect(document.value.get(name).unwrap_or(&Value::Null), &mut types);
            }
        }
        Self { inner, types, patterns: AtomicUsize::new(0) }
    }
}

/// What a list of steps emits, as written; templates are no types.
fn collect(steps: &Value, types: &mut BTreeSet<String>) {
    for step in steps.as_array().into_iter().flatten() {
        let kind = step.get("emit").and_then(|emit| emit.get("type")).and_then(Value::as_str);
        types.extend(kind.filter(|kind| kind.parse::<crate::model::EventType>().is_ok()).map(str::to_owned));
        for name in ["then", "else", "do", "on_error"] {
            collect(step.get(name).unwrap_or(&Value::Null), types);
        }
    }
}

impl Vocabulary for WithEmitted<'_> {
    fn event(&self, kind: &str) -> Option<EventInfo<'_>> {
        let emitted = || self.types.contains(kind).then(|| EventInfo { schema: &ANYTHING, untrusted: &[] });
        self.inner.event(kind).or_else(emitted)
    }

    fn event_types(&self) -> Vec<String> {
        let mut types = self.inner.event_types();
        types.extend(self.types.iter().cloned());
        types
    }

    /// A name of emitted events is no service.
    fn has_service(&self, name: &str) -> bool {
        self.inner.has_service(name)
    }

    fn action(&self, name: &str) -> Option<ActionInfo> {
        self.inner.action(name)
    }

    fn affords(&self, bytes: usize) -> bool {
        self.patterns.fetch_add(bytes, Ordering::Relaxed).saturating_add(bytes) <= OF_A_SET
    }

    fn action_names(&self) -> Vec<String> {
        self.inner.action_names()
    }

    fn has_connection(&self, name: &str) -> bool {
        self.inner.has_connection(name)
    }

    fn secrets(&self) -> Option<Vec<String>> {
        self.inner.secrets()
    }

    fn vars(&self) -> &Object {
        self.inner.vars()
    }

    fn hours(&self) -> Vec<String> {
        self.inner.hours()
    }

    fn hours_of(&self, name: &str) -> Option<Hours> {
        self.inner.hours_of(name)
    }
}
