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
        let secrets = connection.map(|connection| &connection.secrets);
        let (name, hosts) = (name.to_owned(), connection.map(|connection| &connection.hosts));
        Some(Self { name, pack, base_url, rate: rate.or(pack.rate), concurrent, hosts, secrets })
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

    /// Where the pack's auth sends the secret that we call `name`. `None`: nowhere.
    pub(super) fn origin_of(&self, name: &str) -> Option<Origin> {
        if !self.uses(name) {
            return None;
        }
        let text = match &self.pack.auth {
            // A client proves itself where tokens are had, and nowhere else.
            Some(AuthUse::OAuth2(oauth2)) => self.token_url(oauth2)?,
            // It is an address itself, and goes nowhere but there.
            Some(AuthUse::Url(_)) => return None,
            _ => self.base_url?.to_owned(),
        };
        Origin::of(&Url::parse(&text).ok()?)
    }

    /// Where its requests go, and with them its access token: the base URL and the further hosts.
    pub(super) fn origins(&self) -> Vec<Origin> {
        let own = self.hosts.into_iter().flat_map(BTreeMap::values).chain(self.pack.hosts.values());
        let all = self.base_url.into_iter().chain(own.map(String::as_str));
        all.filter_map(|url| Origin::of(&Url::parse(url).ok()?)).collect()
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
