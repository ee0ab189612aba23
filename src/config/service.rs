//! `[services.NAME]`: the short form for a service's own connection.

use super::{Rate, forms, reader::Section};

/// The short form for a service's own connection.
#[derive(Debug, Clone, Default)]
pub struct Service {
    /// `None`: the pack's own.
    pub base_url: Option<String>,
    /// `None`: the pack's own.
    pub rate: Option<Rate>,
    /// Requests in flight at once. `None`: the pack's own.
    pub concurrent: Option<u32>,
}

impl Service {
    /// The keys of the section.
    pub(super) const KEYS: &'static [&'static str] = &["base_url", "rate", "concurrent"];

    pub(super) fn read(mut section: Section<'_>) -> Self {
        let service = Self {
            base_url: section.parsed("base_url", forms::base_url),
            rate: section.parsed("rate", str::parse),
            concurrent: section.number("concurrent", 1, 10_000),
        };
        section.finish(Self::KEYS);
        service
    }
}
