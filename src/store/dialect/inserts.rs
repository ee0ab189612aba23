//! Inserts of many rows: one statement on PostgreSQL, where a round trip costs most; a prepared one a row on SQLite, where parsing does.

use diesel::{ExpressionMethods as _, QueryDsl as _, RunQueryDsl as _};

use super::Conn;
use crate::store::{
    accept::{BodyRow, DedupeRow, EventInsert},
    attempts::AttemptInsert,
    error::StoreError,
    outputs::{OutputInsert, RequestInsert},
    refusals::RefusalTableRow,
    runs::RunInsert,
    schema::{attempts, bodies, dedupe, events, outputs, refusals, requests, runs},
};

macro_rules! insert_many {
    ($(#[$doc:meta])* $name:ident, $table:ident, $row:ty) => {
        $(#[$doc])*
        pub(in crate::store) fn $name(conn: &mut Conn, rows: &[$row]) -> Result<(), StoreError> {
            match conn {
                Conn::Sqlite(c) => {
                    for row in rows {
                        diesel::insert_into($table::table).values(row).execute(c)?;
                    }
                }
                Conn::Postgres(c) => {
                    if !rows.is_empty() {
                        diesel::insert_into($table::table).values(rows).execute(c)?;
                    }
                }
            }
            Ok(())
        }
    };
}

insert_many!(
    /// New events.
    insert_events, events, EventInsert
);
insert_many!(
    /// Their bodies.
    insert_bodies, bodies, BodyRow<'_>
);
insert_many!(
    /// Their dedupe keys.
    insert_keys, dedupe, DedupeRow
);
insert_many!(
    /// Their runs.
    insert_runs, runs, RunInsert
);
insert_many!(
    /// Attempts that have begun.
    insert_attempts, attempts, AttemptInsert
);
insert_many!(
    /// Outputs of steps that have ended.
    insert_outputs, outputs, OutputInsert
);

/// A step's request; the first one stands.
pub(in crate::store) fn insert_request(conn: &mut Conn, row: &RequestInsert) -> Result<(), StoreError> {
    match conn {
        Conn::Sqlite(c) => diesel::insert_or_ignore_into(requests::table).values(row).execute(c)?,
        Conn::Postgres(c) => diesel::insert_into(requests::table).values(row).on_conflict_do_nothing().execute(c)?,
    };
    Ok(())
}

/// A refused delivery; one that is there already stays as it is.
pub(in crate::store) fn insert_refusal(conn: &mut Conn, row: &RefusalTableRow) -> Result<(), StoreError> {
    match conn {
        Conn::Sqlite(c) => diesel::insert_or_ignore_into(refusals::table).values(row).execute(c)?,
        Conn::Postgres(c) => diesel::insert_into(refusals::table).values(row).on_conflict_do_nothing().execute(c)?,
    };
    Ok(())
}

/// Known dedupe keys of a batch: those with one of `keys`, of any source. On SQLite each is asked for by a prepared statement.
pub(in crate::store) fn known_keys(conn: &mut Conn, keys: &[(i32, [u8; 16])]) -> Result<Vec<DedupeRow>, StoreError> {
    match conn {
        Conn::Sqlite(c) => {
            let mut found = Vec::new();
            for (source, key) in keys {
                let rows = dedupe::table
                    .filter(dedupe::source.eq(*source))
                    .filter(dedupe::key.eq(&key[..]))
                    .load::<DedupeRow>(c)?;
                found.extend(rows);
            }
            Ok(found)
        }
        Conn::Postgres(c) => {
            let sources: Vec<i32> = keys.iter().map(|(source, _)| *source).collect();
            let keys: Vec<&[u8]> = keys.iter().map(|(_, key)| &key[..]).collect();
            Ok(dedupe::table.filter(dedupe::source.eq_any(sources)).filter(dedupe::key.eq_any(keys)).load(c)?)
        }
    }
}
