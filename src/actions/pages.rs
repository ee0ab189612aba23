//! An answer in pages: from what a page says and what was gathered to the request of the next one, or the end. Pure.

mod address;

use std::collections::HashSet;

use sha2::{Digest as _, Sha256};

use self::address::{add_missing, next_link, parameter, set_parameter};
use super::{Answer, Request, Target, reply::Reply};
use crate::{
    model::{ErrorClass, StepError},
    rules::{Step, StepKind},
    services::{CursorPlace, Next, Paging, Registry},
    value::{Object, Path, Segment, Value},
};

/// Bytes of all pages' items together that a step of a rule gathers: as much as it may leave behind (language.md, "Limits").
pub const GATHERED_BYTES: usize = 256 * 1024;

/// What follows a page.
#[derive(Debug, PartialEq)]
pub enum Turned {
    /// It was the last.
    End,
    /// The next page, by a request of its own.
    Ask(Box<Request>),
    /// The next page, at an address that the service names: whether it may be followed is for [`Pages::follow`]'s caller to say.
    Follow(String),
}

/// The pages of an answer, as far as they were gathered.
#[derive(Debug)]
pub struct Pages<'a> {
    paging: &'a Paging,
    request: &'a Request,
    limit: usize,
    most: usize,
    /// What the first page says.
    first: Option<Value>,
    items: Vec<Value>,
    bytes: usize,
    /// Pages that were taken.
    taken: u32,
    /// There were more than may be asked for.
    cut: bool,
    /// Items that pages held, whether gathered or not.
    seen: u64,
    /// Requests that were sent.
    asked: HashSet<[u8; 32]>,
    /// Lists that pages held.
    lists: HashSet<[u8; 32]>,
}

impl<'a> Pages<'a> {
    /// The pages of what `request` asks for. `most` bounds the bytes of all items. `None`: the step's answer has no pages.
    pub fn of(step: &Step, registry: &'a Registry, request: &'a Request, most: usize) -> Option<Self> {
        let StepKind::Action { name, .. } = &step.kind else { return None };
        let paging = registry.action(name)?.1.paging.as_ref()?;
        let limit = usize::try_from(request.gather.unwrap_or(Paging::LIMIT)).ok()?;
        let mut pages = Self {
            paging,
            request,
            limit,
            most,
            first: None,
            items: Vec::new(),
            bytes: 0,
            taken: 0,
            cut: false,
            seen: 0,
            asked: HashSet::new(),
            lists: HashSet::new(),
        };
        pages.asked.insert(identity(request));
        Some(pages)
    }

    /// Takes the next page; `answer` is a good one. The error's step and attempt are the caller's to fill in.
    pub fn take(&mut self, answer: &Answer<'_>) -> Result<Turned, StepError> {
        let Answer::Reply { status, headers, body, truncated } = answer else { return Ok(Turned::End) };
        let reply = Reply { status: *status, headers, body, truncated: *truncated };
        let parsed = reply.parsed().map_err(|why| fault(ErrorClass::BadReply, Some(*status), why))?;
        let list = match reply.at(&self.paging.items, parsed.clone()) {
            Value::Array(list) => list,
            Value::Null => Vec::new(),
            _ => {
                let why = format!("the answer's pages cannot be gathered: `{}` is no list", self.paging.items);
                return Err(fault(ErrorClass::BadReply, Some(*status), why));
            }
        };
        if self.first.is_none() {
            self.first = Some(parsed.clone());
        }
        self.taken += 1;
        // An empty page is behind the last; one that was there before says that the service does not turn.
        if list.is_empty() || !self.lists.insert(digest(&Value::Array(list.clone()))) {
            return Ok(Turned::End);
        }
        self.seen += list.len() as u64;
        for item in list {
            if self.items.len() >= self.limit {
                return Ok(Turned::End);
            }
            self.bytes += item.to_string().len();
            if self.bytes > self.most {
                let most = self.most / 1024;
                let why = format!("the pages hold more than {most} KiB; ask for less, or for a lower limit of items");
                return Err(fault(ErrorClass::Limit, Some(*status), why));
            }
            self.items.push(item);
        }
        if self.items.len() >= self.limit {
            return Ok(Turned::End);
        }
        if self.taken >= self.paging.pages {
            self.cut = !matches!(self.next(&reply, parsed), Ok(Turned::End));
            return Ok(Turned::End);
        }
        self.next(&reply, parsed)
    }

    /// The request of a page at an address that was resolved to `path`, below the base URL of the connection. `None`: it was asked for
    /// before.
    pub fn follow(&mut self, path: String) -> Option<Box<Request>> {
        let mut next = self.request.clone();
        let first = std::mem::take(path_of(&mut next.target));
        *path_of(&mut next.target) = add_missing(path, &first, &self.paging.keep);
        self.asked.insert(identity(&next)).then(|| Box::new(next))
    }

    /// Whether there are more pages than the action's `pages` lets be asked for.
    pub fn is_cut(&self) -> bool {
        self.cut
    }

    /// Pages that were taken.
    pub fn count(&self) -> u32 {
        self.taken
    }

    /// What the first page says, with the list of all pages in it. `None` where no page was taken, or its list is not in its body.
    pub fn whole(self) -> Option<Value> {
        let mut body = self.first?;
        // Where there never was a list there is nothing to put one in the place of.
        if self.items.is_empty() {
            return Some(body);
        }
        (self.paging.items.root() == Some("body")).then_some(())?;
        put(&mut body, self.paging.items.below_root(), Value::Array(self.items))?;
        Some(body)
    }

    fn next(&mut self, reply: &Reply<'_>, body: Value) -> Result<Turned, StepError> {
        let odd = |what: &Path| {
            let why = format!("the next page cannot be asked for: `{what}` is neither text nor a number");
            Err(fault(ErrorClass::BadReply, Some(reply.status), why))
        };
        let mut next = self.request.clone();
        match &self.paging.next {
            Next::Url(place) => match reply.at(place, body) {
                Value::Null | Value::Bool(false) => return Ok(Turned::End),
                Value::String(address) if address.trim().is_empty() => return Ok(Turned::End),
                Value::String(address) => return Ok(Turned::Follow(address.trim().to_owned())),
                _ => return odd(place),
            },
            Next::Link => {
                let mut links = reply.headers.iter().filter(|(name, _)| name.eq_ignore_ascii_case("link"));
                let next = links.find_map(|(_, value)| next_link(value));
                return Ok(next.map_or(Turned::End, Turned::Follow));
            }
            Next::Cursor { from, into } => {
                let cursor = match reply.at(from, body) {
                    Value::Null | Value::Bool(false) => return Ok(Turned::End),
                    Value::String(text) if text.is_empty() => return Ok(Turned::End),
                    cursor @ (Value::String(_) | Value::Number(_)) => cursor,
                    _ => return odd(from),
                };
                match into {
                    CursorPlace::Query(name) => {
                        let path = path_of(&mut next.target);
                        *path = set_parameter(path, name, &plain(&cursor));
                    }
                    CursorPlace::Json(place) => Self::cursor_into(&mut next, place, cursor)?,
                }
            }
            Next::Page { query, last } => {
                let path = path_of(&mut next.target);
                let first: u64 = parameter(path, query).and_then(|text| text.parse().ok()).unwrap_or(1);
                let page = first.saturating_add(u64::from(self.taken));
                let last = last.as_ref().map(|place| reply.at(place, body));
                let last = last.as_ref().and_then(|last| plain(last).parse::<u64>().ok());
                if last.is_some_and(|last| page > last) {
                    return Ok(Turned::End);
                }
                *path = set_parameter(path, query, &page.to_string());
            }
            Next::Offset { query } => {
                let path = path_of(&mut next.target);
                let first: u64 = parameter(path, query).and_then(|text| text.parse().ok()).unwrap_or(0);
                *path = set_parameter(path, query, &first.saturating_add(self.seen).to_string());
            }
        }
        Ok(if self.asked.insert(identity(&next)) { Turned::Ask(Box::new(next)) } else { Turned::End })
    }

    fn cursor_into(next: &mut Request, place: &Path, cursor: Value) -> Result<(), StepError> {
        let wrong = || fault(ErrorClass::Internal, None, format!("the request has no JSON body to put `{place}` into"));
        let text = next.body.as_deref().unwrap_or("{}");
        let mut body: Value = serde_json::from_str(text).map_err(|_| wrong())?;
        put(&mut body, place.segments(), cursor).ok_or_else(wrong)?;
        next.body = Some(body.to_string());
        Ok(())
    }
}

/// A text without its quotes; any other value as JSON.
fn plain(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

fn path_of(target: &mut Target) -> &mut String {
    match target {
        Target::Connection { path, .. } => path,
        Target::Url(url) => url,
    }
}

fn fault(class: ErrorClass, status: Option<u16>, message: String) -> StepError {
    StepError { step: String::new(), class, status, message, attempt: 0 }
}

/// What tells a request from any other of the same step.
fn identity(request: &Request) -> [u8; 32] {
    digest(&serde_json::to_value(request).unwrap_or_default())
}

fn digest(value: &Value) -> [u8; 32] {
    Sha256::digest(value.to_string().as_bytes()).into()
}

/// Puts `new` at a place, making the objects on the way that are not there. `None` where something else stands in the way.
fn put(value: &mut Value, place: &[Segment], new: Value) -> Option<()> {
    let Some((segment, rest)) = place.split_first() else {
        *value = new;
        return Some(());
    };
    if value.is_null() {
        *value = Value::Object(Object::new());
    }
    let inner = match (segment, value) {
        (Segment::Name(name), Value::Object(object)) => object.entry(name.clone()).or_insert(Value::Null),
        (Segment::Index(index), Value::Array(list)) => list.get_mut(*index)?,
        (Segment::Index(index), Value::Object(object)) => object.entry(index.to_string()).or_insert(Value::Null),
        _ => return None,
    };
    put(inner, rest, new)
}

#[cfg(test)]
mod tests;
