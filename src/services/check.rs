//! From a pack's file as written to a pack that holds together.

use std::collections::BTreeMap;

use super::{
    Action, AuthUse, Errors, EventKind, Field, Hook, InputType, Pack, Stamp, StampUnit, check_action, check_auth,
    check_body, check_challenge, check_event_name,
    check_verify::{self, Names},
    event_name, presets,
    raw::Node,
    samples::{self, Texts},
    subscribe,
};
use crate::{
    config::Rate,
    value::{Object, Path, Value},
};

/// What `fields` see: `read` and the runner, which knows no query, must compute the same.
const FIELD_ROOTS: [&str; 3] = ["body", "headers", "type"];
/// What `dedupe` and `echo` see.
const HOOK_ROOTS: [&str; 4] = ["body", "headers", "query", "type"];

/// Reads a pack. `None` where it does not hold together; the findings say why.
pub(super) fn pack(name: &str, top: &Node<'_>, texts: &Texts<'_>) -> Option<Pack> {
    top.object()?;
    top.keys(&[
        "name",
        "title",
        "description",
        "docs",
        "base_url",
        "base_url_example",
        "hosts",
        "auth",
        "limits",
        "errors",
        "test",
        "hook",
        "events",
        "actions",
    ]);
    own_name(name, top);
    let title = top.want("title").and_then(|node| node.text());
    let base_url = top.get("base_url").and_then(|node| whole_url(&node));
    let description = top.get("description").and_then(|node| node.text());
    let docs = top.get("docs").and_then(|node| whole_url(&node));
    let base_url_example = top.get("base_url_example").and_then(|node| node.text());
    let hosts: BTreeMap<String, String> = top
        .get("hosts")
        .map(|node| node.entries())
        .unwrap_or_default()
        .into_iter()
        .filter_map(|(name, node)| {
            node.check_identifier(&name);
            Some((name, whole_url(&node)?))
        })
        .collect();
    let auth = top.get("auth").and_then(|node| check_auth::auth(&node));
    let (rate, concurrent) = top.get("limits").map(|node| limits(&node)).unwrap_or_default();
    let errors = top.get("errors").map(|node| errors(&node)).unwrap_or_default();
    let hook_node = top.get("hook");
    let hook = hook_node.as_ref().and_then(|node| hook(name, node));
    let untrusted = hook_node.and_then(|node| node.get("untrusted")).map(|node| paths(&node)).unwrap_or_default();
    let fields = hook.as_ref().map_or(&[][..], |hook| &hook.fields);
    let events = top.get("events").map(|node| events(&node, fields, &untrusted, texts)).unwrap_or_default();
    let actions = top.get("actions").map(|node| actions(&node, texts)).unwrap_or_default();
    let has_address = ["base_url", "base_url_example"].iter().any(|key| top.get(key).is_some());
    if !has_address && !matches!(auth, Some(AuthUse::Url(_))) && !actions.is_empty() {
        let help = "actions need one; where every account has its own, show what it looks like in `base_url_example`";
        top.finding("P003", "the key `base_url` is missing", help);
    }
    let test = top.get("test").and_then(|node| tested(&node, &actions));
    actions_hold(top, &hosts, &actions);
    Some(Pack {
        name: name.to_owned(),
        title: title?,
        description,
        docs,
        base_url,
        base_url_example,
        hosts,
        auth,
        rate,
        concurrent,
        errors,
        test,
        hook,
        events,
        actions,
    })
}

/// A pack's name is its file's, and fits a URL, a type and a key of the settings.
fn own_name(name: &str, top: &Node<'_>) {
    let fits = name.len() <= 63
        && name.starts_with(|c: char| c.is_ascii_lowercase() || c.is_ascii_digit())
        && name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || matches!(b, b'-' | b'_'));
    if !fits {
        top.finding("P009", format!("`{name}` is not a name of a-z, 0-9, - and _"), "rename the file");
    }
    let Some(node) = top.want("name") else { return };
    if node.text().is_some_and(|text| text != name) {
        node.finding("P009", format!("the name is not that of the file, `{name}`"), "make them the same");
    }
}

/// A whole URL, without a slash at its end.
pub(super) fn whole_url(node: &Node<'_>) -> Option<String> {
    let text = node.text()?;
    let fine = url::Url::parse(&text).is_ok_and(|url| {
        matches!(url.scheme(), "http" | "https" | "smtp" | "smtps")
            && url.has_host()
            && url.username().is_empty()
            && url.password().is_none()
            && url.query().is_none()
            && url.fragment().is_none()
    });
    if !fine {
        node.finding("P004", "an http or https URL without user, query and fragment wanted", "");
        return None;
    }
    Some(text.trim_end_matches('/').to_owned())
}

/// The action that tests a connection: a read that needs nothing.
fn tested(node: &Node<'_>, actions: &BTreeMap<String, Action>) -> Option<String> {
    let name = node.identifier()?;
    let fits =
        actions.get(&name).is_some_and(|action| action.read && action.inputs.iter().all(|input| !input.required));
    if !fits {
        node.finding("P005", format!("`{name}` is no action that reads and needs no input"), "name one that does");
    }
    fits.then_some(name)
}

/// What actions name must be there: hosts, and the reads that decide attempts.
fn actions_hold(top: &Node<'_>, hosts: &BTreeMap<String, String>, actions: &BTreeMap<String, Action>) {
    for action in actions.values() {
        if let Some(host) = action.host.as_ref().filter(|host| !hosts.contains_key(*host)) {
            let message = format!("action `{}`: there is no `{host}` among the pack's `hosts`", action.name);
            top.finding("P005", message, "");
        }
        let Some(back) = &action.verify else { continue };
        if !actions.get(&back.action).is_some_and(|read| read.read) {
            let message =
                format!("action `{}`: `verify` names `{}`, which is no read of this pack", action.name, back.action);
            top.finding("P005", message, "");
        }
    }
}

/// The name of a header, as written.
pub(super) fn header_name(node: &Node<'_>) -> Option<String> {
    let text = node.text()?;
    if http::HeaderName::from_bytes(text.as_bytes()).is_err() {
        node.finding("P009", format!("`{text}` is not the name of a header"), "");
        return None;
    }
    Some(text)
}

fn limits(node: &Node<'_>) -> (Option<Rate>, Option<u32>) {
    node.keys(&["rate", "concurrent"]);
    let rate = node.get("rate").and_then(|node| {
        let text = node.text()?;
        text.parse().map_err(|why: String| node.finding("P004", why, "")).ok()
    });
    let concurrent = node.get("concurrent").and_then(|node| node.number(1, 10_000));
    (rate, concurrent.and_then(|number| u32::try_from(number).ok()))
}

/// What `failed` and `throttled_when` see.
const ERROR_ROOTS: [&str; 3] = ["status", "headers", "body"];

/// Reads `errors`: of a pack, or of an action.
pub(super) fn errors(node: &Node<'_>) -> Errors {
    node.keys(&["message", "throttled", "throttled_when", "retry_after", "failed"]);
    let message = node.get("message").map(|node| reply_paths(&node)).unwrap_or_default();
    let retry_after = node.get("retry_after").map(|node| reply_paths(&node)).unwrap_or_default();
    let failed = node.get("failed").and_then(|node| node.leaf(&ERROR_ROOTS));
    let throttled_when = node.get("throttled_when").and_then(|node| node.leaf(&ERROR_ROOTS));
    let statuses = node.get("throttled").map(|node| node.list()).unwrap_or_default();
    let throttled = statuses.iter().filter_map(|node| u16::try_from(node.number(400, 599)?).ok()).collect();
    Errors { message, throttled, throttled_when, retry_after, failed }
}

/// One such path, or a list of them.
pub(super) fn reply_paths(node: &Node<'_>) -> Vec<Path> {
    if node.value.is_array() {
        return node.list().iter().filter_map(reply_path).collect();
    }
    reply_path(node).into_iter().collect()
}

/// A path into `{status, headers, body}`.
pub(super) fn reply_path(node: &Node<'_>) -> Option<Path> {
    let path = node.path()?;
    if path.has_any() || !path.root().is_some_and(|root| matches!(root, "status" | "headers" | "body")) {
        node.finding("P010", format!("`{path}` does not start at `body`, `headers` or `status`, or holds `*`"), "");
        return None;
    }
    Some(path)
}

fn hook(pack: &str, node: &Node<'_>) -> Option<Hook> {
    node.keys(&["verify", "type", "dedupe", "body", "files", "fields", "echo", "untrusted", "challenge", "subscribe"]);
    let verify_node = node.want("verify");
    let verify = verify_node.as_ref().and_then(|node| check_verify::verify(node, Names { secret: None }));
    let of_preset = || presets::challenge(verify_node.as_ref()?.get("preset")?.value.as_str()?);
    let challenge = match node.get("challenge") {
        Some(node) => check_challenge::challenge(&node),
        None => of_preset().map(|challenge| challenge.with_secret(|name| format!("{}_{name}", identifier(pack)))),
    };
    let name = node.want("type").and_then(|node| check_event_name::event_name(&node));
    let dedupe = node.get("dedupe").filter(|node| node.value != "digest").and_then(|node| node.leaf(&HOOK_ROOTS));
    let body = check_body::bodies(node);
    let fields = node.get("fields").map(|node| fields(&node)).unwrap_or_default();
    let echo = node.get("echo").and_then(|node| node.leaf(&HOOK_ROOTS));
    let subscribe = node.get("subscribe").and_then(|node| subscribe::subscribe(&node));
    Some(Hook { verify: verify?, challenge, name: name?, dedupe, body: body?, fields, echo, subscribe })
}

/// A name as one of a secret may begin.
pub(super) fn identifier(name: &str) -> String {
    name.replace('-', "_")
}

fn fields(node: &Node<'_>) -> Vec<Field> {
    let kinds = [
        ("text", InputType::Text),
        ("integer", InputType::Integer),
        ("number", InputType::Number),
        ("boolean", InputType::Boolean),
        ("email", InputType::Email),
    ];
    let one = |(name, node): (String, Node<'_>)| {
        node.object()?;
        node.keys(&["type", "value"]);
        node.check_identifier(&name);
        let kind = node.want("type").and_then(|node| node.word(&kinds));
        let value = node.want("value").and_then(|node| node.leaf(&FIELD_ROOTS));
        Some(Field { name, kind: kind?, value: value? })
    };
    node.entries().into_iter().filter_map(one).collect()
}

fn paths(node: &Node<'_>) -> Vec<Path> {
    node.list().iter().filter_map(Node::path).collect()
}

fn events(node: &Node<'_>, fields: &[Field], untrusted: &[Path], texts: &Texts<'_>) -> BTreeMap<String, EventKind> {
    let one = |(name, node): (String, Node<'_>)| {
        node.object()?;
        node.keys(&["title", "schema", "samples", "untrusted", "stamp"]);
        if !event_name::is_name(&name) {
            node.key_finding("P009", format!("`{name}` is not a name of a-z, 0-9 and _"), "");
        }
        let title = node.want("title").and_then(|node| node.text());
        let schema = node.get("schema").and_then(|node| samples::value(&node, texts));
        let schema = samples::with_fields(schema.unwrap_or(Value::Object(Object::new())), fields);
        let samples = node.get("samples").map(|node| samples::samples(&node, texts)).unwrap_or_default();
        let mut open = untrusted.to_vec();
        open.extend(node.get("untrusted").map(|node| paths(&node)).unwrap_or_default());
        let stamp = node.get("stamp").and_then(|node| stamp(&node));
        Some((name, EventKind { title: title?, schema, samples, untrusted: open, stamp }))
    };
    node.entries().into_iter().filter_map(one).collect()
}

fn stamp(node: &Node<'_>) -> Option<Stamp> {
    node.keys(&["path", "unit"]);
    let path = node.want("path").and_then(|node| {
        let path = node.path()?;
        if path.has_any() {
            node.finding("P010", format!("`{path}` holds `*`: a time stands in one place"), "");
            return None;
        }
        Some(path)
    });
    let unit = node.want("unit").and_then(|node| node.word(&StampUnit::ALL));
    Some(Stamp { path: path?, unit: unit? })
}

fn actions(node: &Node<'_>, texts: &Texts<'_>) -> BTreeMap<String, Action> {
    let one = |(name, node): (String, Node<'_>)| {
        node.check_identifier(&name);
        let action = check_action::action(&name, &node, texts)?;
        Some((name, action))
    };
    node.entries().into_iter().filter_map(one).collect()
}
