//! The only statuses that are answered with an error, and the one form they have.

use std::{
    borrow::Cow,
    hash::{BuildHasher, Hasher, RandomState},
    io::Cursor,
    sync::{
        OnceLock,
        atomic::{AtomicU64, Ordering},
    },
};

use rocket::{
    Catcher, Data, Request, Response, Route,
    catcher::BoxFuture,
    http::{ContentType, Header, Method, Status},
    response::{self, Responder},
    route,
};

use super::STANDARD;

/// An answer that is an error: `{"error":{"code":"..","message":".."}}`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// The HTTP status.
    pub status: u16,
    /// The word for machines, and the reason in logs and counts.
    pub code: &'static str,
    /// One sentence for people. Of a 500 it is never sent: that gets `internal error`. From 500 on the request's id stands
    /// beside it, and it names nothing of ours: no secret, no file.
    pub message: Cow<'static, str>,
    /// Seconds after which the sender may try again.
    pub retry_after: Option<u32>,
    /// The methods that are allowed here.
    pub allow: Option<&'static str>,
}

impl Fault {
    /// There is nothing here, or it is not for you: both look the same.
    pub const NOT_FOUND: Self = Self::new(404, "not_found", "there is nothing here");
    /// Whatever went wrong is ours.
    pub const INTERNAL: Self = Self::new(500, "internal", "internal error");
    /// The store or the process cannot take more now.
    pub const BUSY: Self = Self::new(503, "busy", "try again later").after(5);
    /// The process is stopping.
    pub const STOPPING: Self = Self::new(503, "stopping", "this server is stopping; try again later").after(5);
    /// More of a body than is taken.
    pub const TOO_LARGE: Self = Self::new(413, "body_too_large", "the body is larger than this server takes");
    /// Less of a body than was promised.
    pub const INCOMPLETE: Self = Self::new(400, "body_incomplete", "the body ended early");
    /// A compressed body.
    pub const ENCODED: Self = Self::new(415, "content_encoding", "send the body without Content-Encoding");
    /// A request that did not come through the gate.
    pub const MISDIRECTED: Self = Self::new(421, "misdirected", "this address is not for requests from outside");
    /// A chain of events that goes on for too long.
    pub const LOOP: Self =
        Self::new(508, "loop", "this delivery was caused by a chain of more than 5 of our own events");

    /// A fault of this status, word and sentence.
    pub const fn new(status: u16, code: &'static str, message: &'static str) -> Self {
        Self { status, code, message: Cow::Borrowed(message), retry_after: None, allow: None }
    }

    /// The same, and the sender may try again after `seconds`.
    #[must_use]
    pub const fn after(mut self, seconds: u32) -> Self {
        self.retry_after = Some(seconds);
        self
    }

    /// The method is not one of `allow`.
    pub const fn method(allow: &'static str) -> Self {
        let mut fault = Self::new(405, "method_not_allowed", "the method is not allowed here");
        fault.allow = Some(allow);
        fault
    }

    /// The fault of a bare status, as a router gives it.
    pub fn of_status(status: u16) -> Self {
        match status {
            404 => Self::NOT_FOUND,
            405 => Self::method("GET, HEAD"),
            413 => Self::TOO_LARGE,
            415 => Self::new(415, "content_type", "the type of the body is not taken here"),
            421 => Self::MISDIRECTED,
            401 => Self::new(401, "unauthorized", "prove who you are"),
            403 => Self::new(403, "forbidden", "this is not for you"),
            422 => Self::new(422, "unprocessable", "the request does not fit what is wanted here"),
            503 => Self::BUSY,
            400..=499 => Self::new(400, "bad_request", "the request cannot be read"),
            _ => Self::INTERNAL,
        }
    }

    /// The body as it is sent, with the request's id where the fault is ours.
    pub fn body(&self, request: &str) -> String {
        if self.status >= 500 {
            let message = if self.status == 500 { "internal error" } else { &self.message };
            let error = serde_json::json!({"code": self.code, "message": message, "request": request});
            return serde_json::json!({ "error": error }).to_string();
        }
        serde_json::json!({"error": {"code": self.code, "message": self.message}}).to_string()
    }
}

/// A new id of a request, such as `req_1f3a5c7e9b0d2f46`: unique in a process, and a stranger cannot count requests with it.
pub(super) fn request_id() -> String {
    static KEY: OnceLock<RandomState> = OnceLock::new();
    static COUNT: AtomicU64 = AtomicU64::new(0);
    let mut hasher = KEY.get_or_init(RandomState::new).build_hasher();
    hasher.write_u64(COUNT.fetch_add(1, Ordering::Relaxed));
    format!("req_{:016x}", hasher.finish())
}

impl<'r> Responder<'r, 'static> for Fault {
    fn respond_to(self, request: &'r Request<'_>) -> response::Result<'static> {
        let id = if self.status >= 500 { request_id() } else { String::new() };
        // Who refuses a delivery for want of a store or a key has said so once a second; of anything else nobody else speaks.
        if self.status == 500 {
            let path = super::loggable(request.uri().path().as_str());
            tracing::error!(request.id = id, code = self.code, why = %self.message, path = %super::Foreign(path), "internal error");
        } else if self.status > 500 {
            tracing::debug!(request.id = id, code = self.code, status = self.status, "answered with an error of ours");
        }
        let body = self.body(&id);
        let mut response = Response::build();
        response.status(Status::new(self.status)).header(ContentType::JSON);
        for (name, value) in STANDARD {
            response.header(Header::new(name, value));
        }
        if let Some(seconds) = self.retry_after {
            response.header(Header::new("Retry-After", seconds.to_string()));
        }
        if let Some(allow) = self.allow {
            response.header(Header::new("Allow", allow));
        }
        response.sized_body(body.len(), Cursor::new(body)).ok()
    }
}

/// What answers where no route does, and where one panicked.
pub fn catchers() -> Vec<Catcher> {
    fn answer<'r>(status: Status, request: &'r Request<'_>) -> BoxFuture<'r> {
        let fault = Fault::of_status(status.code);
        Box::pin(async move { fault.respond_to(request) })
    }
    vec![Catcher::new(None, answer)]
}

/// Routes on `path` (Rocket's form) that answer 405 to every method that is not in `allow`, a list as in the header `Allow`.
pub fn refuse_method(path: &str, allow: &'static str) -> Vec<Route> {
    #[derive(Clone)]
    struct Refuse(&'static str);

    #[rocket::async_trait]
    impl route::Handler for Refuse {
        async fn handle<'r>(&self, request: &'r Request<'_>, data: Data<'r>) -> route::Outcome<'r> {
            // The body is read, so that the connection can serve the next request.
            let limit = rocket::data::ByteUnit::Mebibyte(1);
            if data.open(limit).stream_to(tokio::io::sink()).await.is_err() {
                tracing::debug!("the body of a refused method broke off");
            }
            route::Outcome::from(request, Fault::method(self.0))
        }
    }

    const KNOWN: [Method; 9] = [
        Method::Get,
        Method::Head,
        Method::Post,
        Method::Put,
        Method::Patch,
        Method::Delete,
        Method::Options,
        Method::Trace,
        Method::Connect,
    ];
    KNOWN
        .into_iter()
        .filter(|method| !allow.split(", ").any(|allowed| allowed == method.as_str()))
        .map(|method| Route::ranked(100, method, path, Refuse(allow)))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fault_of_theirs_says_why_and_one_of_ours_does_not() {
        assert_eq!(Fault::NOT_FOUND.body("x"), r#"{"error":{"code":"not_found","message":"there is nothing here"}}"#);
        let ours = Fault::new(500, "internal", "path /var/lib is gone");
        assert_eq!(ours.body("req_1"), r#"{"error":{"code":"internal","message":"internal error","request":"req_1"}}"#);
        let busy = Fault::BUSY.body("req_1");
        assert_eq!(busy, r#"{"error":{"code":"busy","message":"try again later","request":"req_1"}}"#);
    }

    #[test]
    fn every_status_has_a_fault_of_the_same_kind() {
        for status in 400..600 {
            let fault = Fault::of_status(status);
            assert_eq!(fault.status / 100, status / 100, "{status}");
            assert!(!fault.code.is_empty());
        }
    }

    #[test]
    fn request_ids_differ() {
        assert_ne!(request_id(), request_id());
    }
}
