//! A body made of what rules see: for deliveries that we send to ourselves.

use base64::{Engine as _, engine::general_purpose::STANDARD};

use super::{BodyKind, Format};
use crate::value::{NewPart, Object, Value, write_multipart, write_xml};

/// A body as a service would send it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Encoded {
    /// Its content type.
    pub content_type: String,
    /// The bytes.
    pub bytes: Vec<u8>,
}

/// A body that a hook which reads it so turns into `value` again. `Err` is one sentence: the value is none that such a body can hold.
pub fn encode(kind: BodyKind, value: &Value) -> Result<Encoded, String> {
    let format = match kind {
        BodyKind::As(format) => format,
        BodyKind::ByType(formats) => {
            Format::ALL.iter().map(|(_, format)| *format).find(|format| formats.has(*format)).unwrap_or(Format::Json)
        }
    };
    let (content_type, bytes) = match format {
        Format::Json => ("application/json".to_owned(), value.to_string().into_bytes()),
        Format::Form => {
            let mut form = url::form_urlencoded::Serializer::new(String::new());
            for (name, value) in fields(value)? {
                form.append_pair(name, &scalar(name, value)?);
            }
            ("application/x-www-form-urlencoded".to_owned(), form.finish().into_bytes())
        }
        Format::Xml => {
            let text = write_xml(value).map_err(|error| error.to_string())?;
            ("application/xml; charset=utf-8".to_owned(), text.into_bytes())
        }
        Format::Text => {
            let text = value.as_str().ok_or("the body is a text, and this is none")?;
            ("text/plain; charset=utf-8".to_owned(), text.as_bytes().to_vec())
        }
        Format::Multipart => multipart(value)?,
    };
    Ok(Encoded { content_type, bytes })
}

/// Every field; one with a list as often as it has elements.
fn fields(value: &Value) -> Result<Vec<(&str, &Value)>, String> {
    let object = value.as_object().ok_or("the body is a form, and this is no object")?;
    let mut fields = Vec::new();
    for (name, value) in object {
        match value {
            Value::Array(list) => fields.extend(list.iter().map(|value| (name.as_str(), value))),
            value => fields.push((name.as_str(), value)),
        }
    }
    Ok(fields)
}

fn scalar(name: &str, value: &Value) -> Result<String, String> {
    match value {
        Value::Null => Ok(String::new()),
        Value::String(text) => Ok(text.clone()),
        Value::Number(_) | Value::Bool(_) => Ok(value.to_string()),
        Value::Array(_) | Value::Object(_) => Err(format!("field `{name}` is a text, and this is none")),
    }
}

fn multipart(value: &Value) -> Result<(String, Vec<u8>), String> {
    let mut parts = Vec::new();
    for (name, value) in fields(value)? {
        parts.push(match value {
            Value::Object(file) => (name, file.get("filename").and_then(Value::as_str), kind(file), bytes(name, file)?),
            value => (name, None, None, scalar(name, value)?.into_bytes()),
        });
    }
    let parts: Vec<NewPart<'_>> = parts
        .iter()
        .map(|(name, filename, content_type, bytes)| NewPart {
            name,
            filename: *filename,
            content_type: *content_type,
            bytes,
        })
        .collect();
    write_multipart(&parts).map_err(|error| error.to_string())
}

fn kind(file: &Object) -> Option<&str> {
    file.get("content_type").and_then(Value::as_str)
}

fn bytes(name: &str, file: &Object) -> Result<Vec<u8>, String> {
    let text = |key: &str| file.get(key).and_then(Value::as_str);
    match (text("filename"), text("text"), text("base64")) {
        (Some(_), Some(text), None) => Ok(text.as_bytes().to_vec()),
        (Some(_), None, Some(text)) => STANDARD.decode(text).map_err(|_| format!("file `{name}` is not base64")),
        _ => Err(format!("field `{name}` is a text, or a file `{{filename, content_type, text | base64}}`")),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::services::{Bodies, Formats, Reading};

    #[test]
    fn what_is_made_is_read_again() {
        for (format, value) in [
            (Format::Json, json!({"a": [1, null]})),
            (Format::Form, json!({"a": ["1", "&="], "b": "ä b"})),
            (Format::Xml, json!({"a": {"@b": "<", "c": ["1", "2"]}})),
            (Format::Text, json!("x\ny")),
            (
                Format::Multipart,
                json!({"a": ["1", "2"], "f": {"filename": "a.txt", "content_type": "text/plain", "size": 1, "text": "x"}}),
            ),
            (
                Format::Multipart,
                json!({"f": {"filename": "a", "content_type": "image/png", "size": 2, "base64": "/wA="}}),
            ),
        ] {
            let kind = BodyKind::ByType(Formats::of([format]));
            let made = encode(kind, &value).unwrap();
            let reading =
                Reading::decide(Bodies { kind, files: true }, [made.content_type.as_bytes()].into_iter()).unwrap();
            assert_eq!(reading.read(&made.bytes).unwrap().value, value, "{format:?}");
        }
    }

    #[test]
    fn what_a_body_cannot_hold_is_told() {
        for (format, value) in [
            (Format::Form, json!([])),
            (Format::Form, json!({"a": {"b": 1}})),
            (Format::Xml, json!({"a": 1, "b": 2})),
            (Format::Text, json!({})),
            (Format::Multipart, json!({"a": {"filename": "x"}})),
        ] {
            assert!(encode(BodyKind::As(format), &value).is_err(), "{format:?} {value}");
        }
    }
}
