//! The ways in of a service, with the secrets that each needs.

use serde::Serialize;

use super::{Pack, Verify};
use crate::config::Config;

/// One way in.
#[derive(Debug, Clone, Serialize)]
pub struct WayIn {
    /// Its name: `/hooks/NAME`.
    pub name: String,
    /// False: its hook is 404.
    pub enabled: bool,
    /// Names of its secrets, as we call them, and whether each is set.
    pub secrets: Vec<(String, bool)>,
    /// Nothing is checked, and the settings say so.
    pub public: bool,
}

impl WayIn {
    /// A word on it for the list.
    pub fn state(&self) -> &'static str {
        match () {
            () if !self.enabled => "off",
            () if self.secrets.iter().any(|(_, set)| !set) => "no secret",
            () if self.secrets.is_empty() && !self.public => "not public",
            () => "ready",
        }
    }
}

/// The ways in of a service, its own first. `has` tells which secrets are set.
pub fn ways_in(config: &Config, pack: &Pack, has: &dyn Fn(&str) -> bool) -> Vec<WayIn> {
    let Some(hook) = &pack.hook else { return Vec::new() };
    let row = |name: &str| {
        let settings = config.sources.get(name);
        let ours = |theirs: &str| {
            settings.and_then(|source| source.secrets.get(theirs)).map_or(theirs, String::as_str).to_owned()
        };
        WayIn {
            name: name.to_owned(),
            enabled: settings.is_none_or(|source| source.enabled),
            secrets: hook.all_secret_names().into_iter().map(ours).map(|name| (name.clone(), has(&name))).collect(),
            public: hook.verify == Verify::None && settings.is_some_and(|source| source.public),
        }
    };
    let is_other = |name: &&String, service: Option<&str>| **name != pack.name && service == Some(pack.name.as_str());
    let others = config.sources.iter().filter(|(name, source)| is_other(name, source.service.as_deref()));
    // One of its name that the settings give to another service is not its own.
    let own = config.sources.get(&pack.name).and_then(|source| source.service.as_ref());
    let own = own.is_none_or(|service| *service == pack.name).then(|| row(&pack.name));
    own.into_iter().chain(others.map(|(name, _)| row(name))).collect()
}
