//! Sources as they are shown: where deliveries go, how they are proven, what came, and whether their runs wait.

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use serde::Serialize;

use super::{
    curl,
    heard::{Heard, heard},
    refused::Refused,
    state::Admin,
};
use crate::{
    clock::Time,
    config::{Source, forms::show_duration},
    services::{Hook, Pack, Registry, Verify, handshake_words, hook_address, proof_words},
    store::{KindCount, PausedSource},
};

/// Over this span deliveries are counted.
const DAY: Duration = Duration::from_hours(24);
/// From so many of a type on a count stands for "and more".
pub(super) const MANY: u64 = 5_000;
/// The kind of the problem that a silent source is.
const SILENCE: &str = "silence";

/// A way in.
#[derive(Debug, Clone, Serialize)]
pub(super) struct SourceView {
    /// Its name.
    pub(super) name: String,
    /// The pack's name. `None`: a generic source.
    pub(super) service: Option<String>,
    /// For people.
    pub(super) title: String,
    /// False: its hook is 404.
    pub(super) enabled: bool,
    /// The address to give to the sender, with names of secrets in the place of their values.
    pub(super) url: String,
    /// How a delivery is proven, in words.
    pub(super) proof: String,
    /// Nothing is proven: whoever knows the address can send.
    pub(super) public: bool,
    /// What the service asks when it is set up.
    pub(super) handshake: Option<&'static str>,
    /// Names of its secrets, as we call them, and whether each is set.
    pub(super) secrets: Vec<(String, bool)>,
    /// Why it cannot work; one sentence.
    pub(super) broken: Option<String>,
    /// When the last delivery came. `None`: none is stored.
    pub(super) last: Option<Time>,
    /// Deliveries of the last 24 hours.
    pub(super) day: u64,
    /// `day` stands for that many and more.
    pub(super) day_is_cut: bool,
    /// A delivery is expected at least so often. `None`: it may be silent.
    pub(super) expect: Option<String>,
    /// Since when nothing came although something was expected.
    pub(super) silent_since: Option<Time>,
    /// `None`: it is not paused.
    pub(super) paused: Option<PausedSource>,
    /// Types that came in, with how many in the last 24 hours.
    pub(super) kinds: Vec<KindCount>,
    /// A command that sends a delivery, signed.
    pub(super) send: String,
    /// A request that curl sends. `None`: the signature is none that a shell makes in a line.
    pub(super) curl: Option<String>,
    /// Where the service's own documentation is.
    pub(super) docs: Option<String>,
    /// What to do at the service, a line each.
    pub(super) steps: Vec<String>,
}

impl SourceView {
    /// How it stands, as a badge has it.
    pub(super) fn state(&self) -> &'static str {
        match () {
            () if self.paused.is_some() => "paused",
            () if !self.enabled => "disabled",
            () if self.broken.is_some() || self.missing().next().is_some() => "error",
            () if self.silent_since.is_some() => "warning",
            () => "enabled",
        }
    }

    /// The secrets that are not set.
    pub(super) fn missing(&self) -> impl Iterator<Item = &str> {
        self.secrets.iter().filter(|(_, set)| !set).map(|(name, _)| name.as_str())
    }
}

/// What a name stands for.
struct Way {
    name: String,
    pack: Arc<Pack>,
    is_generic: bool,
    broken: Option<String>,
}

/// Every way in by name: those of the settings, and services of which a secret is set. `base` is where this server is for whoever asks.
pub(super) async fn sources(admin: &Admin, base: &str) -> Result<Vec<SourceView>, Refused> {
    let registry = (admin.in_force)().registry;
    let mut names: BTreeSet<&str> = admin.config.sources.keys().map(String::as_str).collect();
    for pack in registry.packs.values() {
        let Some(hook) = &pack.hook else { continue };
        if hook.verify != Verify::None && hook.all_secret_names().iter().any(|name| admin.vault.has(name)) {
            names.insert(&pack.name);
        }
    }
    let beside = Beside::read(admin).await?;
    let mut views = Vec::with_capacity(names.len());
    for name in names {
        let Some(way) = way(admin, &registry, name) else { continue };
        views.push(view(admin, &way, &beside, base).await?);
    }
    Ok(views)
}

/// One of them.
pub(super) async fn source(admin: &Admin, name: &str, base: &str) -> Result<SourceView, Refused> {
    let registry = (admin.in_force)().registry;
    let is_known =
        admin.config.sources.contains_key(name) || registry.pack(name).is_some_and(|pack| pack.hook.is_some());
    let way = is_known.then(|| way(admin, &registry, name)).flatten();
    let way =
        way.ok_or_else(|| Refused::missing(&format!("source `{}`", name.chars().take(63).collect::<String>())))?;
    let beside = Beside::read(admin).await?;
    view(admin, &way, &beside, base).await
}

/// What is asked for once for all of them.
struct Beside {
    paused: Vec<PausedSource>,
    silent: Vec<(String, Time)>,
}

impl Beside {
    async fn read(admin: &Admin) -> Result<Self, Refused> {
        let paused = admin.store.paused_sources().await?;
        let problems = admin.store.problems(true, 1_000).await?.into_iter();
        let silent =
            problems.filter(|problem| problem.kind == SILENCE).map(|problem| (problem.subject, problem.first_at));
        Ok(Self { paused, silent: silent.collect() })
    }
}

fn way(admin: &Admin, registry: &Registry, name: &str) -> Option<Way> {
    let settings = admin.config.sources.get(name);
    let wanted = settings.and_then(|source| source.service.as_deref());
    let (pack, is_generic, broken) = match (wanted, registry.pack(wanted.unwrap_or(name))) {
        (_, Some(pack)) if pack.hook.is_some() => (Arc::clone(pack), false, public_fault(pack, settings)),
        (Some(service), Some(_)) => {
            let why = format!("the pack `{service}` takes no deliveries");
            (Arc::new(Pack::generic(name, true)), false, Some(why))
        }
        (Some(service), None) => {
            let why = format!("there is no pack `{service}`; `bellwire services list` names all");
            (Arc::new(Pack::generic(name, true)), false, Some(why))
        }
        (None, _) => {
            let settings = settings?;
            match &settings.verify {
                Some(verify) => match Pack::of_source(name, verify) {
                    Ok(pack) => (Arc::new(pack), true, None),
                    Err(faults) => (Arc::new(Pack::generic(name, true)), true, Some(faults.join("; "))),
                },
                None if settings.public => (Arc::new(Pack::generic(name, true)), true, None),
                None => {
                    let why = format!(
                        "nothing says how its deliveries are proven: set `sources.{name}.verify`, or `public = true`"
                    );
                    (Arc::new(Pack::generic(name, true)), true, Some(why))
                }
            }
        }
    };
    Some(Way { name: name.to_owned(), pack, is_generic, broken })
}

/// What is wrong where a source of a service is public and its deliveries are proven, or is not and they are not.
fn public_fault(pack: &Pack, settings: Option<&Source>) -> Option<String> {
    let is_unproven = pack.hook.as_ref()?.verify == Verify::None;
    let is_public = settings.is_some_and(|source| source.public);
    match (is_unproven, is_public) {
        (false, true) => {
            Some("it is public, and the deliveries of its service are always proven: take `public` out".to_owned())
        }
        (true, false) => Some(format!(
            "nothing proves where deliveries of `{}` come from: set `public = true` to take them all the same",
            pack.name
        )),
        _ => None,
    }
}

async fn view(admin: &Admin, way: &Way, beside: &Beside, base: &str) -> Result<SourceView, Refused> {
    let Way { name, pack, is_generic, broken } = way;
    let fallback;
    let hook = if let Some(hook) = &pack.hook {
        hook
    } else {
        fallback = Pack::generic(name, true);
        fallback.hook.as_ref().ok_or_else(|| Refused::missing("hook of this source"))?
    };
    let settings = admin.config.sources.get(name);
    let ours = |theirs: &str| match settings {
        Some(source) if *is_generic => source.secret_name(name, theirs),
        Some(source) => source.secrets.get(theirs).cloned().unwrap_or_else(|| theirs.to_owned()),
        None => theirs.to_owned(),
    };
    let secrets: Vec<(String, bool)> =
        hook.all_secret_names().into_iter().map(ours).map(|name| (name.clone(), admin.vault.has(&name))).collect();
    let url = hook_address(base, hook, name, secrets.first().map(|(name, _)| name.as_str()));
    let kinds = admin.store.kinds_of_source(name.clone(), admin.clock.now().minus(DAY)).await?;
    let is_public = hook.verify == Verify::None;
    let runs_on =
        if *is_generic { None } else { heard(&(admin.in_force)(), pack, &admin.config.vars, admin.clock.now()) };
    Ok(SourceView {
        service: (!is_generic).then(|| pack.name.clone()),
        title: if *is_generic { name.clone() } else { pack.title.clone() },
        enabled: settings.is_none_or(|source| source.enabled),
        proof: if is_public { "nothing".to_owned() } else { proof_words(&hook.verify) },
        public: is_public && broken.is_none(),
        handshake: handshake_words(hook.challenge.as_ref()),
        broken: broken.clone(),
        last: kinds.iter().filter_map(|kind| kind.last).max(),
        day: kinds.iter().map(|kind| kind.count).sum(),
        day_is_cut: kinds.iter().any(|kind| kind.count >= MANY),
        expect: settings.and_then(|source| source.expect).map(show_duration),
        silent_since: beside.silent.iter().find(|(subject, _)| subject == name).map(|(_, since)| *since),
        paused: beside.paused.iter().find(|paused| paused.source == *name).cloned(),
        send: send(name, pack, *is_generic, runs_on.as_ref()),
        curl: if broken.is_some() { None } else { curl::curl(hook, pack, &url, &secrets, runs_on.as_ref()) },
        docs: pack.docs.clone(),
        steps: steps(name, pack, hook, &secrets, &url),
        name: name.clone(),
        kinds,
        secrets,
        url,
    })
}

/// The command that sends a sample: one that the rules run on, where there is any.
fn send(name: &str, pack: &Pack, is_generic: bool, runs_on: Option<&Heard>) -> String {
    if is_generic {
        return format!("bellwire send {name}.received --set hello=world");
    }
    let source = if name == pack.name { String::new() } else { format!(" --source {name}") };
    if let Some(heard) = runs_on {
        return format!("{}{source}", heard.command());
    }
    let Some((event, kind)) = pack.events.iter().next() else {
        return format!("bellwire services show {}", pack.name);
    };
    let sample = kind.samples.first().map(|(sample, _)| format!(" --sample {sample}")).unwrap_or_default();
    format!("bellwire send {}.{event}{sample}{source}", pack.name)
}

/// How it is set up.
fn steps(name: &str, pack: &Pack, hook: &Hook, secrets: &[(String, bool)], url: &str) -> Vec<String> {
    let missing = secrets.iter().filter(|(_, set)| !set);
    let mut steps: Vec<String> =
        missing.map(|(name, _)| format!("Set the secret `{name}`: bellwire secrets set {name}")).collect();
    if let Some(subscribe) = &hook.subscribe {
        let source = if name == pack.name { String::new() } else { format!(" --source {name}") };
        steps.push(format!("Let Bellwire register its webhook: bellwire services subscribe {}{source}", pack.name));
        if let Some(place) = &subscribe.by_hand {
            steps.push(format!("Or by hand, at {place}: give the address {url}"));
        }
    } else {
        steps.push(format!("Give the sender this address: {url}"));
    }
    if let Some(handshake) = handshake_words(hook.challenge.as_ref()) {
        steps.push(format!("Nothing to do for the handshake: {handshake}."));
    }
    steps
}
