//! `[limits]`: how much is taken from outside.

use std::time::Duration;

use super::reader::Section;

/// How much is taken from outside.
#[derive(Debug, Clone)]
pub struct Limits {
    /// Bytes of a delivery's body.
    pub body: usize,
    /// Open connections in all.
    pub connections: usize,
    /// Open connections from one address.
    pub connections_per_address: usize,
    /// For the head of a request.
    pub head_timeout: Duration,
    /// For the body of a request.
    pub body_timeout: Duration,
    /// Between two requests of a connection.
    pub idle_timeout: Duration,
    /// How long a delivery is known as a duplicate.
    pub dedupe: Duration,
    /// Runs one event may start.
    pub runs_per_event: usize,
    /// What one rule may take to decide.
    pub match_rule: Duration,
    /// What all rules together may take to decide.
    pub match_event: Duration,
    /// Bytes of a reply that are read; 64 KiB of them are kept.
    pub reply: usize,
}

const SECOND: Duration = Duration::from_secs(1);
const HOUR: Duration = Duration::from_secs(3_600);
const DAY: Duration = Duration::from_secs(86_400);

impl Limits {
    /// The keys of the section.
    pub(super) const KEYS: &'static [&'static str] = &[
        "body",
        "connections",
        "connections_per_address",
        "head_timeout",
        "body_timeout",
        "idle_timeout",
        "dedupe",
        "runs_per_event",
        "match_rule_ms",
        "match_event_ms",
        "reply",
    ];

    pub(super) fn read(mut section: Section<'_>) -> Self {
        let limits = Self {
            body: section.size("body", 1 << 10, 64 << 20).unwrap_or_default(),
            connections: section.number("connections", 1, 1_000_000).unwrap_or_default(),
            connections_per_address: section.number("connections_per_address", 1, 1_000_000).unwrap_or_default(),
            head_timeout: section.duration("head_timeout", SECOND, HOUR).unwrap_or_default(),
            body_timeout: section.duration("body_timeout", SECOND, HOUR).unwrap_or_default(),
            idle_timeout: section.duration("idle_timeout", SECOND, HOUR).unwrap_or_default(),
            dedupe: section.duration("dedupe", Duration::from_secs(60), 365 * DAY).unwrap_or_default(),
            runs_per_event: section.number("runs_per_event", 1, 10_000).unwrap_or_default(),
            match_rule: Duration::from_millis(section.number("match_rule_ms", 1, 10_000).unwrap_or_default()),
            match_event: Duration::from_millis(section.number("match_event_ms", 1, 60_000).unwrap_or_default()),
            reply: section.size("reply", 64 << 10, 64 << 20).unwrap_or_default(),
        };
        section.finish(Self::KEYS);
        limits
    }
}
