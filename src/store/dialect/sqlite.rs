//! Connections to SQLite.

use std::path::Path;

use diesel::{
    Connection as _, QueryableByName, RunQueryDsl as _, SqliteConnection, connection::SimpleConnection as _, sql_query,
};
use percent_encoding::{AsciiSet, CONTROLS, utf8_percent_encode};

use super::Conn;
use crate::store::error::StoreError;

/// The oldest SQLite that is free of the corruption bugs known when this was written (WAL reset, 3.51.3).
const OLDEST: (u32, u32, u32) = (3, 51, 3);

/// What would end the path in a `file:` URI.
const URI: &AsciiSet = &CONTROLS.add(b'%').add(b'?').add(b'#').add(b' ');

/// What a connection may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::store) enum Access {
    /// The first connection to a file with no table in it.
    Birth,
    /// The writer.
    Write,
    /// Reads beside a writer.
    Read,
}

#[derive(QueryableByName)]
struct Version {
    #[diesel(sql_type = diesel::sql_types::Text)]
    version: String,
}

/// Opens the file, which must be there. Each PRAGMA is a statement of its own, `busy_timeout` first, so that the others wait too.
pub(in crate::store) fn connect(file: &Path, access: Access) -> Result<Conn, StoreError> {
    let refused = |why: &dyn std::fmt::Display| {
        StoreError::Refused(format!(
            "the database {} does not open: {why}. Restore it from a backup, or move it and its `instance.toml` away to start anew",
            file.display()
        ))
    };
    let path = file.to_str().ok_or_else(|| refused(&"its path is not UTF-8"))?;
    // `rw` without `c`: a file that is missing is never made by opening it.
    let uri = format!("file:{}?mode=rw", utf8_percent_encode(path, URI));
    let mut conn = SqliteConnection::establish(&uri).map_err(|error| refused(&error))?;
    pragmas(&mut conn, access).map_err(|error| match StoreError::from(error) {
        StoreError::Busy(why) => StoreError::Busy(why),
        other => refused(&other),
    })?;
    check_version(&mut conn)?;
    Ok(Conn::Sqlite(conn))
}

fn pragmas(conn: &mut SqliteConnection, access: Access) -> diesel::QueryResult<()> {
    conn.batch_execute("PRAGMA busy_timeout = 5000")?;
    if access == Access::Birth {
        // Only before the first page is written.
        conn.batch_execute("PRAGMA auto_vacuum = INCREMENTAL")?;
    }
    conn.batch_execute("PRAGMA journal_mode = WAL")?;
    conn.batch_execute("PRAGMA synchronous = FULL")?;
    conn.batch_execute("PRAGMA foreign_keys = ON")?;
    match access {
        Access::Read => conn.batch_execute("PRAGMA query_only = ON"),
        Access::Birth | Access::Write => {
            // 16 MiB of WAL between checkpoints: fewer fsyncs of the main file under load; and the file is cut back after a peak.
            conn.batch_execute("PRAGMA wal_autocheckpoint = 4000")?;
            conn.batch_execute("PRAGMA journal_size_limit = 67108864")?;
            conn.batch_execute("PRAGMA cache_size = -16000")
        }
    }
}

fn check_version(conn: &mut SqliteConnection) -> Result<(), StoreError> {
    let Version { version } = sql_query("SELECT sqlite_version() AS version").get_result(conn)?;
    let mut numbers = version.split('.').map(|part| part.parse().unwrap_or(0));
    let mut next = || numbers.next().unwrap_or(0);
    let found = (next(), next(), next());
    if found < OLDEST {
        return Err(StoreError::Refused(format!(
            "SQLite {version} is too old: 3.51.3 or newer is needed; build with the bundled one"
        )));
    }
    Ok(())
}
