//! `[sources.NAME]`: one configured way in.

use std::collections::BTreeMap;

use super::{forms, reader::Section};

/// One configured way in.
#[derive(Debug, Clone)]
pub struct Source {
    /// The pack. `None` for a generic source.
    pub service: Option<String>,
    /// The pack's name of a secret -> name of the secret of ours (default: the same name).
    pub secrets: BTreeMap<String, String>,
    /// False: its hook is 404.
    pub enabled: bool,
    /// For a generic source: taken without any check.
    pub public: bool,
}

impl Source {
    /// The keys of the section.
    pub(super) const KEYS: &'static [&'static str] = &["service", "secrets", "enabled", "public"];

    pub(super) fn read(mut section: Section<'_>) -> Self {
        let source = Self {
            service: section.parsed("service", forms::part_name),
            secrets: section.names("secrets"),
            enabled: section.flag("enabled").unwrap_or(true),
            public: section.flag("public").unwrap_or_default(),
        };
        if source.public && source.service.is_some() {
            section.refuse(
                "public",
                "a service's deliveries are always checked; `public` is for sources without `service`",
            );
        }
        section.finish(Self::KEYS);
        source
    }
}
