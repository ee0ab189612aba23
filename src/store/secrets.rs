//! The table of sealed secrets.

use diesel::{ExpressionMethods as _, QueryDsl as _, Queryable, RunQueryDsl as _};

use super::{
    dialect::{self, Conn, each},
    error::StoreError,
    schema::secrets,
    state,
};
use crate::clock::Time;

/// A secret as it is stored.
#[derive(Debug, Clone, Queryable)]
pub(super) struct SealedRow {
    pub(super) name: String,
    pub(super) sealed: Vec<u8>,
    origins: String,
    changed_at: i64,
}

impl SealedRow {
    /// Origins set with `--for`.
    pub(super) fn origins(&self) -> Result<Vec<String>, StoreError> {
        serde_json::from_str(&self.origins)
            .map_err(|error| StoreError::Corrupt(format!("the origins of secret `{}` do not read: {error}", self.name)))
    }

    /// When it was set last.
    pub(super) fn changed_at(&self) -> Time {
        Time(self.changed_at)
    }
}

/// The number that goes up with every change.
pub(super) fn generation(conn: &mut Conn) -> Result<i64, StoreError> {
    Ok(state::number(conn, state::SECRETS)?.unwrap_or(0))
}

/// Every secret, by name.
pub(super) fn all(conn: &mut Conn) -> Result<Vec<SealedRow>, StoreError> {
    Ok(each!(conn, c => secrets::table.order(secrets::name.asc()).load(c))?)
}

/// Stores or replaces one.
pub(super) fn put(conn: &mut Conn, name: &str, sealed: &[u8], origins: &[String], now: Time) -> Result<(), StoreError> {
    let origins = serde_json::to_string(origins).map_err(|error| StoreError::Rejected(error.to_string()))?;
    dialect::put_secret(conn, name, sealed, &origins, now.0)?;
    dialect::count(conn, state::SECRETS, 1)
}

/// Removes one. False: there was none.
pub(super) fn remove(conn: &mut Conn, name: &str) -> Result<bool, StoreError> {
    let gone = each!(conn, c => diesel::delete(secrets::table.filter(secrets::name.eq(name))).execute(c))?;
    if gone > 0 {
        dialect::count(conn, state::SECRETS, 1)?;
    }
    Ok(gone > 0)
}
