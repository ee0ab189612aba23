//! Reads `on`.

use super::{manual::read_manual, poll::read_poll, times::read_schedule};
use crate::{
    model::EventType,
    rules::{
        On, codes, keys,
        reader::{Node, Reader},
    },
    value::Value,
};

/// Reads what a rule listens to. Empty where there are findings.
pub(super) fn read_on<'a>(reader: &Reader<'a>, node: &Node<'a>) -> Vec<On> {
    match node.value {
        Value::String(_) => read_type(reader, node, false).into_iter().collect(),
        Value::Array(list) if list.is_empty() => {
            reader.error(codes::RANGE, reader.place(node), "`on` names no event", "name one, such as gruveo.call");
            Vec::new()
        }
        Value::Array(list) => (0..)
            .zip(list)
            .flat_map(|(index, value)| {
                let node = node.element(index, value);
                if value.is_object() {
                    read_map(reader, &node)
                } else {
                    read_type(reader, &node, false).into_iter().collect()
                }
            })
            .collect(),
        Value::Object(_) => read_map(reader, node),
        _ => {
            reader.wrong_type(node, "`on` must be an event type, a list of them, or a map with `event`");
            Vec::new()
        }
    }
}

fn read_map<'a>(reader: &Reader<'a>, node: &Node<'a>) -> Vec<On> {
    reader.only_keys(node, keys::ON, "`on`", &[("type", "`event`"), ("types", "`event`"), ("cron", "`schedule`")]);
    let ways: Vec<&str> =
        ["event", "schedule", "poll", "manual"].into_iter().filter(|name| node.get(name).is_some()).collect();
    if let [_, second, ..] = ways.as_slice() {
        let message = format!("`on` names {} at once", ways.join(" and "));
        let help = "write a list: `on: [{ event: gruveo.call }, { manual: {} }]`";
        reader.error(codes::EXCLUSIVE, reader.key_place(&node.child(second)), message, help);
        return Vec::new();
    }
    let own = node.get("own").is_some_and(|own| reader.boolean(&own, "`own`").unwrap_or_default());
    if let (Some(own), None) = (node.get("own"), node.get("event")) {
        let at = reader.key_place(&own);
        reader.error(codes::NO_MEANING, at, "`own` means nothing without `event`", "");
    }
    if let Some(schedule) = node.get("schedule") {
        return read_schedule(reader, &schedule).into_iter().collect();
    }
    if let Some(poll) = node.get("poll") {
        return read_poll(reader, &poll).into_iter().collect();
    }
    if let Some(manual) = node.get("manual") {
        return read_manual(reader, &manual).into_iter().collect();
    }
    let Some(event) = node.get("event") else {
        let help = "write `event: gruveo.call`";
        reader.error(codes::MISSING_KEY, reader.place(node), "`on` names no event", help);
        return Vec::new();
    };
    match event.value {
        Value::Array(list) => {
            (0..).zip(list).filter_map(|(index, value)| read_type(reader, &event.element(index, value), own)).collect()
        }
        _ => read_type(reader, &event, own).into_iter().collect(),
    }
}

fn read_type<'a>(reader: &Reader<'a>, node: &Node<'a>, own: bool) -> Option<On> {
    let written = reader.text(node, "an event type")?;
    let at = reader.place(node);
    let shown = keys::shortened(written);
    if let Some(service) = written.strip_suffix(".*") {
        let types = reader.vocabulary.event_types();
        let emitted = types.iter().any(|kind| kind.split('.').next() == Some(service));
        if reader.vocabulary.has_service(service) || emitted {
            return Some(On::Service { service: service.to_owned(), own });
        }
        let mut services: Vec<&str> = types.iter().filter_map(|kind| kind.split('.').next()).collect();
        services.sort_unstable();
        services.dedup();
        let service = keys::shortened(service);
        let message = format!("unknown service `{service}`");
        reader.error(codes::UNKNOWN_SERVICE, at, message, keys::suggestion(&service, services));
        return None;
    }
    if reader.vocabulary.event(written).is_some() {
        return Some(On::Type { event: written.to_owned(), own });
    }
    let types = reader.vocabulary.event_types();
    let help = if written.parse::<EventType>().is_err() {
        "an event type is a service or source, a dot and what happened, such as gruveo.call".to_owned()
    } else {
        near_type(written, &types)
    };
    reader.error(codes::UNKNOWN_EVENT, at, format!("unknown event type `{shown}`"), help);
    None
}

/// The way out of an unknown event type.
pub(super) fn near_type(written: &str, types: &[String]) -> String {
    let near = keys::suggestion(written, types.iter().map(String::as_str));
    if !near.is_empty() {
        return near;
    }
    let mut services: Vec<&str> = types.iter().filter_map(|kind| kind.split('.').next()).collect();
    services.dedup();
    let source = keys::shortened(written.split('.').next().unwrap_or_default());
    format!("services here are {}; a source of one's own is `[sources.{source}]` in bellwire.toml", services.join(", "))
}
