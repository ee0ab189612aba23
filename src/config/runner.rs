//! `[runner]`: how runs are worked off.

use std::time::Duration;

use super::reader::Section;

/// How runs are worked off.
#[derive(Debug, Clone)]
pub struct Runner {
    /// False: nothing is claimed (for benchmarks and maintenance).
    pub enabled: bool,
    /// Runs in flight at once.
    pub workers: usize,
    /// Requests in flight to one host.
    pub per_host: usize,
    /// How long a stopping server lets open requests go on.
    pub grace: Duration,
}

impl Runner {
    /// The keys of the section.
    pub(super) const KEYS: &'static [&'static str] = &["enabled", "workers", "per_host", "grace"];

    pub(super) fn read(mut section: Section<'_>) -> Self {
        let runner = Self {
            enabled: section.flag("enabled").unwrap_or_default(),
            workers: section.number("workers", 1, 10_000).unwrap_or_default(),
            per_host: section.number("per_host", 1, 10_000).unwrap_or_default(),
            grace: section.duration("grace", Duration::ZERO, Duration::from_secs(600)).unwrap_or_default(),
        };
        section.finish(Self::KEYS);
        runner
    }
}
