//! Bodies that are written from rendered values: XML and multipart.

use super::{parts::scalar, prepare::Fault};
use crate::value::{NewPart, Object, Value, write_multipart, write_xml};

/// The content type of XML.
pub(super) const XML: &str = "application/xml; charset=utf-8";

/// A part of a multipart body, rendered.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Part {
    pub(super) name: String,
    /// A list stands as often as it has elements; null is left out.
    pub(super) value: Value,
    /// `None`: a field.
    pub(super) filename: Option<String>,
    pub(super) content_type: Option<String>,
}

/// The text of an XML document.
pub(super) fn xml_text(value: &Value) -> Result<String, Fault> {
    write_xml(value).map_err(|error| Fault::kind(format!("the body (`xml`): {error}")))
}

/// Content type and text of a multipart body; the same parts are always the same bytes.
pub(super) fn multipart_text(parts: Vec<Part>) -> Result<(String, String), Fault> {
    let mut texts = Vec::new();
    for Part { name, value, filename, content_type } in parts {
        let what = format!("part `{name}`");
        let values = match value {
            Value::Array(list) => list,
            value => vec![value],
        };
        for value in values {
            if let Some(text) = scalar(&what, value)? {
                texts.push((name.clone(), filename.clone(), content_type.clone(), text));
            }
        }
    }
    let written: Vec<NewPart<'_>> = texts
        .iter()
        .map(|(name, filename, content_type, text)| NewPart {
            name,
            filename: filename.as_deref(),
            content_type: content_type.as_deref(),
            bytes: text.as_bytes(),
        })
        .collect();
    let (kind, bytes) = write_multipart(&written).map_err(|error| Fault::kind(error.to_string()))?;
    // Every piece was text, so all of it is.
    String::from_utf8(bytes).map(|text| (kind, text)).map_err(|_| Fault::kind("the body is not text".to_owned()))
}

/// The parts as whoever compares them sees them: `{name: value}`, a file as `{value, filename, content_type}`.
pub(super) fn shown(parts: Vec<Part>) -> Value {
    let mut all = Object::new();
    for Part { name, value, filename, content_type } in parts {
        if value.is_null() {
            continue;
        }
        let named = filename.map(|name| ("filename", name));
        let more: Vec<(&str, String)> =
            named.into_iter().chain(content_type.map(|kind| ("content_type", kind))).collect();
        let shown = if more.is_empty() {
            value
        } else {
            let whole = [("value".to_owned(), value)];
            let more = more.into_iter().map(|(name, text)| (name.to_owned(), Value::String(text)));
            Value::Object(whole.into_iter().chain(more).collect())
        };
        all.insert(name, shown);
    }
    Value::Object(all)
}
