//! The rule set in force: loaded at start, swapped whole when the workspace changes and everything holds, kept otherwise.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
    sync::{Arc, PoisonError, RwLock},
};

use super::{
    compile::{Compiled, compile, compile_with, pinned},
    settings,
    vocabulary::KnownSecrets,
};
use crate::{
    clock::SharedClock,
    config::Config,
    model::Finding,
    rules::{self, Set, Texts},
    runner::Pinned,
    services,
    starts::InForce,
    store::{NewSet, Store, StoreError},
};

/// Why no rule set could be put in force.
#[derive(Debug, thiserror::Error)]
pub enum RulebookError {
    /// The store did not answer.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The workspace has findings, and `rules.on_error` is `refuse`.
    #[error("{} findings in the workspace, and rules.on_error is \"refuse\"; run `bellwire check`", .0.len())]
    Refused(Vec<Finding>),
}

/// Keeps the rule set in force.
pub struct Rulebook {
    config: Arc<Config>,
    store: Store,
    clock: SharedClock,
    now: RwLock<Now>,
    /// Held by the reload that is under way: of two at once the one that read first could put its older texts over the newer ones.
    reloading: tokio::sync::Mutex<()>,
}

struct Now {
    in_force: InForce,
    /// Findings of the workspace as it stands on disk, where it is not what is in force.
    held_back: Vec<Finding>,
    /// The texts that were looked at last.
    seen: Texts,
}

impl Rulebook {
    /// Loads the workspace, or what was in force before where the workspace has errors.
    pub async fn open(config: Arc<Config>, store: Store, clock: SharedClock) -> Result<Self, RulebookError> {
        let (texts, compiled) = read(&config);
        for finding in settings::findings(&config, &compiled, &texts) {
            tell(&finding);
        }
        let now = if compiled.has_errors() {
            fall_back(&config, &store, &clock, texts, compiled).await?
        } else {
            put(&store, &clock, texts, compiled).await?
        };
        Ok(Self { config, store, clock, now: RwLock::new(now), reloading: tokio::sync::Mutex::default() })
    }

    /// What decides now.
    pub fn in_force(&self) -> InForce {
        self.now.read().unwrap_or_else(PoisonError::into_inner).in_force.clone()
    }

    /// Findings that hold the workspace's present state back. Empty where it is in force.
    pub fn held_back(&self) -> Vec<Finding> {
        self.now.read().unwrap_or_else(PoisonError::into_inner).held_back.clone()
    }

    /// Looks at the workspace again. True where another set came into force.
    pub async fn reload(&self) -> Result<bool, StoreError> {
        let _alone = self.reloading.lock().await;
        let config = Arc::clone(&self.config);
        let (seen, set) = {
            let now = self.now.read().unwrap_or_else(PoisonError::into_inner);
            (now.seen.clone(), Arc::clone(&now.in_force.set))
        };
        let looked = tokio::task::spawn_blocking(move || {
            let (texts, faults) = texts_of(&config.workspace);
            (texts != seen || !faults.is_empty()).then(|| finished((texts, faults), &config, None, Some(&set)))
        });
        let Ok(Some((texts, compiled))) = looked.await else {
            return Ok(false);
        };
        if compiled.has_errors() {
            hold_back(&compiled.findings);
            let mut now = self.now.write().unwrap_or_else(PoisonError::into_inner);
            now.held_back = compiled.findings;
            now.seen = texts;
            return Ok(false);
        }
        let changed = texts.digest() != self.in_force().set.digest;
        let next = put(&self.store, &self.clock, texts, compiled).await?;
        *self.now.write().unwrap_or_else(PoisonError::into_inner) = next;
        Ok(changed)
    }
}

/// What the workspace compiles to as it stands on disk, with everything that is wrong in it, and what is wrong in the settings.
pub fn check(config: &Config) -> Compiled {
    finish(config, read(config))
}

/// The same, and which secrets of rules are not there. `secrets` is asked for those that are, once and where a rule names one; `None`
/// from it says that nobody knows.
pub fn check_with(config: &Config, secrets: &(dyn Fn(&services::Registry) -> Option<Vec<String>> + Sync)) -> Compiled {
    finish(config, read_with(config, Some(secrets)))
}

/// The workspace with these texts in place of its files; `None` for a file that is not there. `earlier` is a set that was compiled under
/// the same settings: what is the same in it is not read again.
pub(super) fn check_drafts(config: &Config, drafts: &[(&str, Option<&str>)], earlier: Option<&Set>) -> Compiled {
    let (texts, faults) = texts_of(&config.workspace);
    let mut files = (*texts.0).clone();
    for (path, text) in drafts {
        match text {
            Some(text) => drop(files.insert((*path).to_owned(), (*text).to_owned())),
            None => drop(files.remove(*path)),
        }
    }
    finish(config, finished((Texts(Arc::new(files)), faults), config, None, earlier))
}

fn finish(config: &Config, (texts, mut compiled): (Texts, Compiled)) -> Compiled {
    compiled.findings.extend(settings::findings(config, &compiled, &texts));
    compiled.findings.sort_by(|left, right| left.order().cmp(&right.order()));
    compiled
}

/// What another folder's rules and templates compile to, under the settings of this workspace.
pub fn of_folder(folder: &Path, config: &Config) -> Compiled {
    read_folder(folder, config).1
}

/// The texts of the workspace and of the packs that are built in, and what they compile to.
fn read(config: &Config) -> (Texts, Compiled) {
    read_with(config, None)
}

fn read_with(config: &Config, secrets: Option<KnownSecrets<'_>>) -> (Texts, Compiled) {
    finished(texts_of(&config.workspace), config, secrets, None)
}

fn read_folder(folder: &Path, config: &Config) -> (Texts, Compiled) {
    finished(texts_of(folder), config, None, None)
}

fn finished(
    (texts, faults): (Texts, Vec<Finding>),
    config: &Config,
    secrets: Option<KnownSecrets<'_>>,
    earlier: Option<&Set>,
) -> (Texts, Compiled) {
    let mut compiled = compile_with(&texts, config, secrets, earlier);
    compiled.findings.extend(faults);
    compiled.findings.sort_by(|left, right| left.order().cmp(&right.order()));
    (texts, compiled)
}

/// Built-in packs stand among the texts, so that a run keeps to them after an upgrade.
pub(super) fn texts_of(folder: &Path) -> (Texts, Vec<Finding>) {
    let rules::Loaded { texts: own, findings: faults } = rules::load(folder);
    let mut texts: BTreeMap<String, String> =
        services::builtin_files().iter().map(|(path, text)| ((*path).to_owned(), (*text).to_owned())).collect();
    texts.extend(own.0.iter().map(|(path, text)| (path.clone(), text.clone())));
    (Texts(Arc::new(texts)), faults)
}

async fn put(store: &Store, clock: &SharedClock, texts: Texts, compiled: Compiled) -> Result<Now, StoreError> {
    let new = NewSet {
        digest: texts.digest().0,
        texts: texts.0.iter().map(|(path, text)| (path.clone(), text.clone())).collect(),
    };
    let set_id = store.put_in_force(new, clock.now()).await?;
    let rules = compiled.set.rules.len();
    tracing::info!(set.id = set_id, set.digest = %texts.digest(), rules, "rule set in force");
    let warnings = compiled.findings.iter().filter(|finding| !finding.is_error()).count();
    if warnings > 0 {
        tracing::warn!(warnings, "the workspace has warnings: run `bellwire check`");
    }
    let in_force = InForce { set: compiled.set, set_id, registry: compiled.registry };
    Ok(Now { in_force, held_back: Vec::new(), seen: texts })
}

/// At start with errors: the last set in force runs on; in a fresh database the files that hold.
async fn fall_back(
    config: &Config,
    store: &Store,
    clock: &SharedClock,
    texts: Texts,
    compiled: Compiled,
) -> Result<Now, RulebookError> {
    if config.rules.refuse_on_error {
        return Err(RulebookError::Refused(compiled.findings));
    }
    hold_back(&compiled.findings);
    if let Some(set_id) = store.in_force().await?
        && let Some(last) = store.set_texts(set_id).await?
    {
        let last = Texts(Arc::new(last.into_iter().collect()));
        let Pinned { set, registry } = pinned(last, config);
        tracing::warn!(set.id = set_id, "the rule set that was in force before runs on");
        let in_force = InForce { set, set_id, registry };
        return Ok(Now { in_force, held_back: compiled.findings, seen: texts });
    }
    let bad: BTreeSet<&str> =
        compiled.findings.iter().filter(|finding| finding.is_error()).map(|finding| finding.file.as_str()).collect();
    let good = texts.0.iter().filter(|(path, _)| !bad.contains(path.as_str()));
    let good = Texts(Arc::new(good.map(|(path, text)| (path.clone(), text.clone())).collect()));
    let held_back = compiled.findings.clone();
    let now = put(store, clock, good.clone(), compile(&good, config)).await?;
    Ok(Now { held_back, seen: texts, ..now })
}

fn hold_back(findings: &[Finding]) {
    let errors = || findings.iter().filter(|finding| finding.is_error());
    let files: BTreeSet<&str> = errors().map(|finding| finding.file.as_str()).collect();
    let files = files.into_iter().collect::<Vec<_>>().join(", ");
    tracing::error!(files, "the workspace has errors: it is held back, run `bellwire check`");
    errors().for_each(tell);
}

/// One line of the log for one error: the way out is a field of its own.
fn tell(finding: &Finding) {
    let Finding { code, file, place, message, help, .. } = finding;
    let at = if place.line == 0 { file.clone() } else { format!("{file}:{}:{}", place.line, place.column) };
    let at = at.trim_end_matches(":0");
    tracing::error!(code, at, why = message, help, "an error that `bellwire check` names");
}
