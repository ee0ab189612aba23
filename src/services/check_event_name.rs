//! From a pack's `type` as written to one that holds together.

use super::{EventName, check::header_name, event_name::is_name, raw::Node};

/// `path`, or a map of `header`, `body`, `or: path` and `fixed`, which are asked in this order.
pub(super) fn event_name(node: &Node<'_>) -> Option<EventName> {
    if node.value == "path" {
        return Some(EventName { path: true, ..EventName::default() });
    }
    node.keys(&["header", "body", "strip", "fit", "or", "fixed"]);
    let header = node.get("header").and_then(|node| header_name(&node));
    let body = match node.get("body") {
        Some(node) if node.value.is_array() => node.list().iter().filter_map(place).collect(),
        Some(node) => place(&node).into_iter().collect(),
        None => Vec::new(),
    };
    let strip = node.get("strip").and_then(|node| node.text()).unwrap_or_default();
    let fit = node.get("fit").is_some_and(|node| node.flag());
    let path = node.get("or").and_then(|node| node.word(&[("path", true)])).unwrap_or_default();
    let otherwise = node.get("fixed").and_then(|node| {
        let name = node.text()?;
        if !is_name(&name) {
            node.finding("P009", format!("`{name}` is not a name of a-z, 0-9 and _"), "");
        }
        Some(name)
    });
    if header.is_none() && body.is_empty() && otherwise.is_none() {
        node.finding("P004", "`path`, `{header: NAME, or: path}`, `{body: PLACE}` or `{fixed: NAME}` wanted", "");
        return None;
    }
    Some(EventName { header, body, strip, fit, path, otherwise })
}

/// A place in the body: `event.type`, without `body` before it.
fn place(node: &Node<'_>) -> Option<crate::value::Path> {
    let path = node.path()?;
    if path.has_any() {
        node.finding("P010", format!("`{path}` holds `*`: a name stands in one place"), "");
        return None;
    }
    Some(path)
}
