//! The tables of sealed secrets: those in force, and those that they replace.

use diesel::{ExpressionMethods as _, QueryDsl as _, Queryable, RunQueryDsl as _};

use super::{
    dialect::{self, Conn, each},
    error::StoreError,
    schema::{earlier_secrets, secrets},
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

/// The value that a secret had before its present one.
#[derive(Debug, Clone, Queryable)]
pub(super) struct OverlapRow {
    pub(super) name: String,
    pub(super) sealed: Vec<u8>,
    until: i64,
}

impl OverlapRow {
    /// Until when deliveries may be signed with it.
    pub(super) fn until(&self) -> Time {
        Time(self.until)
    }
}

/// Every value that was replaced and is kept, by name.
pub(super) fn overlapping(conn: &mut Conn) -> Result<Vec<OverlapRow>, StoreError> {
    Ok(each!(conn, c => earlier_secrets::table.order(earlier_secrets::name.asc()).load(c))?)
}

/// Stores or replaces one; the value that it replaces is kept until then, or is gone. True: there was one, and it is kept.
pub(super) fn put(
    conn: &mut Conn,
    name: &str,
    sealed: &[u8],
    origins: &[String],
    now: Time,
    until: Option<Time>,
) -> Result<bool, StoreError> {
    let kept = if let Some(until) = until {
        dialect::keep_secret(conn, name, until.0)?
    } else {
        each!(conn, c => diesel::delete(earlier_secrets::table.filter(earlier_secrets::name.eq(name))).execute(c))?;
        false
    };
    let origins = serde_json::to_string(origins).map_err(|error| StoreError::Rejected(error.to_string()))?;
    dialect::put_secret(conn, name, sealed, &origins, now.0)?;
    dialect::count(conn, state::SECRETS, 1)?;
    Ok(kept)
}

/// Removes the value that a secret had before. False: none was kept.
pub(super) fn retire(conn: &mut Conn, name: &str) -> Result<bool, StoreError> {
    let gone =
        each!(conn, c => diesel::delete(earlier_secrets::table.filter(earlier_secrets::name.eq(name))).execute(c))?;
    if gone > 0 {
        dialect::count(conn, state::SECRETS, 1)?;
    }
    Ok(gone > 0)
}

/// Removes every value whose time is over.
pub(super) fn retire_due(conn: &mut Conn, now: Time) -> Result<(), StoreError> {
    let gone =
        each!(conn, c => diesel::delete(earlier_secrets::table.filter(earlier_secrets::until.le(now.0))).execute(c))?;
    if gone > 0 {
        dialect::count(conn, state::SECRETS, 1)?;
    }
    Ok(())
}

/// Removes one. False: there was none.
pub(super) fn remove(conn: &mut Conn, name: &str) -> Result<bool, StoreError> {
    each!(conn, c => diesel::delete(earlier_secrets::table.filter(earlier_secrets::name.eq(name))).execute(c))?;
    let gone = each!(conn, c => diesel::delete(secrets::table.filter(secrets::name.eq(name))).execute(c))?;
    if gone > 0 {
        dialect::count(conn, state::SECRETS, 1)?;
    }
    Ok(gone > 0)
}
