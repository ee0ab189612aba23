//! `replies` of a test, and the script that they make.

use std::collections::BTreeMap;

use super::{case::Replies, read::Reading};
use crate::{
    rules::{Node, codes},
    trial::answers::{Answers, Call, Reply},
    value::Value,
};

/// Keys of a reply.
const KEYS: &[&str] = &["status", "json", "text", "fixture", "headers", "error", "timeout"];

impl<'a> Reading<'a> {
    /// Reads `replies`.
    pub(super) fn replies(&self, node: &Node<'a>) -> BTreeMap<String, Replies> {
        let mut replies = BTreeMap::new();
        let known = self.answered_steps();
        for name in self.reader.object(node, "`replies`").into_iter().flat_map(serde_json::Map::keys) {
            let inner = node.child(name);
            if !known.contains(name) {
                let message = format!("no step that sends has the id `{}`", crate::rules::shortened(name));
                let help = crate::rules::suggestion(name, known.iter().map(String::as_str));
                let help = if help.is_empty() { "give the step an `id`".to_owned() } else { help };
                self.reader.error(codes::UNKNOWN_STEP, self.reader.key_place(&inner), message, help);
                continue;
            }
            let read = match inner.value {
                Value::Array(list) => {
                    let all: Option<Vec<Reply>> =
                        (0..).zip(list).map(|(index, value)| self.reply(&inner.element(index, value))).collect();
                    all.map(Replies::InOrder)
                }
                _ => self.reply(&inner).map(Replies::Always),
            };
            replies.extend(read.map(|read| (name.clone(), read)));
        }
        replies
    }

    fn reply(&self, node: &Node<'a>) -> Option<Reply> {
        self.reader.object(node, "a reply")?;
        self.reader.only_keys(node, KEYS, "a reply", &[("body", "`json` or `text`"), ("code", "`status`")]);
        let read = match node.get("fixture") {
            None => Reply::from_value(node.value),
            Some(file) => {
                let mut written = node.value.clone();
                if let Value::Object(map) = &mut written {
                    map.shift_remove("fixture");
                    if map.insert("json".to_owned(), self.fixture(&file)?).is_some() {
                        let at = self.reader.key_place(&file);
                        self.reader.error(codes::NO_MEANING, at, "a reply holds one of json and fixture", "keep one");
                    }
                }
                Reply::from_value(&written)
            }
        };
        let help = "write `{ status: 200, json: { ... } }`, `{ error: network }` or `{ timeout: true }`";
        read.map_err(|why| self.reader.error(codes::OPERAND, self.reader.place(node), why, help)).ok()
    }
}

/// Answers by the replies of a test.
pub(super) struct Script<'a> {
    replies: &'a BTreeMap<String, Replies>,
    /// How many of each list are used.
    used: BTreeMap<String, usize>,
}

impl<'a> Script<'a> {
    pub(super) fn new(replies: &'a BTreeMap<String, Replies>) -> Self {
        Self { replies, used: BTreeMap::new() }
    }
}

impl Answers for Script<'_> {
    fn answer(&mut self, call: &Call<'_>) -> Result<Reply, String> {
        let id = call.step.id.as_deref();
        // A turn's path is that of its step in the text, with the turn: `do.2.do.0[3]`.
        let names = [id, Some(call.step.path.0.as_str())];
        for name in names.into_iter().flatten() {
            match self.replies.get(name) {
                Some(Replies::Always(reply)) => return Ok(reply.clone()),
                Some(Replies::InOrder(list)) => {
                    let used = self.used.entry(name.to_owned()).or_default();
                    *used += 1;
                    if let Some(reply) = list.get(*used - 1) {
                        return Ok(reply.clone());
                    }
                }
                None => {}
            }
        }
        if !call.is_read() {
            return Ok(call.sample().unwrap_or_else(|| Reply::json(200, &Value::Object(serde_json::Map::new()))));
        }
        let used = names.into_iter().flatten().filter_map(|name| self.used.get(name)).max().copied();
        let action = call.action();
        Err(match (id, used) {
            (Some(id), Some(used)) => {
                format!(
                    "request {used} of the step `{id}` ({action}) has no reply; add one to the list `replies: {{ {id}: [...] }}`"
                )
            }
            (Some(id), None) => format!(
                "the step `{id}` ({action}) reads, and there is no reply to it; add `replies: {{ {id}: {{ json: ... }} }}`"
            ),
            (None, _) => format!(
                "the step {} ({action}) reads, and there is no reply to it; add `replies: {{ {}: {{ json: ... }} }}`",
                call.path, call.step.path
            ),
        })
    }
}
