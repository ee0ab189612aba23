//! Deliveries as rows of the list.

use super::excerpt::excerpt;
use crate::{
    admin::{refused::Refused, state::Admin},
    clock::Time,
    ids::EventId,
    model::RunStatus,
    store::{Glimpse, InboxRow, Joined, Suppressed, SuppressedBy},
};

/// Rules that are named; of more the number.
const NAMED: usize = 2;

/// A rule that matched, and began no run of its own for it.
pub(super) struct Told {
    /// `joined`, `threshold 1 of 3`, `once`.
    pub(super) how: String,
    pub(super) rule: String,
    /// The run that it joined, and the state of that.
    pub(super) run: Option<(String, &'static str)>,
}

/// A row of the list.
#[derive(Default)]
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
    /// The state of its runs that matters most. Empty: it has none.
    pub(super) run: &'static str,
    /// The first rules that ran on it.
    pub(super) rules: Vec<String>,
    /// Further ones.
    pub(super) more_rules: usize,
    /// The first rules that matched it and began no run of their own.
    pub(super) told: Vec<Told>,
    /// Further ones.
    pub(super) more_told: usize,
    /// A few fields of its body.
    pub(super) excerpt: String,
}

/// Rows with what their events tell at a glance.
pub(super) async fn of(admin: &Admin, found: Vec<InboxRow>) -> Result<Vec<Row>, Refused> {
    let event_of = |row: &InboxRow| match row {
        InboxRow::Event(event) => Some(event.id),
        InboxRow::Duplicate(repeat) => Some(repeat.event),
        InboxRow::Refused(_) => None,
    };
    let mut events: Vec<EventId> = found.iter().filter_map(event_of).collect();
    events.sort_unstable();
    events.dedup();
    let glimpses = admin.store.glimpses(events).await?;
    let row = |found: InboxRow| {
        let glimpse = event_of(&found).and_then(|event| glimpses.get(&event));
        let mut row = Row::from(found);
        if let Some(glimpse) = glimpse {
            row.look(glimpse);
        }
        row
    };
    Ok(found.into_iter().map(row).collect())
}

impl Row {
    fn look(&mut self, glimpse: &Glimpse) {
        self.excerpt = glimpse.event.as_ref().map(excerpt).unwrap_or_default();
        if self.event.is_some() {
            self.run = worst(&glimpse.states).map_or("", RunStatus::word);
            self.rules = glimpse.rules.iter().take(NAMED).cloned().collect();
            self.more_rules = glimpse.rules.len().saturating_sub(NAMED);
            let all = glimpse.joined.len() + glimpse.suppressed.len();
            let joined = glimpse.joined.iter().map(joined);
            self.told = joined.chain(glimpse.suppressed.iter().map(suppressed)).take(NAMED).collect();
            self.more_told = all.saturating_sub(NAMED);
            if all > 0 && glimpse.rules.is_empty() {
                // These say it better.
                self.verdict.clear();
            }
        }
    }
}

fn joined(joined: &Joined) -> Told {
    let run = Some((joined.run.to_string(), joined.status.word()));
    Told { how: "joined".to_owned(), rule: joined.rule.clone(), run }
}

fn suppressed(kept: &Suppressed) -> Told {
    let how = match kept.by {
        SuppressedBy::Once { .. } => "once, its key is taken".to_owned(),
        SuppressedBy::Threshold { have, of } => format!("threshold {have} of {of}"),
        SuppressedBy::NoKey => "threshold without a key".to_owned(),
        SuppressedBy::Digest { run } => format!("joined {run}, which is gone"),
    };
    Told { how, rule: kept.rule.clone(), run: None }
}

/// Of several runs, the state that a person wants to know of first.
fn worst(states: &[RunStatus]) -> Option<RunStatus> {
    let rank = |state: &RunStatus| match state {
        RunStatus::Failed => 0,
        RunStatus::Held => 1,
        RunStatus::Running => 2,
        RunStatus::Due => 3,
        RunStatus::Waiting => 4,
        RunStatus::Collecting => 5,
        RunStatus::Undecided => 6,
        RunStatus::Ok => 7,
        RunStatus::Cancelled => 8,
        RunStatus::Skipped => 9,
    };
    states.iter().copied().min_by_key(rank)
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
                ..Self::default()
            },
            InboxRow::Duplicate(repeat) => Self {
                href: format!("/events/{}", repeat.event),
                at: repeat.at,
                source: repeat.source,
                kind: repeat.kind,
                state: "duplicate",
                verdict: "seen before: nothing was started".to_owned(),
                ..Self::default()
            },
            InboxRow::Refused(refusal) => Self {
                href: format!("/refusals/{}", refusal.id),
                at: Time(refusal.at),
                source: refusal.source.unwrap_or_else(|| "no such source".to_owned()),
                kind: String::new(),
                state: "refused",
                verdict: refusal.reason,
                size: bytes(refusal.bytes),
                ..Self::default()
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
    fn of_several_runs_the_one_that_failed_is_told() {
        assert_eq!(worst(&[RunStatus::Ok, RunStatus::Failed, RunStatus::Held]), Some(RunStatus::Failed));
        assert_eq!(worst(&[RunStatus::Skipped, RunStatus::Ok]), Some(RunStatus::Ok));
        assert_eq!(worst(&[]), None);
    }

    #[test]
    fn sizes_are_told_in_their_unit() {
        for (size, wanted) in [(0, "0 B"), (1023, "1023 B"), (1536, "1.5 KiB"), (10_485_760, "10.0 MiB")] {
            assert_eq!(bytes(size), wanted);
        }
    }
}
