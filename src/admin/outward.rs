//! What leads out of the process on a person's word: `app` implements it, since the admin itself sends nothing.

use futures_util::future::BoxFuture;
use serde::Serialize;

use super::refused::Refused;
use crate::{
    clock::Time,
    ids::RunId,
    store::{GrantState, StoreError},
};

/// Why something could not be done.
#[derive(Debug, thiserror::Error)]
pub enum OutwardError {
    /// There is no such thing; one sentence.
    #[error("{0}")]
    Missing(String),
    /// What was asked for does not fit; one sentence.
    #[error("{0}")]
    Invalid(String),
    /// It was done already; one sentence.
    #[error("{0}")]
    Done(String),
    /// The store.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// A way out as it is in use. Never a value of a secret.
#[derive(Debug, Clone, Serialize)]
pub struct Link {
    /// Its name.
    pub name: String,
    /// The pack.
    pub service: String,
    /// Where its requests go. `None`: nobody has set it, or a secret is the whole address.
    pub base_url: Option<String>,
    /// `bearer`, `oauth2` and so on. `None`: it needs no proof.
    pub auth: Option<&'static str>,
    /// The secrets that it needs, and whether each is set.
    pub secrets: Vec<(String, bool)>,
    /// Of OAuth 2.0 alone.
    pub grant: Option<LinkGrant>,
    /// Such as `24/min`; `unlimited`.
    pub rate: String,
    /// Whether it has a section of its own in bellwire.toml.
    pub configured: bool,
    /// The hosts it goes to.
    pub hosts: Vec<LinkHost>,
    /// Until when nothing is sent, since the service asked for that. `None`: nothing holds it up.
    pub paused_until: Option<Time>,
    /// Runs that wait for its grant.
    pub waiting: i64,
    /// Why no token can be had. `None`: nothing is known to be wrong.
    pub trouble: Option<String>,
    /// The action that tells whether it works. `None`: its pack names none.
    pub test: Option<String>,
}

impl Link {
    /// Whether anybody has set anything up for it.
    pub fn is_touched(&self) -> bool {
        self.configured || self.secrets.iter().any(|(_, set)| *set) || (self.auth.is_none() && self.base_url.is_some())
    }

    /// How it stands, in a word: `ready`, `no secret`, `no address`, `log in`, `lost`, `refused`, `paused` or `left alone`.
    pub fn state(&self) -> &'static str {
        let needs_login = self.grant.as_ref().is_some_and(|grant| grant.state == GrantState::None && !grant.by_itself);
        let is_lost = self.grant.as_ref().is_some_and(|grant| grant.state == GrantState::Lost);
        match () {
            () if self.secrets.iter().any(|(_, set)| !set) => "no secret",
            () if self.base_url.is_none() && self.auth != Some("url") => "no address",
            () if is_lost => "lost",
            () if needs_login => "log in",
            () if self.trouble.is_some() => "refused",
            () if self.paused_until.is_some() => "paused",
            () if self.hosts.iter().any(|host| host.left_until.is_some()) => "left alone",
            () => "ready",
        }
    }
}

/// How it stands with a grant.
#[derive(Debug, Clone, Serialize)]
pub struct LinkGrant {
    /// The client gets tokens by itself, and nobody logs in.
    pub by_itself: bool,
    /// `ok`, `lost` or `none`.
    pub state: GrantState,
    /// When the access token ends; it is renewed before. `None`: not known.
    pub expires_at: Option<Time>,
    /// What was granted.
    pub scopes: String,
    /// When the tokens changed last.
    pub changed_at: Option<Time>,
    /// Why it is lost.
    pub why: Option<String>,
}

/// A host that a way out leads to.
#[derive(Debug, Clone, Serialize)]
pub struct LinkHost {
    /// `https://api.example.com`.
    pub origin: String,
    /// Failures in a row.
    pub failures: u32,
    /// Until when it is left alone. `None`: it is not.
    pub left_until: Option<Time>,
}

/// An action that a person tries.
#[derive(Debug, Clone, Default)]
pub struct Trial {
    /// The way out.
    pub connection: String,
    /// The action's name within its pack, `add_note`.
    pub action: String,
    /// As they were typed: texts, of type `list` and `object` JSON; an empty one is not given.
    pub inputs: Vec<(String, String)>,
}

/// A request as it would go out, with names in the place of secrets.
#[derive(Debug, Clone, Serialize)]
pub struct Prepared {
    /// `groove.add_note`.
    pub action: String,
    /// It changes nothing at the service.
    pub is_read: bool,
    /// In upper case.
    pub method: String,
    /// The whole address.
    pub url: String,
    /// Names and values.
    pub headers: Vec<(String, String)>,
    /// `None`: it has none.
    pub body: Option<String>,
    /// Why it could not be sent as it is.
    pub fault: Option<String>,
}

/// What came of a request that was sent.
#[derive(Debug, Clone, Serialize)]
pub struct Came {
    /// `groove.add_note`.
    pub action: String,
    /// `GET https://api.example.com/v1/me`.
    pub asked: String,
    /// `None`: there was no answer.
    pub status: Option<u16>,
    /// How long it took.
    pub milliseconds: u64,
    /// Whether it worked.
    pub ok: bool,
    /// The class of the failure.
    pub class: Option<&'static str>,
    /// The gist of the result; or why it does not work, with the way out.
    pub says: String,
    /// The body of the answer, masked and cut.
    pub reply: Option<String>,
}

/// A login that was begun.
#[derive(Debug, Clone)]
pub enum Begun {
    /// A person opens this address in the browser, agrees there, and is sent back here.
    Browser {
        /// At the service.
        url: String,
        /// What the service must know as our redirect URL.
        redirect: String,
    },
    /// The client has got its token by itself.
    Done,
}

/// Where a request that is to go out goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Goal {
    /// Through a connection, or to a further host of its.
    Connection {
        /// The connection.
        name: String,
        /// `None`: its base URL.
        host: Option<String>,
    },
    /// To a whole URL.
    Url(String),
}

/// Why a request that is due has not gone out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Holdup {
    /// Its host is left alone until then, after failures in a row.
    LeftAlone(Time),
    /// The service asked to be called less until then.
    Paused(Time),
    /// By the rate its turn comes then.
    Rate(Time),
    /// As many requests are out as may be at once.
    Full,
}

/// A request of a run as it is sent, with `‹name›` where a secret stands.
#[derive(Debug, Clone)]
pub struct Posted {
    /// In upper case.
    pub method: String,
    /// The whole address.
    pub url: String,
    /// Names and values, those of the proof included.
    pub headers: Vec<(String, String)>,
    /// `None`: it has none.
    pub body: Option<String>,
}

/// What leads out.
pub trait Outward: Send + Sync {
    /// What holds up a request of `run`, from memory alone. `None`: nothing is known to.
    fn holdup(&self, goal: &Goal, run: RunId) -> Option<Holdup>;
    /// A request as it was kept with its attempt, as it would go out today. `None`: it does not read, or its way out is gone.
    fn posted(&self, kept: &[u8]) -> Option<Posted>;
    /// Every way out that can send something, by name.
    fn links(&self) -> BoxFuture<'_, Result<Vec<Link>, OutwardError>>;
    /// Sends the request that tells whether a connection works. It changes nothing at the service.
    fn test<'a>(&'a self, connection: &'a str) -> BoxFuture<'a, Result<Came, OutwardError>>;
    /// Begins a login by OAuth 2.0.
    fn begin_login<'a>(&'a self, connection: &'a str) -> BoxFuture<'a, Result<Begun, OutwardError>>;
    /// Prepares a request of an action, and sends nothing.
    fn prepare<'a>(&'a self, trial: &'a Trial) -> BoxFuture<'a, Result<Prepared, OutwardError>>;
    /// Sends it, for real. `key` tells this press of a button from all others: the second of one is `Done`, and nothing is sent.
    fn send<'a>(&'a self, trial: &'a Trial, key: &'a str) -> BoxFuture<'a, Result<Came, OutwardError>>;
}

impl From<OutwardError> for Refused {
    fn from(error: OutwardError) -> Self {
        match error {
            OutwardError::Missing(why) => Self::new(404, "not_found", why),
            OutwardError::Invalid(why) => Self::new(422, "invalid", why),
            OutwardError::Done(why) => Self::conflict(why),
            OutwardError::Store(error) => error.into(),
        }
    }
}
