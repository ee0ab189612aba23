//! A rule set: all rules, templates and packs that hold together; content-addressed and indexed.
// CONTRACT STUB: part B replaces the bodies; keep the signatures (add freely).

use std::{collections::BTreeMap, sync::Arc};

use super::{Rule, Vocabulary};
use crate::{model::Finding, templates::Files, value::Value};

/// SHA-256 over the manifest (path and digest of each text, in order of path).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Digest(pub [u8; 32]);

/// The texts of a workspace: `rules/**/*.yaml` and `templates/**` by their path in it, `/` between names.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Texts(pub Arc<BTreeMap<String, String>>);

/// Rules that hold together, indexed by event type and by the equalities in their conditions.
#[derive(Debug)]
pub struct Set {
    pub digest: Digest,
    pub texts: Texts,
    pub files: Files,
    /// By id, enabled or not.
    pub rules: BTreeMap<Arc<str>, Arc<Rule>>,
    /* index */
}

impl Texts {
    pub fn digest(&self) -> Digest {
        unimplemented!()
    }
}

/// What compiling gave.
pub struct Compiled {
    /// The rules that hold (all of them where there are no errors).
    pub set: Set,
    /// All findings of all files, errors and warnings, sorted by place.
    pub findings: Vec<Finding>,
}

impl Set {
    /// Parses, checks and compiles every rule file among `texts`. Never fails as a whole: files with errors are left out of `set` and
    /// named in `findings`; the caller decides whether the set comes into force.
    pub fn compile(_texts: Texts, _vocabulary: &dyn Vocabulary) -> Compiled {
        unimplemented!()
    }
    /// The enabled rules that listen to `kind` and whose indexed equalities do not rule `event` out, in order of id.
    pub fn candidates(&self, _kind: &str, _own: bool, _event: &Value) -> Vec<&Arc<Rule>> {
        unimplemented!()
    }
}
