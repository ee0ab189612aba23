//! A delivery to make a pack of: captured, stored, or just a body in a file.

use std::{fs, path::Path};

use super::{
    captured::{self, Captured},
    watch,
};
use crate::{
    cli::{answer::clean, failure::Failure, open},
    config::Config,
    ids::EventId,
    services::{Bodies, BodyKind, Format, Formats, Reading},
    store::Mode,
    value::{JsonLimits, Object, Value, read_json, read_xml},
};

/// Bytes of a file that is read.
const LARGEST: u64 = 64 << 20;

/// What is known of a delivery.
pub(super) struct Delivered {
    /// For the first line of the pack: `a delivery that was captured at ...`.
    pub(super) of: String,
    pub(super) path: Vec<String>,
    /// Names in small letters; of proofs the form.
    pub(super) headers: Object,
    pub(super) query: Object,
    pub(super) format: Format,
    /// It has files among its parts.
    pub(super) files: bool,
    /// What rules will see.
    pub(super) event: Value,
}

/// The deliveries that a pack called `name` is made of, the newest last: the files, the stored event, else the newest capture of the source
/// `name` with those before it of the same path.
pub(super) fn find(
    config: &Config,
    name: &str,
    files: &[impl AsRef<Path>],
    event: Option<EventId>,
) -> Result<Vec<Delivered>, Failure> {
    if let Some(id) = event {
        return stored(config, id).map(|one| vec![one]);
    }
    if !files.is_empty() {
        return files.iter().map(|file| of_file(file.as_ref())).collect();
    }
    let known = captured::newest(config, name);
    let Some(newest) = known.first() else {
        return Err(Failure::No(
            "nothing was captured yet: `bellwire services capture` waits for a delivery; --from FILE and --event evt_... name one"
                .to_owned(),
        ));
    };
    let is_own = |path: &Path| captured::parts_of(path).is_some_and(|(source, _)| source == name);
    if !is_own(newest) {
        let of = captured::parts_of(newest).map(|(source, _)| source).unwrap_or_default();
        let file = newest.strip_prefix(&config.workspace).unwrap_or(newest).display().to_string();
        let (of, file) = (clean(&of, 63), clean(&file, 200));
        return Err(Failure::No(format!(
            "nothing was captured of `{name}`; the newest capture is of `{of}`. To make the pack of it:\n  \
             bellwire services new {name} --from {file}"
        )));
    }
    let last = of_file(newest)?;
    let same = known.iter().skip(1).filter(|path| is_own(path));
    // One that no longer reads says nothing of the schema; the newest one counts.
    let mut all: Vec<Delivered> = same
        .filter_map(|path| of_file(path).ok())
        .filter(|one| one.path == last.path && one.format == last.format)
        .take(50)
        .collect();
    all.reverse();
    all.push(last);
    Ok(all)
}

fn stored(config: &Config, id: EventId) -> Result<Delivered, Failure> {
    let missing = || Failure::No(format!("there is no event {id}; see `bellwire events list`"));
    if open::is_unborn(config)? {
        return Err(missing());
    }
    let found = open::block_on(async { Ok(open::store(config, Mode::Read)?.event(id).await?) })?;
    let detail = found.ok_or_else(missing)?;
    let gone = || Failure::No(format!("the body of {id} was deleted by retention"));
    let bytes = detail.event.body.as_deref().ok_or_else(gone)?;
    let reading = Reading::kept(&detail.event.meta);
    let event = reading.read(bytes).map_err(|refused| Failure::No(format!("{id}: {}", refused.detail)))?.value;
    let captured = watch::captured(&detail);
    Ok(Delivered {
        of: format!("the event {id}"),
        files: has_files(reading.format, &event),
        format: reading.format,
        event,
        path: captured.path,
        headers: captured.headers,
        query: captured.query,
    })
}

fn of_file(file: &Path) -> Result<Delivered, Failure> {
    let shown = file.display();
    let failed = |why: &dyn std::fmt::Display| Failure::Usage(format!("{shown}: {why}"));
    let size = fs::metadata(file).map_err(|error| failed(&error))?.len();
    if size > LARGEST {
        return Err(failed(&format!("more than {LARGEST} bytes")));
    }
    let bytes = fs::read(file).map_err(|error| failed(&error))?;
    let captured = serde_json::from_slice(&bytes).ok().and_then(|value| Captured::of_json(&value));
    let Some(captured) = captured else {
        let (format, event) = of_body(&bytes).map_err(|why| failed(&why))?;
        return Ok(Delivered {
            of: format!("the body in {shown}"),
            path: Vec::new(),
            headers: Object::new(),
            query: Object::new(),
            files: false,
            format,
            event,
        });
    };
    let body = captured.bytes().ok_or_else(|| failed(&"the capture holds no body that reads"))?;
    let kind = captured.headers.get("content-type").and_then(Value::as_str);
    let (format, event) = read(kind, &body).map_err(|why| failed(&why))?;
    Ok(Delivered {
        of: format!("a delivery to /hooks/{} that was captured at {}", captured.source, captured.at),
        path: captured.path,
        headers: captured.headers,
        query: captured.query,
        files: has_files(format, &event),
        format,
        event,
    })
}

fn has_files(format: Format, event: &Value) -> bool {
    let is_file = |value: &Value| value.get("filename").is_some();
    format == Format::Multipart
        && event.as_object().is_some_and(|fields| {
            fields.values().any(|value| is_file(value) || value.as_array().is_some_and(|list| list.iter().any(is_file)))
        })
}

/// A body by its content type; many senders call their JSON something else.
fn read(kind: Option<&str>, body: &[u8]) -> Result<(Format, Value), String> {
    let types = kind.map(str::as_bytes).into_iter();
    let all = Bodies { kind: BodyKind::ByType(Formats::ALL), files: true };
    let Ok(reading) = Reading::decide(all, types) else { return of_body(body) };
    if reading.format == Format::Text
        && let Ok(parsed) = read_json(body, JsonLimits::default())
        && parsed.value.is_object()
    {
        return Ok((Format::Json, parsed.value));
    }
    match reading.read(body) {
        Ok(parsed) => Ok((reading.format, parsed.value)),
        Err(refused) => of_body(body).map_err(|_| refused.detail),
    }
}

/// A body of which no type is known.
fn of_body(bytes: &[u8]) -> Result<(Format, Value), String> {
    let why = match read_json(bytes, JsonLimits::default()) {
        Ok(parsed) => return Ok((Format::Json, parsed.value)),
        Err(error) => error.to_string(),
    };
    if bytes.trim_ascii_start().starts_with(b"<") {
        return read_xml(bytes).map(|value| (Format::Xml, value)).map_err(|error| error.to_string());
    }
    if bytes.trim_ascii_start().starts_with(b"{") || bytes.trim_ascii_start().starts_with(b"[") {
        return Err(why);
    }
    let text = std::str::from_utf8(bytes).map_err(|_| "it is neither JSON nor text".to_owned())?;
    Ok((Format::Text, Value::String(text.to_owned())))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_body_is_read_by_its_type_and_else_by_its_look() {
        for (kind, body, format, value) in [
            (Some("application/json"), &b"{\"a\":1}"[..], Format::Json, json!({"a": 1})),
            (Some("text/plain"), b"{\"a\":1}", Format::Json, json!({"a": 1})),
            (Some("text/plain"), b"hello", Format::Text, json!("hello")),
            (Some("application/octet-stream"), b"{\"a\":1}", Format::Json, json!({"a": 1})),
            (Some("application/json"), b"<a>1</a>", Format::Xml, json!({"a": "1"})),
            (Some("application/x-www-form-urlencoded"), b"a=1", Format::Form, json!({"a": "1"})),
            (None, b"<a>1</a>", Format::Xml, json!({"a": "1"})),
        ] {
            assert_eq!(read(kind, body), Ok((format, value)), "{kind:?}");
        }
        assert!(read(Some("application/json"), b"{").is_err());
        assert!(read(None, b"\xff").is_err());
    }
}
