//! Which targets and origins may be called. Pure: addresses and URLs in, an answer out.
// CONTRACT STUB: part E replaces the bodies; keep the signatures.

use std::net::IpAddr;

use url::Url;

use crate::config;

/// What may be called: public addresses on the usual ports, and what `[egress]` opens.
#[derive(Debug, Clone)]
pub struct Egress {/* allow: Vec<IpNet>, ports, own addresses */}

/// Why a target may not be called. `Display` names the target's host or address, never path or query.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Denied(pub String);

/// Scheme, host and port of a URL, in lower case, default ports left out: what a secret is bound to.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Origin(String);

impl Egress {
    /// By the settings. `own` are the machine's own addresses, denied unless allowed.
    pub fn new(_settings: &config::Egress, _own: Vec<IpAddr>) -> Self {
        unimplemented!()
    }
    /// Reads a URL as typed or rendered: refuses control characters, backslashes, userinfo, other schemes than http and https,
    /// ports and IP literals that are not allowed. The only way to a `Url` that may be sent to.
    pub fn url(&self, _text: &str) -> Result<Url, Denied> {
        unimplemented!()
    }
    /// Whether an address that a name resolved to may be connected to.
    pub fn address(&self, _ip: IpAddr) -> Result<(), Denied> {
        unimplemented!()
    }
}

impl Origin {
    /// The origin of a URL. `None` where it has no host.
    pub fn of(_url: &Url) -> Option<Self> {
        unimplemented!()
    }
    /// Reads `https://host[:port]`, and nothing after it.
    pub fn parse(_text: &str) -> Result<Self, Denied> {
        unimplemented!()
    }
    /// The text, such as `https://api.groovehq.com`.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}
