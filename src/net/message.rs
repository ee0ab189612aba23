//! What goes out and what comes back.

use std::{fmt, time::Duration};

use crate::model::ErrorClass;

/// A request ready to go: secrets are in it. Not stored, not logged.
pub struct Outgoing {
    /// The method.
    pub method: http::Method,
    /// The URL, secrets in its query included.
    pub url: url::Url,
    /// The headers; those that frame a message are the client's to set.
    pub headers: http::HeaderMap,
    /// The body, `None` where there is none.
    pub body: Option<Vec<u8>>,
    /// Of the whole exchange; connect has 5 s of it.
    pub timeout: Duration,
}

impl fmt::Debug for Outgoing {
    /// Method and host alone: all else may hold secrets.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Outgoing({} {})", self.method, self.url.host_str().unwrap_or_default())
    }
}

/// An answer. The body is cut at the limit.
#[derive(Debug, Clone)]
pub struct Reply {
    /// The status.
    pub status: u16,
    /// Names in lower case, in order; values as text (bytes that are no UTF-8 replaced); 64 KiB at most in all.
    pub headers: Vec<(String, String)>,
    /// The body, to the limit.
    pub body: Vec<u8>,
    /// The body was longer than the limit.
    pub truncated: bool,
}

/// No (whole) answer.
#[derive(Debug, Clone)]
pub struct SendError {
    /// What kind of failure.
    pub class: ErrorClass,
    /// False only where surely no byte of the request reached the target: then it may be sent again.
    pub maybe_executed: bool,
    /// One sentence, with the host, never path, query, headers or body.
    pub message: String,
}
