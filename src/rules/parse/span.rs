//! Reads what many words hold: durations and whole numbers within bounds, names of hours, and words of a list.

use std::{ops::RangeInclusive, time::Duration};

use crate::{
    rules::{
        Hours, codes, duration, keys,
        reader::{Node, Reader},
    },
    value::Value,
};

/// Windows of `threshold`, `once`, `digest` and `fuse`, and what a `wait` takes, in seconds: up to a year.
pub(super) const WINDOW: RangeInclusive<u64> = 1..=366 * 86_400;

/// Reads a duration within `range`, which is in seconds.
pub(super) fn read_duration<'a>(
    reader: &Reader<'a>,
    node: &Node<'a>,
    what: &str,
    range: &RangeInclusive<u64>,
) -> Option<Duration> {
    let shown = |seconds: &u64| duration::shown_duration(Duration::from_secs(*seconds));
    let range_help = format!("from {} to {} is taken", shown(range.start()), shown(range.end()));
    let Some(span) = node.value.as_str().and_then(duration::parse_duration) else {
        let message = format!("{what} must be a duration, not `{}`", keys::shortened(&node.value.to_string()));
        let help = format!("write a whole number with s, m, h, d or w, such as 30s; {range_help}");
        reader.error(codes::DURATION, reader.place(node), message, help);
        return None;
    };
    if !range.contains(&span.as_secs()) {
        let message = format!("{what} is out of range: {}", shown(&span.as_secs()));
        reader.error(codes::RANGE, reader.place(node), message, range_help);
        return None;
    }
    Some(span)
}

/// Reads a whole number within `range`.
pub(super) fn read_whole<'a>(
    reader: &Reader<'a>,
    node: &Node<'a>,
    what: &str,
    range: &RangeInclusive<u32>,
) -> Option<u32> {
    let help = format!("a whole number from {} to {} is taken", range.start(), range.end());
    let Value::Number(number) = node.value else {
        let shown = keys::shortened(&node.value.to_string());
        reader.error(codes::WRONG_TYPE, reader.place(node), format!("{what} must be a number, not {shown}"), help);
        return None;
    };
    let whole = number.as_u64().and_then(|number| u32::try_from(number).ok()).filter(|number| range.contains(number));
    if whole.is_none() {
        reader.error(codes::RANGE, reader.place(node), format!("{what} is out of range: {number}"), help);
    }
    whole
}

/// The value of a key that must be there.
pub(super) fn needed<'a>(reader: &Reader<'a>, node: &Node<'a>, what: &str, name: &str, help: &str) -> Option<Node<'a>> {
    let inner = node.get(name);
    if inner.is_none() {
        reader.error(codes::MISSING_KEY, reader.key_place(node), format!("{what} needs `{name}`"), help);
    }
    inner
}

/// Reads the hours of a name. `None` where there are findings.
pub(super) fn read_hours<'a>(reader: &Reader<'a>, node: &Node<'a>) -> Option<Hours> {
    let name = reader.text(node, "`hours`")?;
    known_hours(reader, node, name).then_some(())?;
    let hours = reader.vocabulary.hours_of(name);
    if hours.is_none() {
        let message = format!("the hours `{}` cannot be read", keys::shortened(name));
        reader.error(codes::UNKNOWN_HOURS, reader.place(node), message, "mend [hours] in bellwire.toml");
    }
    hours
}

/// Whether hours of this name are there; a finding where they are not.
pub(crate) fn known_hours(reader: &Reader<'_>, node: &Node<'_>, name: &str) -> bool {
    let known = reader.vocabulary.hours();
    if known.iter().any(|known| known == name) {
        return true;
    }
    let message = format!("no hours are called `{}`", keys::shortened(name));
    let near = keys::suggestion(name, known.iter().map(String::as_str));
    let help =
        if near.is_empty() { format!("write [hours.{}] into bellwire.toml", keys::shortened(name)) } else { near };
    reader.error(codes::UNKNOWN_HOURS, reader.place(node), message, help);
    false
}

/// Reads the name of a var. `None`, with a finding, where it cannot be one or is one of `bellwire.toml`.
pub(super) fn read_var_name<'n>(reader: &Reader<'_>, inner: &Node<'_>, name: &'n str) -> Option<&'n str> {
    let at = reader.key_place(inner);
    if !is_name(name) {
        let message = format!("`{}` cannot be the name of a var", keys::shortened(name));
        reader.error(codes::NAME, at, message, NAME_HELP);
        return None;
    }
    if reader.vocabulary.vars().contains_key(name) {
        let message = format!("`{name}` is already a var of bellwire.toml");
        reader.error(codes::VAR_TWICE, at, message, "give one of them another name");
        return None;
    }
    Some(name)
}

/// What a name of a var or of an input may be, said to a person.
pub(super) const NAME_HELP: &str = "use letters, digits and `_`, a letter first; 64 at most";

/// Whether a var or an input may be called so.
pub(super) fn is_name(name: &str) -> bool {
    name.len() <= 64
        && name.starts_with(|first: char| first.is_ascii_alphabetic())
        && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
}
