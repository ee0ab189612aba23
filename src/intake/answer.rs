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
}

impl<'r> Responder<'r, 'static> for Answer {
    fn respond_to(self, request: &'r Request<'_>) -> response::Result<'static> {
        let (status, body) = match self {
            Self::Accepted(id) => (Status::Accepted, format!("{{\"id\":\"{id}\"}}")),
            Self::Duplicate(first) => (Status::Ok, format!("{{\"duplicate\":true,\"id\":\"{first}\"}}")),
            Self::Refused(fault) => return fault.respond_to(request),
        };
        Response::build().status(status).header(ContentType::JSON).sized_body(body.len(), Cursor::new(body)).ok()
    }
}
