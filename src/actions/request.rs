//! A rendered request.

use serde::{Deserialize, Serialize};

use crate::{services::AuthUse, value::Object};

/// A rendered request without secrets: stored before its first attempt, the same bytes on every retry.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Request {
    /// In upper case.
    pub method: String,
    /// The connection it goes through (its base URL is not pinned), or a whole URL.
    pub target: Target,
    /// Names as written; content type included.
    pub headers: Vec<(String, String)>,
    /// The bytes of the body as text. `None`: no body.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub body: Option<String>,
    /// How it proves who we are. `None`: through a connection, as its pack says; for a whole URL, not at all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub auth: Option<AuthUse>,
    /// What the action was given, where a read may have to tell what became of it. Never sent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub inputs: Option<Object>,
    /// Items of an answer in pages that are gathered at most. `None`: the answer has no pages.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gather: Option<u32>,
}

/// Where a request goes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Target {
    /// A path below a connection's base URL, or below one of its further hosts.
    Connection {
        /// The connection.
        name: String,
        /// The pack's name of a further host that it goes to. `None`: the base URL.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        host: Option<String>,
        /// With query, percent-encoded, starting with `/`.
        path: String,
    },
    /// A whole URL.
    Url(String),
}
