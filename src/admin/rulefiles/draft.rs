//! A rule that begins with a stored event: what it listens to, the fields that tell most, and a choice of what it could do.

use super::choices::Made;
use crate::{
    services::Registry,
    value::{Object, Segment, Value, find_in},
};

/// Names of fields that tell what happened, the most telling first.
const TELLING: [&str; 16] = [
    "resolution",
    "event",
    "action",
    "status",
    "state",
    "type",
    "kind",
    "result",
    "outcome",
    "reason",
    "priority",
    "severity",
    "level",
    "category",
    "channel",
    "name",
];
/// Conditions of a draft.
const CONDITIONS: usize = 3;
/// Characters of a value that a condition is made of.
const LONGEST: usize = 60;
/// Levels of the payload that are looked at.
const DEPTH: usize = 2;

/// The text of a rule that hears events like this one, and the id it could have. `in_use` says of which services actions can be sent.
pub(in crate::admin) fn from_event(
    kind: &str,
    event: &Value,
    registry: &Registry,
    in_use: &dyn Fn(&str) -> bool,
) -> (String, String) {
    let (service, name) = kind.split_once('.').unwrap_or((kind, "event"));
    let id = format!("{}/{}", tidy(service), tidy(name));
    let known = registry.pack(service).and_then(|pack| pack.events.get(name));
    let title = known.map_or_else(|| kind.to_owned(), |known| known.title.clone());
    let untrusted = |path: &[&str]| {
        known.is_some_and(|known| {
            let probe = nested(path);
            known.untrusted.iter().any(|place| find_in(below_event(place.segments()), &probe).is_some())
        })
    };
    let mut found = Vec::new();
    if let Some(map) = event.as_object() {
        fields(map, &mut Vec::new(), &untrusted, &mut found);
    }
    found.sort_by_key(|(rank, path, _)| (*rank, path.matches('.').count()));
    let conditions: Vec<String> =
        found.iter().take(CONDITIONS).map(|(_, path, value)| format!("  event.{path}: {value}\n")).collect();
    let when = if conditions.is_empty() {
        "# when:\n#   event.some.field: a value that it must have\n".to_owned()
    } else {
        format!("when:\n{}", conditions.concat())
    };
    let telling = found.first().map(|(_, path, _)| path.as_str()).unwrap_or_default();
    let choices = Made { service, title: &title, event, telling }.choices(registry, in_use);
    let title = quoted(&format!("{title}: say what it does"));
    let text = format!(
        "name: {title}\non: {kind}\n{when}do:\n  # Choose what it does, change it to fit, and take the line of `stop` away.\n{choices}  - stop: nothing is done yet\n"
    );
    (text, id)
}

/// A part of an id.
fn tidy(name: &str) -> String {
    let mut id = String::new();
    for sign in name.to_lowercase().chars().take(60) {
        match sign {
            'a'..='z' | '0'..='9' | '_' => id.push(sign),
            _ if !id.is_empty() && !id.ends_with('-') => id.push('-'),
            _ => {}
        }
    }
    let id = id.trim_matches(['-', '_']);
    if id.is_empty() { "rule".to_owned() } else { id.to_owned() }
}

/// An object that holds something at a path and nothing else.
fn nested(path: &[&str]) -> Value {
    path.iter().rev().fold(Value::Bool(true), |inner, name| {
        let mut map = Object::new();
        map.insert((*name).to_owned(), inner);
        Value::Object(map)
    })
}

fn below_event(segments: &[Segment]) -> &[Segment] {
    match segments {
        [Segment::Name(root), rest @ ..] if root == "event" => rest,
        other => other,
    }
}

/// Every field that a condition could be made of: how telling it is, its path, and its value as YAML.
fn fields<'v>(
    map: &'v Object,
    path: &mut Vec<&'v str>,
    untrusted: &dyn Fn(&[&str]) -> bool,
    found: &mut Vec<(usize, String, String)>,
) {
    for (name, value) in map {
        if !is_name(name) {
            continue;
        }
        path.push(name);
        match value {
            Value::Object(inner) if path.len() < DEPTH => fields(inner, path, untrusted, found),
            Value::String(text) if is_word(text) && !untrusted(path) => {
                if let Some(rank) = TELLING.iter().position(|known| name.eq_ignore_ascii_case(known)) {
                    found.push((rank, path.join("."), plain_or_quoted(text)));
                }
            }
            Value::Bool(is) if !untrusted(path) => found.push((TELLING.len(), path.join("."), is.to_string())),
            _ => {}
        }
        path.pop();
    }
}

/// Whether a name can stand in a path as it is.
pub(super) fn is_name(name: &str) -> bool {
    name.starts_with(|first: char| first.is_ascii_alphabetic() || first == '_')
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}

/// Whether a text looks like one of a few, and not like a name, a time or an address.
pub(super) fn is_word(text: &str) -> bool {
    let sign = |sign: char| sign.is_ascii_alphanumeric() || matches!(sign, ' ' | '_' | '-' | '.');
    !text.is_empty()
        && text.len() <= LONGEST
        && text.chars().all(sign)
        && text.starts_with(|first: char| first.is_ascii_alphabetic())
        && text.bytes().filter(u8::is_ascii_digit).count() * 4 <= text.len()
}

fn plain_or_quoted(text: &str) -> String {
    let lower = text.to_ascii_lowercase();
    let is_other = ["true", "false", "null", "yes", "no", "on", "off", "y", "n"].contains(&lower.as_str());
    let is_plain =
        !is_other && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.'));
    if is_plain { text.to_owned() } else { quoted(text) }
}

/// In double quotes, as YAML and JSON both read it.
pub(super) fn quoted(text: &str) -> String {
    let kept: String = text.chars().filter(|sign| !sign.is_control() && !matches!(sign, '{' | '}')).take(100).collect();
    Value::String(kept).to_string()
}

#[cfg(test)]
mod tests;
