//! `[egress]`: what rules may call beside public addresses.

use ipnet::IpNet;

use super::{forms, reader::Section};

/// What rules may call beside public addresses on the usual ports.
#[derive(Debug, Clone, Default)]
pub struct Egress {
    /// Networks that are opened.
    pub allow: Vec<IpNet>,
    /// Beside 80 and 443.
    pub ports: Vec<u16>,
}

impl Egress {
    /// The keys of the section.
    pub(super) const KEYS: &'static [&'static str] = &["allow", "ports"];

    pub(super) fn read(mut section: Section<'_>) -> Self {
        let egress = Self { allow: section.list("allow", forms::network), ports: section.list("ports", port) };
        section.finish(Self::KEYS);
        egress
    }
}

fn port(text: &str) -> Result<u16, String> {
    text.parse().ok().filter(|port| *port > 0).ok_or_else(|| format!("a port from 1 to 65535 wanted, `{text}` seen"))
}
