//! An attempt: one try of a step; for HTTP one request and its answer.

use std::fmt;

use serde::{Deserialize, Serialize};

/// What an attempt is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AttemptKind {
    /// A try of the step.
    Try,
    /// A read that tells whether the last try took effect; it changes nothing.
    Verify,
}

impl AttemptKind {
    /// The word in tables, pages and logs.
    pub fn word(self) -> &'static str {
        match self {
            Self::Try => "try",
            Self::Verify => "verify",
        }
    }

    /// The number in the store; NULL for a try.
    pub fn code(self) -> Option<i16> {
        match self {
            Self::Try => None,
            Self::Verify => Some(1),
        }
    }

    /// The kind of a number in the store. `None` for a number that no version wrote.
    pub fn from_code(code: Option<i16>) -> Option<Self> {
        [Self::Try, Self::Verify].into_iter().find(|kind| kind.code() == code)
    }
}

/// How one attempt ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AttemptOutcome {
    /// On its way, or cut off by a crash that nobody has looked at yet.
    Started,
    /// It took effect.
    Ok,
    /// It failed for now; the step's schedule says when it is tried again.
    Retry,
    /// It failed for good.
    Failed,
    /// The request may have taken effect: no answer came.
    Unknown,
}

impl AttemptOutcome {
    /// Every outcome, in the order of their codes.
    pub const ALL: [Self; 5] = [Self::Started, Self::Ok, Self::Retry, Self::Failed, Self::Unknown];

    /// The number in the store.
    pub fn code(self) -> i16 {
        Self::ALL.iter().position(|known| *known == self).and_then(|at| i16::try_from(at).ok()).unwrap_or(-1)
    }

    /// The outcome of a number in the store. `None` for a number that no version wrote.
    pub fn from_code(code: i16) -> Option<Self> {
        Self::ALL.get(usize::try_from(code).ok()?).copied()
    }

    /// The word in tables, pages and logs.
    pub fn word(self) -> &'static str {
        match self {
            Self::Started => "started",
            Self::Ok => "ok",
            Self::Retry => "retry",
            Self::Failed => "failed",
            Self::Unknown => "unknown",
        }
    }
}

/// What kind of failure it was; decides with the step's `retry` whether it is tried again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ErrorClass {
    /// No connection, or it broke before the first byte of the request went out.
    Network,
    /// The certificate or the handshake was refused; retried like `network`.
    Tls,
    /// Sent, and no answer in time or a cut: the outcome is unknown.
    Timeout,
    /// An answer that is not HTTP, or not what the action promises.
    BadReply,
    /// An answer with a status that is not a success.
    Status,
    /// An answer of success in whose body the service says that it has refused; final, since it would refuse again.
    Refused,
    /// A redirect, which is never followed.
    Redirect,
    /// The target's address, port or scheme is not allowed.
    EgressDenied,
    /// An input that is missing, or not of its type.
    InvalidInput,
    /// A template that failed.
    Template,
    /// A header value with control characters.
    InvalidHeaderValue,
    /// A rendered URL, header or body that is empty, too large or of the wrong kind.
    RenderType,
    /// A secret that is not set, or not sealed with this key.
    SecretMissing,
    /// A secret that would go to a target it is not meant for.
    SecretOrigin,
    /// A connection without a grant, or one whose grant the service has taken back.
    Grant,
    /// An event of our own that would stand too deep in a chain of our own events.
    Loop,
    /// A `fail` step.
    Fail,
    /// The run's own `timeout`.
    RunTimeout,
    /// More than a run may have: output, turns, or elements of a list.
    Limit,
    /// A rule, template or stored value that no longer reads.
    Internal,
}

impl ErrorClass {
    /// Every class.
    pub const ALL: [Self; 20] = [
        Self::Network,
        Self::Tls,
        Self::Timeout,
        Self::BadReply,
        Self::Status,
        Self::Refused,
        Self::Redirect,
        Self::EgressDenied,
        Self::InvalidInput,
        Self::Template,
        Self::InvalidHeaderValue,
        Self::RenderType,
        Self::SecretMissing,
        Self::SecretOrigin,
        Self::Grant,
        Self::Loop,
        Self::Fail,
        Self::RunTimeout,
        Self::Limit,
        Self::Internal,
    ];

    /// The word that rules see.
    pub fn word(self) -> &'static str {
        match self {
            Self::Network => "network",
            Self::Tls => "tls",
            Self::Timeout => "timeout",
            Self::BadReply => "bad_reply",
            Self::Status => "status",
            Self::Refused => "refused",
            Self::Redirect => "redirect",
            Self::EgressDenied => "egress_denied",
            Self::InvalidInput => "invalid_input",
            Self::Template => "template",
            Self::InvalidHeaderValue => "invalid_header_value",
            Self::RenderType => "render_type",
            Self::SecretMissing => "secret_missing",
            Self::SecretOrigin => "secret_origin",
            Self::Grant => "grant",
            Self::Loop => "loop",
            Self::Fail => "fail",
            Self::RunTimeout => "run_timeout",
            Self::Limit => "limit",
            Self::Internal => "internal",
        }
    }
}

impl fmt::Display for ErrorClass {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

/// What an answer of a mail server has its code (RFC 5321, section 4.2) under, among its headers. No header of HTTP can have this name.
pub const SMTP_CODE: &str = ":smtp-code";
