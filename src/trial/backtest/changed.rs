//! Which rules are not the same in two sets, by their text and all that it names.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use serde::Serialize;

use crate::rules::{On, Rule, Set, Step, StepKind, Texts};

/// What became of a rule between two sets.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Fate {
    /// Only the new set has it.
    Added,
    /// Only the old set has it.
    Removed,
    /// Its text, a template or a pack that it names is another.
    Changed,
}

/// The fates of rules that are not the same in both.
pub(super) fn fates(old: &Set, new: &Set, other_packs: &BTreeSet<String>) -> BTreeMap<Arc<str>, Fate> {
    let ids: BTreeSet<&Arc<str>> = old.rules.keys().chain(new.rules.keys()).collect();
    let same_templates = templates(&old.texts).eq(templates(&new.texts));
    let fate = |id: &Arc<str>| match (old.rules.get(id), new.rules.get(id)) {
        (None, _) => Some(Fate::Added),
        (_, None) => Some(Fate::Removed),
        (Some(was), Some(is)) => {
            (!is_same((old, was), (new, is), same_templates, other_packs)).then_some(Fate::Changed)
        }
    };
    ids.into_iter().filter_map(|id| Some((Arc::clone(id), fate(id)?))).collect()
}

fn is_same(
    (old, was): (&Set, &Rule),
    (new, is): (&Set, &Rule),
    same_templates: bool,
    other_packs: &BTreeSet<String>,
) -> bool {
    let (Some(before), Some(after)) = (old.texts.0.get(&*was.file), new.texts.0.get(&*is.file)) else { return false };
    // A text that includes a template names it in words that only its parser reads; that any of them changed is near enough.
    let includes = after.contains("include") || after.contains("render");
    before == after
        && (same_templates || !includes)
        && services(is).iter().all(|service| !other_packs.contains(service))
}

fn templates(texts: &Texts) -> impl Iterator<Item = (&String, &String)> {
    texts.0.iter().filter(|(path, _)| path.ends_with(".liquid"))
}

/// The services whose pack is not the same in both: their events are read twice.
pub(super) fn other_packs(old: &Set, new: &Set) -> BTreeSet<String> {
    const FOLDER: &str = "templates/services/";
    let service = |path: &str| -> Option<String> {
        let name = path.strip_prefix(FOLDER)?.split('/').next()?;
        Some(name.strip_suffix(".yaml").unwrap_or(name).to_owned())
    };
    let named: BTreeSet<String> =
        [old, new].iter().flat_map(|set| set.texts.0.keys()).filter_map(|path| service(path)).collect();
    named.into_iter().filter(|service| !same_pack(old, new, service)).collect()
}

/// Whether a service's pack, with its schemas and samples, is the same in both.
fn same_pack(old: &Set, new: &Set, service: &str) -> bool {
    pack_of(&old.texts, service).eq(pack_of(&new.texts, service))
}

fn pack_of<'t>(texts: &'t Texts, service: &str) -> impl Iterator<Item = (&'t String, &'t String)> {
    let (file, folder) = (format!("templates/services/{service}.yaml"), format!("templates/services/{service}/"));
    let inner = texts.0.range(folder.clone()..).take_while(move |(path, _)| path.starts_with(&folder));
    texts.0.get_key_value(&file).into_iter().chain(inner)
}

/// The services that a rule names.
fn services(rule: &Rule) -> BTreeSet<String> {
    let mut named = BTreeSet::new();
    for on in &rule.on {
        match on {
            On::Type { event, .. } => named.extend(event.split('.').next().map(str::to_owned)),
            On::Service { service, .. } => {
                named.insert(service.clone());
            }
            On::Manual { .. } | On::Schedule(_) => {}
            On::Poll(poll) => {
                if let StepKind::Action { name, .. } = &poll.step.kind {
                    named.extend(name.split('.').next().map(str::to_owned));
                }
            }
        }
    }
    rule.each_step(&mut |step: &Step| {
        if let StepKind::Action { name, .. } = &step.kind {
            named.extend(name.split('.').next().map(str::to_owned));
        }
    });
    named
}
