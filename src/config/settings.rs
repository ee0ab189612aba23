//! All settings of a process.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use super::{
    Circuit, Connection, Data, Database, Egress, Hours, Limits, Log, Oidc, Origin, Retention, Rules, Runner, Secrets,
    Server, Service, Source, load::from_parts,
};

/// All settings of a process: one field a section of `defaults.toml`, which says what each means.
#[derive(Debug, Clone)]
pub struct Config {
    /// The workspace folder, absolute.
    pub workspace: PathBuf,
    /// `[server]`.
    pub server: Server,
    /// `[oidc]`. `None`: no provider is named.
    pub oidc: Option<Oidc>,
    /// `[data]`.
    pub data: Data,
    /// `[database]`.
    pub database: Database,
    /// `[secrets]`.
    pub secrets: Secrets,
    /// `[sources.NAME]`.
    pub sources: BTreeMap<String, Source>,
    /// `[connections.NAME]`.
    pub connections: BTreeMap<String, Connection>,
    /// `[services.NAME]`.
    pub services: BTreeMap<String, Service>,
    /// `[egress]`.
    pub egress: Egress,
    /// `[limits]`.
    pub limits: Limits,
    /// `[runner]`.
    pub runner: Runner,
    /// `[circuit]`.
    pub circuit: Circuit,
    /// `[retention]`.
    pub retention: Retention,
    /// `[rules]`.
    pub rules: Rules,
    /// `[log]`.
    pub log: Log,
    /// `[vars]`, seen by rules as `vars.x`.
    pub vars: serde_json::Map<String, serde_json::Value>,
    /// `[hours.NAME]`.
    pub hours: BTreeMap<String, Hours>,
    /// Where the value of each key came from: `server.listen`, `secret gruveo_key`.
    pub origins: BTreeMap<String, Origin>,
    /// Risky settings, a sentence each with the reason; logged at start.
    pub warnings: Vec<String>,
}

impl Config {
    /// The settings that are compiled in, for a workspace; neither a file nor the environment is read.
    ///
    /// # Panics
    ///
    /// Where `defaults.toml` has a fault, which a test rules out.
    pub fn defaults(workspace: &Path) -> Self {
        let workspace = std::path::absolute(workspace).unwrap_or_else(|_| workspace.to_owned());
        match from_parts(workspace, "", &BTreeMap::new()) {
            Ok(config) => config,
            Err(errors) => unreachable!("defaults.toml: {errors:?}"),
        }
    }
}
