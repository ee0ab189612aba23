//! Texts of a workspace become a rule set and the packs that it was checked against.

use std::{collections::BTreeMap, sync::Arc};

use super::vocabulary::{AppVocabulary, KnownSecrets};
use crate::{
    config::Config,
    model::Finding,
    rules::{Set, Texts},
    runner::Pinned,
    services::Registry,
};

/// What compiling a workspace gave.
pub struct Compiled {
    /// The rules that hold.
    pub set: Arc<Set>,
    /// The packs that hold together.
    pub registry: Arc<Registry>,
    /// All findings of all files, sorted by file and place.
    pub findings: Vec<Finding>,
}

impl Compiled {
    /// Whether a file is held back.
    pub fn has_errors(&self) -> bool {
        self.findings.iter().any(Finding::is_error)
    }
}

/// Compiles a workspace's texts under its settings.
pub fn compile(texts: &Texts, config: &Config) -> Compiled {
    compile_with(texts, config, None, None)
}

/// The same; with `secrets`, those that rules name and that are not there are told. `earlier` is a set that was compiled under the same
/// settings, without secrets: what is the same in it is not read again.
pub(super) fn compile_with(
    texts: &Texts,
    config: &Config,
    secrets: Option<KnownSecrets<'_>>,
    earlier: Option<&Set>,
) -> Compiled {
    let packs: BTreeMap<String, String> = texts
        .0
        .iter()
        .filter(|(path, _)| path.starts_with("templates/services/"))
        .map(|(path, text)| (path.clone(), text.clone()))
        .collect();
    let (registry, mut findings) = Registry::load_good(&packs);
    let rules = Set::compile_after(texts.clone(), &AppVocabulary::new(&registry, config, secrets), earlier);
    findings.extend(rules.findings);
    findings.sort_by(|left, right| left.order().cmp(&right.order()));
    Compiled { set: Arc::new(rules.set), registry: Arc::new(registry), findings }
}

/// The JSON Schema of the rules of a workspace: of the language, and of the packs that are built in or stand in the workspace.
pub fn rule_schema(config: &Config) -> crate::value::Value {
    let compiled = super::check(config);
    crate::rules::schema(&AppVocabulary::new(&compiled.registry, config, None))
}

/// Compiles texts that once held together, for runs that are pinned to them.
pub(super) fn pinned(texts: Texts, config: &Config) -> Pinned {
    let compiled = compile(&texts, config);
    for finding in compiled.findings.iter().filter(|finding| finding.is_error()) {
        tracing::debug!(finding = %finding, "in a rule set that runs still use");
    }
    Pinned { set: compiled.set, registry: compiled.registry }
}
