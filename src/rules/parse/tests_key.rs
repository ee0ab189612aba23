//! Reads `tests`, for their shape: they are kept as written.

use crate::{
    rules::{
        codes, keys,
        reader::{Node, Reader},
    },
    value::Value,
};

/// The tests of a rule as written, after a look at their shape.
pub(super) fn read_tests<'a>(reader: &Reader<'a>, node: &Node<'a>) -> Vec<Value> {
    let Some(list) = reader.list(node, "`tests`") else { return Vec::new() };
    for (index, value) in list.iter().enumerate() {
        let test = node.element(index, value);
        if reader.object(&test, "a test").is_some() {
            read_test(reader, &test);
        }
    }
    list.to_vec()
}

fn read_test<'a>(reader: &Reader<'a>, node: &Node<'a>) {
    let object = node.value.as_object();
    for name in object.into_iter().flat_map(serde_json::Map::keys) {
        if !is_about_step(name) && !keys::TEST.contains(&name.as_str()) {
            let foreign = [("given", "`event`"), ("input", "`event`"), ("then", "`expect`"), ("effects", "`expect`")];
            reader.unknown_key(&node.child(name), name, keys::TEST, "a test", &foreign);
        }
    }
    if let Some(name) = node.get("name") {
        reader.text(&name, "`name` of a test");
    }
    match (node.get("event"), node.get("events")) {
        (Some(event), None) => read_event(reader, &event, false),
        (None, Some(events)) => {
            for (index, value) in reader.list(&events, "`events`").unwrap_or_default().iter().enumerate() {
                read_event(reader, &events.element(index, value), true);
            }
        }
        (Some(_), Some(events)) => {
            reader.error(codes::NO_MEANING, reader.key_place(&events), "`event` and `events` in one test", "keep one");
        }
        (None, None) => {
            let help = "write `event: { sample: gruveo.call/missed }`";
            reader.error(codes::MISSING_KEY, reader.place(node), "this test has no `event`", help);
        }
    }
    let Some(expect) = node.get("expect") else { return };
    for (index, value) in reader.list(&expect, "`expect`").unwrap_or_default().iter().enumerate() {
        let effect = expect.element(index, value);
        if let Some(object) = reader.object(&effect, "an expected effect")
            && object.len() != 1
        {
            let help = "write `groove.add_note: { ticket: 42 }`";
            reader.error(codes::STEP_KIND, reader.place(&effect), "an expected effect names one action", help);
        }
    }
}

/// Whether it is a place such as `steps.find.attempts` or `steps.find.result[0].number`.
fn is_about_step(name: &str) -> bool {
    const KNOWN: [&str; 5] = ["attempts", "outcome", "result", "error", "response"];
    let Some((id, rest)) = name.strip_prefix("steps.").and_then(|rest| rest.split_once('.')) else { return false };
    let field = rest.split(['.', '[']).next().unwrap_or_default();
    keys::is_id(id) && KNOWN.contains(&field)
}

fn read_event<'a>(reader: &Reader<'a>, node: &Node<'a>, timed: bool) {
    if reader.object(node, "the event of a test").is_none() {
        return;
    }
    let known: &[&str] = if timed {
        &["sample", "fixture", "type", "payload", "set", "at"]
    } else {
        &["sample", "fixture", "type", "payload", "set"]
    };
    reader.only_keys(node, known, "the event of a test", &[("data", "`payload`"), ("body", "`payload`")]);
    let ways = ["sample", "fixture", "type"].iter().filter(|name| node.get(name).is_some()).count();
    if ways != 1 {
        let help = "write `sample: gruveo.call/missed`, `fixture: FILE`, or `type` and `payload`";
        reader.error(codes::MISSING_KEY, reader.place(node), "the event of a test comes from one place", help);
    }
    for name in ["sample", "fixture", "type"] {
        if let Some(inner) = node.get(name) {
            reader.text(&inner, &format!("`{name}`"));
        }
    }
}
