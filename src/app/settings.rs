//! What the settings say of packs: names of services and of secrets, which only the packs in force can tell right from wrong.

use std::collections::BTreeSet;

use super::compile::Compiled;
use crate::{
    config::{self, Config, Origin, Source},
    model::{Finding, Place},
    rules::Texts,
    services::{Pack, Registry, Verify, preset_names},
};

/// A source or connection of a service that there is no pack of.
const UNKNOWN_SERVICE: &str = "C001";
/// A source whose service sends nothing.
const NO_DELIVERIES: &str = "C002";
/// A source maps a secret that its service does not have.
const UNKNOWN_SECRET: &str = "C003";
/// A source that is neither of a service nor public.
const NO_CHECK: &str = "C004";
/// A source that is public and bears the name of a service.
const PUBLIC_SERVICE: &str = "C005";
/// The limits of a service that there is no pack of.
const UNKNOWN_LIMITS: &str = "C006";
/// What a source says of its check is no scheme.
const NO_SCHEME: &str = "C007";
/// A connection gives a host that its service does not have.
const UNKNOWN_HOST: &str = "C008";
/// A source of a service that proves nothing is not public.
const UNCHECKED: &str = "C009";

/// Every code with its title, in order.
pub(super) const CODES: &[(&str, &str)] = &[
    (UNKNOWN_SERVICE, "A source or connection of a service that is not there"),
    (NO_DELIVERIES, "A source of a service that sends nothing"),
    (UNKNOWN_SECRET, "A source maps a secret that its service does not have"),
    (NO_CHECK, "A source that is neither of a service nor public"),
    (PUBLIC_SERVICE, "A public source with the name of a service"),
    (UNKNOWN_LIMITS, "The limits of a service that is not there"),
    (NO_SCHEME, "A source whose way of proof does not hold together"),
    (UNKNOWN_HOST, "A connection gives a host that its service does not have"),
    (UNCHECKED, "A source of a service that proves nothing, and that is not public"),
];

/// Every finding of the settings against the packs, in the order of the file.
///
/// They are kept apart from those of rules: a source that cannot work answers 503, and holds no rule back.
pub(super) fn findings(config: &Config, compiled: &Compiled, texts: &Texts) -> Vec<Finding> {
    let look = Look { config, registry: &compiled.registry, texts };
    let mut found: Vec<Finding> = Vec::new();
    for (name, source) in &config.sources {
        found.extend(look.source(name, source));
    }
    for (name, connection) in &config.connections {
        found.extend(look.service(UNKNOWN_SERVICE, &format!("connections.{name}.service"), &connection.service));
        let Some(pack) = compiled.registry.pack(&connection.service) else { continue };
        let unknown = connection.hosts.keys().filter(|host| !pack.hosts.contains_key(*host));
        found.extend(unknown.map(|host| look.unknown_host(name, pack, host)));
    }
    for name in config.services.keys() {
        found.extend(look.service(UNKNOWN_LIMITS, &format!("services.{name}"), name));
    }
    found.sort_by(|left, right| left.order().cmp(&right.order()));
    found
}

struct Look<'a> {
    config: &'a Config,
    registry: &'a Registry,
    texts: &'a Texts,
}

impl Look<'_> {
    fn source(&self, name: &str, source: &Source) -> Vec<Finding> {
        let of_name = self.knows(name).then_some(name);
        let Some(service) = source.service.as_deref().or(of_name) else {
            if let Some(verify) = &source.verify {
                return self.verify(name, source, verify);
            }
            return if source.public || !source.enabled { Vec::new() } else { vec![self.no_check(name)] };
        };
        if source.verify.is_some() {
            let why = format!("`{name}` is a service, whose pack says how its deliveries are checked");
            let help = "take `verify` out, or name the source otherwise".to_owned();
            return vec![self.error(NO_SCHEME, &format!("sources.{name}.verify"), &why, help)];
        }
        let key = format!("sources.{name}.service");
        if let Some(unknown) = self.service(UNKNOWN_SERVICE, &key, service) {
            return vec![unknown];
        }
        // A pack of the workspace that has errors of its own is not there; those are told.
        let Some(pack) = self.registry.pack(service) else { return Vec::new() };
        let Some(hook) = &pack.hook else {
            let help = format!("services that send: {}", self.senders().join(", "));
            return vec![self.error(NO_DELIVERIES, &key, &format!("`{service}` sends no deliveries"), help)];
        };
        let unchecked = hook.verify == Verify::None;
        if source.public && !unchecked {
            let why = format!("`{service}` is a service, whose deliveries are always checked");
            let help = "take `public` out, or name the source otherwise";
            return vec![self.error(PUBLIC_SERVICE, &format!("sources.{name}.public"), &why, help.to_owned())];
        }
        if unchecked && !source.public && source.enabled {
            let why = format!("nothing proves where deliveries of `{service}` come from: its hook answers 503");
            let help = "set `public = true` to take whatever anybody sends, without a check".to_owned();
            return vec![self.error(UNCHECKED, &format!("sources.{name}"), &why, help)];
        }
        let known = hook.all_secret_names();
        let unknown = source.secrets.keys().filter(|secret| !known.contains(&secret.as_str()));
        unknown.map(|secret| self.unknown_secret(name, pack, secret, &known)).collect()
    }

    /// A generic source that says how its deliveries are checked.
    fn verify(&self, name: &str, source: &Source, verify: &serde_json::Value) -> Vec<Finding> {
        let key = format!("sources.{name}.verify");
        let pack = match Pack::of_source(name, verify) {
            Ok(pack) => pack,
            Err(faults) => {
                let help = format!("presets are {}", preset_names().join(", "));
                return faults.iter().map(|why| self.error(NO_SCHEME, &key, why, help.clone())).collect();
            }
        };
        let known = pack.hook.as_ref().map(|hook| hook.all_secret_names()).unwrap_or_default();
        let unknown = source.secrets.keys().filter(|secret| !known.contains(&secret.as_str()));
        unknown.map(|secret| self.unknown_secret(name, &pack, secret, &known)).collect()
    }

    fn unknown_secret(&self, source: &str, pack: &Pack, secret: &str, known: &[&str]) -> Finding {
        let why = format!("deliveries of `{}` are not checked with a secret `{secret}`", pack.name);
        let help = suggestion(secret, known.iter().copied());
        self.error(UNKNOWN_SECRET, &format!("sources.{source}.secrets"), &why, help)
    }

    fn unknown_host(&self, connection: &str, pack: &Pack, host: &str) -> Finding {
        let why = format!("`{}` has no host `{host}`: no action goes there", pack.name);
        let help = if pack.hosts.is_empty() {
            "it has none beside its base URL; `base_url` moves that".to_owned()
        } else {
            suggestion(host, pack.hosts.keys().map(String::as_str))
        };
        self.error(UNKNOWN_HOST, &format!("connections.{connection}.hosts"), &why, help)
    }

    fn no_check(&self, name: &str) -> Finding {
        let near = nearest(name, self.names()).map(|near| format!(" (did you mean `{near}`?)")).unwrap_or_default();
        let help = format!(
            "name its `service`{near}, say with `verify` how its deliveries are checked, or set `public = true` to take whatever \
             anybody sends, without a check"
        );
        let why = format!("source `{name}` is of no service and not public: its hook answers 404");
        self.error(NO_CHECK, &format!("sources.{name}"), &why, help)
    }

    /// The finding of a service that there is no pack of.
    fn service(&self, code: &'static str, key: &str, name: &str) -> Option<Finding> {
        if self.knows(name) {
            return None;
        }
        Some(self.error(code, key, &format!("there is no service `{name}`"), suggestion(name, self.names())))
    }

    /// Whether a service has a pack: one with errors is known too, and they are told where they are.
    fn knows(&self, name: &str) -> bool {
        self.registry.pack(name).is_some() || self.texts.0.contains_key(&format!("templates/services/{name}.yaml"))
    }

    fn names(&self) -> impl Iterator<Item = &str> {
        self.registry.packs.keys().map(String::as_str)
    }

    fn senders(&self) -> Vec<&str> {
        self.registry.packs.values().filter(|pack| pack.hook.is_some()).map(|pack| pack.name.as_str()).collect()
    }

    fn error(&self, code: &'static str, key: &str, why: &str, help: String) -> Finding {
        let origins = &self.config.origins;
        let section = key.rsplit_once('.').map_or(key, |(section, _)| section);
        let (line, from) = match origins.get(key).or_else(|| origins.get(section)) {
            Some(Origin::File { line, .. }) => (u32::try_from(*line).unwrap_or_default(), String::new()),
            Some(Origin::Variable(name)) => (0, format!(" (set by {name})")),
            _ => (0, String::new()),
        };
        let why = format!("`{key}`{from}: {why}");
        Finding::error(code, config::FILE, Place { line, column: 0 }, why).help(help)
    }
}

/// The known name that was meant, else all of them.
fn suggestion<'k>(name: &str, known: impl Iterator<Item = &'k str>) -> String {
    let known: BTreeSet<&str> = known.collect();
    match nearest(name, known.iter().copied()) {
        Some(near) => format!("did you mean `{near}`?"),
        None => format!("known are {}", known.into_iter().collect::<Vec<_>>().join(", ")),
    }
}

/// The known name from which at most a third of the letters differ.
fn nearest<'k>(name: &str, known: impl Iterator<Item = &'k str>) -> Option<&'k str> {
    known
        .map(|other| (strsim::damerau_levenshtein(name, other), other))
        .filter(|(distance, other)| *distance <= (other.chars().count() / 3).max(1))
        .min()
        .map(|(_, other)| other)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::app;

    fn told(settings: &str) -> Vec<String> {
        let place = tempfile::tempdir().unwrap();
        std::fs::write(place.path().join(config::FILE), settings).unwrap();
        let config = config::load(place.path(), &BTreeMap::new()).unwrap();
        app::check(&config).findings.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn names_that_no_pack_has_are_told_with_their_line() {
        for (settings, place, help) in [
            ("[sources.x]\nservice = \"gruvo\"\n", "bellwire.toml:2: error C001: `sources.x.service`", "`gruveo`?"),
            ("\n[sources.g2]\nservice = \"gruveo\"\nsecrets = { nope = \"k2\" }\n", ":4: error C003", "gruveo_key"),
            ("\n[sources.gen]\n", ":2: error C004: `sources.gen`", "public = true"),
            ("[sources.groove]\npublic = true\n", ":2: error C005", "otherwise"),
            ("[services.nope]\nrate = \"1/s\"\n", ":1: error C006: `services.nope`", "known are "),
            ("[connections.c]\nservice = \"nope\"\n", ":2: error C001: `connections.c.service`", "groove"),
            (
                "[connections.c]\nservice = \"groove\"\nhosts = { uplaods = \"https://up.example.com\" }\n",
                ":3: error C008: `connections.c.hosts`",
                "uploader",
            ),
        ] {
            let found = told(settings);
            let [only] = &found[..] else { panic!("{settings}: {found:?}") };
            assert!(only.contains(place) && only.contains(help), "{settings}: {only}");
        }
    }

    #[test]
    fn settings_that_fit_the_packs_are_left_alone() {
        let fine = "[sources.groove]\nenabled = false\n[sources.off]\nenabled = false\n[sources.open]\npublic = true\n\
                    [sources.g2]\nservice = \"gruveo\"\nsecrets = { gruveo_key = \"k2\" }\n\
                    [services.groove]\nrate = \"1/s\"\n[connections.eu]\nservice = \"groove\"\n";
        assert_eq!(told(fine), Vec::<String>::new());
    }
}
