//! A place in a value: names and list indexes joined by dots, `["a.b"]` for other names, `*` for any element.

use std::{fmt, str::FromStr};

use serde_json::Value;

/// One part of a path.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Segment {
    /// A name in an object.
    Name(String),
    /// An element of a list, or a name that is a number.
    Index(usize),
    /// Any element of a list (or value of an object).
    Any,
}

/// A place in a value, such as `event.tracking.ticket`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Path(Vec<Segment>);

/// A text that is not a path.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PathError {
    /// Nothing between two dots, or nothing at all.
    #[error("a name is missing")]
    EmptyName,
    /// A character that a bare name cannot hold.
    #[error("`{0}` cannot stand in a bare name; write the name as [\"...\"]")]
    BadCharacter(char),
    /// `[` without a quoted name and `]`.
    #[error("after `[` a name in double quotes and `]` are wanted")]
    BadBracket,
}

impl Path {
    /// A path of the given parts.
    pub fn new(segments: Vec<Segment>) -> Self {
        Self(segments)
    }

    /// The parts, in order.
    pub fn segments(&self) -> &[Segment] {
        &self.0
    }

    /// The first name, such as `event`. `None` for a path that starts with an index or `*`.
    pub fn root(&self) -> Option<&str> {
        match self.0.first() {
            Some(Segment::Name(name)) => Some(name),
            _ => None,
        }
    }

    /// The parts after the first.
    pub fn below_root(&self) -> &[Segment] {
        self.0.get(1..).unwrap_or_default()
    }

    /// Whether a part is `*`.
    pub fn has_any(&self) -> bool {
        self.0.contains(&Segment::Any)
    }

    /// The one value at this place in `value`. `None` where there is nothing, and for a path with `*`.
    pub fn find<'v>(&self, value: &'v Value) -> Option<&'v Value> {
        find_in(&self.0, value)
    }

    /// Every value at this place in `value`; several only with `*`.
    pub fn find_all<'v>(&self, value: &'v Value) -> Vec<&'v Value> {
        find_all_in(&self.0, value)
    }
}

/// The one value at `segments` in `value`, as [`Path::find`].
pub fn find_in<'v>(segments: &[Segment], value: &'v Value) -> Option<&'v Value> {
    let mut here = value;
    for segment in segments {
        here = step(segment, here)?;
    }
    Some(here)
}

/// Every value at `segments` in `value`, as [`Path::find_all`].
pub fn find_all_in<'v>(segments: &[Segment], value: &'v Value) -> Vec<&'v Value> {
    let mut here = vec![value];
    for segment in segments {
        here = match segment {
            Segment::Any => here.into_iter().flat_map(elements).collect(),
            one => here.into_iter().filter_map(|value| step(one, value)).collect(),
        };
    }
    here
}

fn step<'v>(segment: &Segment, value: &'v Value) -> Option<&'v Value> {
    match (segment, value) {
        (Segment::Name(name), Value::Object(object)) => object.get(name),
        (Segment::Index(index), Value::Array(list)) => list.get(*index),
        (Segment::Index(index), Value::Object(object)) => object.get(&index.to_string()),
        _ => None,
    }
}

fn elements(value: &Value) -> Box<dyn Iterator<Item = &Value> + '_> {
    match value {
        Value::Array(list) => Box::new(list.iter()),
        Value::Object(object) => Box::new(object.values()),
        _ => Box::new(std::iter::empty()),
    }
}

impl FromStr for Path {
    type Err = PathError;

    fn from_str(text: &str) -> Result<Self, PathError> {
        let mut segments = Vec::new();
        let mut rest = text;
        loop {
            if let Some(bracket) = rest.strip_prefix("[\"") {
                let (name, after) = bracket.split_once("\"]").ok_or(PathError::BadBracket)?;
                segments.push(Segment::Name(name.to_owned()));
                rest = after;
            } else if rest.starts_with('[') {
                return Err(PathError::BadBracket);
            } else {
                let end = rest.find(['.', '[']).unwrap_or(rest.len());
                let (name, after) = rest.split_at(end);
                segments.push(bare(name)?);
                rest = after;
            }
            if rest.is_empty() {
                return Ok(Self(segments));
            }
            rest = rest.strip_prefix('.').unwrap_or(rest);
            if rest.is_empty() {
                return Err(PathError::EmptyName);
            }
        }
    }
}

fn bare(name: &str) -> Result<Segment, PathError> {
    if name.is_empty() {
        return Err(PathError::EmptyName);
    }
    if name == "*" {
        return Ok(Segment::Any);
    }
    if name.bytes().all(|byte| byte.is_ascii_digit())
        && (name == "0" || !name.starts_with('0'))
        && let Ok(index) = name.parse()
    {
        return Ok(Segment::Index(index));
    }
    match name.chars().find(|c| !(c.is_alphanumeric() || matches!(c, '_' | '-' | '@' | '$'))) {
        Some(other) => Err(PathError::BadCharacter(other)),
        None => Ok(Segment::Name(name.to_owned())),
    }
}

impl fmt::Display for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (place, segment) in self.0.iter().enumerate() {
            let plain = match segment {
                Segment::Name(name) => matches!(bare(name), Ok(Segment::Name(_))),
                _ => true,
            };
            if place > 0 && plain {
                f.write_str(".")?;
            }
            match segment {
                Segment::Name(name) if plain => f.write_str(name)?,
                Segment::Name(name) => write!(f, "[\"{name}\"]")?,
                Segment::Index(index) => write!(f, "{index}")?,
                Segment::Any => f.write_str("*")?,
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn path(text: &str) -> Path {
        text.parse().unwrap()
    }

    #[test]
    fn paths_are_read_and_shown() {
        for text in
            ["event.tracking.ticket", "event.assignedUsers.*.email", "event.list.0.x", "event[\"a.b\"].c", "now"]
        {
            assert_eq!(path(text).to_string(), text);
        }
        assert_eq!(path("event.[\"a.b\"]").to_string(), "event[\"a.b\"]");
    }

    #[test]
    fn what_is_no_path_says_why() {
        for (text, error) in [
            ("", PathError::EmptyName),
            ("a..b", PathError::EmptyName),
            ("a.", PathError::EmptyName),
            ("a b", PathError::BadCharacter(' ')),
            ("{{ x }}", PathError::BadCharacter('{')),
            ("a[0]", PathError::BadBracket),
        ] {
            assert_eq!(text.parse::<Path>(), Err(error), "{text}");
        }
    }

    #[test]
    fn a_path_finds_what_is_there() {
        let value = json!({"event": {"list": [{"x": 1}, {"x": 2}], "a.b": null, "7": "seven"}});
        assert_eq!(path("event.list.1.x").find(&value), Some(&json!(2)));
        assert_eq!(path("event.list.*.x").find_all(&value), [&json!(1), &json!(2)]);
        assert_eq!(path("event[\"a.b\"]").find(&value), Some(&json!(null)));
        assert_eq!(path("event.7").find(&value), Some(&json!("seven")));
        assert_eq!(path("event.list.9").find(&value), None);
    }
}
