//! Reads the step `wait`: for a time, until a time, or for an event.

use super::span::{WINDOW, read_duration, read_hours};
use crate::{
    clock::Time,
    model::EventType,
    rules::{
        Condition, Operand, OperatorKind, Test, WaitStep, WaitWhat, codes,
        condition::parse_condition,
        keys,
        reader::{Node, Reader, has_template},
    },
    templates::Leaf,
    value::Value,
};

const FOREIGN: &[(&str, &str)] = &[
    ("timeout", "`for`"),
    ("within", "`for`"),
    ("duration", "`for`"),
    ("time", "`until`"),
    ("type", "`event`"),
    ("on", "`event`"),
    ("if", "`when`"),
    ("in_hours", "`hours`"),
];

/// Reads what a step waits for.
pub(super) fn read_wait<'a>(reader: &Reader<'a>, node: &Node<'a>) -> Option<WaitStep> {
    if let Value::String(text) = node.value {
        if has_template(node.value) {
            let help = "a duration is literal; for a time that is computed write `wait: { until: \"{{ ... }}\" }`";
            reader.error(codes::NOT_LITERAL, reader.place(node), "`wait` must be a duration or a map", help);
            return None;
        }
        if Time::parse(text).is_some() {
            let help = format!("write `wait: {{ until: \"{}\" }}`", keys::shortened(text));
            reader.error(codes::DURATION, reader.place(node), "`wait` must be a duration, and this is a time", help);
            return None;
        }
    }
    if !node.value.is_object() {
        let span = read_duration(reader, node, "`wait`", &WINDOW)?;
        return Some(WaitStep { what: WaitWhat::For(span), hours: None });
    }
    let before = reader.count();
    reader.only_keys(node, &["for", "hours", "until", "event", "when"], "`wait`", FOREIGN);
    let what = match (node.get("until"), node.get("event")) {
        (Some(until), None) => {
            for name in ["for", "hours", "when"] {
                no_meaning(reader, node, name, "with `until`");
            }
            read_until(reader, &until).map(WaitWhat::Until)
        }
        (None, Some(event)) => read_event(reader, node, &event),
        (Some(_), Some(event)) => {
            let help = "an event has `for`, the time after which it is waited for no longer: keep one";
            let at = reader.key_place(&event);
            reader.error(codes::EXCLUSIVE, at, "a wait has `until` or `event`, not both", help);
            None
        }
        (None, None) => read_for(reader, node),
    };
    let hours = node.get("hours").and_then(|hours| read_hours(reader, &hours));
    (reader.count() == before).then_some(())?;
    Some(WaitStep { what: what?, hours })
}

fn no_meaning(reader: &Reader<'_>, node: &Node<'_>, name: &str, beside: &str) {
    if let Some(inner) = node.get(name) {
        let at = reader.key_place(&inner);
        reader.error(codes::NO_MEANING, at, format!("`{name}` means nothing {beside}"), "");
    }
}

fn read_for<'a>(reader: &Reader<'a>, node: &Node<'a>) -> Option<WaitWhat> {
    no_meaning(reader, node, "when", "without `event`");
    let Some(span) = node.get("for") else {
        if node.get("when").is_none() {
            let help = "write `for: 10m`, `until: \"{{ ... }}\"`, or `event:` with a type";
            reader.error(codes::MISSING_KEY, reader.key_place(node), "`wait` does not say for what", help);
        }
        return None;
    };
    read_duration(reader, &span, "`for` of `wait`", &WINDOW).map(WaitWhat::For)
}

fn read_until<'a>(reader: &Reader<'a>, node: &Node<'a>) -> Option<Leaf> {
    let text = reader.text(node, "`until`")?;
    if !has_template(node.value) && Time::parse(text).is_none() {
        let message = format!("`{}` is no time", keys::shortened(text));
        let help = "write a time with its offset, such as 2026-03-01T10:00:00Z; `for` takes a duration";
        reader.error(codes::OPERAND, reader.place(node), message, help);
        return None;
    }
    reader.leaf(node)
}

fn read_event<'a>(reader: &Reader<'a>, node: &Node<'a>, event: &Node<'a>) -> Option<WaitWhat> {
    let kinds = match event.value {
        Value::Array(list) if list.is_empty() => {
            let help = "name one, such as groove.customer_replied";
            reader.error(codes::RANGE, reader.place(event), "`event` names no event", help);
            return None;
        }
        Value::Array(list) => {
            let nodes = (0..).zip(list).map(|(index, value)| event.element(index, value));
            nodes.filter_map(|node| read_kind(reader, &node)).collect()
        }
        _ => read_kind(reader, event).into_iter().collect(),
    };
    let limit = node.get("for").and_then(|span| read_duration(reader, &span, "`for` of `wait`", &WINDOW));
    if node.get("for").is_none() {
        no_meaning(reader, node, "hours", "without `for`");
    }
    let help = "say which one: `when: { incoming.number: \"{{ event.number }}\" }`";
    let Some(written) = node.get("when") else {
        let message = "`wait` for an event needs `when`: any event of this type would end it";
        reader.error(codes::MISSING_KEY, reader.key_place(event), message, help);
        return None;
    };
    let when = parse_condition(reader, &written, "`when`")?;
    if !has_key(&when) {
        let message = "`when` holds no equality on `incoming` by which the event can be found";
        let help = "write one outside of `any` and `not`: `incoming.number: \"{{ event.number }}\"`";
        reader.error(codes::WAIT_KEY, reader.key_place(&written), message, help);
        return None;
    }
    Some(WaitWhat::Event { kinds, when, limit })
}

fn read_kind<'a>(reader: &Reader<'a>, node: &Node<'a>) -> Option<String> {
    let written = reader.text(node, "an event type")?;
    if reader.vocabulary.event(written).is_some() && !written.ends_with(".*") {
        return Some(written.to_owned());
    }
    let types = reader.vocabulary.event_types();
    let help = if written.ends_with(".*") {
        "a wait names its event types one by one, in a list".to_owned()
    } else if written.parse::<EventType>().is_err() {
        "an event type is a service or source, a dot and what happened, such as groove.customer_replied".to_owned()
    } else {
        super::on::near_type(written, &types)
    };
    let message = format!("unknown event type `{}`", keys::shortened(written));
    reader.error(codes::UNKNOWN_EVENT, reader.place(node), message, help);
    None
}

/// Whether a wait can be found by a key: at least one equality on a place in `incoming` that must hold.
fn has_key(when: &Condition) -> bool {
    match when {
        Condition::All(list) => list.iter().any(has_key),
        Condition::Test(test) => is_key(test),
        Condition::Any(_) | Condition::Not(_) => false,
    }
}

fn is_key(test: &Test) -> bool {
    let in_payload = test.path.root() == Some("incoming") && !test.path.below_root().is_empty();
    let equal = test.operators.iter().any(|operator| {
        let of_one_value = match &operator.operand {
            Operand::Literal(value) => !value.is_null() && !value.is_array() && !value.is_object(),
            Operand::Template(_) => true,
            _ => false,
        };
        operator.kind == OperatorKind::Is && of_one_value
    });
    in_payload && equal && !test.path.has_any() && !test.ignore_case
}
