//! What differs between two sets is found, and what is the same is not looked at.

use serde_json::json;

use super::*;
use crate::{
    clock::Time,
    ids::EventId,
    rules::{Texts, fake::Fake},
    value::Value,
};

fn side(rules: &[(&str, &str)]) -> Side {
    let texts: BTreeMap<String, String> =
        rules.iter().map(|(id, text)| (format!("rules/{id}.yaml"), format!("name: {id}\n{text}\n"))).collect();
    let compiled = Set::compile(Texts(Arc::new(texts)), &Fake::new());
    assert!(compiled.holds(), "{:#?}", compiled.findings);
    Side { set: Arc::new(compiled.set), registry: Arc::default() }
}

fn event(number: i64, body: &Value) -> StoredEvent {
    StoredEvent {
        id: EventId(number),
        kind: "groove.note_added".to_owned(),
        source: "groove".to_owned(),
        service: None,
        received_at: Time(number),
        verified: String::new(),
        depth: 0,
        flags: EventFlags::default(),
        meta: Object::new(),
        body: Some(body.to_string().into_bytes()),
        set: 1,
    }
}

const ONE: &str = "on: groove.note_added\nwhen: { event.n: 1 }\ndo: []";
const TWO: &str = "on: groove.note_added\nwhen: { event.n: 2 }\ndo: []";

fn compared(old: &[(&str, &str)], new: &[(&str, &str)]) -> (Backtest, Report) {
    let backtest = Backtest::new(side(old), side(new), Object::new(), None, 2);
    let mut report = Report::default();
    let events: Vec<StoredEvent> = (0..8).map(|number| event(number, &json!({"n": number % 4}))).collect();
    // Two threads take batches in any order.
    let mut late = Report::default();
    backtest.look(&events[4..], &mut late);
    backtest.look(&events[..4], &mut report);
    late.merge(report);
    late.rules.values_mut().for_each(|rule| rule.appeared.sort());
    (backtest, late)
}

#[test]
fn events_that_match_now_or_no_longer_are_named() {
    let (_, report) = compared(&[("a", ONE), ("same", ONE), ("gone", TWO)], &[("a", TWO), ("same", ONE), ("new", ONE)]);
    assert_eq!(report.rules.keys().collect::<Vec<_>>(), ["a", "gone", "new"], "what is the same is not looked at");
    let a = &report.rules["a"];
    assert_eq!((a.matched_old, a.matched_new, a.appeared.count, a.gone.count), (2, 2, 2, 2));
    assert_eq!(a.appeared.shown.iter().map(|one| one.event.0).collect::<Vec<_>>(), [2, 6]);
    assert!(a.gone.shown[0].text.contains("event.n"), "{a:?}");
    assert_eq!(report.rules["gone"].gone.count, 2);
    assert_eq!(report.rules["new"].appeared.count, 2);
    assert!(report.is_changed() && report.events == 8);
}

#[test]
fn a_rule_that_says_the_same_in_other_words_changes_nothing() {
    let (backtest, report) = compared(&[("a", ONE)], &[("a", &format!("# a comment\n{ONE}"))]);
    assert_eq!(backtest.fates().len(), 1);
    assert!(!report.is_changed() && report.rules["a"].matched_new == 2, "{report:?}");
}

#[test]
fn one_rule_alone_can_be_looked_at_and_same_sets_are_idle() {
    let one =
        Backtest::new(side(&[("a", ONE), ("b", ONE)]), side(&[("a", TWO), ("b", TWO)]), Object::new(), Some("b"), 1);
    assert!(one.fates().len() == 1 && one.wants("groove.note_added") && !one.wants("gruveo.call"));
    assert!(Backtest::new(side(&[("a", ONE)]), side(&[("a", ONE)]), Object::new(), None, 1).is_idle());
}

#[test]
fn examples_are_the_oldest_and_few() {
    let always = "on: groove.note_added\ndo: []";
    let (_, report) = compared(&[], &[("a", always)]);
    let appeared = &report.rules["a"].appeared;
    assert_eq!((appeared.count, appeared.shown.len()), (8, 2));
    assert_eq!(appeared.shown.iter().map(|one| one.event.0).collect::<Vec<_>>(), [0, 1]);
}

#[test]
fn bodies_that_are_gone_or_no_longer_read_are_counted() {
    let backtest = Backtest::new(side(&[]), side(&[("a", ONE)]), Object::new(), None, 1);
    let mut report = Report::default();
    let gone = StoredEvent { body: None, ..event(1, &json!({})) };
    let broken = StoredEvent { body: Some(b"{".to_vec()), ..event(2, &json!({})) };
    backtest.look(&[gone, broken], &mut report);
    assert_eq!((report.events, report.without_body, report.unreadable), (2, 1, 1));
}
