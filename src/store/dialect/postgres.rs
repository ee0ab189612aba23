//! Connections to PostgreSQL.

use diesel::{ConnectionError, QueryableByName, RunQueryDsl as _, connection::SimpleConnection as _, sql_query};
use url::form_urlencoded;

use super::{Conn, establish_postgres};
use crate::store::error::StoreError;

/// The advisory lock of `serve`: the letters of the name. Advisory locks are a database's own.
const LOCK: i64 = 0x0062_656c_6c77_6972;

/// Begins a transaction that waits for the writer of another process, in one round trip. The number is the lock's own, beside [`LOCK`].
pub(super) const BEGIN_WRITING: &str = "BEGIN; SELECT pg_advisory_xact_lock(27696064068282739)";

/// Checks `database.url` and adds what we insist on. Never shows the URL, which may hold a password.
pub(in crate::store) fn check_url(text: &str) -> Result<String, StoreError> {
    // Not read as a whole: libpq takes forms that are no URL, such as a user without a host.
    let query = text.split_once('?').map(|(_, query)| query);
    let mode = query.and_then(|query| form_urlencoded::parse(query.as_bytes()).find(|(name, _)| name == "sslmode"));
    match (mode.as_ref().map(|(_, mode)| mode.as_ref()), query) {
        (Some("disable"), _) => Ok(text.to_owned()),
        (Some(other), _) => Err(StoreError::Refused(format!(
            "`database.url` asks for sslmode={other}, and Bellwire is built without TLS to PostgreSQL; use a unix socket, a tunnel or a \
             private network and write sslmode=disable"
        ))),
        // Said outright, so that PGSSLMODE in the environment changes nothing.
        (None, Some(_)) => Ok(format!("{text}&sslmode=disable")),
        (None, None) => Ok(format!("{text}?sslmode=disable")),
    }
}

/// Opens a connection with the settings that our promises need.
pub(in crate::store) fn connect(url: &str) -> Result<Conn, StoreError> {
    let mut conn = establish_postgres(url)?;
    let Conn::Postgres(inner) = &mut conn else { return Ok(conn) };
    for setting in [
        "SET synchronous_commit = on",
        "SET lock_timeout = '5s'",
        "SET client_min_messages = warning",
        "SET application_name = 'bellwire'",
        "SET TIME ZONE 'UTC'",
    ] {
        inner.batch_execute(setting)?;
    }
    Ok(conn)
}

/// Why there is no connection, as a sentence.
pub(super) fn unreachable(error: &ConnectionError) -> StoreError {
    StoreError::Refused(format!("the PostgreSQL of `database.url` does not answer: {error}"))
}

#[derive(QueryableByName)]
struct Locked {
    #[diesel(sql_type = diesel::sql_types::Bool)]
    locked: bool,
}

/// Takes the lock of `serve` for as long as this connection lives. False: another process holds it.
pub(in crate::store) fn try_lock(conn: &mut Conn) -> Result<bool, StoreError> {
    let Conn::Postgres(inner) = conn else { return Ok(true) };
    let Locked { locked } = sql_query(format!("SELECT pg_try_advisory_lock({LOCK}) AS locked")).get_result(inner)?;
    Ok(locked)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn another_sslmode_than_disable_is_refused_with_a_sentence() {
        for mode in ["require", "prefer", "verify-full", ""] {
            let refused = check_url(&format!("postgresql://a:geheim12@db/x?sslmode={mode}")).unwrap_err().to_string();
            assert!(refused.contains("sslmode") && !refused.contains("geheim12"), "{refused}");
        }
        assert_eq!(check_url("postgresql:///x?host=/run/pg").unwrap(), "postgresql:///x?host=/run/pg&sslmode=disable");
    }
}
