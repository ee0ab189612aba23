//! What rules may speak of: the packs that will run, and the settings.

use std::sync::{LazyLock, OnceLock};

use serde_json::{Map, Value};

use crate::{
    config::Config,
    rules::{ActionInfo, EventInfo, Hours, InputInfo, Vocabulary},
    services::Registry,
};

/// The schema of a payload of which nothing is known.
static ANYTHING: LazyLock<Value> = LazyLock::new(|| Value::Object(Map::new()));

/// Asked for the names of secrets that packs use or that are set. `None`: nobody knows.
pub(super) type KnownSecrets<'a> = &'a (dyn Fn(&Registry) -> Option<Vec<String>> + Sync);

/// Packs and settings, as rules ask for them.
pub(super) struct AppVocabulary<'a> {
    registry: &'a Registry,
    config: &'a Config,
    secrets: Option<KnownSecrets<'a>>,
    /// What `secrets` said: it may open a database.
    answered: OnceLock<Option<Vec<String>>>,
}

/// What rules may speak of, for whoever reads their tests.
pub fn vocabulary<'a>(registry: &'a Registry, config: &'a Config) -> impl Vocabulary + 'a {
    AppVocabulary::new(registry, config, None)
}

impl<'a> AppVocabulary<'a> {
    pub(super) fn new(registry: &'a Registry, config: &'a Config, secrets: Option<KnownSecrets<'a>>) -> Self {
        Self { registry, config, secrets, answered: OnceLock::new() }
    }

    /// Whether `name` is a source of no service: any event name may follow it.
    fn is_generic_source(&self, name: &str) -> bool {
        self.config.sources.get(name).is_some_and(|source| source.service.is_none())
    }
}

impl Vocabulary for AppVocabulary<'_> {
    fn event(&self, kind: &str) -> Option<EventInfo<'_>> {
        let (service, event) = kind.split_once('.')?;
        if let Some(known) = self.registry.pack(service).and_then(|pack| pack.events.get(event)) {
            return Some(EventInfo { schema: &known.schema, untrusted: &known.untrusted });
        }
        self.is_generic_source(service).then(|| EventInfo { schema: &ANYTHING, untrusted: &[] })
    }

    fn event_types(&self) -> Vec<String> {
        let packs = self.registry.packs.values();
        let of_packs = packs.flat_map(|pack| pack.events.keys().map(move |event| format!("{}.{event}", pack.name)));
        let sources = self.config.sources.keys().filter(|name| self.is_generic_source(name));
        of_packs.chain(sources.map(|name| format!("{name}.received"))).collect()
    }

    fn has_service(&self, name: &str) -> bool {
        self.registry.packs.contains_key(name) || self.is_generic_source(name)
    }

    fn action(&self, name: &str) -> Option<ActionInfo> {
        let (_, action) = self.registry.action(name)?;
        let inputs = action.inputs.iter().map(|input| InputInfo {
            name: input.name.clone(),
            kind: input.kind.word(),
            required: input.required && input.default.is_none(),
            choices: input.choices.clone(),
            help: input.help.clone(),
            target: input.target,
        });
        Some(ActionInfo { title: action.title.clone(), inputs: inputs.collect(), read: action.read, verify: action.verify.is_some() })
    }

    fn action_names(&self) -> Vec<String> {
        let packs = self.registry.packs.values();
        packs.flat_map(|pack| pack.actions.keys().map(move |action| format!("{}.{action}", pack.name))).collect()
    }

    fn has_connection(&self, name: &str) -> bool {
        self.config.connections.contains_key(name) || self.registry.packs.contains_key(name)
    }

    fn vars(&self) -> &Map<String, Value> {
        &self.config.vars
    }

    fn secrets(&self) -> Option<Vec<String>> {
        let ask = self.secrets?;
        self.answered.get_or_init(|| ask(self.registry)).clone()
    }

    fn hours_of(&self, name: &str) -> Option<Hours> {
        self.config.hours.get(name).and_then(|hours| Hours::parse(hours).ok())
    }

    fn hours(&self) -> Vec<String> {
        self.config.hours.keys().cloned().collect()
    }
}
