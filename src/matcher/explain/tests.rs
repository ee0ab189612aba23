//! The table says what the verdict says, and all the rest too.

use std::{collections::BTreeMap, sync::Arc};

use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::{
    clock::Time,
    model::Evidence,
    rules::{Set, Texts, fake::Fake},
};

const LONG: Duration = Duration::from_secs(5);

fn rule(text: &str) -> Arc<Rule> {
    let texts: BTreeMap<String, String> =
        [("rules/a.yaml".to_owned(), format!("name: a\non: groove.note_added\n{text}\n"))].into();
    let compiled = Set::compile(Texts(Arc::new(texts)), &Fake::new());
    assert!(compiled.holds(), "{:#?}", compiled.findings);
    Arc::clone(&compiled.set.rules["a"])
}

fn subject(event: Value) -> Subject {
    Subject {
        kind: "groove.note_added".to_owned(),
        own: false,
        event,
        trigger: json!({"id": "evt_1", "type": "groove.note_added"}),
        received_at: Time::parse("2026-07-06T12:00:00Z").unwrap(),
    }
}

fn said(text: &str, event: Value) -> Explanation {
    explain(&rule(text), &subject(event), &Object::new(), LONG)
}

/// `yes/no/not_asked` of each line, `!` at the one that decided.
fn held(explanation: &Explanation) -> Vec<String> {
    let word = |line: &Line| {
        let held = match line.held {
            Held::Yes => "yes",
            Held::No => "no",
            Held::NotAsked => "not asked",
        };
        let name = if line.group.is_empty() { &line.path } else { line.group };
        format!("{}{name} {held}{}", " ".repeat(line.depth), if line.decisive { " !" } else { "" })
    };
    explanation.lines.iter().map(word).collect()
}

#[test]
fn every_condition_is_shown_also_after_the_one_that_decided() {
    let text = "when:\n  event.a: 1\n  event.b: { gt: 2, lt: 9 }\n  event.c: x\ndo: []";
    let table = said(text, json!({"a": 1, "b": 1, "c": "x"}));
    assert_eq!(held(&table), ["event.a yes", "event.b no !", "event.b yes", "event.c yes"]);
    let line = &table.lines[1];
    assert_eq!((line.operator.as_str(), &line.wanted, &line.seen), ("gt", &json!(2), &json!(1)));
    assert_eq!((line.place.line, table.lines[3].place.line), (5, 6));
    assert!(table.hears);
}

#[test]
fn groups_are_heads_with_what_stands_in_them() {
    let text = "when:\n  event.a: 1\n  any:\n    - { event.b: 1, event.c: 1 }\n    - event.d: 1\n  not: { event.e: 1 }\ndo: []";
    let missed = said(text, json!({"a": 1, "b": 1, "e": 2}));
    assert_eq!(
        held(&missed),
        [
            "event.a yes",
            "any no",
            " all no",
            "  event.b yes",
            "  event.c no !",
            " event.d no",
            "not yes",
            " event.e no"
        ]
    );
    assert_eq!(missed.lines[4].note, "none of 2 alternatives held");
    let inverted = said(text, json!({"a": 1, "d": 1, "e": 1}));
    assert_eq!(held(&inverted).last().map(String::as_str), Some(" event.e yes"));
    let head = &inverted.lines[6];
    assert!(head.decisive && head.group == "not" && head.path == "event.e", "{head:?}");
}

#[test]
fn of_several_values_the_one_that_held_is_shown() {
    let table = said("when:\n  event.list.*.n: { gt: 2 }\ndo: []", json!({"list": [{"n": 1}, {"n": 3}]}));
    assert_eq!((table.lines[0].held, &table.lines[0].seen), (Held::Yes, &json!(3)));
}

#[test]
fn a_var_that_fails_is_a_fault_and_what_needs_it_was_not_asked() {
    let text =
        "vars:\n  fine: \"{{ event.a }}\"\n  x: \"{{ event.none.at_all }}\"\nwhen:\n  vars.x: { gt: 1, lt: 3 }\ndo: []";
    let table = said(text, json!({"a": 7}));
    assert_eq!(held(&table), ["vars.x no !", "vars.x not asked"]);
    assert_eq!(Value::Object(table.vars), json!({"fine": 7}), "vars that no condition asks for are computed too");
    assert!(table.faults.len() == 1 && table.faults[0].starts_with("vars.x: "), "{:?}", table.faults);
}

#[test]
fn a_rule_that_is_out_of_time_has_no_line_that_decided() {
    let rule = rule("when:\n  event.a: 1\ndo: []");
    let table = explain(&rule, &subject(json!({"a": 1})), &Object::new(), Duration::ZERO);
    assert!(matches!(table.verdict, Verdict::Error { .. }), "{table:?}");
    assert_eq!(held(&table), ["event.a not asked"]);
}

fn leaf() -> impl Strategy<Value = Value> {
    prop_oneof![
        Just(json!(null)),
        (0..3_i64).prop_map(|n| json!(n)),
        "[ab1]".prop_map(|text| json!(text)),
        Just(json!([1, "a"])),
        Just(json!({"a": 1})),
    ]
}

fn test() -> impl Strategy<Value = Value> {
    let path = prop_oneof![
        Just("event.a"),
        Just("event.b"),
        Just("event.list.*"),
        Just("vars.fine"),
        Just("vars.broken"),
        Just("now")
    ];
    (path, leaf(), leaf(), 0..11).prop_map(|(path, one, two, kind)| {
        let right = match kind {
            0 if !one.is_null() && !one.is_object() => one,
            1 => json!({ "in": [one, two] }),
            2 => json!({ "not": { "is": one } }),
            3 => json!({"exists": true, "is": one}),
            4 if one.is_number() => json!({ "gt": one, "lt": 2 }),
            5 => json!({"matches": "^[ab]"}),
            6 => json!({"length": {"gt": 1}}),
            7 => json!({"after": "4h ago"}),
            8 => json!({"is": "{{ event.a }}"}),
            9 => json!({"contains": "{{ vars.broken }}"}),
            _ => json!({ "is": one }),
        };
        json!({ path: right })
    })
}

fn condition() -> impl Strategy<Value = Value> {
    test().prop_recursive(4, 16, 3, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(|list| json!({ "any": list })),
            prop::collection::vec(inner.clone(), 0..4).prop_map(|list| json!({ "all": list })),
            (inner.clone(), inner.clone()).prop_map(|(one, two)| json!({ "not": { "all": [one, two] } })),
            inner.prop_map(|one| json!({ "not": one })),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]
    #[test]
    fn the_line_that_decided_is_the_evidence_of_the_verdict(
        condition in condition(),
        (a, b) in (leaf(), leaf()),
        list in prop::collection::vec(leaf(), 0..3),
    ) {
        let text = format!(
            "vars: {{fine: \"{{{{ event.b }}}}\", broken: \"{{{{ event.gone }}}}\"}}\nwhen: {condition}\ndo: []"
        );
        let texts = [("rules/a.yaml".to_owned(), format!("name: a\non: groove.note_added\n{text}\n"))];
        let compiled = Set::compile(Texts(Arc::new(texts.into())), &Fake::new());
        // A condition that can never hold is a finding.
        prop_assume!(compiled.holds());
        let rule = Arc::clone(&compiled.set.rules["a"]);
        let subject = subject(json!({"a": a, "b": b, "list": list}));
        let table = explain(&rule, &subject, &Object::new(), LONG);
        let (verdict, _) = verdict(&rule, &subject, &Object::new(), LONG);
        prop_assert_eq!(&table.verdict, &verdict);
        let decisive: Vec<&Line> = table.lines.iter().filter(|line| line.decisive).collect();
        match verdict {
            Verdict::NotMatched(evidence) => {
                prop_assert_eq!(decisive.len(), 1);
                let Line { path, operator, wanted, seen, note, .. } = decisive[0].clone();
                prop_assert_eq!(Evidence { path, operator, wanted, seen, note }, evidence);
            }
            _ => prop_assert!(decisive.is_empty()),
        }
    }
}
