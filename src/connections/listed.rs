//! Connections as they are shown: never a value of a secret.

use std::{collections::BTreeSet, sync::Arc};

use serde::Serialize;

use super::effective::{Effective, Settings};
use crate::{
    clock::Time,
    config::Config,
    services::{AuthUse, Registry},
    store::{Grant, GrantState},
};

/// A connection in the list.
#[derive(Debug, Clone, Serialize)]
pub struct ConnectionRow {
    /// Its name.
    pub name: String,
    /// The pack.
    pub service: String,
    /// Where its requests go. `None`: nobody has set it, or a secret is the whole address.
    pub base_url: Option<String>,
    /// `bearer`, `oauth2` and so on. `None`: it needs no proof.
    pub auth: Option<&'static str>,
    /// The secrets that it needs.
    pub secrets: Vec<SecretUse>,
    /// Of OAuth 2.0 alone.
    pub grant: Option<GrantRow>,
    /// Such as `24/min`; `unlimited`.
    pub rate: String,
    /// Whether it has a section of its own in bellwire.toml.
    pub configured: bool,
}

/// A secret that a connection needs.
#[derive(Debug, Clone, Serialize)]
pub struct SecretUse {
    /// As we call it.
    pub name: String,
    /// Whether it is set.
    pub set: bool,
}

/// How it stands with a grant.
#[derive(Debug, Clone, Serialize)]
pub struct GrantRow {
    /// The client gets tokens by itself, and nobody logs in.
    pub by_itself: bool,
    /// `ok`, `lost` or `none`.
    pub state: GrantState,
    /// When the access token ends; it is renewed before. `None`: not known.
    pub expires_at: Option<Time>,
    /// What was granted.
    pub scopes: String,
    /// When the tokens changed last.
    pub changed_at: Option<Time>,
    /// Why it is lost.
    pub why: Option<String>,
}

/// The word that packs have for a way to prove who we are.
fn word(auth: &AuthUse) -> &'static str {
    match auth {
        AuthUse::Bearer(_) => "bearer",
        AuthUse::Basic { .. } | AuthUse::BasicAs { .. } => "basic",
        AuthUse::Header { .. } => "header",
        AuthUse::Query { .. } => "query",
        AuthUse::Path { .. } => "path",
        AuthUse::Url(_) => "url",
        AuthUse::Json { .. } => "json",
        AuthUse::Hmac(_) => "hmac",
        AuthUse::OAuth2(_) => "oauth2",
        AuthUse::Connection(_) => "connection",
    }
}

/// Every connection that can send something, by name. `has` tells which secrets are set.
pub fn list(
    config: &Config,
    registry: &Registry,
    has: &dyn Fn(&str) -> bool,
    grants: &[Arc<Grant>],
) -> Vec<ConnectionRow> {
    let settings = Settings::of(config);
    let names: BTreeSet<&str> = Effective::names(settings, registry).collect();
    let found = names.into_iter().filter_map(|name| Effective::find(settings, registry, name));
    found
        .filter(|connection| !connection.pack.actions.is_empty() || connection.pack.auth.is_some())
        .map(|connection| row(&connection, config.connections.contains_key(&connection.name), has, grants))
        .collect()
}

fn row(
    connection: &Effective<'_>,
    configured: bool,
    has: &dyn Fn(&str) -> bool,
    grants: &[Arc<Grant>],
) -> ConnectionRow {
    let auth = connection.pack.auth.as_ref();
    let theirs = auth.map(AuthUse::secret_names).unwrap_or_default();
    let secrets = theirs.into_iter().map(|theirs| {
        let name = connection.secret(theirs).to_owned();
        SecretUse { set: has(&name), name }
    });
    let own = grants.iter().find(|grant| grant.connection == connection.name);
    let oauth2 = auth.and_then(|auth| if let AuthUse::OAuth2(oauth2) = auth { Some(oauth2) } else { None });
    let grant = oauth2.map(|oauth2| GrantRow {
        by_itself: oauth2.grant == crate::services::Grant::ClientCredentials,
        state: own.map_or(GrantState::None, |grant| grant.state),
        expires_at: own.and_then(|grant| grant.expires_at),
        scopes: own.map(|grant| grant.scopes.clone()).unwrap_or_default(),
        changed_at: own.map(|grant| grant.changed_at),
        why: own.and_then(|grant| grant.why.clone()),
    });
    ConnectionRow {
        name: connection.name.clone(),
        service: connection.pack.name.clone(),
        base_url: connection.base_url.map(str::to_owned),
        auth: auth.map(word),
        secrets: secrets.collect(),
        grant,
        rate: connection.rate.map_or_else(|| "unlimited".to_owned(), |rate| rate.to_string()),
        configured,
    }
}
