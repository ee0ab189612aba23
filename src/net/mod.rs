//! The way out: the only HTTP client, with the address check in its resolver, and bounded reads.
// CONTRACT STUB: part E replaces the bodies; keep the signatures.

use std::{sync::Arc, time::Duration};

use crate::{egress::Egress, model::ErrorClass};

/// A request ready to go: secrets are in it. Not stored, not logged.
pub struct Outgoing {
    pub method: http::Method,
    pub url: url::Url,
    pub headers: http::HeaderMap,
    pub body: Option<Vec<u8>>,
    /// Of the whole exchange; connect has 5 s of it.
    pub timeout: Duration,
}

/// An answer. The body is cut at the limit.
#[derive(Debug, Clone)]
pub struct Reply {
    pub status: u16,
    /// Names in lower case, in order; values as text (bytes that are no UTF-8 replaced); 64 KiB at most in all.
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
    /// The body was longer than the limit.
    pub truncated: bool,
}

/// No (whole) answer.
#[derive(Debug, Clone)]
pub struct SendError {
    pub class: ErrorClass,
    /// False only where surely no byte of the request reached the target: then it may be sent again.
    pub maybe_executed: bool,
    /// One sentence, with the host, never path, query, headers or body.
    pub message: String,
}

/// The one client.
#[derive(Clone)]
pub struct Client {/* reqwest::Client, Arc<Egress> */}

impl Client {
    /// A client under `egress`. `reply_limit` is bytes of a reply that are read.
    pub fn new(_egress: Arc<Egress>, _reply_limit: usize) -> Result<Self, String> {
        unimplemented!()
    }
    /// Sends once. Never redirects, never retries, never uses a proxy.
    pub async fn send(&self, _request: Outgoing) -> Result<Reply, SendError> {
        unimplemented!()
    }
}
