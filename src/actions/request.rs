//! A rendered request.

use serde::{Deserialize, Serialize};

use crate::services::AuthUse;

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
    /// Items of an answer in pages that are gathered at most. `None`: the answer has no pages.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gather: Option<u32>,
}

/// Where a request goes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Target {
    /// A path below a connection's base URL.
    Connection {
        /// The connection.
        name: String,
        /// With query, percent-encoded, starting with `/`.
        path: String,
    },
    /// A whole URL.
    Url(String),
}
