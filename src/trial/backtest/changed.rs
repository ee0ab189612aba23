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
pub(super) fn fates(old: &Set, new: &Set) -> BTreeMap<Arc<str>, Fate> {
    let ids: BTreeSet<&Arc<str>> = old.rules.keys().chain(new.rules.keys()).collect();
    let same_templates = templates(&old.texts).eq(templates(&new.texts));
    let fate = |id: &Arc<str>| match (old.rules.get(id), new.rules.get(id)) {
        (None, _) => Some(Fate::Added),
        (_, None) => Some(Fate::Removed),
        (Some(was), Some(is)) => (!is_same(old, was, new, is, same_templates)).then_some(Fate::Changed),
    };
    ids.into_iter().filter_map(|id| Some((Arc::clone(id), fate(id)?))).collect()
}

fn is_same(old: &Set, was: &Rule, new: &Set, is: &Rule, same_templates: bool) -> bool {
    let (Some(before), Some(after)) = (old.texts.0.get(&*was.file), new.texts.0.get(&*is.file)) else { return false };
    // A text that includes a template names it in words that only its parser reads; that any of them changed is near enough.
    let includes = after.contains("include") || after.contains("render");
    before == after
        && (same_templates || !includes)
        && services(is).into_iter().all(|service| same_pack(old, new, &service))
}

fn templates(texts: &Texts) -> impl Iterator<Item = (&String, &String)> {
    texts.0.iter().filter(|(path, _)| path.ends_with(".liquid"))
}

/// Whether a service's pack, with its schemas and samples, is the same in both.
pub(super) fn same_pack(old: &Set, new: &Set, service: &str) -> bool {
    let (file, folder) = (format!("templates/services/{service}.yaml"), format!("templates/services/{service}/"));
    let of = |texts: &Texts| -> Vec<(String, String)> {
        let own = texts.0.iter().filter(|(path, _)| **path == file || path.starts_with(&folder));
        own.map(|(path, text)| (path.clone(), text.clone())).collect()
    };
    of(&old.texts) == of(&new.texts)
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
            On::Manual { .. } => {}
        }
    }
    rule.each_step(&mut |step: &Step| {
        if let StepKind::Action { name, .. } = &step.kind {
            named.extend(name.split('.').next().map(str::to_owned));
        }
    });
    named
}
