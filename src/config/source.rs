//! `[sources.NAME]`: one configured way in.

use std::{collections::BTreeMap, time::Duration};

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
    /// A problem is raised where no delivery is accepted for so long. `None`: it may be silent.
    pub expect: Option<Duration>,
}

impl Source {
    /// The keys of the section.
    pub(super) const KEYS: &'static [&'static str] = &["service", "secrets", "enabled", "public", "expect"];

    pub(super) fn read(mut section: Section<'_>) -> Self {
        let source = Self {
            service: section.parsed("service", forms::part_name),
            secrets: section.names("secrets"),
            enabled: section.flag("enabled").unwrap_or(true),
            public: section.flag("public").unwrap_or_default(),
            expect: section.parsed("expect", expected),
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

/// Reads `1h`, or `every 1h`.
fn expected(text: &str) -> Result<Duration, String> {
    let span = text.strip_prefix("every ").unwrap_or(text);
    let span = forms::duration(span.trim()).map_err(|why| format!("{why}; `every 1h` is the same as `1h`"))?;
    let bounds = Duration::from_secs(1)..=Duration::from_hours(366 * 24);
    if !bounds.contains(&span) {
        return Err(format!("a span of time from 1s to 366d wanted, {} seen", forms::show_duration(span)));
    }
    Ok(span)
}
