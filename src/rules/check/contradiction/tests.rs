//! What can never hold together is told, and nothing else is.

use proptest::prelude::*;
use serde_json::{Value, json};

use crate::{
    clock::Time,
    model::Finding,
    rules::{Condition, Scope, codes, condition::parse_condition, fake::Fake, parse::read_rule, reader::Reader},
    templates::{Files, Leaf, RenderError},
    value::{Segment, YamlLimits, read_yaml},
};

fn found(text: &str) -> Vec<Finding> {
    let found = read_rule("rules/a.yaml", text, &Files::default(), &Fake::new()).findings;
    assert!(found.iter().all(|finding| finding.code == codes::CONTRADICTION), "{text}: {found:#?}");
    found
}

fn contradicts(when: &str) -> bool {
    let on = "groove.note_added";
    !found(&format!("name: x\non: {on}\nwhen: {when}\ndo: [{{ stop: x }}]\n")).is_empty()
}

#[test]
fn what_can_never_hold_together_is_told() {
    for when in [
        "{ event.x: { gt: 5, lt: 3 } }",
        "{ event.x: { gt: 5, lte: 5 } }",
        "{ event.x: { between: [1, 2], gt: 2 } }",
        "{ event.x: a, all: [{ event.x: b }] }",
        "{ event.x: a, not: { event.x: a } }",
        "{ event.x: { is: a, in: [b, c] } }",
        "{ event.x: { in: [a, b], not: { in: [a, b, c] } } }",
        "{ event.x: { exists: false, gt: 5 } }",
        "{ event.x: { exists: false, not: { exists: false } } }",
        "{ event.x: { is: null, matches: a } }",
        "{ event.x: { empty: true, is: a } }",
        "{ event.x: { type: text, gt: 5 } }",
        "{ event.x: { gt: 5, starts_with: a } }",
        "{ event.x: { starts_with: a, ends_with: z, is: b } }",
        "{ event.x: { starts_with: ab }, all: [{ event.x: { starts_with: ac } }] }",
        "{ event.x: { is: \"42\", matches: \"^[a-z]+$\" } }",
        "{ event.x: { after: \"2026-03-01T10:00:00Z\", before: \"2026-03-01T11:00:00+02:00\" } }",
        "{ event.x: { after: 4h ago, before: 5h ago } }",
        "{ event.x: { length: { gt: 5, lt: 3 } } }",
        "{ event.x: { length: 2 }, all: [{ event.x: { length: 3 } }] }",
        "{ any: [{ event.x: { gt: 5, lt: 3 } }, { event.y: 1 }] }",
    ] {
        assert!(contradicts(when), "{when}");
    }
}

#[test]
fn what_can_hold_together_is_left_alone() {
    for when in [
        "{ event.x: { gte: 5, lte: 5 } }",
        "{ event.x: { gt: 3, lt: 5 } }",
        "{ event.x: { in: [a, b], not: a } }",
        "{ any: [{ event.x: a }, { event.x: b }] }",
        "{ event.x: { is: A, ignore_case: true }, all: [{ event.x: a }] }",
        "{ event.x: { exists: false, empty: true, is: null, not: a } }",
        "{ event.list.*.x: a, all: [{ event.list.*.x: b }] }",
        "{ event.list.*: { gt: 5, lt: 3 } }",
        "{ event.x: { is: \"{{ event.y }}\" }, all: [{ event.x: a }] }",
        "{ event.x: { starts_with: a }, all: [{ event.x: { starts_with: ab } }] }",
        "{ event.x: { after: 5h ago, before: 4h ago } }",
        "{ event.x: { after: 5h ago, before: \"2020-01-01T00:00:00Z\" } }",
        "{ event.x: { contains: a, length: 3, type: list } }",
        "{ event.x: { not: { gt: 5 }, exists: true } }",
        "{ not: { event.x: a, event.y: b }, event.x: a }",
    ] {
        assert!(!contradicts(when), "{when}");
    }
}

#[test]
fn the_finding_names_both_and_where_the_other_stands() {
    let text =
        "name: x\non: gruveo.call\nwhen:\n  event.resolution: missed\n  all:\n  - event.resolution: answered\ndo: []\n";
    let found = found(text);
    let [only] = found.as_slice() else { panic!("{found:#?}") };
    assert_eq!((only.place.line, only.place.column), (6, 23));
    assert_eq!(only.message, "event.resolution is never `is: \"missed\"` (line 4) and `is: \"answered\"` at once");
    assert!(only.is_error());
}

#[test]
fn a_step_that_the_condition_of_the_rule_never_lets_run_is_a_warning() {
    let text = "name: x\non: gruveo.call\nwhen: { event.resolution: missed }\ndo:\n- if: { event.resolution: answered }\n  then:\n  - stop: a\n  else:\n  - if: { event.resolution: missed }\n    stop: b\n";
    let found = found(text);
    let [only] = found.as_slice() else { panic!("{found:#?}") };
    assert_eq!((only.place.line, only.is_error()), (5, false), "{only}");
}

#[test]
fn words_of_the_schema_that_are_all_left_out_are_told() {
    for (when, told) in [
        ("{ event.resolution: { not: { in: [answered, missed, declined] } } }", true),
        ("{ event.resolution: { not: { in: [answered, missed] } } }", false),
        ("{ event.resolution: { matches: \"^x\" } }", true),
        ("{ event.resolution: { starts_with: m } }", false),
    ] {
        let text = format!("name: x\non: gruveo.call\nwhen: {when}\ndo: []\n");
        assert_eq!(!found(&text).is_empty(), told, "{when}");
    }
}

struct Event(Value);

impl Scope for Event {
    fn root(&self, name: &str, _: &[Segment]) -> Result<Option<&Value>, String> {
        Ok((name == "event").then_some(&self.0))
    }
    fn render(&self, _: &Leaf) -> Result<Value, RenderError> {
        unreachable!("no templates here")
    }
    fn in_hours(&self, _: &str, _: &Value) -> Result<bool, String> {
        Ok(false)
    }
    fn now(&self) -> Time {
        Time(0)
    }
}

fn condition(when: &Value) -> Condition {
    let document = read_yaml(&when.to_string(), YamlLimits::default()).unwrap();
    let (files, fake) = (Files::default(), Fake::new());
    let reader = Reader::new("rules/a.yaml", &document, &files, &fake);
    parse_condition(&reader, &reader.root(), "`when`").unwrap()
}

fn value() -> impl Strategy<Value = Value> {
    let some = [
        json!(null),
        json!(true),
        json!(false),
        json!(0),
        json!(1),
        json!(1.0),
        json!(2),
        json!(2.5),
        json!(3),
        json!(""),
        json!("a"),
        json!("A"),
        json!("ab"),
        json!("b"),
        json!("1"),
        json!([]),
        json!(["a"]),
        json!([1, 2]),
        json!({}),
        json!({"a": 1}),
        json!("1969-12-31T23:00:00Z"),
        json!("1969-12-31T20:00:00Z"),
        json!("1970-01-01T01:00:00Z"),
    ];
    prop::sample::select(some.to_vec())
}

fn operators() -> impl Strategy<Value = Value> {
    let one = [
        json!({"is": "a"}),
        json!({"is": 1}),
        json!({"is": null}),
        json!({"in": ["a", 1]}),
        json!({"in": ["b", 2]}),
        json!({"not": "a"}),
        json!({"not": {"in": ["a", "b"]}}),
        json!({"not": {"gt": 1}}),
        json!({"gt": 1}),
        json!({"gte": 2}),
        json!({"lt": 2}),
        json!({"lte": 1}),
        json!({"between": [1, 2]}),
        json!({"contains": "a"}),
        json!({"starts_with": "a"}),
        json!({"starts_with": "ab"}),
        json!({"ends_with": "b"}),
        json!({"matches": "^[a-z]+$"}),
        json!({"exists": true}),
        json!({"exists": false}),
        json!({"empty": true}),
        json!({"empty": false}),
        json!({"length": 1}),
        json!({"length": {"gt": 1}}),
        json!({"type": "text"}),
        json!({"type": "number"}),
        json!({"type": "list"}),
        json!({"after": "2h ago"}),
        json!({"before": "3h ago"}),
        json!({"before": "1970-01-01T00:00:00Z"}),
        json!({"after": "1970-01-01T00:00:00Z"}),
        json!({"is": "A", "ignore_case": true}),
    ];
    prop::sample::select(one.to_vec())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 3000, failure_persistence: None, ..ProptestConfig::default() })]
    /// The promise of the finding: whatever comes, such a condition is false.
    #[test]
    fn what_is_told_to_contradict_itself_never_holds(
        tests in prop::collection::vec((operators(), any::<bool>()), 1..4),
        values in prop::collection::vec(value(), 24),
    ) {
        let list: Vec<Value> = tests
            .iter()
            .map(|(operators, turned)| {
                let test = json!({ "event.x": operators });
                if *turned { json!({ "not": test }) } else { test }
            })
            .collect();
        let when = json!({ "all": list });
        if contradicts(&when.to_string()) {
            for value in values {
                let holds = condition(&when).evaluate(&Event(json!({ "x": value }))).is_ok();
                prop_assert!(!holds, "{when} holds for {value}");
            }
        }
    }
}
