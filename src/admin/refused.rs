//! A request of the admin that is refused: a page for people, JSON for machines, by its path.

use std::{borrow::Cow, io::Cursor};

use rocket::{
    Request, Response,
    http::{ContentType, Header, Status},
    response::{self, Responder},
};

use super::view;
use crate::store::StoreError;

/// Why a request is refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refused {
    /// The HTTP status.
    pub status: u16,
    /// The word for machines: `not_found`, `conflict`, `invalid`, ...
    pub code: &'static str,
    /// One or two sentences for people: what, where, and the way out.
    pub message: Cow<'static, str>,
    /// More for machines, such as findings; of the JSON form alone.
    pub details: Option<serde_json::Value>,
    /// Where the browser goes in place of a page: login.
    pub see_other: Option<String>,
    /// Seconds after which it may be tried again.
    pub retry_after: Option<u32>,
}

impl Refused {
    /// A refusal of this status, word and sentence.
    pub fn new(status: u16, code: &'static str, message: impl Into<Cow<'static, str>>) -> Self {
        Self { status, code, message: message.into(), details: None, see_other: None, retry_after: None }
    }

    /// 400: what was sent does not fit.
    pub fn invalid(message: impl Into<Cow<'static, str>>) -> Self {
        Self::new(400, "invalid", message)
    }

    /// 404: there is no such thing. `what` such as `run run_000...`.
    pub fn missing(what: &str) -> Self {
        Self::new(404, "not_found", format!("There is no {what}."))
    }

    /// 409: it is not as it was thought to be.
    pub fn conflict(message: impl Into<Cow<'static, str>>) -> Self {
        Self::new(409, "conflict", message)
    }

    /// 403: not with this role, scope or token.
    pub fn forbidden(message: impl Into<Cow<'static, str>>) -> Self {
        Self::new(403, "forbidden", message)
    }

    /// As machines get it: `{"error": {"code", "message", "details"}}`.
    pub(super) fn to_json(&self) -> serde_json::Value {
        let mut error = serde_json::json!({"code": self.code, "message": self.message});
        if let (Some(details), Some(error)) = (&self.details, error.as_object_mut()) {
            error.insert("details".to_owned(), details.clone());
        }
        serde_json::json!({ "error": error })
    }

    /// The same with more for machines.
    #[must_use]
    pub fn with(mut self, details: serde_json::Value) -> Self {
        self.details = Some(details);
        self
    }
}

impl From<StoreError> for Refused {
    fn from(error: StoreError) -> Self {
        tracing::error!(%error, "a request of the admin was not answered");
        let mut refused =
            Self::new(503, "busy", "The database does not answer at the moment. Try again in a few seconds.");
        refused.retry_after = Some(5);
        refused
    }
}

impl<'r> Responder<'r, 'static> for Refused {
    fn respond_to(self, request: &'r Request<'_>) -> response::Result<'static> {
        let mut response = Response::build();
        if let Some(seconds) = self.retry_after {
            response.header(Header::new("Retry-After", seconds.to_string()));
        }
        if let Some(place) = &self.see_other {
            // A fragment must not become a page of login: htmx leads the whole browser there.
            if request.headers().get_one("HX-Request").is_some() {
                let place = Header::new("HX-Redirect", place.clone());
                return response.status(Status::new(self.status)).header(place).ok();
            }
            return response.status(Status::SeeOther).header(Header::new("Location", place.clone())).ok();
        }
        response.status(Status::new(self.status));
        let is_machine = request.uri().path().starts_with("/api/")
            || request.headers().get_one("Accept").is_some_and(|accept| accept.starts_with("application/json"));
        if is_machine {
            if self.status == 401 {
                response.header(Header::new("WWW-Authenticate", "Bearer realm=\"bellwire\""));
            }
            let body = self.to_json().to_string();
            return response.header(ContentType::JSON).sized_body(body.len(), Cursor::new(body)).ok();
        }
        let page = view::refused(request, &self);
        response.header(ContentType::HTML).header(view::policy()).sized_body(page.len(), Cursor::new(page)).ok()
    }
}
