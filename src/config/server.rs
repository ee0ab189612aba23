//! `[server]`: where deliveries come in.

use std::net::{Ipv4Addr, SocketAddr};

use ipnet::IpNet;

use super::{forms, reader::Section};

/// Where deliveries come in.
#[derive(Debug, Clone)]
pub struct Server {
    /// Address and port of the hooks.
    pub listen: SocketAddr,
    /// Whether connections are accepted by the gate; false where a reverse proxy does all that it does.
    pub gate: bool,
    /// Networks of the reverse proxies whose `X-Forwarded-For` counts.
    pub trusted_proxies: Vec<IpNet>,
    /// Where the world reaches this server, without the slash at its end. `None`: nobody has said.
    pub public_url: Option<String>,
    /// An address of its own for the admin and its API. `None`: they are at `listen`.
    pub admin_listen: Option<SocketAddr>,
    /// Whether passwords may cross a network without TLS.
    pub dangerous_plain_http: bool,
}

impl Server {
    /// The keys of the section.
    pub(super) const KEYS: &'static [&'static str] =
        &["listen", "gate", "trusted_proxies", "public_url", "admin_listen", "dangerous_plain_http"];

    pub(super) fn read(mut section: Section<'_>) -> Self {
        let server = Self {
            listen: section.parsed("listen", listen).unwrap_or_else(|| SocketAddr::from((Ipv4Addr::LOCALHOST, 0))),
            gate: section.flag("gate").unwrap_or_default(),
            trusted_proxies: section.list("trusted_proxies", forms::network),
            public_url: section.parsed("public_url", forms::base_url),
            admin_listen: section.parsed("admin_listen", listen),
            dangerous_plain_http: section.flag("dangerous_plain_http").unwrap_or_default(),
        };
        section.finish(Self::KEYS);
        server
    }
}

fn listen(text: &str) -> Result<SocketAddr, String> {
    text.parse()
        .map_err(|_| format!("an address with a port such as `127.0.0.1:8000` or `[::]:8000` wanted, `{text}` seen"))
}
