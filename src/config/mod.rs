//! Settings: `defaults.toml` compiled in, then `bellwire.toml`, then `BELLWIRE_...`. Handed down as values; no global.
// CONTRACT STUB: part G replaces this (one file a section), keeps field names and types; may add fields.

use std::{collections::BTreeMap, net::SocketAddr, path::PathBuf, time::Duration};

use ipnet::IpNet;

use crate::secret::Secret;

#[derive(Debug, Clone)]
pub struct Config {
    /// The workspace folder, absolute.
    pub workspace: PathBuf,
    pub server: Server,
    pub data: Data,
    pub database: Database,
    pub secrets: Secrets,
    pub sources: BTreeMap<String, Source>,
    pub connections: BTreeMap<String, Connection>,
    pub services: BTreeMap<String, Service>,
    pub egress: Egress,
    pub limits: Limits,
    pub runner: Runner,
    pub retention: Retention,
    pub rules: Rules,
    pub log: Log,
    /// `[vars]`, seen by rules as `vars.x`.
    pub vars: serde_json::Map<String, serde_json::Value>,
    pub hours: BTreeMap<String, Hours>,
}

#[derive(Debug, Clone)]
pub struct Server {
    pub listen: SocketAddr,
    /// Whether connections are accepted by the gate; false where a reverse proxy does all that it does.
    pub gate: bool,
    pub trusted_proxies: Vec<IpNet>,
}
#[derive(Debug, Clone)]
pub struct Data {
    /// Absolute.
    pub dir: PathBuf,
}
#[derive(Debug, Clone)]
pub struct Database {
    /// `None`: SQLite in `data.dir`. `postgresql://...?sslmode=disable` or unix socket; holds a password.
    pub url: Option<Secret>,
}
#[derive(Debug, Clone)]
pub struct Secrets {
    /// Absolute; default `data.dir`/bellwire.key.
    pub key_file: PathBuf,
    /// From BELLWIRE_SECRET_<NAME> and BELLWIRE_SECRET_<NAME>_FILE; names in lower case.
    pub environment: BTreeMap<String, Secret>,
}
/// `[sources.NAME]`.
#[derive(Debug, Clone)]
pub struct Source {
    pub service: Option<String>,
    /// The pack's name of a secret -> name of the secret of ours (default: the same name).
    pub secrets: BTreeMap<String, String>,
    pub enabled: bool,
    /// For a generic source: taken without any check.
    pub public: bool,
}
/// `[connections.NAME]`.
#[derive(Debug, Clone)]
pub struct Connection {
    pub service: String,
    pub base_url: Option<String>,
    pub secrets: BTreeMap<String, String>,
    pub rate: Option<Rate>,
    pub concurrent: Option<u32>,
}
/// `[services.NAME]`: short form for the service's own connection.
#[derive(Debug, Clone, Default)]
pub struct Service {
    pub base_url: Option<String>,
    pub rate: Option<Rate>,
    pub concurrent: Option<u32>,
}
/// `24/min`, `10/s`, `1000/h`, or `unlimited`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rate {
    Unlimited,
    Per { count: u32, span: Duration },
}
impl std::str::FromStr for Rate {
    type Err = String;
    fn from_str(_text: &str) -> Result<Self, String> {
        unimplemented!()
    }
}
#[derive(Debug, Clone, Default)]
pub struct Egress {
    pub allow: Vec<IpNet>,
    /// Beside 80 and 443.
    pub ports: Vec<u16>,
}
#[derive(Debug, Clone)]
pub struct Limits {
    /// Bytes of a delivery's body; 1 MiB.
    pub body: usize,
    /// 1,000.
    pub connections: usize,
    /// 100.
    pub connections_per_address: usize,
    /// 10 s.
    pub head_timeout: Duration,
    /// 30 s.
    pub body_timeout: Duration,
    /// 60 s.
    pub idle_timeout: Duration,
    /// Dedupe window; 7 days.
    pub dedupe: Duration,
    /// Runs one event may start; 100.
    pub runs_per_event: usize,
    /// 20 ms.
    pub match_rule: Duration,
    /// 500 ms.
    pub match_event: Duration,
    /// Bytes of a reply that are read; 1 MiB. 64 KiB are kept.
    pub reply: usize,
}
#[derive(Debug, Clone)]
pub struct Runner {
    /// False: nothing is claimed (for benchmarks and maintenance).
    pub enabled: bool,
    /// Runs in flight at once; 256.
    pub workers: usize,
    /// Requests in flight to one host; 32? see cases A38.
    pub per_host: usize,
    /// How long a stopping server lets open requests go on; 10 s.
    pub grace: Duration,
}
#[derive(Debug, Clone)]
pub struct Retention {
    /// 30.
    pub days: u32,
    pub rows: u64,
}
#[derive(Debug, Clone)]
pub struct Rules {
    /// `rules.on_error`: keep (default) or refuse.
    pub refuse_on_error: bool,
}
#[derive(Debug, Clone)]
pub struct Log {
    pub json: bool,
    /// A filter of tracing-subscriber.
    pub level: String,
}
/// `[hours.NAME]`: parsed later; kept as written.
#[derive(Debug, Clone)]
pub struct Hours {
    pub timezone: String,
    pub days: BTreeMap<String, Vec<String>>,
    pub closed: Vec<String>,
}
