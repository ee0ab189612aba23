//! Leaves keep their type, trees their shape.

use serde_json::{Value, json};

use super::{call, context};
use crate::{
    model::Place,
    templates::{Files, Leaf, RenderErrorKind, Sink, Tree},
};

fn leaf(text: &str, sink: Sink) -> Value {
    let leaf = Leaf::parse(&json!(text), &Files::default()).unwrap();
    leaf.render(&context(&call()), sink).unwrap_or_else(|error| panic!("{text}: {error}"))
}

#[test]
fn a_lone_expression_keeps_its_type() {
    let table = [
        ("{{ event.waitingTime }}", json!(31)),
        ("{{ event.big }}", json!(u64::MAX)),
        ("{{ event.nope | default: event.big }}", json!(u64::MAX)),
        ("{{ event.ratio }}", json!(1.0)),
        ("{{ event.user }}", json!(null)),
        ("{{ event.nope | default: event.nope }}", json!(null)),
        ("{{ event.flag }}", json!(false)),
        ("{{- event.assignedUsers -}}", json!([{"name": "Bo"}, {"name": "Cy"}])),
        ("{{ event.tracking }}", json!({"ticket": "42", "email": "ann@example.com"})),
        ("{{ event.tracking.ticket }}", json!("42")),
        ("{{ event.tracking.ticket | plus: 0 }}", json!(42)),
        ("{{ event.evil }}", json!("{{ event.link }}{% include 'x' %}{%- raw -%}")),
        (" {{ event.waitingTime }}", json!(" 31")),
        ("{{ event.waitingTime }}{{ event.waitingTime }}", json!("3131")),
        ("{% if true %}{{ event.waitingTime }}{% endif %}", json!("31")),
        ("{% echo event.waitingTime %}", json!("31")),
        ("plain", json!("plain")),
    ];
    for (text, value) in table {
        assert_eq!(leaf(text, Sink::Plain), value, "{text}");
    }
    let order: Vec<String> = leaf("{{ event.tracking }}", Sink::Plain).as_object().unwrap().keys().cloned().collect();
    assert_eq!(order, ["ticket", "email"], "names keep their order");
    assert_eq!(leaf("{{ event.link }}", Sink::QueryValue), json!("https%3A%2F%2Fwww.gruveo.com%2F%40acme.sales"));
    assert_eq!(leaf("{{ event.user }}", Sink::QueryValue), json!(null), "what is null can be left out");
}

#[test]
fn a_tree_knows_the_places_of_its_leaves() {
    let value = json!({"a/b": ["{{ x", "{{ event.nope }}", 1], "c": "{{ y | nofilter }}"});
    let place = |pointer: &str| Place { line: u32::try_from(pointer.len()).unwrap(), column: 1 };
    let faults = Tree::parse(&value, &Files::default(), &place).unwrap_err();
    let lines: Vec<u32> = faults.iter().map(|(place, _)| place.line).collect();
    assert_eq!(lines, [7, 2], "/a~1b/0 and /c");

    let value = json!({"a": ["x", "{{ event.nope }}"], "b": {"c": "{{ vars.t | default: 1 }}"}});
    let tree = Tree::parse(&value, &Files::default(), &place).unwrap();
    let seen: Vec<String> =
        tree.references().iter().map(|(place, seen)| format!("{} {}", place.line, seen.path)).collect();
    assert_eq!(seen, ["4 event.nope", "4 vars.t"]);
    let error = tree.render(&context(&call()), Sink::Plain).unwrap_err();
    assert_eq!(error.kind, RenderErrorKind::Missing);
    assert!(error.message.starts_with("line 4: `event.nope`"), "{error}");
}
