//! All packs in force.

use std::{collections::BTreeMap, sync::Arc};

use super::{
    Action, Pack, builtin, check,
    raw::File,
    samples::{FOLDER, Texts},
};
use crate::model::Finding;

/// All packs in force, by name. Built-in ones (templates/services/*.yaml, compiled in) and those of the workspace, which replace them.
#[derive(Debug, Default)]
pub struct Registry {
    /// By name.
    pub packs: BTreeMap<String, Arc<Pack>>,
}

impl Registry {
    /// Reads all packs: the built-in ones, and `templates/services/*.yaml` among `files` (path in the workspace -> text; schemas and
    /// samples named by a pack are looked up beside it, then among the built-in ones). `Err` holds all findings of all files, in
    /// their order.
    pub fn load(files: &BTreeMap<String, String>) -> Result<Self, Vec<Finding>> {
        let (registry, findings) = Self::load_good(files);
        if findings.is_empty() { Ok(registry) } else { Err(findings) }
    }

    /// The same: the packs that hold together, and the findings of all others.
    pub fn load_good(files: &BTreeMap<String, String>) -> (Self, Vec<Finding>) {
        let mut texts: Texts<'_> = builtin::FILES.iter().copied().collect();
        texts.extend(files.iter().map(|(path, text)| (path.as_str(), text.as_str())));
        let mut packs = BTreeMap::new();
        let mut findings = Vec::new();
        for (path, text) in &texts {
            let Some(name) = pack_name(path) else { continue };
            match read(name, path, text, &texts) {
                Ok(pack) => {
                    packs.insert(name.to_owned(), Arc::new(pack));
                }
                Err(found) => findings.extend(found),
            }
        }
        findings.sort_by(|left, right| left.order().cmp(&right.order()));
        findings.dedup();
        (Self { packs }, findings)
    }

    /// The pack of a service. `None` where there is none of this name.
    pub fn pack(&self, name: &str) -> Option<&Arc<Pack>> {
        self.packs.get(name)
    }

    /// `groove.add_note` -> its pack and action.
    pub fn action(&self, name: &str) -> Option<(&Arc<Pack>, &Action)> {
        let (pack, action) = name.split_once('.')?;
        let pack = self.packs.get(pack)?;
        Some((pack, pack.actions.get(action)?))
    }
}

/// The name of the pack that a path holds: `templates/services/NAME.yaml`.
fn pack_name(path: &str) -> Option<&str> {
    path.strip_prefix(FOLDER)?.strip_suffix(".yaml").filter(|name| !name.contains('/'))
}

fn read(name: &str, path: &str, text: &str, texts: &Texts<'_>) -> Result<Pack, Vec<Finding>> {
    let file = File::read(path, text)?;
    let pack = check::pack(name, &file.top(), texts);
    match (pack, file.into_findings()) {
        (Some(pack), findings) if findings.is_empty() => Ok(pack),
        // Whatever keeps a pack from being read has said so; a silent loss would be the worst end.
        (None, findings) if findings.is_empty() => {
            Err(vec![Finding::error("P004", path, crate::model::Place::default(), "this is not a whole pack")])
        }
        (_, findings) => Err(findings),
    }
}

#[cfg(test)]
mod tests;
