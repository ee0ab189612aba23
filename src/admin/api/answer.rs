//! How the API answers: one JSON value, lists in pages, times and ids as texts.

use std::io::Cursor;

use rocket::{
    Request, Response,
    http::{ContentType, Header, Status},
    response::{self, Responder},
};
use serde::Serialize;
use utoipa::ToSchema;

use crate::{admin::refused::Refused, clock::Time};

/// The header of an answer that is never given again.
const SHOWN_ONCE: &str = "Shown-Once";

/// What a handler of the API gives.
pub(super) type Answer = Result<Reply, Refused>;

/// An answer as it is sent, and as it is kept for those who ask again with the same key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Reply {
    /// The status.
    pub(super) status: u16,
    /// The body, JSON unless `kind` says otherwise. Empty for 204.
    pub(super) body: Vec<u8>,
    /// The content type where it is not JSON.
    pub(super) kind: Option<&'static str>,
    /// Further headers.
    pub(super) headers: Vec<(&'static str, String)>,
}

impl Reply {
    /// An answer of this status.
    pub(super) fn new(status: u16, value: &impl Serialize) -> Answer {
        let body = serde_json::to_vec(value).map_err(|error| {
            tracing::error!(%error, "an answer of the API cannot be written");
            Refused::new(500, "internal", "This cannot be shown. The log of the server says why.")
        })?;
        Ok(Self { status, body, kind: None, headers: Vec::new() })
    }

    /// 200.
    pub(super) fn ok(value: &impl Serialize) -> Answer {
        Self::new(200, value)
    }

    /// 204: it was done, and there is nothing to say.
    pub(super) fn done() -> Self {
        Self { status: 204, body: Vec::new(), kind: None, headers: Vec::new() }
    }

    /// The same, and what it says is never said again: a new token.
    #[must_use]
    pub(super) fn shown_once(self) -> Self {
        self.header(SHOWN_ONCE, "true")
    }

    /// Whether it is never said again.
    pub(super) fn is_shown_once(&self) -> bool {
        self.headers.iter().any(|(name, _)| *name == SHOWN_ONCE)
    }

    /// The same with one more header.
    #[must_use]
    pub(super) fn header(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }
}

impl<'r> Responder<'r, 'static> for Reply {
    fn respond_to(self, _request: &'r Request<'_>) -> response::Result<'static> {
        let mut response = Response::build();
        response.status(Status::new(self.status));
        for (name, value) in self.headers {
            response.header(Header::new(name, value));
        }
        if self.status == 204 {
            return response.ok();
        }
        match self.kind {
            Some(kind) => response.header(Header::new("Content-Type", kind)),
            None => response.header(ContentType::JSON),
        };
        response.sized_body(self.body.len(), Cursor::new(self.body)).ok()
    }
}

/// A page of a list.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Listed<T> {
    /// What is on this page.
    pub(super) items: Vec<T>,
    /// Give it as `cursor` to get the next page. `null`: this is the last one. The last page may be empty.
    pub(super) next: Option<String>,
}

impl<T> Listed<T> {
    /// A page of at most `limit`; `cursor` tells the place of the last item.
    pub(super) fn page(items: Vec<T>, limit: usize, cursor: impl FnOnce(&T) -> String) -> Self {
        let next = if items.len() >= limit { items.last().map(cursor) } else { None };
        Self { items, next }
    }

    /// The page of a list that is in memory, sorted by `key`: what stands behind `after`.
    pub(super) fn of(
        all: impl Iterator<Item = T>,
        after: Option<&str>,
        limit: usize,
        key: impl Fn(&T) -> &str,
    ) -> Self {
        let rest = all.filter(|item| after.is_none_or(|after| key(item) > after));
        let items: Vec<T> = rest.take(limit).collect();
        Self::page(items, limit, |last| key(last).to_owned())
    }
}

/// A time: RFC 3339 in UTC.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, ToSchema)]
#[schema(value_type = String, format = DateTime, example = "2026-03-01T10:00:00.123Z")]
pub(super) struct Moment(String);

impl From<Time> for Moment {
    fn from(at: Time) -> Self {
        Self(at.to_string())
    }
}

/// What is wrong, in the one form that every refusal has: for the document, `Refused` and `Fault` write it.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({"error": {"code": "not_found", "message": "There is no run run_0000000000000."}}))]
pub(super) struct Failure {
    error: FailureBody,
}

/// The word for machines and the sentence for people.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct FailureBody {
    /// Stable, such as `not_found`, `invalid`, `conflict`.
    code: String,
    /// What, where, and the way out.
    message: String,
    /// More for machines, such as findings.
    #[schema(required = false)]
    details: serde_json::Value,
    /// The id of the request in the server's log, where the fault is the server's.
    #[schema(required = false, nullable = false)]
    request: Option<String>,
}

/// Bytes as JSON where they are, else as text.
pub(super) fn value_of(bytes: &[u8]) -> serde_json::Value {
    let text = || serde_json::Value::String(String::from_utf8_lossy(bytes).into_owned());
    serde_json::from_slice(bytes).unwrap_or_else(|_| text())
}
