//! `[server]`: where deliveries come in.

use std::net::{Ipv4Addr, SocketAddr};

use ipnet::IpNet;

use super::{forms, reader::Section};

/// Where deliveries come in.
#[derive(Debug, Clone)]
pub struct Server {
    /// Address and port of the hooks.
    pub listen: SocketAddr,
    /// Scheme and host that senders use, without a slash at the end. `None`: nobody says, and nothing needs it but signatures over addresses.
    pub public_url: Option<String>,
    /// Whether connections are accepted by the gate; false where a reverse proxy does all that it does.
    pub gate: bool,
    /// Networks of the reverse proxies whose `X-Forwarded-For` counts.
    pub trusted_proxies: Vec<IpNet>,
}

impl Server {
    /// The keys of the section.
    pub(super) const KEYS: &'static [&'static str] = &["listen", "public_url", "gate", "trusted_proxies"];

    pub(super) fn read(mut section: Section<'_>) -> Self {
        let server = Self {
            listen: section.parsed("listen", listen).unwrap_or_else(|| SocketAddr::from((Ipv4Addr::LOCALHOST, 0))),
            public_url: section.parsed("public_url", forms::base_url),
            gate: section.flag("gate").unwrap_or_default(),
            trusted_proxies: section.list("trusted_proxies", forms::network),
        };
        section.finish(Self::KEYS);
        server
    }
}

fn listen(text: &str) -> Result<SocketAddr, String> {
    text.parse()
        .map_err(|_| format!("an address with a port such as `127.0.0.1:8000` or `[::]:8000` wanted, `{text}` seen"))
}
