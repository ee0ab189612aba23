//! `[rules]`: what follows when rule files have faults.

use super::reader::Section;

/// What follows when rule files have faults.
#[derive(Debug, Clone)]
pub struct Rules {
    /// `rules.on_error = "refuse"`: faults at start end the process with 78. False is `keep`.
    pub refuse_on_error: bool,
}

impl Rules {
    /// The keys of the section.
    pub(super) const KEYS: &'static [&'static str] = &["on_error"];

    pub(super) fn read(mut section: Section<'_>) -> Self {
        let rules =
            Self { refuse_on_error: section.choice("on_error", &["keep", "refuse"]).as_deref() == Some("refuse") };
        section.finish(Self::KEYS);
        rules
    }
}
