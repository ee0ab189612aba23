//! How a service stands in this workspace: where its pack comes from, its ways in and its ways out.

use std::{collections::BTreeMap, fs};

use serde::Serialize;

use crate::{
    cli::{failure::Failure, open},
    config::Config,
    connections::{self, ConnectionRow},
    services::{Registry, WayIn, builtin_files, ways_in},
    store::{GrantState, Mode, Store, Vault},
};

/// Where packs stand, in a workspace.
const FOLDER: &str = "templates/services";

/// Where a pack comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub(super) enum From {
    /// Compiled in.
    #[serde(rename = "built-in")]
    BuiltIn,
    /// A file of the workspace.
    #[serde(rename = "workspace")]
    Workspace,
    /// A file of the workspace that stands for the one that is compiled in.
    #[serde(rename = "workspace, replaces the built-in")]
    Replaced,
}

/// A word on a connection for the list.
pub(super) fn state(row: &ConnectionRow) -> &'static str {
    match &row.grant {
        _ if row.secrets.iter().any(|secret| !secret.set) => "no secret",
        _ if row.base_url.is_none() && row.auth != Some("url") => "no address",
        Some(grant) if grant.state != GrantState::Ok => "log in",
        _ => "ready",
    }
}

/// All that is known of the workspace's services.
pub(super) struct Standing {
    from: BTreeMap<String, From>,
    pub(super) sources: BTreeMap<String, Vec<WayIn>>,
    pub(super) connections: Vec<ConnectionRow>,
}

impl Standing {
    /// Looks at the files, the settings and the names of the secrets that are set.
    pub(super) fn read(config: &Config, registry: &Registry) -> Result<Self, Failure> {
        if open::is_unborn(config)? {
            let has = |name: &str| config.secrets.environment.contains_key(name);
            return Ok(Self::of(config, registry, &has, connections::list(config, registry, &has, &[])));
        }
        open::block_on(async {
            let store: Store = open::store(config, Mode::Read)?;
            let vault = Vault::open(store.clone(), config, open::clock())?;
            let has = |name: &str| vault.has(name);
            let connections = connections::list(config, registry, &has, &vault.grants());
            let standing = Self::of(config, registry, &has, connections);
            store.close();
            Ok(standing)
        })
    }

    fn of(config: &Config, registry: &Registry, has: &dyn Fn(&str) -> bool, connections: Vec<ConnectionRow>) -> Self {
        let from = registry.packs.keys().map(|name| (name.clone(), from(config, name))).collect();
        let sources = registry.packs.values().map(|pack| (pack.name.clone(), ways_in(config, pack, has))).collect();
        Self { from, sources, connections }
    }

    /// Where a pack comes from.
    pub(super) fn from(&self, name: &str) -> From {
        self.from.get(name).copied().unwrap_or(From::BuiltIn)
    }

    /// The ways in of a service, its own first.
    pub(super) fn sources_of(&self, name: &str) -> &[WayIn] {
        self.sources.get(name).map_or(&[], Vec::as_slice)
    }

    /// The ways out of a service, by name.
    pub(super) fn connections_of(&self, name: &str) -> impl Iterator<Item = &ConnectionRow> {
        self.connections.iter().filter(move |row| row.service == name)
    }
}

fn from(config: &Config, name: &str) -> From {
    let path = format!("{FOLDER}/{name}.yaml");
    let is_built_in = builtin_files().iter().any(|(known, _)| *known == path);
    match (config.workspace.join(&path).is_file(), is_built_in) {
        (true, true) => From::Replaced,
        (true, false) => From::Workspace,
        (false, _) => From::BuiltIn,
    }
}

/// Packs of the workspace that do not hold together, by name: they are in no registry.
pub(super) fn broken(config: &Config, registry: &Registry) -> Vec<String> {
    let Ok(files) = fs::read_dir(config.workspace.join(FOLDER)) else { return Vec::new() };
    let names = files.flatten().filter_map(|file| Some(file.file_name().to_str()?.strip_suffix(".yaml")?.to_owned()));
    let mut broken: Vec<String> = names.filter(|name| !registry.packs.contains_key(name)).collect();
    broken.sort();
    broken
}
