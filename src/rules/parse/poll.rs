//! Reads `on: {poll: {every, a step, items, key}}`.

use std::{ops::RangeInclusive, sync::Arc};

use serde_json::json;

use super::{
    http::read_http,
    retry::read_step_timeout,
    span::{needed, read_duration, read_whole},
    step::read_action,
};
use crate::{
    model::StepPath,
    rules::{
        HttpBody, On, OnStepError, Order, Poll, Retry, Step, StepKind, codes, keys,
        poll::{Inner, Items},
        reader::{Node, Reader, has_template},
    },
    value::{Path, Value},
};

/// How often a poll may ask, in seconds: from ten seconds to a month.
const EVERY: RangeInclusive<u64> = 10..=31 * 86_400;

/// Items of the first answer that may become events.
const BACKFILL: RangeInclusive<u32> = 0..=1000;

/// What other tools call the words of a poll.
const FOREIGN: [(&str, &str); 9] = [
    ("interval", "`every`"),
    ("schedule", "`every`"),
    ("cron", "`every`"),
    ("path", "`items`"),
    ("list", "`items`"),
    ("id", "`key`"),
    ("dedupe", "`key`"),
    ("sort", "`order`"),
    ("url", "`http: { url: ... }`"),
];

/// Reads a poll. `None` where there are findings.
pub(super) fn read_poll<'a>(reader: &Reader<'a>, node: &Node<'a>) -> Option<On> {
    let object = reader.object(node, "`poll`")?;
    let before = reader.count();
    let mut kinds: Vec<&str> = Vec::new();
    for name in object.keys() {
        match name.as_str() {
            "http" => kinds.push("http"),
            known if keys::POLL.contains(&known) => {}
            action if action.contains('.') => kinds.push(action),
            _ => reader.unknown_key(&node.child(name), name, keys::POLL, "`poll`", &FOREIGN),
        }
    }
    let help = "write how often it is asked, such as `every: 5m`";
    let every = needed(reader, node, "`poll`", "every", help)
        .and_then(|inner| read_duration(reader, &inner, "`every` of `poll`", &EVERY));
    let kind = if let [kind] = kinds.as_slice() {
        read_what(reader, node, kind)
    } else {
        let found = if kinds.is_empty() { "nothing".to_owned() } else { kinds.join(" and ") };
        let help = "give it one action that is a read, such as groove.find_tickets, or `http`";
        reader.error(codes::STEP_KIND, reader.key_place(node), format!("this poll asks for {found}"), help);
        None
    };
    let items =
        node.get("items").map_or_else(|| "result".parse().ok().map(Items::At), |inner| read_items(reader, &inner));
    let key = read_key(reader, node, items.as_ref() == Some(&Items::Feed));
    let cursor = node.get("cursor").and_then(|inner| answer_path(reader, &inner, "`cursor`"));
    let order = node.get("order").map_or(Some(Order::NewestFirst), |inner| read_order(reader, &inner));
    let backfill =
        node.get("backfill").map_or(Some(0), |inner| read_whole(reader, &inner, "`backfill` of `poll`", &BACKFILL));
    let step = Step {
        path: StepPath(node.pointer.trim_start_matches('/').replace('/', ".")),
        // Its answer is looked at, as that of a step with an id.
        id: Some("poll".to_owned()),
        place: reader.place(node),
        condition: None,
        kind: kind?,
        retry: Retry::default(),
        timeout: read_step_timeout(reader, node.get("timeout").as_ref()),
        on_error: OnStepError::Stop,
    };
    let (items, key) = (items?, key?);
    let target = target(&step.kind, node, &items, &key);
    let written = node.value.clone();
    let inner = Inner { every: every?, step, items, key, order: order?, backfill: backfill?, cursor, target, written };
    (reader.count() == before).then(|| On::Poll(Poll(Arc::new(inner))))
}

/// Reads what is asked: it must change nothing.
fn read_what<'a>(reader: &Reader<'a>, node: &Node<'a>, kind: &str) -> Option<StepKind> {
    let inner = node.child(kind);
    if kind != "http" {
        let action = read_action(reader, node, &inner, kind)?;
        if reader.vocabulary.action(kind).is_some_and(|info| !info.read) {
            let message = format!("`{kind}` is no read, and a poll must change nothing");
            let help = "poll an action that is a read, and act in the steps of `do`";
            reader.error(codes::NO_READ, reader.key_place(&inner), message, help);
            return None;
        }
        return Some(action);
    }
    if let Some(connection) = node.get("connection") {
        let help = "write the name of a connection as `auth` of http";
        let at = reader.key_place(&connection);
        reader.error(codes::NO_MEANING, at, "`connection` belongs to an action of a service", help);
    }
    let http = read_http(reader, &inner)?;
    if http.method != http::Method::GET || !matches!(http.body, HttpBody::None) {
        let at = inner.get("method").map_or_else(|| reader.key_place(&inner), |method| reader.place(&method));
        let help = "ask with GET; for a search that is a POST, write a pack whose action says `read: true`";
        reader.error(codes::NO_READ, at, "a poll must change nothing: its `http` is a GET without a body", help);
        return None;
    }
    Some(StepKind::Http(Box::new(http)))
}

fn read_items<'a>(reader: &Reader<'a>, node: &Node<'a>) -> Option<Items> {
    if node.value.as_str() == Some("feed") {
        return Some(Items::Feed);
    }
    answer_path(reader, node, "`items`").map(Items::At)
}

/// Reads the place of an item's key; the entries of a feed have an `id`.
fn read_key<'a>(reader: &Reader<'a>, node: &Node<'a>, feed: bool) -> Option<Path> {
    let Some(inner) = node.get("key") else {
        if feed {
            return "id".parse().ok();
        }
        let help = "write the place in an item that tells it from all others, such as `key: id`";
        reader.error(codes::MISSING_KEY, reader.key_place(node), "`poll` needs `key`", help);
        return None;
    };
    let path =
        read_path(reader, &inner, "`key`", "write where in an item its key is, such as `id` or `ticket.number`")?;
    if path.has_any() {
        let help = "name the one place, such as `id`";
        reader.error(codes::PATH, reader.place(&inner), "`*` cannot stand in `key`: an item has one key", help);
        return None;
    }
    Some(path)
}

/// Reads a place in the answer.
fn answer_path<'a>(reader: &Reader<'a>, node: &Node<'a>, what: &str) -> Option<Path> {
    let help =
        "it starts at the step: `result`, `result.tickets`, `response.headers.x`; `items: feed` is for RSS and Atom";
    let path = read_path(reader, node, what, help)?;
    if matches!(path.root(), Some("result" | "response")) && !path.has_any() {
        return Some(path);
    }
    let message = format!("{what} must start at `result` or `response`, and name one place");
    reader.error(codes::PATH, reader.place(node), message, help);
    None
}

fn read_path<'a>(reader: &Reader<'a>, node: &Node<'a>, what: &str, help: &str) -> Option<Path> {
    let written = reader.text(node, what)?;
    if has_template(node.value) {
        reader.error(codes::PATH, reader.place(node), format!("{what} is a path, never a template"), help);
        return None;
    }
    match written.parse() {
        Ok(path) => Some(path),
        Err(error) => {
            let message = format!("`{}` is not a path: {error}", keys::shortened(written));
            reader.error(codes::PATH, reader.place(node), message, help);
            None
        }
    }
}

fn read_order<'a>(reader: &Reader<'a>, node: &Node<'a>) -> Option<Order> {
    let word = reader.text(node, "`order`")?;
    let known = Order::WORDS.into_iter().find(|(known, _)| *known == word);
    if known.is_none() {
        let message = format!("`order: {}` is not known", keys::shortened(word));
        let help = keys::suggestion(word, Order::WORDS.map(|(known, _)| known));
        reader.error(codes::CHOICE, reader.place(node), message, help);
    }
    known.map(|(_, order)| order)
}

/// What a poll asks, without the inputs that may be changed while the keys that were seen still count.
fn target(kind: &StepKind, node: &Node<'_>, items: &Items, key: &Path) -> String {
    let what = if let StepKind::Action { name, connection, .. } = kind {
        connection.as_ref().map_or_else(|| name.clone(), |connection| format!("{name} by {connection}"))
    } else {
        let url = node.get("http").and_then(|http| http.get("url")).and_then(|url| url.value.as_str());
        url.unwrap_or_default().split(['?', '#']).next().unwrap_or_default().to_owned()
    };
    let items = match items {
        Items::At(path) => path.to_string(),
        Items::Feed => "feed".to_owned(),
    };
    format!("{what}: {items} by {key}")
}

/// JSON Schema of the payload: nothing is known but of a feed.
pub(crate) fn item_schema(poll: &Poll) -> Value {
    if poll.items != Items::Feed {
        return json!({});
    }
    let text = json!({ "type": ["string", "null"] });
    let names = ["id", "title", "link", "published", "updated", "summary", "content", "author"];
    let mut properties: serde_json::Map<String, Value> =
        names.iter().map(|name| ((*name).to_owned(), text.clone())).collect();
    properties.insert("categories".to_owned(), json!({ "type": "array", "items": { "type": "string" } }));
    let required: Vec<&str> = names.into_iter().chain(["categories"]).collect();
    json!({ "type": "object", "properties": properties, "required": required })
}
