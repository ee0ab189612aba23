//! Packs: what a service sends and offers, as data. Knows nothing of Rocket.
// CONTRACT STUB: part D replaces the bodies; keep the signatures (add freely).

use std::{collections::BTreeMap, sync::Arc};

use crate::{
    clock::Time,
    config::Rate,
    model::{ErrorClass, EventFlags, Finding, RefusalReason},
    secret::Secret,
    templates::{Leaf, Tree},
    value::{Object, Path, Value},
};

/// All packs in force, by name. Built-in ones (templates/services/*.yaml, compiled in) and those of the workspace, which replace them.
#[derive(Debug, Default)]
pub struct Registry {
    pub packs: BTreeMap<String, Arc<Pack>>,
}

impl Registry {
    /// Reads all packs: the built-in ones, and `templates/services/*.yaml` among `files` (path in the workspace -> text; schemas and
    /// samples named by a pack are looked up beside it). All findings of all files (`P...` codes).
    pub fn load(_files: &BTreeMap<String, String>) -> Result<Self, Vec<Finding>> {
        unimplemented!()
    }
    pub fn pack(&self, name: &str) -> Option<&Arc<Pack>> {
        self.packs.get(name)
    }
    /// `groove.add_note` -> its pack and action.
    pub fn action(&self, name: &str) -> Option<(&Arc<Pack>, &Action)> {
        let (pack, action) = name.split_once('.')?;
        let pack = self.packs.get(pack)?;
        Some((pack, pack.actions.get(action)?))
    }
}

#[derive(Debug)]
pub struct Pack {
    pub name: String,
    pub title: String,
    pub base_url: Option<String>,
    pub auth: Option<AuthUse>,
    pub rate: Option<Rate>,
    pub concurrent: Option<u32>,
    /// Where in a reply's `{status, headers, body}` the service's message is.
    pub error_message: Option<Path>,
    /// Statuses that mean "slow down" (429 always).
    pub throttled: Vec<u16>,
    pub hook: Option<Hook>,
    pub events: BTreeMap<String, EventKind>,
    pub actions: BTreeMap<String, Action>,
}

/// A way to prove who we are. Names are names of secrets as the pack (or step) writes them; a connection may map them to others.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AuthUse {
    Bearer(String),
    Basic {
        user: String,
        password: String,
    },
    Header {
        name: String,
        secret: String,
        prefix: String,
    },
    Query {
        name: String,
        secret: String,
    },
    /// The auth of a connection.
    Connection(String),
}

/// How deliveries of a service are taken.
#[derive(Debug)]
pub struct Hook {
    pub verify: Verify,
    /* type, dedupe, body, fields, echo, untrusted: see design.md section 4 */
}

/// How a delivery proves where it comes from.
#[derive(Debug)]
pub enum Verify {
    Hmac {/* header, algorithm, encoding, over, prefix, secret */},
    Token {/* in header | query | path, name, secret */},
}

/// One HTTP request to a hook, as far as packs look at it. Header names in lower case; values are bytes.
pub struct Request<'a> {
    pub headers: &'a [(String, Vec<u8>)],
    /// Decoded names and values, in order.
    pub query: &'a [(String, String)],
    /// Segments of the path after `/hooks/<source>`, decoded.
    pub path: &'a [String],
    pub body: &'a [u8],
}

/// Why a delivery is refused, and with which status.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refused {
    pub status: u16,
    pub reason: RefusalReason,
    /// What differed, for the operator: never the key, the expected value or a value of the sender's.
    pub detail: String,
}

/// A delivery that was verified and read.
#[derive(Debug)]
pub struct Read {
    /// The last part of the type: `call`, `note_added`.
    pub event: String,
    pub body: Value,
    /// What the pack computes; laid over the body's names in `event`.
    pub fields: Object,
    /// The dedupe key and the digest of type and raw body, 16 bytes each (SHA-256, cut).
    pub dedupe: [u8; 16],
    pub digest: [u8; 16],
    pub echo: Option<String>,
    pub flags: EventFlags,
}

impl Hook {
    /// Names of the secrets that deliveries are verified with.
    pub fn secret_names(&self) -> Vec<&str> {
        unimplemented!()
    }
    /// Checks the signature or token over the raw bytes, before anything is parsed. `secrets(name)` are the live values of the pack's
    /// name for it (several while one is rotated). Returns which form matched, for the event (`hex`, `base64`, `token`).
    pub fn verify(
        &self,
        _request: &Request<'_>,
        _secrets: &dyn Fn(&str) -> Vec<Secret>,
        _now: Time,
    ) -> Result<&'static str, Refused> {
        unimplemented!()
    }
    /// Which headers and query names hold a proof or a token, and so are never kept (lower case).
    pub fn hidden(&self) -> Vec<&str> {
        unimplemented!()
    }
    /// Parses a verified delivery: body, type, fields, dedupe key, echo.
    pub fn read(&self, _pack: &Pack, _source: &str, _request: &Request<'_>, _now: Time) -> Result<Read, Refused> {
        unimplemented!()
    }
    /// The fields again, from a stored delivery (the runner; same result as `read`).
    pub fn fields(&self, _event: &str, _body: &Value, _headers: &Object, _now: Time) -> Object {
        unimplemented!()
    }
}

/// One kind of event a service sends.
#[derive(Debug)]
pub struct EventKind {
    pub title: String,
    /// JSON Schema of the payload with the pack's `fields` added. `{}` where nothing is known.
    pub schema: Value,
    /// By name; the first is the usual one.
    pub samples: Vec<(String, Value)>,
    /// What a stranger can write into the payload.
    pub untrusted: Vec<Path>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum InputType {
    Text,
    Html,
    Integer,
    Number,
    Boolean,
    List,
    Object,
    Email,
    Url,
    Time,
    Enum,
}

#[derive(Debug)]
pub struct Input {
    pub name: String,
    pub kind: InputType,
    pub required: bool,
    pub default: Option<Value>,
    /// Of an enum.
    pub choices: Vec<String>,
    pub help: String,
}

#[derive(Debug)]
pub struct Action {
    pub name: String,
    pub title: String,
    pub inputs: Vec<Input>,
    pub method: http::Method,
    /// Rendered with each value as one path segment.
    pub path: Leaf,
    pub query: Vec<(String, Leaf)>,
    pub headers: Vec<(String, Leaf)>,
    pub body: Body,
    /// Place of the result in the parsed reply `{status, headers, body}`; the body where `None`.
    pub result: Option<Path>,
    pub read: bool,
    pub idempotent: bool,
    /// Rendered over `{inputs..., result}` after success; equal to a hook's echo: we caused that event.
    pub echo: Option<Leaf>,
    /// What a dry run or test answers.
    pub sample: Option<Value>,
}

#[derive(Debug)]
pub enum Body {
    None,
    Json(Tree),
    Form(Vec<(String, Leaf)>),
    Text(Leaf),
}

/// Turns a rendered value to an input's type by the language's rules (text to number or boolean if it is exactly one, number and
/// boolean to text). `Err` is one sentence: what was wanted, what was there.
pub fn coerce(_input: &Input, _value: Value) -> Result<Value, (ErrorClass, String)> {
    unimplemented!()
}

/// A delivery as a service would send it: what is added to the request so that its hook takes it.
// CONTRACT STUB: part D replaces this.
#[derive(Debug, Clone, Default)]
pub struct SignedDelivery {
    /// What follows `/hooks/<source>`: empty, or percent-encoded segments that begin with `/`.
    pub path: String,
    /// Names and values.
    pub headers: Vec<(String, String)>,
    /// Decoded names and values.
    pub query: Vec<(String, String)>,
}

/// Signs `body` as a delivery of `event` (the last part of a type: `call`) by the pack's own verify descriptor, and names the event as
/// its hook wants it. `secrets` gives the value of the pack's name for a secret. `Err` is a sentence: no hook, no such event, a secret
/// that is not set.
pub fn sign_delivery(
    _pack: &Pack,
    _event: &str,
    _body: &[u8],
    _secrets: &dyn Fn(&str) -> Option<Secret>,
) -> Result<SignedDelivery, String> {
    unimplemented!()
}
