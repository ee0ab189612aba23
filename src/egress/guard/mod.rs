//! The guard: what may be called by name, address and port.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ipnet::IpNet;
use url::{Host, Url};

use super::{Denied, ranges, typed};
use crate::config;

/// Ports that are open without being configured.
const PORTS: [u16; 2] = [80, 443];
/// Ports that are open for mail: of submission, with TLS. Servers speak to each other on 25, where nobody signs in.
const MAIL_PORTS: [u16; 2] = [465, 587];
/// Where the clouds keep their metadata.
const METADATA: IpAddr = IpAddr::V4(Ipv4Addr::new(169, 254, 169, 254));
/// Names of the metadata services that a resolver on the spot may answer for.
const METADATA_NAMES: [&str; 5] =
    ["metadata", "metadata.goog", "metadata.google.internal", "instance-data", "instance-data.ec2.internal"];
/// Names that mean this machine, beside those that end in `.localhost` (RFC 6761, section 6.3).
const LOOPBACK_NAMES: [&str; 5] = ["localhost", "localhost.localdomain", "localhost6", "ip6-localhost", "ip6-loopback"];

/// What may be called: public addresses on the usual ports, and what `[egress]` opens.
#[derive(Debug, Clone)]
pub struct Egress {
    allow: Vec<IpNet>,
    ports: Vec<u16>,
    own: Vec<IpAddr>,
}

impl Egress {
    /// By the settings. `own` are the machine's own addresses, denied unless allowed.
    pub fn new(settings: &config::Egress, own: Vec<IpAddr>) -> Self {
        Self { allow: settings.allow.clone(), ports: settings.ports.clone(), own }
    }

    /// Reads a URL as typed or rendered: refuses control characters, backslashes, userinfo, other schemes than http and https,
    /// ports and IP literals that are not allowed. The only way to a `Url` that may be sent to.
    pub fn url(&self, text: &str) -> Result<Url, Denied> {
        let url = typed::read(text)?;
        let host = typed::host(&url).ok_or_else(|| Denied("the URL has no host".into()))?;
        match &host {
            Host::Ipv4(ip) => self.address((*ip).into())?,
            Host::Ipv6(ip) => self.address((*ip).into())?,
            Host::Domain(name) => self.name(name)?,
        }
        let port = url.port_or_known_default().unwrap_or(0);
        let usual = MAIL_PORTS.iter().filter(|_| url.scheme().starts_with("smtp"));
        if port == 0 || !PORTS.iter().chain(usual).chain(&self.ports).any(|open| *open == port) {
            let why = format!("port {port} of `{host}` is not open; to open it, add it to `egress.ports`");
            return Err(Denied(why));
        }
        Ok(url)
    }

    /// Whether an address that a name resolved to may be connected to.
    pub fn address(&self, ip: IpAddr) -> Result<(), Denied> {
        if self.allows(ip) {
            return Ok(());
        }
        let why = match ranges::special(ip) {
            Some(why) => why,
            None if self.own.contains(&ip) => "this machine's own".into(),
            None => return Ok(()),
        };
        Err(Denied(format!("address {ip} is not public ({why}); to call it all the same, add it to `egress.allow`")))
    }

    /// Names that are known to lead inside, wherever they resolve to. All others are left to the addresses they resolve to.
    fn name(&self, name: &str) -> Result<(), Denied> {
        let bare = name.trim_end_matches('.');
        let is_loopback = LOOPBACK_NAMES.contains(&bare) || bare.ends_with(".localhost");
        if is_loopback && !self.allows_loopback() {
            let why = "is this machine; to call it all the same, add its address to `egress.allow`";
            return Err(Denied(format!("host `{name}` {why}")));
        }
        if METADATA_NAMES.contains(&bare) && !self.allows(METADATA) {
            return Err(Denied(format!("host `{name}` is a cloud's metadata service")));
        }
        Ok(())
    }

    fn allows(&self, ip: IpAddr) -> bool {
        self.allow.iter().any(|net| net.contains(&ip))
    }

    /// Whether any part of loopback is open; which, the resolved address decides.
    fn allows_loopback(&self) -> bool {
        let inside = |net: &IpNet| net.addr().is_loopback();
        let around = self.allows(Ipv4Addr::LOCALHOST.into()) || self.allows(Ipv6Addr::LOCALHOST.into());
        around || self.allow.iter().any(inside)
    }
}

#[cfg(test)]
mod tests;
