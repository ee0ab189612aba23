//! `[sources.NAME]`: one configured way in.

use std::{collections::BTreeMap, time::Duration};

use super::{forms, reader::Section};

/// One configured way in.
#[derive(Debug, Clone)]
pub struct Source {
    /// The pack. `None` for a generic source.
    pub service: Option<String>,
    /// The pack's name of a secret -> name of the secret of ours (default: the same name; of a generic source, see `secret_name`).
    pub secrets: BTreeMap<String, String>,
    /// False: its hook is 404.
    pub enabled: bool,
    /// Taken without any check: a generic source, or one whose pack checks nothing.
    pub public: bool,
    /// A problem is raised where no delivery is accepted for so long. `None`: it may be silent.
    pub expect: Option<Duration>,
    /// How the deliveries of a generic source are checked: the name of a preset, or a map as in a pack. `None`: nothing is said.
    pub verify: Option<serde_json::Value>,
}

impl Source {
    /// The keys of the section.
    pub(super) const KEYS: &'static [&'static str] = &["service", "secrets", "enabled", "public", "expect", "verify"];

    /// Our name for a secret that the check of a generic source calls `theirs`: what `secrets` says, else `<source>_<theirs>`.
    pub fn secret_name(&self, source: &str, theirs: &str) -> String {
        let own = || format!("{}_{theirs}", source.replace('-', "_"));
        self.secrets.get(theirs).cloned().unwrap_or_else(own)
    }

    pub(super) fn read(mut section: Section<'_>) -> Self {
        let source = Self {
            service: section.parsed("service", forms::part_name),
            secrets: section.names("secrets"),
            enabled: section.flag("enabled").unwrap_or(true),
            public: section.flag("public").unwrap_or_default(),
            expect: section.parsed("expect", expected),
            verify: section.json("verify"),
        };
        if source.verify.is_some() && source.service.is_some() {
            section.refuse(
                "verify",
                "a service's deliveries are checked as its pack says; take `verify` or `service` out",
            );
        }
        if source.verify.is_some() && source.public {
            section.refuse("public", "with `verify` deliveries are checked, so that the source is not public");
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
