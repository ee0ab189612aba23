//! The truth table of conditions.

use serde_json::{Value, json};

use super::*;
use crate::{
    rules::{fake::Fake, reader::Reader},
    templates::Files,
    value::{YamlLimits, read_yaml},
};

/// `event` is given, `now` is noon of a Monday, `vars` fails, anything else is not there.
struct Given(Value);

impl Scope for Given {
    fn root(&self, name: &str, _rest: &[Segment]) -> Result<Option<&Value>, String> {
        match name {
            "event" => Ok(Some(&self.0)),
            "vars" => Err("vars.x: broken".to_owned()),
            _ => Ok(None),
        }
    }
    fn render(&self, _leaf: &Leaf) -> Result<Value, RenderError> {
        unreachable!("no templates here")
    }
    fn in_hours(&self, name: &str, at: &Value) -> Result<bool, String> {
        Ok(name == "office" && at == "2026-07-06T12:00:00Z")
    }
    fn now(&self) -> Time {
        Time::parse("2026-07-06T12:00:00Z").unwrap()
    }
}

fn condition(text: &str) -> Condition {
    let document = read_yaml(text, YamlLimits::default()).unwrap();
    let (files, fake) = (Files::default(), Fake::new());
    let reader = Reader::new("rules/a.yaml", &document, &files, &fake);
    match parse_condition(&reader, &reader.root(), "`when`") {
        Some(condition) => condition,
        None => panic!("{text}: {:?}", reader.into_findings()),
    }
}

fn seen(text: &str, event: Value) -> Result<(), crate::model::Evidence> {
    condition(text).evaluate(&Given(event))
}

/// What stands right of `event.x`, and the values of `x` for which it holds and does not.
fn table() -> Vec<(&'static str, Vec<Value>, Vec<Value>)> {
    vec![
        ("missed", vec![json!("missed")], vec![json!("Missed"), json!("missed "), json!(null), json!(["missed"])]),
        ("42", vec![json!(42), json!(42.0)], vec![json!("42"), json!(43), json!(true)]),
        ("\"42\"", vec![json!("42")], vec![json!(42)]),
        // A letter with its accent is another text than the same letter and an accent; nothing is normalised.
        ("\"\u{e9}\"", vec![json!("\u{e9}")], vec![json!("e\u{301}"), json!("\u{c9}")]),
        ("\"true\"", vec![json!("true")], vec![json!(true), json!("True")]),
        ("{gt: 9, lt: 11}", vec![json!(10)], vec![json!("10")]),
        ("true", vec![json!(true)], vec![json!("true"), json!(1), json!(null)]),
        ("[1, 2]", vec![json!([1, 2.0])], vec![json!([2, 1]), json!(1)]),
        ("{is: {a: 1}}", vec![json!({"a": 1.0})], vec![json!({}), json!({"a": 1, "b": 2})]),
        ("{is: null}", vec![json!(null)], vec![json!(""), json!(0), json!(false)]),
        ("{is: ABC, ignore_case: true}", vec![json!("abc"), json!("ABC")], vec![json!("abcd"), json!(null)]),
        ("{not: a}", vec![json!("b"), json!(null), json!(1)], vec![json!("a")]),
        ("{not: null}", vec![json!("b"), json!(0)], vec![json!(null)]),
        ("{not: {in: [a, b]}}", vec![json!("c"), json!(null)], vec![json!("a")]),
        ("{not: {gt: 1, lt: 5}}", vec![json!(1), json!(5), json!("x")], vec![json!(3)]),
        ("{in: [a, 1, null]}", vec![json!("a"), json!(1.0)], vec![json!("b"), json!("1"), json!(null)]),
        ("{in: [A], ignore_case: true}", vec![json!("a")], vec![json!("b")]),
        ("{gt: 9}", vec![json!(10), json!(9.5)], vec![json!(9), json!("10"), json!(null), json!(true)]),
        ("{gte: 9}", vec![json!(9), json!(9.0)], vec![json!(8.9), json!("9")]),
        ("{lt: 9}", vec![json!(8), json!(-1)], vec![json!(9), json!(null)]),
        ("{lte: 9}", vec![json!(9)], vec![json!(9.1)]),
        ("{between: [1, 3]}", vec![json!(1), json!(2), json!(3)], vec![json!(0.9), json!(3.1), json!("2")]),
        (
            "{contains: ab}",
            vec![json!("xabx"), json!(["ab"])],
            vec![json!("aXb"), json!(["abc"]), json!(null), json!({"ab": 1})],
        ),
        ("{contains: 1}", vec![json!([1.0, 2])], vec![json!("1"), json!(["1"])]),
        ("{contains: AB, ignore_case: true}", vec![json!("xabx"), json!(["ab"])], vec![json!("ba")]),
        ("{starts_with: a}", vec![json!("ab")], vec![json!("ba"), json!(["a"]), json!(null)]),
        ("{ends_with: É, ignore_case: true}", vec![json!("olé")], vec![json!("ole")]),
        ("{matches: \"^[0-9]+$\"}", vec![json!("42")], vec![json!("42a"), json!(42), json!(null), json!("")]),
        ("{matches: b}", vec![json!("abc")], vec![json!("ABC")]),
        ("{matches: b, ignore_case: true}", vec![json!("ABC")], vec![json!("AC")]),
        ("{exists: true}", vec![json!(0), json!(""), json!(false), json!([])], vec![json!(null)]),
        ("{exists: false}", vec![json!(null)], vec![json!(0), json!("")]),
        ("{empty: true}", vec![json!(null), json!(""), json!([]), json!({})], vec![json!(0), json!(false), json!(" ")]),
        ("{empty: false}", vec![json!(0), json!(" "), json!([null])], vec![json!(null), json!(""), json!([])]),
        (
            "{length: 2}",
            vec![json!("éé"), json!([1, 2]), json!({"a": 1, "b": 2})],
            vec![json!("a"), json!(2), json!(null)],
        ),
        ("{length: {gt: 1, lt: 3}}", vec![json!("ab")], vec![json!("a"), json!("abc"), json!(2)]),
        ("{type: text}", vec![json!("")], vec![json!(1), json!(null)]),
        ("{type: list}", vec![json!([])], vec![json!({}), json!("[]")]),
        (
            "{before: \"2026-01-01T00:00:00Z\"}",
            vec![json!("2026-01-01T01:59:00+02:00")],
            vec![json!("2026-01-01T00:00:00Z"), json!("2025-12-31"), json!(0), json!(null)],
        ),
        ("{after: 4h ago}", vec![json!("2026-07-06T08:00:01Z")], vec![json!("2026-07-06T08:00:00Z"), json!("later")]),
        (
            "{in_hours: office}",
            vec![json!("2026-07-06T12:00:00Z")],
            vec![json!("2026-07-06T13:00:00Z"), json!("x"), json!(null)],
        ),
        ("{gt: 1, lt: 5}", vec![json!(3)], vec![json!(1), json!(5)]),
    ]
}

#[test]
fn every_operator_holds_for_what_the_language_says() {
    for (right, holds, fails) in table() {
        let condition = condition(&format!("event.x: {right}"));
        for value in holds {
            let result = condition.evaluate(&Given(json!({ "x": value })));
            assert!(result.is_ok(), "{right} holds for {value}: {result:?}");
        }
        for value in &fails {
            assert!(condition.evaluate(&Given(json!({ "x": value }))).is_err(), "{right} does not hold for {value}");
        }
        let missing = condition.evaluate(&Given(json!({}))).is_ok();
        let null = condition.evaluate(&Given(json!({ "x": null }))).is_ok();
        assert_eq!(missing, null, "{right}: missing is the same as null");
    }
}

#[test]
fn maps_lists_and_not_combine() {
    let event = json!({"a": 1, "b": 2, "list": [{"x": 1}, {"x": null}, {"x": 3}]});
    for (text, holds) in [
        ("{}", true),
        ("{event.a: 1, event.b: 2}", true),
        ("{event.a: 1, event.b: 3}", false),
        ("any: [{event.a: 2}, {event.b: 2}]", true),
        ("any: [{event.a: 2}, {event.b: 3}]", false),
        ("all: [{event.a: 1}, {any: [{event.b: 9}, {}]}]", true),
        ("not: {event.a: 2}", true),
        ("not: {event.a: 1, event.b: 2}", false),
        ("not: {}", false),
        ("event.list.*.x: 3", true),
        ("event.list.*.x: 2", false),
        ("event.list.*.x: {gt: 2, lt: 1}", false),
        // Each operator may hold for another element.
        ("event.list.*.x: {gt: 2, lt: 2}", true),
        ("event.list.*.x: {not: 3}", false),
        ("event.list.*.x: {not: 2}", true),
        ("event.none.*.x: {exists: false}", true),
        ("event.none.*.x: {not: 1}", true),
        ("nothing.here: 1", false),
        ("nothing.here: {exists: false}", true),
    ] {
        assert_eq!(seen(text, event.clone()).is_ok(), holds, "{text}");
    }
}

#[test]
fn evidence_names_the_first_thing_that_did_not_hold() {
    let evidence = seen("{event.a: 1, event.b: {gt: 5}, event.c: 3}", json!({"a": 1, "b": "9"})).unwrap_err();
    assert_eq!((evidence.path.as_str(), evidence.operator.as_str()), ("event.b", "gt"));
    assert_eq!((evidence.wanted, evidence.seen), (json!(5), json!("9")));
    assert_eq!(evidence.note, "number wanted, text seen");
    let evidence = seen("event.a: missed", json!({"a": "answered"})).unwrap_err();
    assert_eq!((evidence.wanted, evidence.seen, evidence.note.as_str()), (json!("missed"), json!("answered"), ""));
    let evidence = seen("not: {event.a: 1}", json!({"a": 1})).unwrap_err();
    assert_eq!((evidence.path.as_str(), evidence.operator.as_str()), ("event.a", "not"));
    let evidence = seen("any: [{event.a: 1}, {event.a: 2}]", json!({"a": 3})).unwrap_err();
    assert_eq!((evidence.path.as_str(), evidence.note.as_str()), ("event.a", "none of 2 alternatives held"));
    let evidence = seen("event.a: {length: {gt: 5}}", json!({"a": "x".repeat(5)})).unwrap_err();
    assert_eq!(evidence.note, "the length is 5");
    let long = seen("event.a: x", json!({"a": "y".repeat(100_000)})).unwrap_err();
    assert!(long.seen.as_str().unwrap().chars().count() < 250, "evidence is stored, so it stays small");
}

#[test]
fn an_error_in_a_var_makes_a_condition_false_and_not_does_not_turn_it() {
    for text in ["vars.x: 1", "vars.x: {exists: false}", "not: {vars.x: 1}", "vars.x: {not: 1}"] {
        let evidence = seen(text, json!({})).unwrap_err();
        assert_eq!(evidence.note, "vars.x: broken", "{text}");
    }
    assert!(seen("any: [{vars.x: 1}, {event.a: 1}]", json!({"a": 1})).is_ok());
}
