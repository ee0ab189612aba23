//! Decides what was lost, stuck, doubled or repeated. Itself tested with forged ledgers.

use std::collections::{BTreeMap, BTreeSet};

use super::rules;

/// What three witnesses say.
#[derive(Debug, Default, Clone)]
pub struct Ledger {
    /// What the sender was promised: event id -> number of the delivery. Answers to waits are not among them.
    pub acknowledged: BTreeMap<String, usize>,
    /// What the database holds.
    pub runs: Vec<RunFact>,
    /// The ids of emitted events.
    pub emitted: BTreeSet<String>,
    /// What the profile counts.
    pub counted: u64,
    /// What the receiver was asked: Idempotency-Key -> path, and how often. From the second time on it does nothing there.
    pub effects: BTreeMap<String, (String, usize)>,
}

/// One run of the database.
#[derive(Debug, Clone, Default)]
pub struct RunFact {
    pub id: String,
    pub rule: String,
    pub event: String,
    pub state: String,
    /// Whether its last attempt has an unknown outcome.
    pub unknown: bool,
    /// The path of each step that was attempted, in order of their beginnings: its key, and the outcome.
    pub attempts: Vec<AttemptFact>,
    /// The paths of the steps whose end is recorded, with the outcome.
    pub ends: Vec<(String, String)>,
}

/// One attempt of the database.
#[derive(Debug, Clone)]
pub struct AttemptFact {
    pub step: String,
    pub key: String,
    pub outcome: String,
}

/// A broken promise.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Violation {
    /// An event has no run of a rule that it matched.
    Lost { event: String, rule: &'static str },
    /// An event has two runs of one rule.
    RunTwice { event: String, rule: String },
    /// A run neither ended nor is held with an attempt of unknown outcome.
    Stuck { run: String, state: String },
    /// A run failed although its receiver was there.
    Failed { run: String },
    /// All runs ended well and the receiver knows nothing of it.
    NoEffect { path: String },
    /// One thing was done under two keys; or was sent again although it could be seen that it had been done.
    Doubled { path: String },
    /// A step was attempted again after its end was recorded, or ended twice.
    Repeated { run: String, step: String },
    /// The receiver was asked more often than attempts were recorded.
    Unrecorded { path: String },
    /// A wait for an event ended otherwise.
    NotAnswered { run: String },
    /// The profile counts otherwise than there were runs, or than events were emitted.
    Miscounted { what: &'static str, wanted: usize, seen: usize },
    /// A second between the first and the last that were fired was not.
    Untold { second: u64 },
    /// A delivery stands in no digest, or in two.
    Gathered { number: usize, times: usize },
}

/// Every broken promise.
pub fn check(ledger: &Ledger) -> Vec<Violation> {
    let mut violations = Vec::new();
    runs(ledger, &mut violations);
    effects(ledger, &mut violations);
    counts(ledger, &mut violations);
    let ticks = ticks(ledger);
    if let (Some(first), Some(last)) = (ticks.first(), ticks.last()) {
        violations.extend(
            (*first..*last).filter(|second| !ticks.contains(second)).map(|second| Violation::Untold { second }),
        );
    }
    violations
}

/// The seconds whose slot had its effect.
pub fn ticks(ledger: &Ledger) -> BTreeSet<u64> {
    ledger.effects.values().filter_map(|(path, _)| path.strip_prefix("/tick/")?.parse().ok()).collect()
}

fn runs(ledger: &Ledger, violations: &mut Vec<Violation>) {
    let mut known: BTreeSet<(&str, &str)> = BTreeSet::new();
    for run in &ledger.runs {
        if !known.insert((&run.event, &run.rule)) {
            violations.push(Violation::RunTwice { event: run.event.clone(), rule: run.rule.clone() });
        }
        match run.state.as_str() {
            "ok" => {}
            "held" if run.unknown && run.rule == "ask" => {}
            "failed" => violations.push(Violation::Failed { run: run.id.clone() }),
            state => violations.push(Violation::Stuck { run: run.id.clone(), state: state.to_owned() }),
        }
        let mut ended = BTreeSet::new();
        for attempt in &run.attempts {
            if ended.contains(attempt.step.as_str()) {
                violations.push(Violation::Repeated { run: run.id.clone(), step: attempt.step.clone() });
            }
            if attempt.outcome == "ok" {
                ended.insert(attempt.step.as_str());
            }
        }
        let mut ends = BTreeSet::new();
        for (step, _) in run.ends.iter().filter(|(step, _)| !ends.insert(step.clone())) {
            violations.push(Violation::Repeated { run: run.id.clone(), step: step.clone() });
        }
        let answered = run.ends.iter().any(|(step, outcome)| step == "do.2" && outcome == "ok");
        if run.rule == "wait" && run.state == "ok" && !answered {
            violations.push(Violation::NotAnswered { run: run.id.clone() });
        }
    }
    let mut missing = |event: &String, rule: &'static str| {
        if !known.contains(&(event.as_str(), rule)) {
            violations.push(Violation::Lost { event: event.clone(), rule });
        }
    };
    for (event, number) in &ledger.acknowledged {
        missing(event, rules::kind_of(*number));
        missing(event, "count");
    }
    ledger.emitted.iter().for_each(|event| missing(event, "heard"));
}

fn effects(ledger: &Ledger, violations: &mut Vec<Violation>) {
    let mut keys: BTreeMap<&str, usize> = BTreeMap::new();
    for (path, _) in ledger.effects.values() {
        *keys.entry(path).or_default() += 1;
    }
    for (path, _) in keys.iter().filter(|(_, count)| **count > 1) {
        violations.push(Violation::Doubled { path: (*path).to_owned() });
    }
    let verified = ledger.acknowledged.values().filter(|number| rules::kind_of(**number) == "verify");
    let verified: BTreeSet<String> = verified.map(|number| rules::note(*number)).collect();
    for (path, _) in ledger.effects.values().filter(|(path, asked)| *asked > 1 && verified.contains(path)) {
        violations.push(Violation::Doubled { path: path.clone() });
    }
    let held: BTreeSet<&str> =
        ledger.runs.iter().filter(|run| run.state == "held").map(|run| run.event.as_str()).collect();
    let mut owed = BTreeSet::new();
    for (event, number) in &ledger.acknowledged {
        let open = held.contains(event.as_str()).then(|| rules::note(*number));
        owed.extend(rules::owed(*number).into_iter().filter(|path| open.as_ref() != Some(path)));
    }
    for path in owed.iter().filter(|path| !keys.contains_key(path.as_str())) {
        violations.push(Violation::NoEffect { path: path.clone() });
    }
    let mut attempts: BTreeMap<&str, usize> = BTreeMap::new();
    for attempt in ledger.runs.iter().flat_map(|run| &run.attempts) {
        *attempts.entry(&attempt.key).or_default() += 1;
    }
    for (key, (path, asked)) in &ledger.effects {
        if *asked > attempts.get(key.as_str()).copied().unwrap_or(0) {
            violations.push(Violation::Unrecorded { path: path.clone() });
        }
    }
}

fn counts(ledger: &Ledger, violations: &mut Vec<Violation>) {
    let counting = ledger.runs.iter().filter(|run| run.rule == "count").count();
    let counted = usize::try_from(ledger.counted).unwrap_or(usize::MAX);
    for (what, seen) in [("the profile", counted), ("emitted events", ledger.emitted.len())] {
        if seen != counting {
            violations.push(Violation::Miscounted { what, wanted: counting, seen });
        }
    }
    let mut gathered: BTreeMap<usize, usize> = BTreeMap::new();
    let digests = ledger.effects.values().filter_map(|(path, _)| path.strip_prefix("/digest/"));
    for number in digests.flat_map(|list| list.split('-')).filter_map(|number| number.parse().ok()) {
        *gathered.entry(number).or_default() += 1;
    }
    for number in ledger.acknowledged.values() {
        let times = gathered.get(number).copied().unwrap_or(0);
        if times != 1 {
            violations.push(Violation::Gathered { number: *number, times });
        }
    }
}

/// One delivery of each kind, and all that follows from them; the second (5: retry, 1: ask, 2: loop, 3: wait, 4: verify) is held.
fn fair() -> Ledger {
    let mut ledger = Ledger { counted: 5, ..Ledger::default() };
    for number in 1..=5 {
        let event = format!("evt_{number}");
        let emitted = format!("evt_{number}_counted");
        ledger.acknowledged.insert(event.clone(), number);
        ledger.emitted.insert(emitted.clone());
        let kind = rules::kind_of(number);
        let held = kind == "ask";
        for (rule, event) in
            [(kind, &event), ("count", &event), ("once", &event), ("digest", &event), ("heard", &emitted)]
        {
            let mut run = RunFact {
                id: format!("run_{rule}_{number}"),
                rule: rule.to_owned(),
                event: event.clone(),
                state: "ok".to_owned(),
                ..RunFact::default()
            };
            let mut paths: Vec<String> = match rule {
                "count" => Vec::new(),
                "digest" => vec![format!("/digest/{number}-")],
                _ => rules::owed(number),
            };
            paths.retain(|path| match rule {
                "heard" | "once" => path.starts_with(&format!("/{rule}/")),
                _ => !path.starts_with("/heard/") && !path.starts_with("/once/"),
            });
            if held && rule == "ask" {
                (run.state, run.unknown) = ("held".to_owned(), true);
                paths.clear();
            }
            if rule == "wait" {
                run.ends.push(("do.2".to_owned(), "ok".to_owned()));
            }
            for path in paths {
                run.attempts.push(AttemptFact { step: path.clone(), key: path.clone(), outcome: "ok".to_owned() });
                ledger.effects.insert(path.clone(), (path, 1));
            }
            ledger.runs.push(run);
        }
    }
    ledger
}

/// The fair ledger with one thing forged, and what must be said to that.
fn forged(forge: impl FnOnce(&mut Ledger), wanted: &[Violation]) {
    let mut ledger = fair();
    forge(&mut ledger);
    assert_eq!(check(&ledger), wanted);
}

fn run<'l>(ledger: &'l mut Ledger, id: &str) -> &'l mut RunFact {
    ledger.runs.iter_mut().find(|run| run.id == id).expect("a run of the fair ledger")
}

#[test]
fn a_fair_ledger_has_no_violation() {
    forged(|_| {}, &[]);
}

#[test]
fn a_lost_or_doubled_run_is_caught() {
    let lost = Violation::Lost { event: "evt_5".to_owned(), rule: "retry" };
    let unrecorded = Violation::Unrecorded { path: rules::note(5) };
    forged(|ledger| ledger.runs.retain(|run| run.id != "run_retry_5"), &[lost, unrecorded]);
    let lost = Violation::Lost { event: "evt_5_counted".to_owned(), rule: "heard" };
    let unrecorded = Violation::Unrecorded { path: "/heard/5".to_owned() };
    forged(|ledger| ledger.runs.retain(|run| run.id != "run_heard_5"), &[lost, unrecorded]);
    let twice = Violation::RunTwice { event: "evt_2".to_owned(), rule: "loop".to_owned() };
    forged(
        |ledger| {
            let again = RunFact { attempts: Vec::new(), ..run(ledger, "run_loop_2").clone() };
            ledger.runs.push(again);
        },
        &[twice],
    );
}

#[test]
fn a_stuck_or_failed_run_is_caught() {
    for (state, unknown) in
        [("running", false), ("due", false), ("waiting", false), ("collecting", false), ("held", true)]
    {
        let stuck = Violation::Stuck { run: "run_loop_2".to_owned(), state: state.to_owned() };
        forged(
            |ledger| (run(ledger, "run_loop_2").state, run(ledger, "run_loop_2").unknown) = (state.to_owned(), unknown),
            &[stuck],
        );
    }
    let stuck = Violation::Stuck { run: "run_ask_1".to_owned(), state: "held".to_owned() };
    forged(|ledger| run(ledger, "run_ask_1").unknown = false, &[stuck]);
    let failed = Violation::Failed { run: "run_loop_2".to_owned() };
    forged(|ledger| run(ledger, "run_loop_2").state = "failed".to_owned(), &[failed]);
}

#[test]
fn a_doubled_missing_or_unrecorded_effect_is_caught() {
    let path = "/items/2/b".to_owned();
    let doubled = Violation::Doubled { path: path.clone() };
    let unrecorded = Violation::Unrecorded { path: path.clone() };
    forged(
        |ledger| drop(ledger.effects.insert("another key".to_owned(), (path.clone(), 1))),
        &[doubled, unrecorded.clone()],
    );
    forged(|ledger| drop(ledger.effects.remove(&path)), &[Violation::NoEffect { path: path.clone() }]);
    forged(|ledger| ledger.effects.get_mut(&path).unwrap().1 = 2, &[unrecorded]);
}

#[test]
fn a_note_that_was_sent_again_although_it_is_there_is_caught() {
    let path = rules::note(4);
    forged(
        |ledger| {
            ledger.effects.get_mut(&path).unwrap().1 = 2;
            let tried = run(ledger, "run_verify_4").attempts[0].clone();
            run(ledger, "run_verify_4").attempts.insert(0, AttemptFact { outcome: "unknown".to_owned(), ..tried });
        },
        &[Violation::Doubled { path: path.clone() }],
    );
}

#[test]
fn a_finished_step_that_is_repeated_is_caught() {
    let repeated = Violation::Repeated { run: "run_loop_2".to_owned(), step: "/items/2/a".to_owned() };
    forged(
        |ledger| {
            let again = run(ledger, "run_loop_2").attempts[0].clone();
            run(ledger, "run_loop_2").attempts.push(again);
        },
        &[repeated],
    );
    let repeated = Violation::Repeated { run: "run_wait_3".to_owned(), step: "do.2".to_owned() };
    forged(|ledger| run(ledger, "run_wait_3").ends.push(("do.2".to_owned(), "ok".to_owned())), &[repeated]);
}

#[test]
fn a_wait_that_nothing_ended_is_caught() {
    let unanswered = Violation::NotAnswered { run: "run_wait_3".to_owned() };
    forged(|ledger| run(ledger, "run_wait_3").ends[0].1 = "timed_out".to_owned(), &[unanswered]);
}

#[test]
fn a_second_without_its_slot_is_caught() {
    let tick = |ledger: &mut Ledger, second: u64, key: &str| {
        let path = format!("/tick/{second}");
        let attempt = AttemptFact { step: "do.0".to_owned(), key: key.to_owned(), outcome: "ok".to_owned() };
        let run = RunFact {
            id: format!("run_{key}"),
            rule: rules::TICK.to_owned(),
            event: format!("evt_{key}"),
            state: "ok".to_owned(),
            attempts: vec![attempt],
            ..RunFact::default()
        };
        ledger.runs.push(run);
        ledger.effects.insert(key.to_owned(), (path, 1));
    };
    forged(|ledger| [7, 8, 9].into_iter().for_each(|second| tick(ledger, second, &second.to_string())), &[]);
    forged(
        |ledger| [7, 9].into_iter().for_each(|second| tick(ledger, second, &second.to_string())),
        &[Violation::Untold { second: 8 }],
    );
    forged(
        |ledger| ["a", "b"].into_iter().for_each(|key| tick(ledger, 7, key)),
        &[Violation::Doubled { path: "/tick/7".to_owned() }],
    );
}

#[test]
fn a_wrong_count_is_caught() {
    let what = |what, seen| Violation::Miscounted { what, wanted: 5, seen };
    forged(|ledger| ledger.counted = 6, &[what("the profile", 6)]);
    let lost = Violation::Lost { event: "evt_x".to_owned(), rule: "heard" };
    forged(|ledger| assert!(ledger.emitted.insert("evt_x".to_owned())), &[lost, what("emitted events", 6)]);
}

#[test]
fn a_delivery_that_no_digest_or_two_hold_is_caught() {
    let gathered = |times| Violation::Gathered { number: 3, times };
    forged(|ledger| drop(ledger.effects.remove("/digest/3-")), &[gathered(0)]);
    forged(|ledger| ledger.effects.get_mut("/digest/2-").unwrap().0 = "/digest/2-3-".to_owned(), &[gathered(2)]);
}
