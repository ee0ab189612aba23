//! What is used once: links that a person gets, and what comes back from a provider. Only digests are kept.

use diesel::{ExpressionMethods as _, OptionalExtension as _, QueryDsl as _, RunQueryDsl as _};

use super::{
    dialect::{Conn, each},
    error::StoreError,
    handle::Store,
    schema::one_time,
    writer::Desk,
};
use crate::clock::Time;

/// The kind of the link that makes the first owner.
pub(super) const SETUP: &str = "setup";

/// The kind of the link by which a user chooses a password; its data is the user's id.
pub(super) const PASSWORD: &str = "link";

/// Something that counts once.
#[derive(Debug, Clone)]
pub struct OneTime {
    /// SHA-256 of what is given away.
    pub digest: [u8; 32],
    /// `setup`, `link`, ...
    pub kind: &'static str,
    /// What it stands for.
    pub data: String,
    /// When it ends by itself.
    pub until: Time,
}

impl Store {
    /// Keeps it; what is over goes. `alone`: others of its kind and data end.
    pub async fn put_one_time(&self, kept: OneTime, alone: bool, now: Time) -> Result<(), StoreError> {
        let put = move |desk: &mut Desk| {
            let conn = &mut desk.conn;
            each!(conn, c => diesel::delete(one_time::table.filter(one_time::until.le(now.0))).execute(c))?;
            if alone {
                let others = one_time::table.filter(one_time::kind.eq(kept.kind)).filter(one_time::data.eq(&kept.data));
                each!(conn, c => diesel::delete(others).execute(c))?;
            }
            let row = (
                one_time::digest.eq(kept.digest.as_slice()),
                one_time::kind.eq(kept.kind),
                one_time::data.eq(&kept.data),
                one_time::until.eq(kept.until.0),
            );
            each!(conn, c => diesel::insert_into(one_time::table).values(row).execute(c))?;
            Ok(())
        };
        self.write(256, put).await
    }

    /// What it stands for, unused. `None`: it is not known, was used, or is over.
    pub async fn one_time(
        &self,
        digest: [u8; 32],
        kind: &'static str,
        now: Time,
    ) -> Result<Option<String>, StoreError> {
        self.read(move |conn, _| find(conn, &digest, kind, now)).await
    }

    /// The same, and it is used by that.
    pub async fn take_one_time(
        &self,
        digest: [u8; 32],
        kind: &'static str,
        now: Time,
    ) -> Result<Option<String>, StoreError> {
        self.write(64, move |desk| take(&mut desk.conn, &digest, kind, now)).await
    }
}

fn find(conn: &mut Conn, digest: &[u8; 32], kind: &str, now: Time) -> Result<Option<String>, StoreError> {
    Ok(each!(conn, c => one_time::table
        .filter(one_time::digest.eq(digest.as_slice()))
        .filter(one_time::kind.eq(kind))
        .filter(one_time::until.gt(now.0))
        .select(one_time::data)
        .get_result(c)
        .optional())?)
}

/// Ends what is open of a kind for this data.
pub(super) fn end(conn: &mut Conn, kind: &str, data: &str) -> Result<(), StoreError> {
    let open = one_time::table.filter(one_time::kind.eq(kind)).filter(one_time::data.eq(data));
    each!(conn, c => diesel::delete(open).execute(c))?;
    Ok(())
}

/// Uses it inside a transaction.
pub(super) fn take(conn: &mut Conn, digest: &[u8; 32], kind: &str, now: Time) -> Result<Option<String>, StoreError> {
    let data = find(conn, digest, kind, now)?;
    if data.is_some() {
        each!(conn, c => diesel::delete(one_time::table.filter(one_time::digest.eq(digest.as_slice()))).execute(c))?;
    }
    Ok(data)
}
