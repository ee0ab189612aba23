//! Writes a value as an XML document, so that reading it gives the value again, its scalars as texts.

use super::names::{is_char, is_name};
use crate::value::{Object, Value, type_name};

/// What a document begins with.
const DECLARATION: &str = r#"<?xml version="1.0" encoding="UTF-8"?>"#;

/// Why a value is no XML document. Places are written as `order.item`.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum XmlWriteError {
    /// The top is no object of one name.
    #[error("one element stands at the top: an object with one name wanted, {0} seen")]
    Top(String),
    /// A name that no element or attribute can have.
    #[error("`{name}` at `{place}` cannot be the name of an element or attribute")]
    Name {
        /// Where it stands.
        place: String,
        /// As it is.
        name: String,
    },
    /// A list or object where only a text can stand.
    #[error("`{place}`: text wanted, {seen} seen")]
    Kind {
        /// Where it stands.
        place: String,
        /// What it is.
        seen: &'static str,
    },
    /// A character that XML cannot hold.
    #[error("`{0}` holds a control character, which XML cannot hold")]
    Character(String),
}

/// Writes `{name: value}`: objects are elements, `@name` is an attribute, `#text` the text beside them, a list repeats its element; null is
/// left out; numbers and booleans become text.
pub fn write_xml(value: &Value) -> Result<String, XmlWriteError> {
    let Value::Object(top) = value else {
        return Err(XmlWriteError::Top(type_name(value).to_owned()));
    };
    let mut names = top.iter();
    let (Some((name, inner)), None) = (names.next(), names.next()) else {
        return Err(XmlWriteError::Top(format!("{} names", top.len())));
    };
    if let Value::Array(_) = inner {
        return Err(XmlWriteError::Top("a list of it".to_owned()));
    }
    let mut out = DECLARATION.to_owned();
    element(&mut out, name, inner, name)?;
    Ok(out)
}

fn element(out: &mut String, name: &str, value: &Value, place: &str) -> Result<(), XmlWriteError> {
    if !is_name(name) {
        return Err(XmlWriteError::Name { place: place.to_owned(), name: name.to_owned() });
    }
    out.push('<');
    out.push_str(name);
    let before = out.len();
    match value {
        Value::Object(inner) => object(out, inner, place)?,
        Value::Null => {}
        Value::Array(_) => return Err(XmlWriteError::Kind { place: place.to_owned(), seen: "a list in a list" }),
        scalar => {
            out.push('>');
            text(out, &plain(scalar, place)?, false, place)?;
        }
    }
    let holds_nothing = !out.get(before..).is_some_and(|written| written.contains('>'));
    if holds_nothing {
        out.push_str("/>");
    } else {
        out.push_str("</");
        out.push_str(name);
        out.push('>');
    }
    Ok(())
}

fn object(out: &mut String, inner: &Object, place: &str) -> Result<(), XmlWriteError> {
    for (name, value) in inner.iter().filter(|(_, value)| !value.is_null()) {
        let Some(name) = name.strip_prefix('@') else { continue };
        let place = format!("{place}.@{name}");
        if !is_name(name) {
            return Err(XmlWriteError::Name { place, name: name.to_owned() });
        }
        out.push_str(&format!(" {name}=\""));
        text(out, &plain(value, &place)?, true, &place)?;
        out.push('"');
    }
    let mut begun = false;
    for (name, value) in inner.iter().filter(|(name, value)| !name.starts_with('@') && !value.is_null()) {
        if !std::mem::replace(&mut begun, true) {
            out.push('>');
        }
        let place = format!("{place}.{name}");
        match value {
            value if name == "#text" => text(out, &plain(value, &place)?, false, &place)?,
            Value::Array(list) => {
                for value in list.iter().filter(|value| !value.is_null()) {
                    element(out, name, value, &place)?;
                }
            }
            value => element(out, name, value, &place)?,
        }
    }
    Ok(())
}

fn plain(value: &Value, place: &str) -> Result<String, XmlWriteError> {
    match value {
        Value::String(text) => Ok(text.clone()),
        Value::Number(_) | Value::Bool(_) => Ok(value.to_string()),
        _ => Err(XmlWriteError::Kind { place: place.to_owned(), seen: type_name(value) }),
    }
}

/// Text with what would be read otherwise as references; in an attribute line ends and tabs too, which would be read as spaces.
fn text(out: &mut String, text: &str, attribute: bool, place: &str) -> Result<(), XmlWriteError> {
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' if attribute => out.push_str("&quot;"),
            '\r' => out.push_str("&#13;"),
            '\n' if attribute => out.push_str("&#10;"),
            '\t' if attribute => out.push_str("&#9;"),
            c if is_char(c) => out.push(c),
            _ => return Err(XmlWriteError::Character(place.to_owned())),
        }
    }
    Ok(())
}
