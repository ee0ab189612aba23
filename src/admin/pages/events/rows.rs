//! Deliveries as rows of the list.

use crate::{clock::Time, ids::EventId, store::InboxRow};

/// A row of the list.
pub(super) struct Row {
    /// Where it leads.
    pub(super) href: String,
    pub(super) at: Time,
    pub(super) source: String,
    /// Empty for a refusal: nobody knows what it would have been.
    pub(super) kind: String,
    /// The word of its state.
    pub(super) state: &'static str,
    /// What became of it.
    pub(super) verdict: String,
    /// Length of its body. Empty where that is not known.
    pub(super) size: String,
    pub(super) flags: Vec<&'static str>,
    /// Deliveries of it, the first included.
    pub(super) seen: u32,
    /// Of an accepted one: it can be replayed.
    pub(super) event: Option<EventId>,
}

impl From<InboxRow> for Row {
    fn from(row: InboxRow) -> Self {
        match row {
            InboxRow::Event(event) => Self {
                href: format!("/events/{}", event.id),
                at: event.received_at,
                verdict: match (event.runs, event.state) {
                    (0, "matched") => "a rule matched, and started no run of its own".to_owned(),
                    (0, _) => "no rule matched".to_owned(),
                    (1, _) => "1 run".to_owned(),
                    (runs, _) => format!("{runs} runs"),
                },
                source: event.source,
                kind: event.kind,
                state: event.state,
                size: bytes(event.bytes),
                flags: event.flags,
                seen: event.seen,
                event: Some(event.id),
            },
            InboxRow::Duplicate(repeat) => Self {
                href: format!("/events/{}", repeat.event),
                at: repeat.at,
                source: repeat.source,
                kind: repeat.kind,
                state: "duplicate",
                verdict: "seen before: nothing was started".to_owned(),
                size: String::new(),
                flags: Vec::new(),
                seen: 0,
                event: None,
            },
            InboxRow::Refused(refusal) => Self {
                href: format!("/refusals/{}", refusal.id),
                at: Time(refusal.at),
                source: refusal.source.unwrap_or_else(|| "no such source".to_owned()),
                kind: String::new(),
                state: "refused",
                verdict: refusal.reason,
                size: bytes(refusal.bytes),
                flags: Vec::new(),
                seen: 0,
                event: None,
            },
        }
    }
}

/// A size for people.
pub(super) fn bytes(size: u64) -> String {
    match size {
        0..=1023 => format!("{size} B"),
        1024..=1_048_575 => format!("{}.{} KiB", size / 1024, size % 1024 * 10 / 1024),
        _ => format!("{}.{} MiB", size / 1_048_576, size % 1_048_576 * 10 / 1_048_576),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_told_in_their_unit() {
        for (size, wanted) in [(0, "0 B"), (1023, "1023 B"), (1536, "1.5 KiB"), (10_485_760, "10.0 MiB")] {
            assert_eq!(bytes(size), wanted);
        }
    }
}
