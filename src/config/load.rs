//! Puts the settings together: what is compiled in, then the file of the workspace, then the environment.

use std::{
    collections::{BTreeMap, btree_map::Entry},
    fs, io,
    path::{Path, PathBuf},
};

use figment::{
    Figment, Metadata, Profile, Provider,
    providers::{Format, Toml},
    value::{Dict, Map, Value},
};

use super::{
    Circuit, Config, Connection, Data, Database, Egress, Hours, Limits, Log, Oidc, Retention, Rules, Runner, Secrets,
    Server, Service, Source,
    environment::{Environment, PREFIX, Shape},
    error::{ConfigError, Origin},
    lines::line_of,
    reader::Reader,
    warnings,
};

/// The settings that are compiled in; also the manual.
pub const DEFAULTS: &str = include_str!("defaults.toml");

/// The settings file of a workspace.
pub const FILE: &str = "bellwire.toml";

/// The sections with the keys they have.
pub(super) const SECTIONS: &[(&str, &[&str])] = &[
    ("server", Server::KEYS),
    ("oidc", Oidc::KEYS),
    ("data", Data::KEYS),
    ("database", Database::KEYS),
    ("secrets", Secrets::KEYS),
    ("egress", Egress::KEYS),
    ("limits", Limits::KEYS),
    ("runner", Runner::KEYS),
    ("circuit", Circuit::KEYS),
    ("retention", Retention::KEYS),
    ("rules", Rules::KEYS),
    ("log", Log::KEYS),
];

/// The tables of named tables, with the keys these have.
pub(super) const FAMILIES: &[(&str, &[&str])] = &[
    ("sources", Source::KEYS),
    ("connections", Connection::KEYS),
    ("services", Service::KEYS),
    ("hours", Hours::KEYS),
];

/// The variables of this process that are ours: the one place where the environment is read.
#[expect(clippy::disallowed_methods, reason = "this is the place that the lint sends everyone to")]
pub fn environment() -> BTreeMap<String, String> {
    std::env::vars_os()
        .map(|(name, value)| (name.to_string_lossy().into_owned(), value.to_string_lossy().into_owned()))
        .filter(|(name, _)| name.starts_with(PREFIX))
        .collect()
}

/// The settings of a workspace under an environment (`environment()`, or a test's own).
///
/// # Errors
///
/// All faults of file and environment at once, sorted by key.
pub fn load(workspace: &Path, environment: &BTreeMap<String, String>) -> Result<Config, Vec<ConfigError>> {
    let workspace = std::path::absolute(workspace)
        .map_err(|error| vec![ConfigError::Unreadable { file: workspace.to_owned(), why: error.to_string() }])?;
    let path = workspace.join(FILE);
    let text = match fs::read_to_string(&path) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => String::new(),
        Err(error) => return Err(vec![ConfigError::Unreadable { file: path, why: error.to_string() }]),
    };
    let mut config = from_parts(workspace, &text, environment)?;
    config.warnings = warnings::of(&config, &path);
    Ok(config)
}

/// The settings that a text and an environment give; reads no file but those that `..._FILE` variables name.
pub(super) fn from_parts(
    workspace: PathBuf,
    text: &str,
    variables: &BTreeMap<String, String>,
) -> Result<Config, Vec<ConfigError>> {
    let file = parse(text, FILE)?;
    let named = |family: &str| match file.get(family) {
        Some(Value::Dict(_, members)) => members.keys().cloned().collect(),
        _ => Vec::new(),
    };
    let shape = Shape { sections: SECTIONS, families: FAMILIES, named: &named };
    let mut environment = Environment::read(variables, &shape);
    let figment = Figment::new()
        .merge(Layer("defaults", parse(DEFAULTS, "defaults.toml")?))
        .merge(Layer("file", file.clone()))
        .merge(Layer("environment", environment.tree.clone()));
    let tree = match figment.find_value("") {
        Ok(Value::Dict(_, tree)) => tree,
        // Figment answers with a table for what is made of tables.
        _ => Dict::new(),
    };
    let origin = |path: &[&str]| {
        let owned: Vec<String> = path.iter().map(|part| (*part).to_owned()).collect();
        if let Some(variable) = environment.variables.get(&owned) {
            return Origin::Variable(variable.clone());
        }
        let value = figment.find_value(&path.join("."));
        let layer = value.ok().and_then(|value| figment.get_metadata(value.tag()).map(|found| found.name.to_string()));
        match layer.as_deref() {
            Some("defaults") => Origin::Default,
            _ => Origin::File { name: FILE.to_owned(), line: line_of(text, path) },
        }
    };
    let mut reader = Reader::new(tree, &origin);
    let secrets = std::mem::take(&mut environment.secrets);
    let mut config = read(&mut reader, workspace, secrets);
    let mut errors = std::mem::take(&mut reader.errors);
    config.origins = std::mem::take(&mut reader.origins);
    for (name, variable) in &environment.secret_variables {
        config.origins.insert(format!("secret {name}"), Origin::Variable(variable.clone()));
    }
    errors.append(&mut environment.errors);
    if errors.is_empty() {
        return Ok(config);
    }
    errors.sort_by_key(ToString::to_string);
    errors.dedup();
    Err(errors)
}

fn read(reader: &mut Reader<'_>, workspace: PathBuf, secrets: BTreeMap<String, crate::secret::Secret>) -> Config {
    let data = Data::read(reader.section("data"), &workspace);
    let server = Server::read(reader.section("server"));
    let oidc = Oidc::read(reader.section("oidc"), server.public_url.is_some());
    let config = Config {
        server,
        oidc,
        database: Database::read(reader.section("database")),
        secrets: Secrets::read(reader.section("secrets"), &workspace, &data.dir, secrets),
        sources: reader.family("sources", Source::read),
        connections: reader.family("connections", Connection::read),
        services: reader.family("services", Service::read),
        egress: Egress::read(reader.section("egress")),
        limits: Limits::read(reader.section("limits")),
        runner: Runner::read(reader.section("runner")),
        circuit: Circuit::read(reader.section("circuit")),
        retention: Retention::read(reader.section("retention")),
        rules: Rules::read(reader.section("rules")),
        log: Log::read(reader.section("log")),
        vars: reader.section("vars").into_json(),
        hours: reader.family("hours", Hours::read),
        origins: BTreeMap::new(),
        warnings: Vec::new(),
        data,
        workspace,
    };
    let mut known: Vec<&str> = SECTIONS.iter().chain(FAMILIES).map(|(name, _)| *name).collect();
    known.push("vars");
    reader.finish(&known);
    config
}

fn parse(text: &str, name: &str) -> Result<Dict, Vec<ConfigError>> {
    Toml::from_str::<Dict>(text).map_err(|error| {
        let at = error.span().map_or(0, |span| span.start);
        let line = text.as_bytes().iter().take(at).filter(|byte| **byte == b'\n').count() + 1;
        vec![ConfigError::Syntax { file: name.to_owned(), line, why: error.message().trim().replace('\n', ", ") }]
    })
}

/// One of the layers, with the name that its values are known by.
struct Layer(&'static str, Dict);

impl Provider for Layer {
    fn metadata(&self) -> Metadata {
        Metadata::named(self.0)
    }

    fn data(&self) -> figment::Result<Map<Profile, Dict>> {
        let mut data = Map::new();
        if let Entry::Vacant(entry) = data.entry(Profile::Default) {
            entry.insert(self.1.clone());
        }
        Ok(data)
    }
}
