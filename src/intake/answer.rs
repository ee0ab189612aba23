//! What a delivery is answered with: always one of these, whatever its payload says.

use std::io::Cursor;

use rocket::{
    Request, Response,
    http::{ContentType, Status},
    response::{self, Responder},
};

use crate::{ids::EventId, web::Fault};

/// The answer to a delivery.
#[derive(Debug)]
pub(super) enum Answer {
    /// Stored, and on disk.
    Accepted(EventId),
    /// Stored before: the first event of it.
    Duplicate(EventId),
    Refused(Fault),
    /// A handshake: this text, short and plain.
    Challenge(String),
    /// A handshake of `CloudEvents`: this origin may send.
    Origin(String),
}

impl<'r> Responder<'r, 'static> for Answer {
    fn respond_to(self, request: &'r Request<'_>) -> response::Result<'static> {
        let (status, body) = match self {
            Self::Accepted(id) => (Status::Accepted, format!("{{\"id\":\"{id}\"}}")),
            Self::Duplicate(first) => (Status::Ok, format!("{{\"duplicate\":true,\"id\":\"{first}\"}}")),
            Self::Refused(fault) => return fault.respond_to(request),
            Self::Challenge(text) => {
                return Response::build().header(ContentType::Plain).sized_body(text.len(), Cursor::new(text)).ok();
            }
            Self::Origin(origin) => {
                return Response::build().raw_header("WebHook-Allowed-Origin", origin).raw_header("Allow", "POST").ok();
            }
        };
        Response::build().status(status).header(ContentType::JSON).sized_body(body.len(), Cursor::new(body)).ok()
    }
}
