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
        Some(ActionInfo {
            title: action.title.clone(),
            inputs: inputs.collect(),
            read: action.read,
            verify: action.verify.is_some(),
        })
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

#[cfg(test)]
mod tests {
    use std::{collections::BTreeMap, path::Path, sync::Arc};

    use serde_json::json;

    use super::*;
    use crate::{
        rules,
        services::{Input, InputType, coerce},
    };

    /// A pack with one action, `shop.take`, that has an input of each type.
    fn shop() -> (Registry, Config) {
        let inputs: String = InputType::ALL
            .iter()
            .map(|(word, _)| {
                let choices = if *word == "enum" { ", choices: [opened, closed, \"1\"]" } else { "" };
                format!("      {word}: {{ type: {word}{choices}, help: any }}\n")
            })
            .collect();
        let pack = format!(
            "name: shop\ntitle: Shop\nbase_url: https://shop.example.com\nactions:\n  take:\n    title: Take\n    inputs:\n{inputs}    request: {{ method: POST, path: /x }}\n    sample: {{}}\n"
        );
        let files = BTreeMap::from([("templates/services/shop.yaml".to_owned(), pack)]);
        let registry = Registry::load(&files).unwrap_or_else(|found| panic!("{found:?}"));
        (registry, Config::defaults(Path::new("/workspace")))
    }

    #[test]
    fn a_literal_that_an_input_takes_has_no_finding_and_one_that_it_refuses_has_one() {
        let (registry, config) = shop();
        let vocabulary = AppVocabulary::new(&registry, &config, None);
        let (_, action) = registry.action("shop.take").unwrap();
        let values = [
            json!("a"),
            json!(42),
            json!(42.0),
            json!(4.5),
            json!(true),
            json!("42"),
            json!("042"),
            json!("+42"),
            json!("-7"),
            json!(" 42"),
            json!("1."),
            json!("1e3"),
            json!("1e999"),
            json!("inf"),
            json!("true"),
            json!("True"),
            json!("yes"),
            json!([1]),
            json!({"a": 1}),
            json!("ada@example.com"),
            json!("a@b@c"),
            json!("a@b, c@d"),
            json!("@"),
            json!("https://acme.com/x"),
            json!("ftp://acme.com"),
            json!("mailto:a@b"),
            json!("2026-03-01T10:00:00Z"),
            json!("2026-03-01 10:00"),
            json!("opened"),
            json!("Opened"),
            json!(1),
            json!("18446744073709551616"),
        ];
        for input in &action.inputs {
            for value in &values {
                let text = format!("name: x\non: gruveo.call\ndo:\n- shop.take: {{ {}: {value} }}\n", input.name);
                let texts = BTreeMap::from([("rules/x.yaml".to_owned(), text)]);
                let read = rules::Set::compile(rules::Texts(Arc::new(texts)), &vocabulary);
                let found = read.findings.iter().any(|finding| finding.code == "R035");
                let taken = coerce(&Input { required: true, ..one(input) }, value.clone()).is_ok();
                assert_eq!(found, !taken, "{}: {value} {:?}", input.name, read.findings);
            }
        }
    }

    fn one(input: &Input) -> Input {
        Input {
            name: input.name.clone(),
            kind: input.kind,
            required: false,
            default: None,
            choices: input.choices.clone(),
            help: String::new(),
            target: false,
        }
    }
}
