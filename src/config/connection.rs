//! `[connections.NAME]`: one configured way out.

use std::collections::BTreeMap;

use super::{Rate, forms, reader::Section};

/// One configured way out.
#[derive(Debug, Clone)]
pub struct Connection {
    /// The pack.
    pub service: String,
    /// `None`: the pack's own.
    pub base_url: Option<String>,
    /// The pack's name of a further host -> its origin (default: the pack's own).
    pub hosts: BTreeMap<String, String>,
    /// The pack's name of a secret -> name of the secret of ours (default: the same name).
    pub secrets: BTreeMap<String, String>,
    /// `None`: the pack's own.
    pub rate: Option<Rate>,
    /// Requests in flight at once. `None`: the pack's own.
    pub concurrent: Option<u32>,
}

impl Connection {
    /// The keys of the section.
    pub(super) const KEYS: &'static [&'static str] = &["service", "base_url", "hosts", "secrets", "rate", "concurrent"];

    pub(super) fn read(mut section: Section<'_>) -> Self {
        if !section.has("service") {
            section.refuse("service", "is missing; name the pack, such as `service = \"groove\"`");
        }
        let connection = Self {
            service: section.parsed("service", forms::part_name).unwrap_or_default(),
            base_url: section.parsed("base_url", forms::base_url),
            hosts: section.base_urls("hosts"),
            secrets: section.names("secrets"),
            rate: section.parsed("rate", str::parse),
            concurrent: section.number("concurrent", 1, 10_000),
        };
        section.finish(Self::KEYS);
        connection
    }
}
