//! The tables of grants, of logins that are on their way, and of the runs that wait for a grant.

use diesel::{
    ExpressionMethods as _, OptionalExtension as _, QueryDsl as _, Queryable, RunQueryDsl as _, dsl::count_star,
};

use super::{
    dialect::{self, Conn, each},
    error::StoreError,
    handle::Store,
    schema::{grants, logins, paused},
};
use crate::ids::RunId;

/// A grant as it is stored.
#[derive(Debug, Clone, Queryable)]
pub(super) struct GrantRow {
    pub(super) connection: String,
    pub(super) state: i16,
    pub(super) generation: i64,
    pub(super) access: Option<Vec<u8>>,
    pub(super) refresh: Option<Vec<u8>>,
    pub(super) expires_at: Option<i64>,
    pub(super) scopes: String,
    pub(super) changed_at: i64,
    pub(super) why: Option<String>,
}

/// A login as it is stored.
#[derive(Debug, Queryable)]
pub(super) struct LoginRow {
    pub(super) digest: Vec<u8>,
    pub(super) connection: String,
    pub(super) verifier: Vec<u8>,
    pub(super) redirect: String,
    pub(super) until: i64,
}

/// Every grant, by connection.
pub(super) fn all(conn: &mut Conn) -> Result<Vec<GrantRow>, StoreError> {
    let columns = (
        grants::connection,
        grants::state,
        grants::generation,
        grants::access,
        grants::refresh,
        grants::expires_at,
        grants::scopes,
        grants::changed_at,
        grants::why,
    );
    Ok(each!(conn, c => grants::table.select(columns).order(grants::connection.asc()).load(c))?)
}

/// The generation of a connection's grant; 0 where there is none.
pub(super) fn generation(conn: &mut Conn, connection: &str) -> Result<i64, StoreError> {
    let found: Option<i64> =
        each!(conn, c => grants::table.find(connection).select(grants::generation).get_result(c).optional())?;
    Ok(found.unwrap_or(0))
}

/// Whether the grant is another than that of this generation.
pub(super) fn has_changed(conn: &mut Conn, connection: &str, seen: i64) -> Result<bool, StoreError> {
    Ok(generation(conn, connection)? != seen)
}

/// Notes that a run waits for the grant of a connection.
pub(super) fn pause(conn: &mut Conn, run: RunId, connection: &str) -> Result<(), StoreError> {
    dialect::put_paused(conn, run.0, connection)
}

/// A login by the digest of its state. `None`: there is none.
pub(super) fn login(conn: &mut Conn, digest: &[u8]) -> Result<Option<LoginRow>, StoreError> {
    Ok(each!(conn, c => logins::table.find(digest).get_result(c).optional())?)
}

impl Store {
    /// Gives back every lease on a grant: for the one process that serves, before it asks for any. What a killed process held would
    /// keep it from new tokens until its time is over.
    pub async fn release_grants(&self) -> Result<(), StoreError> {
        self.write(64, |desk| dialect::release_grants(&mut desk.conn)).await
    }

    /// How many runs wait for the grant of a connection, by connection; one that has none is not there.
    pub async fn paused(&self) -> Result<Vec<(String, i64)>, StoreError> {
        self.read(|conn, _| {
            Ok(each!(conn, c => paused::table
                .group_by(paused::connection)
                .select((paused::connection, count_star()))
                .order(paused::connection.asc())
                .load(c))?)
        })
        .await
    }
}
