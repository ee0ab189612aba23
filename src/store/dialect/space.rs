//! How much room the database takes, and how deleted rows' room is given back.

use diesel::{QueryableByName, RunQueryDsl as _, connection::SimpleConnection as _, sql_query};

use super::Conn;
use crate::store::error::StoreError;

#[derive(QueryableByName)]
struct Number {
    #[diesel(sql_type = diesel::sql_types::BigInt)]
    number: i64,
}

/// Bytes of the database: pages of the file on SQLite (its WAL aside), what the server reports on PostgreSQL.
pub(in crate::store) fn bytes(conn: &mut Conn) -> Result<i64, StoreError> {
    let Number { number } = match conn {
        Conn::Sqlite(c) => {
            sql_query("SELECT page_count * page_size AS number FROM pragma_page_count(), pragma_page_size()")
                .get_result(c)?
        }
        Conn::Postgres(c) => sql_query("SELECT pg_database_size(current_database()) AS number").get_result(c)?,
    };
    Ok(number)
}

/// Pages that hold nothing and could be given back. 0 on PostgreSQL, whose autovacuum does it.
pub(in crate::store) fn free_pages(conn: &mut Conn) -> Result<i64, StoreError> {
    let Conn::Sqlite(c) = conn else { return Ok(0) };
    let Number { number } = sql_query("SELECT freelist_count AS number FROM pragma_freelist_count()").get_result(c)?;
    Ok(number)
}

/// Bytes within the database that hold nothing.
pub(in crate::store) fn free_bytes(conn: &mut Conn) -> Result<i64, StoreError> {
    let Conn::Sqlite(c) = conn else { return Ok(0) };
    let sql = "SELECT freelist_count * page_size AS number FROM pragma_freelist_count(), pragma_page_size()";
    let Number { number } = sql_query(sql).get_result(c)?;
    Ok(number)
}

/// Gives back up to 500 empty pages; few enough to stay well under 50 ms.
pub(in crate::store) fn give_back(conn: &mut Conn) -> Result<(), StoreError> {
    let Conn::Sqlite(c) = conn else { return Ok(()) };
    c.batch_execute("PRAGMA incremental_vacuum(500)").map_err(StoreError::from)
}

/// From now on this connection overwrites what it deletes with zeros, so that a person who is forgotten is not left in empty pages.
/// PostgreSQL leaves that to its vacuum.
pub(in crate::store) fn overwrite_deleted(conn: &mut Conn) -> Result<(), StoreError> {
    let Conn::Sqlite(c) = conn else { return Ok(()) };
    c.batch_execute("PRAGMA secure_delete = ON").map_err(StoreError::from)
}

/// Carries the log of writes (SQLite's WAL) over into the database and cuts it to nothing, where no reader holds it open for longer
/// than the connection waits. Not within a transaction. PostgreSQL recycles its log by itself.
pub(in crate::store) fn empty_log(conn: &mut Conn) -> Result<(), StoreError> {
    let Conn::Sqlite(c) = conn else { return Ok(()) };
    c.batch_execute("PRAGMA wal_checkpoint(TRUNCATE)").map_err(StoreError::from)
}
