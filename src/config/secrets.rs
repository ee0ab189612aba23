//! `[secrets]`: the key file, and the secrets that the environment brings.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use super::reader::Section;
use crate::secret::Secret;

/// The key file, and the secrets that the environment brings.
#[derive(Debug, Clone)]
pub struct Secrets {
    /// Absolute; default `data.dir`/bellwire.key.
    pub key_file: PathBuf,
    /// From `BELLWIRE_SECRET_<NAME>` and `BELLWIRE_SECRET_<NAME>_FILE`; names in lower case.
    pub environment: BTreeMap<String, Secret>,
}

impl Secrets {
    /// The keys of the section.
    pub(super) const KEYS: &'static [&'static str] = &["key_file"];

    pub(super) fn read(
        mut section: Section<'_>,
        workspace: &Path,
        data: &Path,
        environment: BTreeMap<String, Secret>,
    ) -> Self {
        let key_file = section.path("key_file").map_or_else(|| data.join("bellwire.key"), |file| workspace.join(file));
        section.finish(Self::KEYS);
        Self { key_file, environment }
    }
}
