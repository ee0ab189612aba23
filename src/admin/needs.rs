//! Which secrets packs and rules need, and what for.

use std::collections::{BTreeMap, BTreeSet};

use crate::{
    config::Config,
    rules::{HttpAuth, On, OnStepError, Rule, Set, Step, StepKind},
    services::{Hook, Pack, Registry},
};

/// What callers of `/profile/groove` are proved by: the second where the first is not set.
const PROFILE_TOKENS: [&str; 2] = ["groove_profile_token", "groove_token"];
/// Those callers.
pub(super) const READERS: &str = "readers of /profile/groove";

/// Name of a secret of ours -> what it is for, a phrase each.
pub struct Needs;

/// Secrets with their uses.
type Wanted = BTreeMap<String, Vec<String>>;

impl Needs {
    /// Every secret that the packs could use.
    pub fn of_packs(registry: &Registry, config: &Config) -> Wanted {
        let mut wanted = Wanted::new();
        for name in registry.packs.keys() {
            add_hook(&mut wanted, registry, config, name);
            add_connection(&mut wanted, registry, config, name);
        }
        for name in config.sources.keys() {
            add_hook(&mut wanted, registry, config, name);
        }
        for name in config.connections.keys() {
            add_connection(&mut wanted, registry, config, name);
        }
        wanted
    }

    /// The secrets that the server itself proves somebody by: who reads profiles, and itself to the provider of sign-in.
    /// `has` tells which are set.
    pub fn of_server(config: &Config, has: impl Fn(&str) -> bool) -> Wanted {
        let mut wanted = Wanted::new();
        let [first, second] = PROFILE_TOKENS;
        let token = if !has(first) && has(second) { second } else { first };
        add(&mut wanted, token, READERS.to_owned());
        if let Some(name) = config.oidc.as_ref().and_then(|oidc| oidc.client_secret.as_deref()) {
            add(&mut wanted, name, "sign-in through [oidc]".to_owned());
        }
        wanted
    }

    /// The secrets that sources of the settings need, and services of which one secret is `set`: their hooks are in use.
    pub fn of_sources(registry: &Registry, config: &Config, set: &BTreeSet<String>) -> Wanted {
        let mut wanted = Wanted::new();
        for name in config.sources.keys() {
            add_hook(&mut wanted, registry, config, name);
        }
        for name in registry.packs.keys().filter(|name| !config.sources.contains_key(*name)) {
            if Self::of_source(registry, config, name).iter().any(|secret| set.contains(secret)) {
                add_hook(&mut wanted, registry, config, name);
            }
        }
        wanted
    }

    /// The secrets that deliveries to one source are verified with, in order. Empty where nothing is known of it.
    pub fn of_source(registry: &Registry, config: &Config, name: &str) -> Vec<String> {
        let mut wanted = Wanted::new();
        add_hook(&mut wanted, registry, config, name);
        wanted.into_keys().collect()
    }

    /// The secrets that actions of the connection `name` go out with, in order. Empty where nothing is known of it.
    pub fn of_connection(registry: &Registry, config: &Config, name: &str) -> Vec<String> {
        let mut wanted = Wanted::new();
        add_connection(&mut wanted, registry, config, name);
        wanted.into_keys().collect()
    }

    /// The secrets that enabled rules need to be started and to run.
    pub fn of_rules(set: &Set, registry: &Registry, config: &Config) -> Wanted {
        let mut wanted = Wanted::new();
        for rule in set.rules.values().filter(|rule| rule.enabled) {
            add_rule(&mut wanted, registry, config, rule);
        }
        wanted
    }

    /// The secrets that one rule needs, enabled or not.
    pub fn of_rule(rule: &Rule, registry: &Registry, config: &Config) -> Vec<String> {
        let mut wanted = Wanted::new();
        add_rule(&mut wanted, registry, config, rule);
        wanted.into_keys().collect()
    }
}

fn add_rule(wanted: &mut Wanted, registry: &Registry, config: &Config, rule: &Rule) {
    for on in &rule.on {
        let service = match on {
            On::Type { event, .. } => event.split('.').next().unwrap_or_default(),
            On::Service { service, .. } => service,
            On::Manual { .. } | On::Schedule(_) => continue,
            On::Poll(poll) => {
                add_step(wanted, registry, config, &poll.step);
                continue;
            }
        };
        add_hook(wanted, registry, config, service);
    }
    for step in rule.steps.iter().chain(&rule.on_error) {
        add_step(wanted, registry, config, step);
    }
}

fn add_step(wanted: &mut Wanted, registry: &Registry, config: &Config, step: &Step) {
    match &step.kind {
        StepKind::Action { name, connection, .. } => {
            let service = name.split('.').next().unwrap_or_default();
            add_connection(wanted, registry, config, connection.as_deref().unwrap_or(service));
        }
        StepKind::Http(http) => match &http.auth {
            Some(
                HttpAuth::Bearer(name) | HttpAuth::Header { secret: name, .. } | HttpAuth::Query { secret: name, .. },
            ) => {
                add(wanted, name, "requests of rules".to_owned());
            }
            Some(HttpAuth::Basic { user, password }) => {
                add(wanted, user, "requests of rules".to_owned());
                add(wanted, password, "requests of rules".to_owned());
            }
            Some(HttpAuth::Connection(name)) => add_connection(wanted, registry, config, name),
            None => {}
        },
        StepKind::ForEach { steps, .. } => steps.iter().for_each(|inner| add_step(wanted, registry, config, inner)),
        StepKind::Block { then, otherwise } => {
            for inner in then.iter().chain(otherwise) {
                add_step(wanted, registry, config, inner);
            }
        }
        StepKind::Wait(_)
        | StepKind::Attributes(_)
        | StepKind::Emit { .. }
        | StepKind::Vars(_)
        | StepKind::Stop(_)
        | StepKind::Fail(_) => {}
    }
    if let OnStepError::Steps(steps) = &step.on_error {
        for inner in steps {
            add_step(wanted, registry, config, inner);
        }
    }
}

/// The secrets that deliveries to the source `name` are verified with.
fn add_hook(wanted: &mut Wanted, registry: &Registry, config: &Config, name: &str) {
    let source = config.sources.get(name);
    if source.is_some_and(|source| !source.enabled) {
        return;
    }
    let service = source.and_then(|source| source.service.as_deref()).unwrap_or(name);
    let generic = source.and_then(|source| Some((source, Pack::of_source(name, source.verify.as_ref()?).ok()?)));
    if let Some((source, pack)) = generic {
        for theirs in pack.hook.iter().flat_map(Hook::secret_names) {
            add(wanted, &source.secret_name(name, theirs), format!("deliveries to /hooks/{name}"));
        }
        return;
    }
    let Some(hook) = registry.pack(service).and_then(|pack| pack.hook.as_ref()) else { return };
    for theirs in hook.secret_names() {
        let ours = source.and_then(|source| source.secrets.get(theirs)).map_or(theirs, String::as_str);
        add(wanted, ours, format!("deliveries to /hooks/{name}"));
    }
}

/// The secrets that go out with requests of the connection `name`.
fn add_connection(wanted: &mut Wanted, registry: &Registry, config: &Config, name: &str) {
    let connection = config.connections.get(name);
    let service = connection.map_or(name, |connection| connection.service.as_str());
    let Some(auth) = registry.pack(service).and_then(|pack| pack.auth.as_ref()) else { return };
    for theirs in auth.secret_names() {
        let ours = connection.and_then(|connection| connection.secrets.get(theirs)).map_or(theirs, String::as_str);
        add(wanted, ours, format!("actions of {name}"));
    }
}

fn add(wanted: &mut Wanted, name: &str, what: String) {
    let uses = wanted.entry(name.to_owned()).or_default();
    if !uses.contains(&what) {
        uses.push(what);
    }
}
