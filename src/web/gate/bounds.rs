//! What the gate lets a client do, and whom it tells of a request that it refused.

use std::{collections::BTreeMap, net::IpAddr, sync::Arc, time::Duration};

use ipnet::IpNet;

use crate::config::Config;

/// The figures of the gate.
#[derive(Debug, Clone)]
pub struct Bounds {
    /// Connections at once.
    pub connections: usize,
    /// Connections at once from one address (IPv6: from one /64). A trusted proxy speaks for many and is not counted.
    pub connections_per_address: usize,
    /// From the first byte of a head (of a connection's first one: from accepting it) to its last.
    pub head_timeout: Duration,
    /// From the end of the head to the last byte of the body.
    pub body_timeout: Duration,
    /// A body must bring `body_rate` bytes a second in each span of this length.
    pub body_pace: Duration,
    /// Bytes a second.
    pub body_rate: u64,
    /// Between two requests of a connection, and for a client that takes no byte of an answer.
    pub idle_timeout: Duration,
    /// Bytes of a body.
    pub body: usize,
    /// The same for single sources that say more: below `/hooks/NAME`.
    pub bodies: BTreeMap<String, usize>,
    /// Bytes of all bodies that are held at once, small ones aside.
    pub buffered: usize,
    /// Whose `X-Forwarded-For` counts.
    pub trusted: Vec<IpNet>,
}

impl Bounds {
    /// Bytes of a head. Above it 431.
    pub const HEAD: usize = 64 * 1024;
    /// Bytes of a target. Above it 414.
    pub const TARGET: usize = 8 * 1024;
    /// Headers of a request. Above it 431. With the two of ours they are the 100 that Rocket's own parser takes.
    pub const HEADERS: usize = 98;

    /// Bytes of a body to this path.
    pub fn body_at(&self, path: &str) -> usize {
        let source = path.strip_prefix("/hooks/").and_then(|rest| rest.split('/').next());
        source.and_then(|source| self.bodies.get(source)).copied().unwrap_or(self.body)
    }

    /// Bytes of the largest body anywhere.
    pub fn largest(&self) -> usize {
        self.bodies.values().copied().chain([self.body]).max().unwrap_or(self.body)
    }

    /// The bounds that `config` sets; pace and buffer are not settings: below 1 KiB/s over 10 s (cases.md I26), 256 MiB in all.
    pub fn of(config: &Config) -> Self {
        let limits = &config.limits;
        Self {
            connections: limits.connections,
            connections_per_address: limits.connections_per_address,
            head_timeout: limits.head_timeout,
            body_timeout: limits.body_timeout,
            body_pace: Duration::from_secs(10),
            body_rate: 1024,
            idle_timeout: limits.idle_timeout,
            body: limits.body,
            bodies: config.sources.iter().filter_map(|(name, source)| Some((name.clone(), source.max_body?))).collect(),
            buffered: 256 * 1024 * 1024,
            trusted: config.server.trusted_proxies.clone(),
        }
    }
}

/// A request that the gate answered itself: it never reached Rocket.
#[derive(Debug, Clone)]
pub struct RefusedRequest<'r> {
    /// The client's address.
    pub peer: IpAddr,
    /// The path of its target; empty where none was read.
    pub path: &'r str,
    /// The word of the reason.
    pub reason: &'static str,
    /// The status it was answered with.
    pub status: u16,
    /// Bytes of the body that were read.
    pub bytes: u64,
}

/// Told of every request that the gate refuses; must not wait.
pub type Observer = Arc<dyn Fn(&RefusedRequest<'_>) + Send + Sync>;
