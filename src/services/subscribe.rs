//! How webhooks are set up at a service, as data: who registers what, and where the answer holds what is kept.

use std::collections::BTreeMap;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use super::{
    Action, Hook, Input, TokenPlace, Verify,
    check::{reply_path, reply_paths},
    check_action::{bare, inputs},
    event_name::is_name,
    raw::Node,
};
use crate::value::{Path, Value};

/// What is percent-encoded in an address (RFC 3986, section 2.3).
const RESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// What the templates of `create` see beside the inputs.
const CREATE: [&str; 4] = ["event", "events", "url", "secret"];

/// How webhooks are set up at a service.
#[derive(Debug)]
pub struct Subscribe {
    /// How many there are.
    pub each: Each,
    /// What a person must say, such as which repository.
    pub inputs: Vec<Input>,
    /// The request that makes one; sees `event`, `events`, `url`, `secret` (the one that deliveries are verified with) and the inputs.
    pub create: Action,
    /// Where in `{status, headers, body}` stands what is kept of the answer.
    pub result: Path,
    /// Where in `{status, headers, body}` its id may be; the first that is there counts, of an address its last part.
    pub id: Vec<Path>,
    /// Where the service gives the secret that it signs with. `None`: we give it ours.
    pub secret: Option<Path>,
    /// The request that takes one away; sees `id` and the inputs. `None`: there is none.
    pub remove: Option<Action>,
    /// The read that tells which there are. `None`: there is none.
    pub list: Option<Listing>,
    /// Names of events of ours -> the service's own, where they differ.
    pub names: BTreeMap<String, String>,
    /// Events that come without being asked for.
    pub unasked: Vec<String>,
    /// Where a person does the same by hand. `None`: unknown.
    pub by_hand: Option<String>,
}

/// How many webhooks there are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Each {
    /// One for each event.
    Event,
    /// One for all of them.
    All,
}

/// The read that tells which webhooks a service has.
#[derive(Debug)]
pub struct Listing {
    /// Its request; sees the inputs.
    pub action: Action,
    /// Where in `{status, headers, body}` the list is.
    pub items: Path,
    /// Where in an item its id is.
    pub id: Path,
    /// Where in an item its address is.
    pub url: Path,
    /// Where in an item its events are: a text or a list. `None`: it does not say.
    pub events: Option<Path>,
    /// Where in an item it says whether it is in use, and what it says then. `None`: it does not say.
    pub active: Option<(Path, Value)>,
}

impl Subscribe {
    /// The service's own name of an event of ours.
    pub fn theirs<'n>(&'n self, ours: &'n str) -> &'n str {
        self.names.get(ours).map_or(ours, String::as_str)
    }

    /// The name of ours of what a person wrote: `note_added`, `groove.note_added`, or the service's own. `None`: it is no name.
    pub fn ours(&self, service: &str, written: &str) -> Option<String> {
        let written = written.strip_prefix(&format!("{service}.")).unwrap_or(written);
        if let Some((ours, _)) = self.names.iter().find(|(_, theirs)| *theirs == written) {
            return Some(ours.clone());
        }
        let ours = written.to_ascii_lowercase().replace(['.', '-'], "_");
        is_name(&ours).then_some(ours)
    }
}

impl Hook {
    /// The address that a service delivers to: `<base>/hooks/<source>`, with the event where the pack takes it from the path, and with
    /// the token where deliveries are proven by one in the address. `base` has no slash at its end.
    pub fn address(&self, base: &str, source: &str, event: Option<&str>, token: Option<&str>) -> String {
        let encode = |text: &str| utf8_percent_encode(text, RESERVED).to_string();
        let mut address = format!("{base}/hooks/{source}");
        let token = match (&self.verify, token) {
            (Verify::Token(place), Some(token)) => Some((place, token)),
            _ => None,
        };
        if let Some((place, token)) = token.filter(|(place, _)| place.place == TokenPlace::Path) {
            address.push_str(&format!("/{}{}", encode(&place.prefix), encode(token)));
        }
        if let Some(event) = event.filter(|_| self.name.path) {
            address.push_str(&format!("/{}", encode(event)));
        }
        if let Some((place, token)) = token.filter(|(place, _)| place.place == TokenPlace::Query) {
            address.push_str(&format!("?{}={}{}", encode(&place.name), encode(&place.prefix), encode(token)));
        }
        address
    }
}

/// Reads `subscribe`. `None` where it does not hold together; the findings say why.
pub(super) fn subscribe(node: &Node<'_>) -> Option<Subscribe> {
    node.object()?;
    node.keys(&["each", "inputs", "create", "result", "id", "secret", "remove", "list", "names", "unasked", "by_hand"]);
    let each = node.want("each").and_then(|node| node.word(&[("event", Each::Event), ("all", Each::All)]));
    let inputs = node.get("inputs").map(|node| inputs(&node)).unwrap_or_default();
    let own: Vec<&str> = inputs.iter().map(|input| input.name.as_str()).collect();
    for taken in own.iter().filter(|name| CREATE.contains(name) || **name == "id") {
        node.finding("P009", format!("`{taken}` cannot be the name of an input here"), "it has a meaning of its own");
    }
    let seen = |names: &[&'static str]| [own.as_slice(), names].concat();
    let create = node.want("create").and_then(|node| bare("subscribe", &node, &seen(&CREATE)));
    let remove = match node.get("remove") {
        Some(node) => Some(bare("unsubscribe", &node, &seen(&["id"]))?),
        None => None,
    };
    let result = node.want("result").and_then(|node| reply_path(&node));
    let id = node.get("id").map(|node| reply_paths(&node)).unwrap_or_default();
    let secret = match node.get("secret") {
        Some(node) => Some(reply_path(&node)?),
        None => None,
    };
    let list = match node.get("list") {
        Some(node) => Some(listing(&node, &own)?),
        None => None,
    };
    let names = node.get("names").map(|node| node.entries()).unwrap_or_default();
    let names = names.into_iter().filter_map(|(ours, node)| {
        if !is_name(&ours) {
            node.key_finding("P009", format!("`{ours}` is not a name of a-z, 0-9 and _"), "the event's name of ours");
        }
        Some((ours, node.text()?))
    });
    let names = names.collect();
    let unasked = node.get("unasked").map(|node| node.list()).unwrap_or_default();
    let unasked = unasked.iter().filter_map(Node::text).collect();
    let by_hand = node.get("by_hand").and_then(|node| node.text());
    Some(Subscribe {
        each: each?,
        inputs,
        create: create?,
        result: result?,
        id,
        secret,
        remove,
        list,
        names,
        unasked,
        by_hand,
    })
}

fn listing(node: &Node<'_>, inputs: &[&str]) -> Option<Listing> {
    node.object()?;
    node.keys(&["request", "items", "id", "url", "events", "active"]);
    let action = node.want("request").and_then(|node| bare("list_subscriptions", &node, inputs));
    let items = node.want("items").and_then(|node| reply_path(&node));
    let id = node.want("id").and_then(|node| node.path());
    let url = node.want("url").and_then(|node| node.path());
    let events = node.get("events").and_then(|node| node.path());
    let active = node.get("active").and_then(|node| {
        node.object()?;
        node.keys(&["path", "is"]);
        let path = node.want("path").and_then(|node| node.path());
        Some((path?, node.want("is")?.value.clone()))
    });
    Some(Listing { action: action?, items: items?, id: id?, url: url?, events, active })
}

#[cfg(test)]
mod tests;
