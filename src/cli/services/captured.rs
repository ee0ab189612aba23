//! A delivery that was captured: what is kept of it, and where.

use std::{
    fs,
    io::{self, Write as _},
    os::unix::fs::OpenOptionsExt as _,
    path::{Path, PathBuf},
};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::shape::shape;
use crate::{
    cli::answer::{clean, clean_lines},
    clock::Time,
    config::Config,
    model::{is_dropped, is_telling},
    value::Object,
};

/// Below the folder of the database: deliveries hold what is not for git.
const FOLDER: &str = "captures";
/// Characters of a body that are shown to people; the file has it whole.
const SHOWN: usize = 8_192;

/// A delivery that was captured, as its file holds it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Captured {
    /// RFC 3339.
    #[serde(rename = "captured_at")]
    pub(super) at: String,
    pub(super) source: String,
    /// What followed the source in the path: `orders`; with two, the first stood where tokens stand and is masked.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) path: Vec<String>,
    /// Names and values, in their order; of proofs only the form.
    pub(super) query: Object,
    /// Names in small letters; of proofs only the form.
    pub(super) headers: Object,
    pub(super) bytes: usize,
    /// The body, where it is text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) body: Option<String>,
    /// The body, where it is not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) base64: Option<String>,
}

impl Captured {
    /// A delivery as it came. `headers` have names in small letters.
    pub(super) fn new(
        at: Time,
        source: &str,
        path: &[String],
        query: impl Iterator<Item = (String, String)>,
        headers: impl Iterator<Item = (String, Vec<u8>)>,
        body: &[u8],
    ) -> Self {
        let mut path = path.to_vec();
        if let [first, _] = path.as_mut_slice() {
            *first = shape(first);
        }
        let masked = |name: &str, value: String| if proves(name) { shape(&value) } else { value };
        let headers = headers.filter(|(name, _)| proves(name) || !is_dropped(name)).map(|(name, value)| {
            let value = masked(&name, String::from_utf8_lossy(&value).into_owned());
            (name, value)
        });
        let query = query.map(|(name, value)| {
            let value = masked(&name.to_lowercase(), value);
            (name, value)
        });
        let text = std::str::from_utf8(body).ok();
        Self {
            at: at.to_string(),
            source: source.to_owned(),
            path,
            query: joined(query),
            headers: joined(headers),
            bytes: body.len(),
            body: text.map(str::to_owned),
            base64: text.is_none().then(|| STANDARD.encode(body)),
        }
    }

    /// The body's bytes. `None`: the file was changed by hand, and holds none that reads.
    pub(super) fn bytes(&self) -> Option<Vec<u8>> {
        match (&self.body, &self.base64) {
            (Some(text), _) => Some(text.clone().into_bytes()),
            (None, Some(text)) => STANDARD.decode(text).ok(),
            (None, None) => None,
        }
    }

    /// What was seen, for a person.
    pub(super) fn shown(&self) -> String {
        let mut text = format!("source    {}\n", clean(&self.source, 63));
        if !self.path.is_empty() {
            text.push_str(&format!("path      /{}\n", clean(&self.path.join("/"), 200)));
        }
        text.push_str(&format!("bytes     {}\n", self.bytes));
        for (title, pairs) in [("query", &self.query), ("headers", &self.headers)] {
            if !pairs.is_empty() {
                text.push_str(&format!("\n{title}\n"));
            }
            for (name, value) in pairs {
                let value = value.as_str().unwrap_or_default();
                text.push_str(&format!("  {}: {}\n", clean(name, 128), clean(value, 300)));
            }
        }
        let body = match &self.body {
            Some(body) => serde_json::from_str::<Value>(body)
                .ok()
                .and_then(|value| serde_json::to_string_pretty(&value).ok())
                .unwrap_or_else(|| body.clone()),
            None => format!("{} bytes that are not text", self.bytes),
        };
        text.push_str(&format!("\n{}\n", clean_lines(&body, SHOWN)));
        text
    }

    /// Keeps it in a file of its own, which its owner alone can read. Returns the file.
    pub(super) fn keep(&self, config: &Config, at: Time) -> io::Result<PathBuf> {
        let folder = config.data.dir.join(FOLDER);
        fs::create_dir_all(&folder)?;
        let file = folder.join(format!("{}-{}.json", self.source, at.0));
        let text = serde_json::to_string_pretty(self)?;
        let mut open = fs::OpenOptions::new();
        open.write(true).create(true).truncate(true).mode(0o600).open(&file)?.write_all(text.as_bytes())?;
        Ok(file)
    }

    /// The one of a file. `None`: the JSON in it is something else.
    pub(super) fn of_json(value: &Value) -> Option<Self> {
        serde_json::from_value(value.clone()).ok()
    }
}

/// Files of captures, the newest first; those of `source` before all others.
pub(super) fn newest(config: &Config, source: &str) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(config.data.dir.join(FOLDER)) else { return Vec::new() };
    let mut found: Vec<(bool, i64, PathBuf)> = entries
        .filter_map(|entry| {
            let path = entry.ok()?.path();
            let (of, at) = parts_of(&path)?;
            Some((of == source, at, path))
        })
        .collect();
    found.sort_by(|left, right| right.cmp(left));
    found.into_iter().map(|(_, _, path)| path).collect()
}

/// Source and time of `shop-1763717592123.json`.
pub(super) fn parts_of(path: &Path) -> Option<(String, i64)> {
    let stem = path.file_name()?.to_str()?.strip_suffix(".json")?;
    let (source, at) = stem.rsplit_once('-')?;
    Some((source.to_owned(), at.parse().ok()?))
}

/// Whether what stands under this name (in small letters) proves who sent it: rather too often than not.
pub(super) fn proves(name: &str) -> bool {
    is_telling(name) || ["auth", "key", "session", "jwt", "sign"].iter().any(|part| name.contains(part))
}

/// Pairs as an object; a name that stands twice is joined by `, `.
fn joined(pairs: impl Iterator<Item = (String, String)>) -> Object {
    let mut all = Object::new();
    for (name, value) in pairs {
        let before = all.get(&name).and_then(Value::as_str).map(|before| format!("{before}, {value}"));
        all.insert(name, Value::String(before.unwrap_or(value)));
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    fn captured(body: &[u8]) -> Captured {
        let headers = [
            ("content-type", "application/json"),
            ("x-hub-signature-256", "sha256=aa"),
            ("authorization", "Bearer top-secret-token"),
            ("host", "a"),
            ("x-two", "1"),
            ("x-two", "2"),
        ];
        let headers = headers.iter().map(|(name, value)| ((*name).to_owned(), value.as_bytes().to_vec()));
        let query = [("Api_Key".to_owned(), "abcdefgh".to_owned()), ("page".to_owned(), "2".to_owned())];
        let path = ["0123456789abcdef".to_owned(), "orders".to_owned()];
        Captured::new(Time(0), "shop", &path, query.into_iter(), headers, body)
    }

    #[test]
    fn what_proves_is_kept_as_its_form_alone() {
        let captured = captured(b"{\"a\":1}");
        let text = serde_json::to_string(&captured).unwrap();
        for secret in ["top-secret", "abcdefgh", "0123456789abcdef"] {
            assert!(!text.contains(secret) && !captured.shown().contains(secret), "{text}");
        }
        assert_eq!(captured.headers["x-two"], "1, 2");
        assert_eq!(captured.headers["x-hub-signature-256"], "sha256=‹2 hex digits›");
        assert!(!captured.headers.contains_key("host"));
        assert_eq!(captured.query["page"], "2");
        assert!(captured.shown().contains("\"a\": 1"), "{}", captured.shown());
    }

    #[test]
    fn a_body_is_kept_byte_for_byte_and_found_again() {
        let folder = tempfile::tempdir().unwrap();
        let config = Config::defaults(folder.path());
        for body in [&b"x\r\n"[..], b"\xff\x00"] {
            let captured = captured(body);
            let file = captured.keep(&config, Time(7)).unwrap();
            let read = Captured::of_json(&serde_json::from_slice(&fs::read(&file).unwrap()).unwrap()).unwrap();
            assert_eq!((read.bytes().as_deref(), &read), (Some(body), &captured));
        }
        let other = Captured { source: "other".to_owned(), ..captured(b"") };
        other.keep(&config, Time(9)).unwrap();
        let names = |source| newest(&config, source).iter().map(|path| parts_of(path).unwrap().0).collect::<Vec<_>>();
        assert_eq!(names("shop"), ["shop", "other"]);
        assert_eq!(names("none"), ["other", "shop"]);
    }
}
