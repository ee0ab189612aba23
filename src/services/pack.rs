//! A pack as it is meant: nothing left to check. (`raw` and `check` read it from a file.)

use std::collections::BTreeMap;

use super::{Bodies, EventName, Hook, Token, TokenPlace, Verify, check_source, paging::Paging, read_back::ReadBack};
use crate::{
    clock::Time,
    config::Rate,
    templates::{Leaf, Tree},
    value::{Path, Value},
};

/// One kind of outside system.
#[derive(Debug)]
pub struct Pack {
    /// The name that rules and settings use, such as `groove`.
    pub name: String,
    /// For people.
    pub title: String,
    /// More about it. `None` where the pack says no more.
    pub description: Option<String>,
    /// The page of the service's own documentation. `None` where the pack names none.
    pub docs: Option<String>,
    /// Where its actions go; a connection's own wins.
    pub base_url: Option<String>,
    /// What a base URL looks like where every account has one of its own: `https://YOUR-NAME.zendesk.com`.
    pub base_url_example: Option<String>,
    /// Further origins of the service, by the name that actions give them; a connection's own win.
    pub hosts: BTreeMap<String, String>,
    /// How its actions prove who we are.
    pub auth: Option<AuthUse>,
    /// How often it may be called, a connection. `None`: as often as rules ask.
    pub rate: Option<Rate>,
    /// How many requests may be open at once, a connection. `None`: unbounded here.
    pub concurrent: Option<u32>,
    /// How its refusals are read.
    pub errors: Errors,
    /// The action that tells whether a connection works: a read without required inputs. `None` where there is none.
    pub test: Option<String>,
    /// How its deliveries are taken. `None` where it sends none.
    pub hook: Option<Hook>,
    /// What it sends, by the last part of the type: `call`, `note_added`.
    pub events: BTreeMap<String, EventKind>,
    /// What it offers, by name: `add_note`.
    pub actions: BTreeMap<String, Action>,
}

impl Pack {
    /// The pack of a generic source whose deliveries are proven as `verify` of the settings says: the name of a preset, or a descriptor as
    /// in a pack. Its secret is called `secret` unless it says otherwise. `Err` is what is wrong with it, a sentence each.
    pub fn of_source(source: &str, verify: &Value) -> Result<Self, Vec<String>> {
        let (verify, challenge) = check_source::proof(verify)?;
        let mut pack = Self::generic(source, true);
        if let Some(hook) = &mut pack.hook {
            hook.verify = verify;
            hook.challenge = challenge;
        }
        Ok(pack)
    }

    /// The pack of a generic webhook source (one without a service): JSON by its content type, the event named by the path, else
    /// `received`; a token in the query's `token` (the source's secret `token`), or no check at all where it is `public`.
    pub fn generic(source: &str, public: bool) -> Self {
        let token = Token {
            place: TokenPlace::Query,
            name: "token".to_owned(),
            prefix: String::new(),
            secret: "token".to_owned(),
        };
        let hook = Hook {
            verify: if public { Verify::None } else { Verify::Token(token) },
            challenge: None,
            name: EventName { path: true, otherwise: Some("received".to_owned()), ..EventName::default() },
            dedupe: None,
            body: Bodies::DEFAULT,
            fields: Vec::new(),
            echo: None,
            subscribe: None,
        };
        Self {
            name: source.to_owned(),
            title: source.to_owned(),
            description: None,
            docs: None,
            base_url: None,
            base_url_example: None,
            hosts: BTreeMap::new(),
            auth: None,
            rate: None,
            concurrent: None,
            errors: Errors::default(),
            test: None,
            hook: Some(hook),
            events: BTreeMap::new(),
            actions: BTreeMap::new(),
        }
    }
}

/// How a service's refusals are read.
#[derive(Debug, Default)]
pub struct Errors {
    /// Where in a reply's `{status, headers, body}` the service's message may be; the first that is there counts.
    pub message: Vec<Path>,
    /// Statuses that mean "slow down" (429 always).
    pub throttled: Vec<u16>,
    /// Rendered over `{status, headers, body}` of any answer: a text that is not blank says that the service means "slow down", whatever
    /// the status.
    pub throttled_when: Option<Leaf>,
    /// Where in `{status, headers, body}` of a throttled answer it may say for how many seconds, beside the header `Retry-After`.
    pub retry_after: Vec<Path>,
    /// Rendered over `{status, headers, body}` of a 2xx answer: a text that is not blank says that the service has refused, and why.
    pub failed: Option<Leaf>,
}

/// A way to prove who we are. Names are names of secrets as the pack (or step) writes them; a connection may map them to others.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AuthUse {
    /// `Authorization: Bearer` and the secret.
    Bearer(String),
    /// `Authorization: Basic` of two secrets.
    Basic {
        /// The secret that holds the user's name.
        user: String,
        /// The secret that holds the password.
        password: String,
    },
    /// `Authorization: Basic` of a name that is the same for everybody, such as `api`, and a secret.
    BasicAs {
        /// The name itself.
        name: String,
        /// The secret that holds the password.
        password: String,
    },
    /// A header of this name: the prefix and the secret.
    Header {
        /// The header.
        name: String,
        /// The name of the secret.
        secret: String,
        /// What stands before the secret, such as `Token `. May be empty.
        prefix: String,
    },
    /// A query parameter of this name.
    Query {
        /// The parameter.
        name: String,
        /// The name of the secret.
        secret: String,
    },
    /// A member of this name at the top of the JSON body.
    Json {
        /// The member.
        name: String,
        /// The name of the secret.
        secret: String,
    },
    /// A segment of the path, before that of the action: the prefix and the secret, as in `/bot123:abc/sendMessage`.
    Path {
        /// The name of the secret.
        secret: String,
        /// What stands before the secret in its segment. May be empty.
        prefix: String,
    },
    /// The secret is the whole address: it stands for the base URL, and is its own origin.
    Url(String),
    /// A signature over the request.
    Hmac(Box<Signing>),
    /// An access token that is fetched and renewed.
    #[serde(rename = "oauth2")]
    OAuth2(Box<OAuth2>),
    /// The auth of a connection.
    Connection(String),
}

impl AuthUse {
    /// The names of the secrets that it uses, as the pack or step writes them. Empty for one that is a connection's.
    pub fn secret_names(&self) -> Vec<&str> {
        match self {
            Self::Bearer(secret)
            | Self::Header { secret, .. }
            | Self::Query { secret, .. }
            | Self::Json { secret, .. }
            | Self::Path { secret, .. }
            | Self::BasicAs { password: secret, .. }
            | Self::Url(secret) => vec![secret],
            Self::Basic { user, password } => vec![user, password],
            Self::Hmac(signing) => vec![&signing.secret],
            Self::OAuth2(oauth2) => {
                std::iter::once(oauth2.client_id.as_str()).chain(oauth2.client_secret.as_deref()).collect()
            }
            Self::Connection(_) => Vec::new(),
        }
    }
}

/// How a request of ours is signed.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Signing {
    /// The name of the secret.
    pub secret: String,
    /// `sha1`, `sha256` or `sha512`.
    pub algorithm: String,
    /// `hex` or `base64`.
    pub encoding: String,
    /// The header that the signature goes into.
    pub header: String,
    /// What stands before the signature. May be empty.
    pub prefix: String,
    /// What is signed, joined by `separator`: `body`, `method`, `path` (with its query), `url`, `timestamp`.
    pub over: Vec<String>,
    /// Between the parts.
    pub separator: String,
    /// The header that the time goes into, in whole seconds since 1970. `None`: no header holds it.
    pub timestamp: Option<String>,
}

/// How an access token is had.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct OAuth2 {
    /// How the grant comes about.
    pub grant: Grant,
    /// Where a person agrees; also below the connection's base URL where it begins with `/`. `None` for client credentials.
    pub authorize_url: Option<String>,
    /// Where tokens are had; also below the connection's base URL where it begins with `/`.
    pub token_url: String,
    /// What is asked for.
    pub scopes: Vec<String>,
    /// The name of the secret with the client's id.
    pub client_id: String,
    /// The name of the secret with the client's secret. `None` for a public client.
    pub client_secret: Option<String>,
    /// Further parameters of the page where a person agrees.
    pub authorize: Vec<(String, String)>,
    /// The client proves itself in the form and not by Basic auth.
    pub in_form: bool,
}

/// How a grant comes about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Grant {
    /// A person agrees in a browser (with PKCE); tokens are renewed by the refresh token.
    AuthorizationCode,
    /// The client's own.
    ClientCredentials,
}

/// One kind of event a service sends.
#[derive(Debug)]
pub struct EventKind {
    /// For people.
    pub title: String,
    /// JSON Schema of the payload with the pack's `fields` added. `{}` where nothing is known.
    pub schema: Value,
    /// By name; the first is the usual one.
    pub samples: Vec<(String, Value)>,
    /// What a stranger can write into the payload.
    pub untrusted: Vec<Path>,
    /// Where the payload says when it happened: what makes a sample that is sent a fresh event. `None` where it says nothing.
    pub stamp: Option<Stamp>,
}

/// Where a payload says when it happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stamp {
    /// Of the payload, without `*`.
    pub path: Path,
    /// How it is written there.
    pub unit: StampUnit,
}

/// How a payload writes a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StampUnit {
    /// Milliseconds since 1970, a number.
    Milliseconds,
    /// Seconds since 1970, a whole number.
    Seconds,
    /// RFC 3339 in UTC, a text.
    Text,
}

impl StampUnit {
    /// Every unit, as packs write them.
    pub const ALL: [(&'static str, Self); 3] =
        [("ms", Self::Milliseconds), ("s", Self::Seconds), ("rfc3339", Self::Text)];

    /// The time as such a payload holds it.
    pub fn value(self, at: Time) -> Value {
        match self {
            Self::Milliseconds => Value::from(at.0),
            Self::Seconds => Value::from(at.0.div_euclid(1_000)),
            Self::Text => Value::from(at.to_string()),
        }
    }
}

/// What an input of an action takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum InputType {
    /// Any text.
    Text,
    /// HTML; values that a rule puts in are escaped.
    Html,
    /// A whole number of 64 bits.
    Integer,
    /// Any number.
    Number,
    /// `true` or `false`.
    Boolean,
    /// A list.
    List,
    /// An object.
    Object,
    /// One e-mail address.
    Email,
    /// An absolute URL of http or https.
    Url,
    /// An RFC 3339 time with offset.
    Time,
    /// One of the input's choices.
    Enum,
}

impl InputType {
    /// Every type, as packs write them.
    pub const ALL: [(&'static str, Self); 11] = [
        ("text", Self::Text),
        ("html", Self::Html),
        ("integer", Self::Integer),
        ("number", Self::Number),
        ("boolean", Self::Boolean),
        ("list", Self::List),
        ("object", Self::Object),
        ("email", Self::Email),
        ("url", Self::Url),
        ("time", Self::Time),
        ("enum", Self::Enum),
    ];

    /// The word in packs and findings.
    pub fn word(self) -> &'static str {
        Self::ALL.iter().find(|(_, kind)| *kind == self).map_or("text", |(word, _)| word)
    }
}

/// One input of an action.
#[derive(Debug)]
pub struct Input {
    /// Its name in rules and in the pack's templates.
    pub name: String,
    /// What it takes.
    pub kind: InputType,
    /// Whether null or nothing fails the step.
    pub required: bool,
    /// What it is where a rule says nothing or null.
    pub default: Option<Value>,
    /// Of an enum.
    pub choices: Vec<String>,
    /// A hint for people. May be empty.
    pub help: String,
    /// It says whom or what the action works on (a ticket, an e-mail, a recipient): untrusted values need a guard.
    pub target: bool,
}

/// Something a service does for us: one request.
#[derive(Debug)]
pub struct Action {
    /// Its name: `add_note`.
    pub name: String,
    /// For people.
    pub title: String,
    /// In the order of the pack.
    pub inputs: Vec<Input>,
    /// The name among the pack's `hosts` of where it goes. `None`: the base URL.
    pub host: Option<String>,
    /// Of the request.
    pub method: http::Method,
    /// Rendered with each value as one path segment.
    pub path: Leaf,
    /// Characters of RFC 3986's `pchar` that are not encoded in the values of the path: some services want `@` as it is.
    pub path_keeps: String,
    /// Names and values; a null one is left out.
    pub query: Vec<(String, Leaf)>,
    /// Names and values; a null one is left out.
    pub headers: Vec<(String, Leaf)>,
    /// Of the request.
    pub body: Body,
    /// Place of the result in the parsed reply `{status, headers, body}`; the body where `None`.
    pub result: Option<Path>,
    /// It changes nothing at the service.
    pub read: bool,
    /// Twice has the effect of once.
    pub idempotent: bool,
    /// How its refusals are read, where that differs from the pack's.
    pub errors: Option<Errors>,
    /// How an answer in pages is gathered. `None`: one answer is all.
    pub paging: Option<Paging>,
    /// How an attempt without an answer is decided. `None`: it cannot be.
    pub verify: Option<ReadBack>,
    /// Rendered over `{result}` after success; equal to a hook's echo: we caused that event.
    pub echo: Option<Leaf>,
    /// What a dry run or test answers.
    pub sample: Option<Value>,
}

/// The body of an action's request.
#[derive(Debug)]
pub enum Body {
    /// None.
    None,
    /// JSON made from the rendered tree; a leaf that is just an optional input not given is left out.
    Json(Tree),
    /// `application/x-www-form-urlencoded`; a null one is left out.
    Form(Vec<(String, Leaf)>),
    /// Text.
    Text(Leaf),
    /// XML made from the rendered tree, which has one name at its top: objects are elements, `@name` an attribute, a list repeats.
    Xml(Tree),
    /// A message of mail, whose parts have these names: `from, to, cc, bcc, reply_to, subject, text, html`.
    Mail(Vec<(String, Leaf)>),
    /// `multipart/form-data`; a null part is left out.
    Multipart(Vec<FormPart>),
}

/// One part of a multipart body.
#[derive(Debug, Clone)]
pub struct FormPart {
    /// Its name.
    pub name: String,
    /// What it holds.
    pub value: Leaf,
    /// The name of the file that it is. `None`: a field.
    pub filename: Option<Leaf>,
    /// Of a file. `None`: `application/octet-stream`.
    pub content_type: Option<String>,
}
