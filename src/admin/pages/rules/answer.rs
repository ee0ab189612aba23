//! JSON for the editor.

use std::io::Cursor;

use rocket::{
    Request, Response,
    http::ContentType,
    response::{self, Responder},
};
use serde::Serialize;

use crate::admin::refused::Refused;

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
