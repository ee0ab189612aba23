//! `[data]`: where Bellwire keeps what it knows.

use std::path::{Path, PathBuf};

use super::reader::Section;

/// Where Bellwire keeps what it knows.
#[derive(Debug, Clone)]
pub struct Data {
    /// Absolute.
    pub dir: PathBuf,
}

impl Data {
    /// The keys of the section.
    pub(super) const KEYS: &'static [&'static str] = &["dir"];

    pub(super) fn read(mut section: Section<'_>, workspace: &Path) -> Self {
        let data = Self { dir: workspace.join(section.path("dir").unwrap_or_default()) };
        section.finish(Self::KEYS);
        data
    }
}
