//! Where the two databases differ: connections, PRAGMAs, raw SQL, batches and upserts. No other file of the store holds SQL text.

mod classify;
mod effects;
mod gates;
mod grants;
mod hot;
mod inbox;
mod inserts;
mod jobs;
mod places;
mod polls;
mod postgres;
mod problems;
mod run_lists;
mod schedules;
mod shape;
mod sources;
mod space;
mod sqlite;
mod statement;
mod subscriptions;
mod sweep;
mod tallies;
mod waits;

use diesel::{Connection as _, MultiConnection, PgConnection, SqliteConnection, connection::SimpleConnection as _};

pub(super) use effects::*;
pub(super) use gates::*;
pub(super) use grants::*;
pub(super) use hot::*;
pub(super) use inbox::*;
pub(super) use inserts::*;
pub(super) use jobs::*;
pub(super) use places::*;
pub(super) use polls::*;
pub(super) use postgres::{check_url, connect as connect_postgres, try_lock};
pub(super) use problems::*;
pub(super) use run_lists::*;
pub(super) use schedules::*;
pub(super) use shape::{applied, migrate, newest};
pub(super) use sources::*;
pub(super) use space::{bytes, empty_log, free_bytes, free_pages, give_back, overwrite_deleted};
pub(super) use sqlite::{Access, connect as connect_sqlite};
pub(super) use subscriptions::*;
pub(super) use sweep::*;
pub(super) use tallies::*;
pub(super) use waits::*;

use super::error::StoreError;

/// A connection to either database.
#[derive(MultiConnection)]
pub(super) enum Conn {
    Sqlite(SqliteConnection),
    Postgres(PgConnection),
}

/// The same code on whichever connection it is, compiled for both.
macro_rules! each {
    ($conn:expr, $inner:ident => $body:expr) => {
        match $conn {
            $crate::store::dialect::Conn::Sqlite($inner) => $body,
            $crate::store::dialect::Conn::Postgres($inner) => $body,
        }
    };
}
pub(super) use each;

impl From<diesel::result::Error> for StoreError {
    fn from(error: diesel::result::Error) -> Self {
        classify::classify(error)
    }
}

/// Begins the writer's transaction; on SQLite IMMEDIATE, so that a read never has to become a write half-way. On PostgreSQL one writer
/// at a time too: a command beside the server that stores an event must not pass by a wait that the server is about to store.
pub(super) fn begin(conn: &mut Conn) -> Result<(), StoreError> {
    match conn {
        Conn::Sqlite(c) => c.batch_execute("BEGIN IMMEDIATE"),
        Conn::Postgres(c) => {
            let begun = c.batch_execute(postgres::BEGIN_WRITING);
            if begun.is_err() {
                // `BEGIN` may have succeeded before the lock was not got.
                rollback(conn);
            }
            begun
        }
    }
    .map_err(StoreError::from)
}

/// Makes the transaction durable.
pub(super) fn commit(conn: &mut Conn) -> Result<(), StoreError> {
    conn.batch_execute("COMMIT").map_err(StoreError::from)
}

/// Gives the transaction up. A database that has done so by itself is no fault.
pub(super) fn rollback(conn: &mut Conn) {
    if let Err(error) = conn.batch_execute("ROLLBACK") {
        tracing::debug!(%error, "nothing to roll back");
    }
}

/// Begins the part of a transaction that belongs to one job.
pub(super) fn savepoint(conn: &mut Conn) -> Result<(), StoreError> {
    conn.batch_execute("SAVEPOINT one_job").map_err(StoreError::from)
}

/// Ends that part and keeps it.
pub(super) fn release(conn: &mut Conn) -> Result<(), StoreError> {
    conn.batch_execute("RELEASE SAVEPOINT one_job").map_err(StoreError::from)
}

/// Undoes that part alone.
pub(super) fn undo(conn: &mut Conn) -> Result<(), StoreError> {
    conn.batch_execute("ROLLBACK TO SAVEPOINT one_job")?;
    release(conn)
}

/// Whether the database answers at all.
pub(super) fn ping(conn: &mut Conn) -> Result<(), StoreError> {
    conn.batch_execute("SELECT 1").map_err(StoreError::from)
}

/// A consistent view for a question that needs several statements.
pub(super) fn snapshot<T>(
    conn: &mut Conn,
    question: impl FnOnce(&mut Conn) -> Result<T, StoreError>,
) -> Result<T, StoreError> {
    match conn {
        Conn::Sqlite(c) => c.batch_execute("BEGIN DEFERRED")?,
        Conn::Postgres(c) => c.batch_execute("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")?,
    }
    let answer = question(conn);
    rollback(conn);
    answer
}

/// A connection of the writer, or one that several may hold.
pub(super) fn establish_postgres(url: &str) -> Result<Conn, StoreError> {
    PgConnection::establish(url).map(Conn::Postgres).map_err(|error| postgres::unreachable(&error))
}
