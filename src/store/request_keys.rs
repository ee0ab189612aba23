//! Requests of the API that carry an Idempotency-Key: each is done once, and answered the same again.

use diesel::{ExpressionMethods as _, OptionalExtension as _, QueryDsl as _, RunQueryDsl as _};

use super::{dialect::each, error::StoreError, handle::Store, schema::request_keys, writer::Desk};
use crate::clock::Time;

/// What is known of a key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum KnownRequest {
    /// Nothing: it is this request's from now on.
    New,
    /// The same request is being done.
    Running,
    /// The same request was answered so.
    Answered {
        /// The HTTP status.
        status: u16,
        /// The body.
        body: Vec<u8>,
    },
    /// It is another request's.
    Other,
}

impl Store {
    /// Takes a key for a request, whose digest is of method, path and body; keys that are over go.
    pub async fn begin_request(
        &self,
        user: i64,
        key: String,
        digest: [u8; 32],
        until: Time,
        now: Time,
    ) -> Result<KnownRequest, StoreError> {
        type Row = (Vec<u8>, Option<i16>, Option<Vec<u8>>);
        let begin = move |desk: &mut Desk| {
            let conn = &mut desk.conn;
            each!(conn, c => diesel::delete(request_keys::table.filter(request_keys::until.le(now.0))).execute(c))?;
            let known: Option<Row> = each!(conn, c => request_keys::table
                .find((user, &key))
                .select((request_keys::digest, request_keys::status, request_keys::body))
                .get_result(c)
                .optional())?;
            let Some((known, status, body)) = known else {
                let row = (
                    (request_keys::user_id.eq(user), request_keys::key.eq(&key)),
                    (request_keys::digest.eq(digest.as_slice()), request_keys::until.eq(until.0)),
                );
                each!(conn, c => diesel::insert_into(request_keys::table).values(row).execute(c))?;
                return Ok(KnownRequest::New);
            };
            if known != digest {
                return Ok(KnownRequest::Other);
            }
            Ok(match status.and_then(|status| u16::try_from(status).ok()) {
                Some(status) => KnownRequest::Answered { status, body: body.unwrap_or_default() },
                None => KnownRequest::Running,
            })
        };
        self.write(256, begin).await
    }

    /// Keeps the answer.
    pub async fn finish_request(&self, user: i64, key: String, status: u16, body: Vec<u8>) -> Result<(), StoreError> {
        let status = i16::try_from(status).unwrap_or(500);
        let finish = move |desk: &mut Desk| {
            each!(&mut desk.conn, c => diesel::update(request_keys::table.find((user, &key)))
                .set((request_keys::status.eq(Some(status)), request_keys::body.eq(Some(&body))))
                .execute(c))?;
            Ok(())
        };
        self.write(512, finish).await
    }

    /// Gives a key back whose request was not done: it may be tried again.
    pub async fn abandon_request(&self, user: i64, key: String) -> Result<(), StoreError> {
        let abandon = move |desk: &mut Desk| {
            let one = request_keys::table.find((user, &key)).filter(request_keys::status.is_null());
            each!(&mut desk.conn, c => diesel::delete(one).execute(c))?;
            Ok(())
        };
        self.write(64, abandon).await
    }
}
