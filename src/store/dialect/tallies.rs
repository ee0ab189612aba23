//! Counts by time.

use super::{
    Conn, each,
    statement::{Bind, execute, question},
};
use crate::store::{error::StoreError, tallies::TallyRow};

/// Adds to what is there: one statement for many rows on PostgreSQL, where a round trip costs most; a prepared one a row on SQLite.
pub(in crate::store) fn add_tallies(conn: &mut Conn, rows: &[TallyRow]) -> Result<(), StoreError> {
    // Few lengths, so that few statements are prepared.
    let most = if matches!(conn, Conn::Sqlite(_)) { 1 } else { 32 };
    let chunks = rows.chunks_exact(most);
    let rest = chunks.remainder();
    for chunk in chunks {
        add(conn, chunk)?;
    }
    for row in rest {
        add(conn, std::slice::from_ref(row))?;
    }
    Ok(())
}

fn add(conn: &mut Conn, rows: &[TallyRow]) -> Result<(), StoreError> {
    let values = vec!["(?, ?, ?, ?, ?)"; rows.len()].join(", ");
    let sql = format!(
        "INSERT INTO tallies (span, bucket, subject, kind, count) VALUES {values} \
         ON CONFLICT (span, bucket, subject, kind) DO UPDATE SET count = tallies.count + excluded.count"
    );
    let binds: Vec<Bind<'_>> = rows
        .iter()
        .flat_map(|row| {
            [
                Bind::Small(Some(row.span)),
                Bind::Big(Some(row.bucket)),
                Bind::Int(Some(row.subject)),
                Bind::Small(Some(row.kind)),
                Bind::Big(Some(row.count)),
            ]
        })
        .collect();
    let statement = question::<()>(&sql, &binds);
    each!(conn, c => diesel::RunQueryDsl::execute(statement, c)).map(drop).map_err(StoreError::from)
}

/// Deletes the oldest bucket of a span, if it is older than that. Rows deleted.
pub(in crate::store) fn delete_tallies(conn: &mut Conn, span: i16, before: i64) -> Result<usize, StoreError> {
    execute(
        conn,
        "DELETE FROM tallies WHERE span = ? AND bucket = (SELECT min(bucket) FROM tallies WHERE span = ?) AND bucket < ?",
        &[Bind::Small(Some(span)), Bind::Small(Some(span)), Bind::Big(Some(before))],
    )
}
