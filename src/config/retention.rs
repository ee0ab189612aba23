//! `[retention]`: how long events and runs are kept.

use super::reader::Section;

/// How long events and runs are kept.
#[derive(Debug, Clone)]
pub struct Retention {
    /// Older ones are deleted, unless an open run needs them.
    pub days: u32,
    /// Events that are kept at most.
    pub rows: u64,
}

impl Retention {
    /// The keys of the section.
    pub(super) const KEYS: &'static [&'static str] = &["days", "rows"];

    pub(super) fn read(mut section: Section<'_>) -> Self {
        let retention = Self {
            days: section.number("days", 1, 36_500).unwrap_or_default(),
            rows: section.number("rows", 1_000, 1_000_000_000_000).unwrap_or_default(),
        };
        section.finish(Self::KEYS);
        retention
    }
}
