//! Grants, logins and the runs that wait for a grant: what is written of them.

use super::{
    Conn,
    statement::{Bind, execute},
};
use crate::store::error::StoreError;

/// The tokens of a grant, sealed.
pub(in crate::store) struct SealedGrant<'g> {
    pub(in crate::store) connection: &'g str,
    pub(in crate::store) access: &'g [u8],
    /// `None` keeps the one that is there.
    pub(in crate::store) refresh: Option<&'g [u8]>,
    pub(in crate::store) expires_at: Option<i64>,
    pub(in crate::store) scopes: &'g str,
    pub(in crate::store) now: i64,
}

/// A row for a connection that has none: 2 is `none`.
pub(in crate::store) fn make_grant(conn: &mut Conn, connection: &str, now: i64) -> Result<(), StoreError> {
    execute(
        conn,
        "INSERT INTO grants (connection, state, generation, scopes, changed_at) VALUES (?, 2, 0, '', ?) \
         ON CONFLICT (connection) DO NOTHING",
        &[Bind::Text(Some(connection)), Bind::Big(Some(now))],
    )
    .map(drop)
}

/// Takes the lease on a grant of this generation, unless somebody else has it still. False: not got.
pub(in crate::store) fn lease_grant(
    conn: &mut Conn,
    connection: &str,
    generation: i64,
    lease: i64,
    now: i64,
    until: i64,
) -> Result<bool, StoreError> {
    let changed = execute(
        conn,
        "UPDATE grants SET lease = ?, lease_until = ? WHERE connection = ? AND generation = ? \
         AND (lease IS NULL OR lease_until <= ?)",
        &[
            Bind::Big(Some(lease)),
            Bind::Big(Some(until)),
            Bind::Text(Some(connection)),
            Bind::Big(Some(generation)),
            Bind::Big(Some(now)),
        ],
    )?;
    Ok(changed == 1)
}

/// Gives the lease back.
pub(in crate::store) fn release_grant(conn: &mut Conn, connection: &str, lease: i64) -> Result<(), StoreError> {
    execute(
        conn,
        "UPDATE grants SET lease = NULL, lease_until = NULL WHERE connection = ? AND lease = ?",
        &[Bind::Text(Some(connection)), Bind::Big(Some(lease))],
    )
    .map(drop)
}

/// Gives all leases back.
pub(in crate::store) fn release_grants(conn: &mut Conn) -> Result<(), StoreError> {
    execute(conn, "UPDATE grants SET lease = NULL, lease_until = NULL WHERE lease IS NOT NULL", &[]).map(drop)
}

/// Stores renewed tokens where the grant is still of this generation. False: it is another by now.
pub(in crate::store) fn renew_grant(
    conn: &mut Conn,
    grant: &SealedGrant<'_>,
    generation: i64,
) -> Result<bool, StoreError> {
    let changed = execute(
        conn,
        "UPDATE grants SET state = 0, generation = generation + 1, access = ?, refresh = coalesce(?, refresh), \
         expires_at = ?, scopes = ?, changed_at = ?, why = NULL, lease = NULL, lease_until = NULL \
         WHERE connection = ? AND generation = ?",
        &[
            Bind::Bytes(Some(grant.access)),
            Bind::Bytes(grant.refresh),
            Bind::Big(grant.expires_at),
            Bind::Text(Some(grant.scopes)),
            Bind::Big(Some(grant.now)),
            Bind::Text(Some(grant.connection)),
            Bind::Big(Some(generation)),
        ],
    )?;
    Ok(changed == 1)
}

/// Stores a new grant in the place of whatever was there.
pub(in crate::store) fn put_grant(conn: &mut Conn, grant: &SealedGrant<'_>) -> Result<(), StoreError> {
    execute(
        conn,
        "UPDATE grants SET state = 0, generation = generation + 1, access = ?, refresh = ?, expires_at = ?, scopes = ?, \
         changed_at = ?, why = NULL, lease = NULL, lease_until = NULL WHERE connection = ?",
        &[
            Bind::Bytes(Some(grant.access)),
            Bind::Bytes(grant.refresh),
            Bind::Big(grant.expires_at),
            Bind::Text(Some(grant.scopes)),
            Bind::Big(Some(grant.now)),
            Bind::Text(Some(grant.connection)),
        ],
    )
    .map(drop)
}

/// Takes the tokens away where the grant is of this generation, or whatever it is of where `None`. False: it is of another, or there is
/// none.
pub(in crate::store) fn empty_grant(
    conn: &mut Conn,
    connection: &str,
    generation: Option<i64>,
    state: i16,
    why: Option<&str>,
    now: i64,
) -> Result<bool, StoreError> {
    let changed = execute(
        conn,
        "UPDATE grants SET state = ?, generation = generation + 1, access = NULL, refresh = NULL, expires_at = NULL, \
         changed_at = ?, why = ?, lease = NULL, lease_until = NULL WHERE connection = ? \
         AND (generation = ? OR CAST(? AS BIGINT) IS NULL)",
        &[
            Bind::Small(Some(state)),
            Bind::Big(Some(now)),
            Bind::Text(why),
            Bind::Text(Some(connection)),
            Bind::Big(generation),
            Bind::Big(generation),
        ],
    )?;
    Ok(changed == 1)
}

/// Notes that a run waits for the grant of a connection.
pub(in crate::store) fn put_paused(conn: &mut Conn, run: i64, connection: &str) -> Result<(), StoreError> {
    execute(
        conn,
        "INSERT INTO paused (run, connection) VALUES (?, ?) ON CONFLICT (run) DO UPDATE SET connection = excluded.connection",
        &[Bind::Big(Some(run)), Bind::Text(Some(connection))],
    )
    .map(drop)
}

/// Makes the runs due that wait for the grant of a connection: 2 is `due`.
pub(in crate::store) fn let_go(conn: &mut Conn, connection: &str, now: i64) -> Result<(), StoreError> {
    execute(
        conn,
        "UPDATE runs SET due_at = ?, why = NULL WHERE status = 2 AND due_at > ? AND claim_id IS NULL \
         AND id IN (SELECT run FROM paused WHERE connection = ?)",
        &[Bind::Big(Some(now)), Bind::Big(Some(now)), Bind::Text(Some(connection))],
    )?;
    execute(conn, "DELETE FROM paused WHERE connection = ?", &[Bind::Text(Some(connection))]).map(drop)
}

/// A login on its way; those that are over go.
pub(in crate::store) fn put_login(
    conn: &mut Conn,
    digest: &[u8],
    connection: &str,
    verifier: &[u8],
    redirect: &str,
    now: i64,
    until: i64,
) -> Result<(), StoreError> {
    execute(conn, "DELETE FROM logins WHERE until <= ?", &[Bind::Big(Some(now))])?;
    execute(
        conn,
        "INSERT INTO logins (digest, connection, verifier, redirect, until) VALUES (?, ?, ?, ?, ?)",
        &[
            Bind::Bytes(Some(digest)),
            Bind::Text(Some(connection)),
            Bind::Bytes(Some(verifier)),
            Bind::Text(Some(redirect)),
            Bind::Big(Some(until)),
        ],
    )
    .map(drop)
}

/// Takes a login out. False: somebody else has.
pub(in crate::store) fn take_login(conn: &mut Conn, digest: &[u8]) -> Result<bool, StoreError> {
    Ok(execute(conn, "DELETE FROM logins WHERE digest = ?", &[Bind::Bytes(Some(digest))])? == 1)
}
