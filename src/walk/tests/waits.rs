//! Waits: for a time, until a time, for an event.

use std::{collections::BTreeMap, time::Duration};

use serde_json::{Value, json};

use super::{
    build::{act, is, leaf, never, rule, rule_with, step, wait, wait_event, wait_for},
    drive::{NOON, object, ok, request, through, walk, well},
};
use crate::{
    clock::Time,
    config,
    model::{ErrorClass, StepOutcome, StepOutput, StepPath},
    rules::{Condition, Hours, Step, StepKind, WaitStep, WaitWhat},
    walk::{End, Next, Wait, WaitEvent, Walk},
};

const HOUR: u64 = 3600;

fn begins(walk: &mut Walk, now: Time) -> (StepPath, Time, Wait) {
    match walk.next(now) {
        Next::Wait { path, began, wait } => (path, began, wait),
        other => panic!("a wait wanted, {other:?} seen"),
    }
}

fn message(step: Step, event: Value) -> (ErrorClass, String) {
    let went = through(rule(vec![step.or_go_on()]), event, &well);
    let error = went.output("do.0").error.clone().unwrap_or_else(|| panic!("it failed"));
    (error.class, error.message)
}

#[test]
fn a_time_is_waited_for_and_does_not_count_for_the_run() {
    let mut walk = walk(rule(vec![act("a"), wait_for(600).id("pause"), act("b")]), json!({}));
    let path = request(walk.next(NOON));
    walk.end(ok(&path, json!(1)));
    let began = NOON.plus(Duration::from_secs(10));
    let (path, at, wait) = begins(&mut walk, began);
    assert_eq!((at, wait), (began, Wait { until: Some(began.plus(Duration::from_secs(600))), event: None }));
    let later = began.plus(Duration::from_secs(300));
    assert_eq!(walk.counted(later), Duration::from_secs(10), "the wait that is under way does not count either");
    assert_eq!(begins(&mut walk, later).1, began, "it keeps its time");
    walk.end(StepOutput { waited: Duration::from_secs(600), ..ok(&path, Value::Null) });
    let later = began.plus(Duration::from_secs(605));
    assert_eq!(request(walk.next(later)).0, "do.2");
    assert_eq!(walk.counted(later), Duration::from_secs(15));
}

#[test]
fn only_time_inside_the_hours_counts() {
    let office = config::Hours {
        timezone: "UTC".to_owned(),
        days: BTreeMap::from([("mon-fri".to_owned(), vec!["09:00-17:00".to_owned()])]),
        closed: Vec::new(),
    };
    let in_hours = |what, office: &config::Hours| {
        let hours = Hours::parse(office).ok();
        step(StepKind::Wait(Box::new(WaitStep { what, hours })))
    };
    // 2026-03-01 is a Sunday.
    let four = || WaitWhat::For(Duration::from_secs(4 * HOUR));
    let monday = Time::parse("2026-03-02T13:00:00Z");
    assert_eq!(begins(&mut walk(rule(vec![in_hours(four(), &office)]), json!({})), NOON).2.until, monday);
    let limit = Some(Duration::from_secs(4 * HOUR));
    let when = is("incoming.ticket", &json!(42));
    let event = WaitWhat::Event { kinds: vec!["shop.answered".to_owned()], when, limit };
    assert_eq!(begins(&mut walk(rule(vec![in_hours(event, &office)]), json!({})), NOON).2.until, monday);
    let closed = config::Hours { days: BTreeMap::new(), ..office };
    let (class, why) = message(in_hours(four(), &closed), json!({}));
    assert!(class == ErrorClass::InvalidInput && why.contains("never open"), "{why}");
}

#[test]
fn a_time_that_is_past_is_at_once_and_what_is_no_time_fails() {
    let until = |text: &str| wait(WaitWhat::Until(leaf(&json!(text)))).id("pause");
    let future = rule(vec![until("{{ event.at }}")]);
    let (_, _, wait) = begins(&mut walk(future, json!({"at": "2026-03-01T14:00:00+02:00"})), NOON);
    assert_eq!(wait.until, Time::parse("2026-03-01T12:00:00Z"));
    let mail = rule(vec![until("{{ event.at }}")]);
    let (_, _, wait) = begins(&mut walk(mail, json!({"at": "Sun, 01 Mar 2026 14:00:00 +0000"})), NOON);
    assert_eq!(wait.until, Time::parse("2026-03-01T14:00:00Z"), "what `parse_time` takes");
    let past = through(rule(vec![until("2020-01-01T00:00:00Z"), act("a")]), json!({}), &well);
    assert_eq!(past.paths(), ["do.0", "do.1"]);
    assert_eq!((past.output("do.0").outcome, past.asked.len()), (StepOutcome::Ok, 1));
    for (at, seen) in [
        (json!("tomorrow"), "`tomorrow` seen"),
        (json!(null), "null seen"),
        (json!([]), "list seen"),
        (json!("2026-03-01T10:00"), "seen"),
    ] {
        let (class, why) = message(until("{{ event.at }}"), json!({ "at": at }));
        assert!(class == ErrorClass::InvalidInput && why.contains(seen), "{why}");
    }
}

#[test]
fn an_event_is_waited_for_by_its_first_equality() {
    let when = || {
        Condition::All(vec![
            Condition::Any(vec![is("incoming.x", &json!(1)), is("incoming.kind", &json!("reply"))]),
            is("incoming.list.*", &json!(1)),
            is("incoming.gone", &json!(null)),
            is("incoming[\"a/b\"].id", &json!("{{ steps.find.result.id }}")),
            is("event.open", &json!(true)),
        ])
    };
    let mut walk =
        walk(rule(vec![act("find"), wait_event(when(), Some(60)).id("reply"), act("a")]), json!({"open": true}));
    let path = request(walk.next(NOON));
    walk.end(ok(&path, json!({"id": 42})));
    let (path, began, wait) = begins(&mut walk, NOON);
    let event = WaitEvent { kinds: vec!["shop.answered".to_owned()], pointer: "/a~1b/id".to_owned(), value: json!(42) };
    assert_eq!(wait, Wait { until: Some(NOON.plus(Duration::from_secs(60))), event: Some(event) });
    let came = json!({"kind": "reply", "list": [1], "a/b": {"id": 42.0}});
    assert!(walk.ends_wait(&path, began, &came));
    for (name, value) in [("kind", json!("note")), ("list", json!([2])), ("gone", json!(1)), ("a/b", json!({"id": 43}))]
    {
        let mut other = came.clone();
        other[name] = value;
        assert!(!walk.ends_wait(&path, began, &other), "{other}");
    }
    assert!(!walk.ends_wait(&StepPath("do.0".to_owned()), began, &came), "a request waits for no event");
    walk.end(ok(&path, came.clone()));
    let path = request(walk.next(NOON));
    let context = walk.context(&path, NOON);
    assert_eq!(context.root("steps").map(|steps| &steps["reply"]["result"]), Some(&came));
    assert!(context.root("incoming").is_none());
}

#[test]
fn a_wait_that_nothing_ends_is_timed_out_and_the_run_goes_on() {
    let made =
        rule(vec![wait_event(is("incoming.id", &json!(1)), Some(60)).id("reply").or_else(vec![act("bad")]), act("a")]);
    let mut walk = walk(made, json!({}));
    let (path, _, _) = begins(&mut walk, NOON);
    walk.end(StepOutput { outcome: StepOutcome::TimedOut, ..ok(&path, Value::Null) });
    let path = request(walk.next(NOON));
    assert_eq!(path.0, "do.1");
    let steps = walk.context(&path, NOON).root("steps").cloned().unwrap_or_default();
    assert_eq!((&steps["reply"]["outcome"], &steps["bad"]["outcome"]), (&json!("timed_out"), &json!("skipped")));
    let forever = rule(vec![wait_event(is("incoming.id", &json!(1)), None)]);
    assert_eq!(begins(&mut super::drive::walk(forever, json!({})), NOON).2.until, None);
}

#[test]
fn a_wait_without_a_key_or_with_a_right_side_that_fails_fails() {
    let event = || json!({"none": null});
    for (when, class, words) in [
        (is("incoming.id", &json!("{{ event.none }}")), ErrorClass::InvalidInput, "waits for `incoming.id` to be null"),
        (is("event.id", &json!(1)), ErrorClass::InvalidInput, "no equality on `incoming`"),
        (Condition::Not(Box::new(is("incoming.id", &json!(1)))), ErrorClass::InvalidInput, "no equality"),
        (is("incoming.id", &json!("{{ event.gone }}")), ErrorClass::Template, "event.gone"),
        (
            Condition::All(vec![
                is("incoming.id", &json!(1)),
                Condition::Any(vec![is("incoming.x", &json!("{{ incoming.y }}"))]),
            ]),
            ErrorClass::Template,
            "incoming",
        ),
    ] {
        let (seen, why) = message(wait_event(when, None), event());
        assert_eq!(seen, class, "{why}");
        assert!(why.contains(words), "{why}");
    }
}

#[test]
fn now_on_the_right_is_when_the_wait_began() {
    let when = Condition::All(vec![is("incoming.id", &json!(1)), is("incoming.since", &json!("{{ now }}"))]);
    let mut walk = walk(rule_with(vec![wait_event(when, None)], Vec::new(), &json!({})), json!({}));
    let (path, began, _) = begins(&mut walk, NOON);
    assert!(walk.ends_wait(&path, began, &json!({"id": 1, "since": NOON.to_string()})));
    assert!(!walk.ends_wait(&path, Time(began.0 + 1000), &json!({"id": 1, "since": NOON.to_string()})));
}

#[test]
fn a_wait_with_a_false_if_is_not_waited_for() {
    let went = through(rule(vec![wait_for(10).only_if(never())]), json!({}), &well);
    assert_eq!((went.output("do.0").outcome, went.end), (StepOutcome::Skipped, End::Ok { why: None }));
    assert_eq!(object(json!({})), went.vars);
}
