//! A connection as it is in force: the settings laid over the pack.

use std::{collections::BTreeMap, sync::Arc};

use url::Url;

use crate::{
    config::{Config, Connection, Rate, Service},
    egress::Origin,
    services::{AuthUse, OAuth2, Pack, Registry},
};

/// The settings that connections are made of.
#[derive(Debug, Clone, Copy)]
pub(super) struct Settings<'a> {
    pub(super) connections: &'a BTreeMap<String, Connection>,
    pub(super) services: &'a BTreeMap<String, Service>,
}

impl<'a> Settings<'a> {
    pub(super) fn of(config: &'a Config) -> Self {
        Self { connections: &config.connections, services: &config.services }
    }
}

/// A connection of `[connections]`, or a service's own.
pub(super) struct Effective<'a> {
    pub(super) name: String,
    pub(super) pack: &'a Arc<Pack>,
    pub(super) base_url: Option<&'a str>,
    pub(super) rate: Option<Rate>,
    pub(super) concurrent: Option<u32>,
    /// The connection's own; the pack's stand behind them.
    hosts: Option<&'a BTreeMap<String, String>>,
    secrets: Option<&'a BTreeMap<String, String>>,
}

impl<'a> Effective<'a> {
    /// The connection of this name. `None` where there is none, or its service has no pack.
    pub(super) fn find(settings: Settings<'a>, registry: &'a Registry, name: &str) -> Option<Self> {
        let connection = settings.connections.get(name);
        let service = connection.map_or(name, |connection| connection.service.as_str());
        let pack = registry.pack(service)?;
        // The short form is for the service's own connection alone.
        let short = settings.services.get(name).filter(|_| service == name);
        let base_url = connection
            .and_then(|connection| connection.base_url.as_deref())
            .or_else(|| short.and_then(|short| short.base_url.as_deref()))
            .or(pack.base_url.as_deref());
        let rate = connection.and_then(|connection| connection.rate).or_else(|| short.and_then(|short| short.rate));
        let concurrent = connection
            .and_then(|connection| connection.concurrent)
            .or_else(|| short.and_then(|short| short.concurrent))
            .or(pack.concurrent);
        let hosts = connection.map(|connection| &connection.hosts);
        let secrets = connection.map(|connection| &connection.secrets);
        Some(Self { name: name.to_owned(), pack, base_url, rate: rate.or(pack.rate), concurrent, hosts, secrets })
    }

    /// Where requests to a further host of the pack go; the base URL without one. `None`: nowhere is said.
    pub(super) fn base(&self, host: Option<&str>) -> Option<&'a str> {
        let Some(host) = host else { return self.base_url };
        let own = self.hosts.and_then(|hosts| hosts.get(host));
        own.or_else(|| self.pack.hosts.get(host)).map(String::as_str)
    }

    /// Everywhere that requests of the pack's actions may go.
    fn bases(&self) -> impl Iterator<Item = &'a str> {
        let further = self.pack.hosts.keys().filter_map(|host| self.base(Some(host)));
        self.base_url.into_iter().chain(further)
    }

    /// The names of all connections.
    pub(super) fn names(settings: Settings<'a>, registry: &'a Registry) -> impl Iterator<Item = &'a str> {
        settings.connections.keys().chain(registry.packs.keys()).map(String::as_str)
    }

    /// Our name of a secret that the pack calls `name`.
    pub(super) fn secret<'n>(&self, name: &'n str) -> &'n str
    where
        'a: 'n,
    {
        self.secrets.and_then(|secrets| secrets.get(name)).map_or(name, String::as_str)
    }

    /// Whether the pack's auth uses the secret that we call `name`.
    fn uses(&self, name: &str) -> bool {
        let named = self.pack.auth.as_ref().map(AuthUse::secret_names).unwrap_or_default();
        named.into_iter().any(|named| self.secret(named) == name)
    }

    /// Where the pack's auth sends the secret that we call `name`. Empty: nowhere.
    pub(super) fn origins_of(&self, name: &str) -> Vec<Origin> {
        if !self.uses(name) {
            return Vec::new();
        }
        match &self.pack.auth {
            // A client proves itself where tokens are had, and nowhere else.
            Some(AuthUse::OAuth2(oauth2)) => self.token_url(oauth2).as_deref().and_then(origin).into_iter().collect(),
            // It is an address itself, and goes nowhere but there.
            Some(AuthUse::Url(_)) => Vec::new(),
            _ => self.origins(),
        }
    }

    /// Where its requests go, and with them its access token: the base URL and the further hosts.
    pub(super) fn origins(&self) -> Vec<Origin> {
        self.bases().filter_map(origin).collect()
    }

    /// Where tokens are had. `None`: below a base URL that nobody has set.
    pub(super) fn token_url(&self, oauth2: &OAuth2) -> Option<String> {
        self.absolute(&oauth2.token_url)
    }

    /// A URL of the pack that may stand below the base URL.
    pub(super) fn absolute(&self, url: &str) -> Option<String> {
        if url.starts_with('/') { Some(format!("{}{url}", self.base_url?)) } else { Some(url.to_owned()) }
    }
}

fn origin(url: &str) -> Option<Origin> {
    Origin::of(&Url::parse(url).ok()?)
}
