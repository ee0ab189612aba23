//! How one body is read: decided once, when it comes in, and kept with the event, so that it reads the same ever after.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::json;

use super::{Bodies, BodyKind, Format, Formats};
use crate::{
    services::{Refused, content_type},
    value::{
        JsonLimits, Object, Parsed, Part, Value, XmlError, put_field, read_form, read_json, read_multipart, read_xml,
    },
};

/// Where it stands in what is kept of an event beside its body.
const KEPT: &str = "body";

/// How one body is read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reading {
    /// What it is written in.
    pub format: Format,
    /// Of a multipart body.
    boundary: Option<String>,
    /// Files of a multipart body are taken.
    files: bool,
}

impl Reading {
    /// JSON: what events of our own and samples are.
    pub const JSON: Self = Self { format: Format::Json, boundary: None, files: false };

    /// How a body with these content types (the values of all such headers) is read.
    /// Refused with 415 where it is of none of the formats that are taken.
    pub fn decide<'v>(bodies: Bodies, types: impl Iterator<Item = &'v [u8]>) -> Result<Self, Refused> {
        let refused = |what: String| Refused::new(415, "content_type", what);
        let (format, boundary) = match bodies.kind {
            BodyKind::As(Format::Multipart) => match content_type::media(types) {
                Ok(Some(media)) if media.format == Format::Multipart => (Format::Multipart, media.boundary),
                Ok(_) => return Err(refused("the content type is not multipart/form-data".to_owned())),
                Err(what) => return Err(refused(what.to_owned())),
            },
            BodyKind::As(format) => (format, None),
            BodyKind::ByType(formats) => {
                let media = content_type::media(types)
                    .map_err(|what| refused(format!("{what}; what is taken here: {}", formats.words())))?;
                let (format, boundary) = media.map_or((Format::Json, None), |media| (media.format, media.boundary));
                if !formats.has(format) {
                    let what = format!("a body of type {} is not taken here, but {}", format.word(), formats.words());
                    let is_json = formats == Formats::JSON;
                    let choose = if is_json { ": choose application/json where the webhook is set up" } else { "" };
                    return Err(refused(format!("{what}{choose}")));
                }
                (format, boundary)
            }
        };
        Ok(Self { format, boundary, files: bodies.files && format == Format::Multipart })
    }

    /// Reads a body: `event`, before a pack's fields. Refused with 400 where it does not read, with 415 where it holds files that are not
    /// taken or is written in another encoding than UTF-8.
    pub fn read(&self, bytes: &[u8]) -> Result<Parsed, Refused> {
        let refused =
            |code, what: &dyn std::fmt::Display| Refused::new(400, code, format!("the body is refused: {what}"));
        let plain = |value| Parsed { value, duplicate_keys: false };
        match self.format {
            Format::Json => read_json(bytes, JsonLimits::default()).map_err(|error| refused(error.code(), &error)),
            Format::Form => read_form(bytes).map(plain).map_err(|error| refused(error.code(), &error)),
            Format::Xml => read_xml(bytes).map(plain).map_err(|error| match error {
                XmlError::Encoding => Refused::new(415, "content_type", error.to_string()),
                error => refused(error.code(), &error),
            }),
            Format::Text => match std::str::from_utf8(bytes) {
                Ok(text) => Ok(plain(Value::String(text.to_owned()))),
                Err(_) => Err(refused("not_utf8", &"not UTF-8")),
            },
            Format::Multipart => {
                let boundary = self.boundary.as_deref().unwrap_or_default();
                let parts = read_multipart(bytes, boundary).map_err(|error| refused(error.code(), &error))?;
                self.fields(parts).map(plain)
            }
        }
    }

    fn fields(&self, parts: Vec<Part<'_>>) -> Result<Value, Refused> {
        let mut fields = Object::new();
        for part in parts {
            if part.filename.is_some() && !self.files {
                let what = "files are not taken here; `files = true` in the source's settings takes them";
                return Err(Refused::new(415, "file", what.to_owned()));
            }
            let Part { name, filename, content_type, bytes } = part;
            let text = std::str::from_utf8(bytes);
            let value = match (filename, text) {
                (Some(filename), text) => file(&filename, content_type.as_deref(), bytes, text.ok()),
                (None, Ok(text)) => Value::String(text.to_owned()),
                (None, Err(_)) => {
                    return Err(Refused::new(400, "not_utf8", "the body is refused: a field is not UTF-8".to_owned()));
                }
            };
            put_field(&mut fields, name, value);
        }
        Ok(Value::Object(fields))
    }

    /// Keeps it with what is kept of an event, in the place of what was kept there. JSON needs no word.
    pub fn keep(&self, meta: &mut Object) {
        if *self == Self::JSON {
            meta.shift_remove(KEPT);
            return;
        }
        let mut kept = Object::new();
        kept.insert("as".to_owned(), self.format.word().into());
        if let Some(boundary) = &self.boundary {
            kept.insert("boundary".to_owned(), boundary.as_str().into());
        }
        if self.files {
            kept.insert("files".to_owned(), true.into());
        }
        meta.insert(KEPT.to_owned(), Value::Object(kept));
    }

    /// What [`Self::keep`] kept.
    pub fn kept(meta: &Object) -> Self {
        let kept = meta.get(KEPT);
        let of = |name: &str| kept.and_then(|kept| kept.get(name));
        let word = of("as").and_then(Value::as_str).unwrap_or_default();
        let format = Format::ALL.iter().find(|(known, _)| *known == word).map_or(Format::Json, |(_, format)| *format);
        Self {
            format,
            boundary: of("boundary").and_then(Value::as_str).map(str::to_owned),
            files: of("files").and_then(Value::as_bool).unwrap_or_default(),
        }
    }
}

/// A file as rules see it: its text where its type says that it is one, else its bytes in base64.
fn file(filename: &str, content_type: Option<&str>, bytes: &[u8], text: Option<&str>) -> Value {
    let kind = content_type.unwrap_or("application/octet-stream");
    let is_text = content_type::media([kind.as_bytes()].into_iter())
        .is_ok_and(|media| media.is_some_and(|media| media.format != Format::Multipart));
    let mut file = json!({ "filename": filename, "content_type": kind, "size": bytes.len() });
    if let Some(object) = file.as_object_mut() {
        match text.filter(|_| is_text) {
            Some(text) => object.insert("text".to_owned(), text.into()),
            None => object.insert("base64".to_owned(), STANDARD.encode(bytes).into()),
        };
    }
    file
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decide(kind: BodyKind, files: bool, types: &[&str]) -> Result<Reading, Refused> {
        Reading::decide(Bodies { kind, files }, types.iter().map(|kind| kind.as_bytes()))
    }

    fn read(kind: &str, body: &[u8], files: bool) -> Result<Value, (u16, &'static str)> {
        let reading = decide(BodyKind::ByType(Formats::ALL), files, &[kind]);
        let parsed = reading.and_then(|reading| {
            let mut meta = Object::new();
            reading.keep(&mut meta);
            assert_eq!(Reading::kept(&meta), reading, "what is kept says the same");
            reading.read(body)
        });
        parsed.map(|parsed| parsed.value).map_err(|refused| (refused.status, refused.reason))
    }

    #[test]
    fn every_format_becomes_a_value() {
        assert_eq!(read("application/json", b"{\"a\":1}", false), Ok(json!({"a": 1})));
        assert_eq!(read("application/x-www-form-urlencoded", b"a=1&a=2", false), Ok(json!({"a": ["1", "2"]})));
        assert_eq!(read("text/xml", b"<a b='1'>x</a>", false), Ok(json!({"a": {"@b": "1", "#text": "x"}})));
        assert_eq!(read("text/plain", "ä\n".as_bytes(), false), Ok(json!("ä\n")));
        assert_eq!(read("text/plain", b"", false), Ok(json!("")));
        let field = b"--x\r\nContent-Disposition: form-data; name=a\r\n\r\n1\r\n--x--";
        assert_eq!(read("multipart/form-data; boundary=x", field, false), Ok(json!({"a": "1"})));
    }

    #[test]
    fn files_are_taken_only_where_the_source_asks() {
        let part = |name: &str, kind: &str, body: &[u8]| {
            let head =
                format!("--x\r\nContent-Disposition: form-data; name=f; filename=\"{name}\"\r\nContent-Type: {kind}");
            [head.as_bytes(), b"\r\n\r\n", body, b"\r\n"].concat()
        };
        let body =
            [part("../../x", "text/csv", b"a,b"), part("b.bin", "image/png", b"\xff\x00"), b"--x--".to_vec()].concat();
        assert_eq!(read("multipart/form-data; boundary=x", &body, false), Err((415, "file")));
        assert_eq!(
            read("multipart/form-data; boundary=x", &body, true),
            Ok(json!({"f": [
                {"filename": "../../x", "content_type": "text/csv", "size": 3, "text": "a,b"},
                {"filename": "b.bin", "content_type": "image/png", "size": 2, "base64": "/wA="},
            ]}))
        );
        let odd = [part("a.txt", "text/plain", b"\xff"), b"--x--".to_vec()].concat();
        assert_eq!(read("multipart/form-data; boundary=x", &odd, true).unwrap()["f"]["base64"], "/w==");
    }

    #[test]
    fn what_does_not_read_has_a_status_and_a_word() {
        for (kind, body, status, code) in [
            ("application/json", &b"{"[..], 400, "not_json"),
            ("application/x-www-form-urlencoded", b"a=%zz", 400, "bad_escape"),
            ("text/xml", b"<a>", 400, "not_xml"),
            ("text/xml", b"<!DOCTYPE a><a/>", 400, "xml_doctype"),
            ("text/xml", b"<?xml version='1.0' encoding='latin1'?><a/>", 415, "content_type"),
            ("text/xml", b"<?xml version='1.0' encoding='latin1'?><a>\xe4</a>", 415, "content_type"),
            ("text/xml", b"\xff\xfe<\0a\0/\0>\0", 415, "content_type"),
            ("text/xml", b"<a>\xe4</a>", 400, "not_utf8"),
            ("text/plain", b"\xff", 400, "not_utf8"),
            ("text/plain; charset=latin1", b"x", 415, "content_type"),
            ("multipart/form-data", b"--x--", 400, "bad_multipart"),
            ("multipart/form-data; boundary=x", b"--y--", 400, "bad_multipart"),
            (
                "multipart/form-data; boundary=x",
                b"--x\r\nContent-Disposition: form-data; name=a\r\n\r\n\xff\r\n--x--",
                400,
                "not_utf8",
            ),
            ("application/pdf", b"", 415, "content_type"),
        ] {
            assert_eq!(read(kind, body, false), Err((status, code)), "{kind}: {body:?}");
        }
    }

    #[test]
    fn only_what_is_admitted_is_taken_and_what_says_nothing_is_json() {
        let some = BodyKind::ByType(Formats::of([Format::Form, Format::Xml]));
        assert_eq!(decide(some, false, &["text/xml"]).unwrap().format, Format::Xml);
        assert_eq!(decide(Bodies::DEFAULT.kind, false, &[]).unwrap(), Reading::JSON);
        let refused = decide(some, false, &[]).unwrap_err();
        assert_eq!((refused.status, refused.reason), (415, "content_type"));
        assert_eq!(refused.detail, "a body of type json is not taken here, but form, xml");
        let refused = decide(Bodies::DEFAULT.kind, false, &["text/plain"]).unwrap_err();
        assert_eq!(refused.status, 415);
        assert!(
            refused.detail.ends_with("but json: choose application/json where the webhook is set up"),
            "{refused:?}"
        );
        assert_eq!(decide(BodyKind::As(Format::Json), false, &["text/plain"]).unwrap(), Reading::JSON);
        assert_eq!(decide(BodyKind::As(Format::Form), false, &["x", "y"]).unwrap().format, Format::Form);
        assert_eq!(decide(BodyKind::As(Format::Multipart), false, &["text/plain"]).unwrap_err().status, 415);
    }
}
