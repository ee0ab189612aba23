//! `tests/data/packs/NAME.yaml`: what an action sends, and what it makes of an answer.

use std::{collections::BTreeMap, fs, path::Path};

use serde::Deserialize;
use serde_json::{Map, Value};

/// The cases of one pack. `RECEIVER` in a secret or a reply stands for the receiver's origin.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Cases {
    /// The path of the pack's base URL, or that of its example; given, it must be just that.
    pub base: Option<String>,
    /// The pack's names of secrets.
    #[serde(default)]
    pub secrets: BTreeMap<String, String>,
    /// How the access token of OAuth2 is had.
    pub token: Option<TokenCase>,
    /// The access token of a grant that a person has agreed to. `None`: there is none.
    #[serde(default)]
    pub granted: Option<String>,
    #[serde(rename = "cases")]
    pub list: Vec<Case>,
}

/// The request for an access token, which comes before those of the first case.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TokenCase {
    pub source: String,
    pub expect: Expect,
    pub reply: Answer,
}

/// One step.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Case {
    pub action: String,
    /// The vendor's page.
    pub source: String,
    #[serde(default)]
    pub inputs: Map<String, Value>,
    /// The requests that it sends; `[]` where it fails before.
    pub expect: OneOrMany<Expect>,
    #[serde(default)]
    pub reply: OneOrMany<Answer>,
    /// What `steps.x.result` is. Null where the case has an `error`.
    #[serde(default)]
    pub result: Value,
    /// A part of the message of the step that fails.
    pub error: Option<String>,
}

/// A request. Headers that the client does not add to every request must all be named; without a body's key there is no body.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Expect {
    pub method: String,
    /// As it stands on the wire, percent-encoded.
    pub path: String,
    /// Decoded; a list for a name that stands several times.
    #[serde(default)]
    pub query: Map<String, Value>,
    #[serde(default)]
    pub headers: BTreeMap<String, String>,
    pub json: Option<Value>,
    pub form: Option<Map<String, Value>>,
    pub text: Option<String>,
    pub xml: Option<String>,
    /// A text a field; `{filename, content_type, value}` a file.
    pub multipart: Option<Map<String, Value>>,
}

/// The receiver's answer.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Answer {
    pub status: u16,
    #[serde(default)]
    pub headers: BTreeMap<String, String>,
    pub json: Option<Value>,
    pub text: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(untagged)]
pub enum OneOrMany<T> {
    Many(Vec<T>),
    One(Box<T>),
}

impl<T> Default for OneOrMany<T> {
    fn default() -> Self {
        Self::Many(Vec::new())
    }
}

impl<T> OneOrMany<T> {
    pub fn all(&self) -> &[T] {
        match self {
            Self::Many(many) => many,
            Self::One(one) => std::slice::from_ref(one),
        }
    }
}

impl Answer {
    /// The bytes of this answer, after which the connection closes.
    pub fn bytes(&self, origin: &str) -> Vec<u8> {
        let (kind, body) = match (&self.json, &self.text) {
            (Some(json), _) => ("application/json", json.to_string()),
            (None, Some(text)) => ("text/plain; charset=utf-8", text.clone()),
            (None, None) => ("", String::new()),
        };
        let body = body.replace("RECEIVER", origin);
        let mut head = format!("HTTP/1.1 {} Documented\r\nConnection: close\r\n", self.status);
        if self.status != 204 {
            head.push_str(&format!("Content-Length: {}\r\n", body.len()));
        }
        if !kind.is_empty() && !self.headers.contains_key("content-type") {
            head.push_str(&format!("Content-Type: {kind}\r\n"));
        }
        for (name, value) in &self.headers {
            head.push_str(&format!("{name}: {}\r\n", value.replace("RECEIVER", origin)));
        }
        format!("{head}\r\n{body}").into_bytes()
    }
}

/// The cases of all packs, by the pack's name.
pub fn all() -> BTreeMap<String, Cases> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/packs");
    let files = fs::read_dir(folder).unwrap().map(|file| file.unwrap().path());
    files
        .map(|file| {
            let name = file.file_stem().unwrap().to_string_lossy().into_owned();
            let text = fs::read_to_string(&file).unwrap();
            let cases = serde_yaml::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
            (name, cases)
        })
        .collect()
}
