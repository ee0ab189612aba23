//! Decides what was lost, stuck or doubled. Itself tested with forged ledgers.

use std::collections::{BTreeMap, BTreeSet};

/// What three witnesses say.
#[derive(Debug, Default, Clone)]
pub struct Ledger {
    /// What the sender was promised: event id -> ticket.
    pub acknowledged: BTreeMap<String, String>,
    /// What the database holds.
    pub runs: Vec<RunFact>,
    /// What the receiver did: Idempotency-Key -> ticket. A second request with a known key does nothing there.
    pub effects: BTreeMap<String, String>,
}

/// One run of the database.
#[derive(Debug, Clone)]
pub struct RunFact {
    pub event: String,
    pub state: String,
    /// Whether its last attempt has an unknown outcome.
    pub unknown: bool,
}

/// A broken promise.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Violation {
    /// An acknowledged event has no run.
    Lost { event: String },
    /// A run neither ended nor is held with an attempt of unknown outcome.
    Stuck { event: String, state: String },
    /// A run failed although its receiver was there.
    Failed { event: String },
    /// A run ended well and its receiver knows nothing of it.
    NoEffect { ticket: String },
    /// One ticket got two notes.
    Doubled { ticket: String },
}

/// Every broken promise.
pub fn check(ledger: &Ledger) -> Vec<Violation> {
    let mut violations = Vec::new();
    let known: BTreeSet<&str> = ledger.runs.iter().map(|run| run.event.as_str()).collect();
    for event in ledger.acknowledged.keys().filter(|event| !known.contains(event.as_str())) {
        violations.push(Violation::Lost { event: event.clone() });
    }
    let mut notes: BTreeMap<&str, usize> = BTreeMap::new();
    for ticket in ledger.effects.values() {
        *notes.entry(ticket).or_default() += 1;
    }
    for run in &ledger.runs {
        match run.state.as_str() {
            "ok" => {
                if let Some(ticket) = ledger.acknowledged.get(&run.event)
                    && !notes.contains_key(ticket.as_str())
                {
                    violations.push(Violation::NoEffect { ticket: ticket.clone() });
                }
            }
            "held" if run.unknown => {}
            "failed" => violations.push(Violation::Failed { event: run.event.clone() }),
            state => violations.push(Violation::Stuck { event: run.event.clone(), state: state.to_owned() }),
        }
    }
    for (ticket, _) in notes.iter().filter(|(_, count)| **count > 1) {
        violations.push(Violation::Doubled { ticket: (*ticket).to_owned() });
    }
    violations
}

fn fair() -> Ledger {
    let acknowledged = (1..=3).map(|n| (format!("evt_{n}"), n.to_string())).collect();
    let run = |n: usize, state: &str, unknown| RunFact { event: format!("evt_{n}"), state: state.to_owned(), unknown };
    Ledger {
        acknowledged,
        runs: vec![run(1, "ok", false), run(2, "ok", false), run(3, "held", true)],
        effects: [("a", "1"), ("b", "2")].map(|(key, ticket)| (key.to_owned(), ticket.to_owned())).into(),
    }
}

#[test]
fn a_fair_ledger_has_no_violation() {
    assert_eq!(check(&fair()), []);
}

#[test]
fn a_lost_event_is_caught() {
    let mut forged = fair();
    forged.runs.remove(0);
    assert_eq!(check(&forged), [Violation::Lost { event: "evt_1".to_owned() }]);
}

#[test]
fn a_stuck_run_is_caught() {
    for (state, unknown) in [("running", false), ("due", false), ("held", false)] {
        let mut forged = fair();
        forged.runs[1].state = state.to_owned();
        forged.runs[1].unknown = unknown;
        assert_eq!(check(&forged), [Violation::Stuck { event: "evt_2".to_owned(), state: state.to_owned() }]);
    }
}

#[test]
fn a_doubled_or_missing_effect_is_caught() {
    let mut forged = fair();
    forged.effects.insert("c".to_owned(), "1".to_owned());
    assert_eq!(check(&forged), [Violation::Doubled { ticket: "1".to_owned() }]);
    let mut forged = fair();
    forged.effects.remove("b");
    assert_eq!(check(&forged), [Violation::NoEffect { ticket: "2".to_owned() }]);
}
