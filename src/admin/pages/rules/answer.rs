//! JSON for the editor.

use std::io::Cursor;

use flate2::Compression;
use rocket::{
    Request, Response,
    http::{ContentType, Header},
    response::{self, Responder},
};
use serde::Serialize;

use crate::admin::{
    packed::{TakesGzip, pack},
    refused::Refused,
};

/// A JSON answer.
pub(super) struct Json(String);

impl Json {
    /// Of a value.
    pub(super) fn of(value: &impl Serialize) -> Result<Self, Refused> {
        serde_json::to_string(value).map(Self).map_err(|error| {
            tracing::error!(%error, "an answer cannot be written");
            Refused::new(500, "internal", "This cannot be shown. The log of the server says why.")
        })
    }
}

impl<'r> Responder<'r, 'static> for Json {
    fn respond_to(self, _request: &'r Request<'_>) -> response::Result<'static> {
        Response::build().header(ContentType::JSON).sized_body(self.0.len(), Cursor::new(self.0)).ok()
    }
}

/// A large JSON answer with nothing of the person's in it: packed where that is taken.
pub(super) struct Packed {
    body: Vec<u8>,
    is_packed: bool,
}

impl Packed {
    /// Of a value. Takes long: not for a thread that others wait for.
    pub(super) fn of(value: &impl Serialize, takes: TakesGzip) -> Result<Self, Refused> {
        let plain = Json::of(value)?.0.into_bytes();
        let packed = if takes.0 { pack(&plain, Compression::default()) } else { Vec::new() };
        let is_packed = !packed.is_empty();
        Ok(Self { body: if is_packed { packed } else { plain }, is_packed })
    }
}

impl<'r> Responder<'r, 'static> for Packed {
    fn respond_to(self, _request: &'r Request<'_>) -> response::Result<'static> {
        let mut response = Response::build();
        response.header(ContentType::JSON).header(Header::new("Vary", "Accept-Encoding"));
        if self.is_packed {
            response.header(Header::new("Content-Encoding", "gzip"));
        }
        response.sized_body(self.body.len(), Cursor::new(self.body)).ok()
    }
}
