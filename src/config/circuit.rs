//! `[circuit]`: when a host that fails is left alone.

use std::time::Duration;

use super::reader::Section;

/// When a host that fails is left alone.
#[derive(Debug, Clone)]
pub struct Circuit {
    /// Failures in a row after which nothing is sent for a while. 0: never.
    pub failures: u32,
    /// The time in which they must have come.
    pub within: Duration,
    /// How long nothing is sent at first; it doubles with each probe that fails.
    pub pause: Duration,
    /// How long at most.
    pub longest: Duration,
}

impl Circuit {
    /// The keys of the section.
    pub(super) const KEYS: &'static [&'static str] = &["failures", "within", "pause", "longest"];

    pub(super) fn read(mut section: Section<'_>) -> Self {
        const SECOND: Duration = Duration::from_secs(1);
        const HOUR: Duration = Duration::from_hours(1);
        let circuit = Self {
            failures: section.number("failures", 0, 1_000).unwrap_or_default(),
            within: section.duration("within", SECOND, HOUR).unwrap_or_default(),
            pause: section.duration("pause", SECOND, HOUR).unwrap_or_default(),
            longest: section.duration("longest", SECOND, HOUR).unwrap_or_default(),
        };
        if circuit.longest < circuit.pause {
            section.refuse("longest", "is shorter than `circuit.pause`");
        }
        section.finish(Self::KEYS);
        circuit
    }
}
