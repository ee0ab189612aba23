//! A rule set: all rules, templates and packs that hold together; content-addressed and indexed.

mod circle;
mod compile;
mod emitted;
mod index;
mod loose;
mod reads;

use std::{collections::BTreeMap, fmt, sync::Arc};

use sha2::{Digest as _, Sha256};

use self::{index::Index, reads::Reads};
use super::Rule;
use crate::{model::Finding, templates::Files, value::Value};

/// SHA-256 over the manifest (path and digest of each text, in order of path).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Digest(pub [u8; 32]);

impl fmt::Display for Digest {
    /// In hexadecimal.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

/// The texts of a workspace: `rules/**/*.yaml` and `templates/**` by their path in it, `/` between names.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Texts(pub Arc<BTreeMap<String, String>>);

impl Texts {
    /// The path of each text with the SHA-256 of the text, in order of path.
    pub fn manifest(&self) -> Vec<(&str, Digest)> {
        self.0.iter().map(|(path, text)| (path.as_str(), Digest(Sha256::digest(text.as_bytes()).into()))).collect()
    }

    /// The digest of all of them: the same for the same texts under the same paths, whatever the machine.
    pub fn digest(&self) -> Digest {
        let mut all = Sha256::new();
        for (path, digest) in self.manifest() {
            // The length ends the path without doubt: no two lists of texts make the same bytes.
            all.update(u64::try_from(path.len()).unwrap_or(u64::MAX).to_be_bytes());
            all.update(path.as_bytes());
            all.update(digest.0);
        }
        Digest(all.finalize().into())
    }
}

/// Rules that hold together, indexed by event type and by the equalities in their conditions.
#[derive(Debug)]
pub struct Set {
    /// Of `texts`.
    pub digest: Digest,
    /// What it was compiled from.
    pub texts: Texts,
    /// The `templates/**/*.liquid` among them.
    pub files: Files,
    /// By id, enabled or not.
    pub rules: BTreeMap<Arc<str>, Arc<Rule>>,
    index: Index,
    /// What was read from each rule file, so that the next set need not read it again.
    reads: Reads,
}

/// What compiling gave.
#[derive(Debug)]
pub struct Compiled {
    /// The rules that hold (all of them where there are no errors).
    pub set: Set,
    /// All findings of all files, errors and warnings, sorted by place.
    pub findings: Vec<Finding>,
}

impl Compiled {
    /// Whether every file holds: warnings do not count.
    pub fn holds(&self) -> bool {
        !self.findings.iter().any(Finding::is_error)
    }
}

impl Set {
    /// The enabled rules that listen to `kind` and whose indexed equalities do not rule `event` out, in order of id. `own` says
    /// that one of our own actions caused the event: only rules that ask for such are then among them.
    pub fn candidates(&self, kind: &str, own: bool, event: &Value) -> Vec<&Arc<Rule>> {
        self.index.candidates(kind, own, event)
    }

    /// The same without the index: every enabled rule that listens to `kind`. What the index is compared with.
    pub fn listeners(&self, kind: &str, own: bool) -> Vec<&Arc<Rule>> {
        self.rules.values().filter(|rule| rule.enabled && rule.hears(kind, own)).collect()
    }
}

#[cfg(test)]
mod tests;
