//! `replies` of a test, and the script that they make.

use std::collections::BTreeMap;

use super::{case::Replies, read::Reading};
use crate::{
    model::ErrorClass,
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
        let sources = ["json", "text", "fixture", "error", "timeout"];
        let given: Vec<&str> = sources.into_iter().filter(|name| node.get(name).is_some()).collect();
        if given.len() > 1 {
            let message = format!("a reply holds one of {}", given.join(" and "));
            self.reader.error(codes::NO_MEANING, self.reader.place(node), message, "keep one");
            return None;
        }
        if let Some(error) = node.get("error") {
            let said = self.reader.text(&error, "`error`")?;
            let class = if said == "tls" { ErrorClass::Tls } else { ErrorClass::Network };
            let message = if matches!(said, "tls" | "network") { "no connection".to_owned() } else { said.to_owned() };
            return Some(Reply::NotSent { class, message });
        }
        if let Some(timeout) = node.get("timeout") {
            self.reader.boolean(&timeout, "`timeout` of a reply")?;
            return Some(Reply::Late);
        }
        let status = match node.get("status") {
            Some(status) => self.status(&status)?,
            None => 200,
        };
        let mut headers = self.headers(node)?;
        let (kind, body) = self.body(node)?;
        if !headers.iter().any(|(name, _)| name == "content-type") {
            headers.insert(0, ("content-type".to_owned(), kind.to_owned()));
        }
        Some(Reply::Answer { status, headers, body })
    }

    fn body(&self, node: &Node<'a>) -> Option<(&'static str, Vec<u8>)> {
        const JSON: &str = "application/json";
        if let Some(text) = node.get("text") {
            return Some(("text/plain", self.reader.text(&text, "`text`")?.as_bytes().to_vec()));
        }
        if let Some(file) = node.get("fixture") {
            let value = self.fixture(&file)?;
            return Some((JSON, value.to_string().into_bytes()));
        }
        let body = node.get("json").map(|json| json.value.to_string().into_bytes());
        Some((JSON, body.unwrap_or_default()))
    }

    fn status(&self, node: &Node<'a>) -> Option<u16> {
        let status = node.value.as_u64().and_then(|status| u16::try_from(status).ok());
        let status = status.filter(|status| (100..=599).contains(status));
        if status.is_none() {
            let message = "`status` is a number from 100 to 599";
            self.reader.error(codes::RANGE, self.reader.place(node), message, "write `status: 503`");
        }
        status
    }

    fn headers(&self, node: &Node<'a>) -> Option<Vec<(String, String)>> {
        let Some(inner) = node.get("headers") else { return Some(Vec::new()) };
        let object = self.reader.object(&inner, "`headers`")?;
        let text = |value: &Value| match value {
            Value::String(text) => Some(text.clone()),
            Value::Number(_) | Value::Bool(_) => Some(value.to_string()),
            _ => None,
        };
        let read: Option<Vec<(String, String)>> =
            object.iter().map(|(name, value)| Some((name.to_lowercase(), text(value)?))).collect();
        if read.is_none() {
            self.reader.wrong_type(&inner, "the value of a header must be text");
        }
        read
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
                format!("the {used}th request of the step `{id}` ({action}) has no reply; add one to the list `replies: {{ {id}: [...] }}`")
            }
            (Some(id), None) => format!(
                "the step `{id}` ({action}) reads, and there is no reply to it; add `replies: {{ {id}: {{ json: ... }} }}`"
            ),
            (None, _) => format!(
                "the step {} ({action}) reads, and there is no reply to it; give the step an `id` and add `replies: {{ ID: {{ json: ... }} }}`",
                call.path
            ),
        })
    }
}
