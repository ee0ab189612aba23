//! What a backtest found, gathered from several threads.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::{clock::Time, ids::EventId};

/// What a backtest found.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Report {
    /// Events that were looked at.
    pub events: u64,
    /// Of those, the ones whose body retention has deleted.
    pub without_body: u64,
    /// Of those, the ones whose body no longer reads.
    pub unreadable: u64,
    /// By rule; only rules that are not the same on both sides and that could match one of the events.
    pub rules: BTreeMap<String, RuleReport>,
}

/// What differs for one rule.
#[derive(Debug, Clone, Default, Serialize)]
pub struct RuleReport {
    /// Events that the old one matched.
    pub matched_old: u64,
    /// Events that the new one matches.
    pub matched_new: u64,
    /// Events that match now and did not; the text says what kept them away.
    pub appeared: Examples,
    /// Events that no longer match; the text says why.
    pub gone: Examples,
    /// Events on which it would do something else; the text is the difference.
    pub differs: Examples,
    /// Events on which it fails now and did not; the text says why.
    pub errors: Examples,
}

/// How many, and the oldest few of them.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Examples {
    pub count: u64,
    /// Oldest first.
    pub shown: Vec<Example>,
    #[serde(skip)]
    limit: usize,
}

/// One event and what there is to say of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Example {
    pub event: EventId,
    pub received_at: Time,
    pub text: String,
}

impl Report {
    /// The entry of a rule; a new one keeps `examples` of each kind.
    pub(super) fn rule(&mut self, id: &str, examples: usize) -> &mut RuleReport {
        let fresh = || {
            let none = Examples { limit: examples, ..Examples::default() };
            RuleReport {
                appeared: none.clone(),
                gone: none.clone(),
                differs: none.clone(),
                errors: none,
                ..RuleReport::default()
            }
        };
        self.rules.entry(id.to_owned()).or_insert_with(fresh)
    }

    /// Adds what another thread found.
    pub fn merge(&mut self, other: Self) {
        self.events += other.events;
        self.without_body += other.without_body;
        self.unreadable += other.unreadable;
        for (id, theirs) in other.rules {
            match self.rules.get_mut(&id) {
                Some(ours) => ours.merge(theirs),
                None => {
                    self.rules.insert(id, theirs);
                }
            }
        }
    }

    /// Whether anything would be other.
    pub fn is_changed(&self) -> bool {
        self.rules.values().any(RuleReport::is_changed)
    }
}

impl RuleReport {
    /// Whether anything would be other.
    pub fn is_changed(&self) -> bool {
        [&self.appeared, &self.gone, &self.differs, &self.errors].iter().any(|examples| examples.count > 0)
    }

    fn merge(&mut self, other: Self) {
        self.matched_old += other.matched_old;
        self.matched_new += other.matched_new;
        self.appeared.merge(other.appeared);
        self.gone.merge(other.gone);
        self.differs.merge(other.differs);
        self.errors.merge(other.errors);
    }
}

impl Examples {
    /// Those that another process has told; with further ones it keeps `limit`.
    pub fn told(count: u64, shown: Vec<Example>, limit: usize) -> Self {
        Self { count, shown, limit }
    }

    pub(super) fn add(&mut self, event: EventId, received_at: Time, text: String) {
        self.count += 1;
        self.shown.push(Example { event, received_at, text });
        self.cut();
    }

    fn merge(&mut self, other: Self) {
        self.count += other.count;
        self.shown.extend(other.shown);
        self.cut();
    }

    /// Batches come in any order.
    fn cut(&mut self) {
        if self.shown.len() > self.limit {
            self.shown.sort_by_key(|example| example.event);
            self.shown.truncate(self.limit);
        }
    }

    /// Puts the examples in the order of their events.
    pub fn sort(&mut self) {
        self.shown.sort_by_key(|example| example.event);
    }
}
