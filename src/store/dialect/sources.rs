//! Sources that are paused, the runs that wait for them, and what came in by a source.

use std::collections::BTreeSet;

use diesel::{
    RunQueryDsl as _,
    sql_types::{BigInt, Integer, Nullable, Text},
};

use super::{
    Conn, each,
    statement::{Bind, execute, question},
};
use crate::store::error::StoreError;

/// The names of the sources that are paused.
pub(in crate::store) fn paused_names(conn: &mut Conn) -> Result<BTreeSet<String>, StoreError> {
    let rows: Vec<(String,)> = each!(conn, c => question::<(Text,)>("SELECT source FROM paused_sources", &[]).load(c))?;
    Ok(rows.into_iter().map(|(source,)| source).collect())
}

/// The sources that are paused, since when, and by whom.
pub(in crate::store) fn paused_sources(conn: &mut Conn) -> Result<Vec<(String, i64, String)>, StoreError> {
    let sql = "SELECT source, since, person FROM paused_sources ORDER BY source";
    Ok(each!(conn, c => question::<(Text, BigInt, Text)>(sql, &[]).load(c))?)
}

/// Pauses a source. False: it is paused already.
pub(in crate::store) fn pause_source(
    conn: &mut Conn,
    source: &str,
    now: i64,
    person: &str,
) -> Result<bool, StoreError> {
    let sql = "INSERT INTO paused_sources (source, since, person) VALUES (?, ?, ?) ON CONFLICT (source) DO NOTHING";
    execute(conn, sql, &[Bind::Text(Some(source)), Bind::Big(Some(now)), Bind::Text(Some(person))])
        .map(|rows| rows == 1)
}

/// A source is paused no more.
pub(in crate::store) fn unpause_source(conn: &mut Conn, source: &str) -> Result<(), StoreError> {
    execute(conn, "DELETE FROM paused_sources WHERE source = ?", &[Bind::Text(Some(source))]).map(drop)
}

/// A run waits for its source, if it is there.
pub(in crate::store) fn queue_run(conn: &mut Conn, source: &str, run: i64) -> Result<(), StoreError> {
    execute(
        conn,
        "INSERT INTO source_queue (source, run) SELECT ?, id FROM runs WHERE id = ?",
        &[Bind::Text(Some(source)), Bind::Big(Some(run))],
    )
    .map(drop)
}

/// How many runs wait for a source; no more than `MOST_QUEUED` are counted.
pub(in crate::store) fn queued_of(conn: &mut Conn, source: &str) -> Result<i64, StoreError> {
    let sql = "SELECT count(*) FROM (SELECT 1 FROM source_queue WHERE source = ? LIMIT 10000) AS few";
    let rows: Vec<(i64,)> = each!(conn, c => question::<(BigInt,)>(sql, &[Bind::Text(Some(source))]).load(c))?;
    Ok(rows.first().map_or(0, |(count,)| *count))
}

/// Lets some runs go that wait for a source, the oldest first; how many. 64 is the source's mark, 4 the fuse's, 5 `held`, 2 `due`,
/// 1 `undecided`. One that its rule's fuse holds too stays held; one that is over stays over.
pub(in crate::store) fn let_some_go(conn: &mut Conn, source: &str, now: i64) -> Result<usize, StoreError> {
    let sql = "SELECT run FROM source_queue WHERE source = ? ORDER BY run LIMIT 500";
    let runs: Vec<(i64,)> = each!(conn, c => question::<(BigInt,)>(sql, &[Bind::Text(Some(source))]).load(c))?;
    let Some((last,)) = runs.last() else { return Ok(0) };
    execute(
        conn,
        "UPDATE runs SET \
         due_at = CASE WHEN (status = 5 AND (marks & 4) = 0) OR (status = 1 AND claim_id IS NULL) THEN ? ELSE due_at END, \
         why = CASE WHEN (status = 5 AND (marks & 4) = 0) OR status = 1 THEN NULL ELSE why END, \
         status = CASE WHEN status = 5 AND (marks & 4) = 0 THEN 2 ELSE status END, \
         marks = nullif(marks & -65, 0) \
         WHERE (marks & 64) <> 0 AND id IN (SELECT run FROM source_queue WHERE source = ? AND run <= ?)",
        &[Bind::Big(Some(now)), Bind::Text(Some(source)), Bind::Big(Some(*last))],
    )?;
    let binds = [Bind::Text(Some(source)), Bind::Big(Some(*last))];
    execute(conn, "DELETE FROM source_queue WHERE source = ? AND run <= ?", &binds)?;
    Ok(runs.len())
}

/// Events of a type that came in by a source.
pub(in crate::store) struct KindRow {
    pub(in crate::store) kind: String,
    pub(in crate::store) count: i64,
    /// The newest event's id. `None`: retention has deleted all.
    pub(in crate::store) newest: Option<i64>,
}

/// Types that came in by a source, each with how many since an event; of a type no more than about 10,000 are counted, and no more than 200
/// types are looked at: a public source may bring any number.
pub(in crate::store) fn kinds_of_source(conn: &mut Conn, source: &str, since: i64) -> Result<Vec<KindRow>, StoreError> {
    type Row = (BigInt, Nullable<BigInt>, Nullable<BigInt>);
    let sql = "SELECT id, kind FROM channels WHERE source = ? ORDER BY id DESC LIMIT 200";
    let channels: Vec<(i32, String)> =
        each!(conn, c => question::<(Integer, Text)>(sql, &[Bind::Text(Some(source))]).load(c))?;
    let of_channel = "SELECT \
        (SELECT count(*) FROM (SELECT 1 FROM events WHERE channel = ? AND matched = TRUE AND id >= ? LIMIT 5000) AS a) + \
        (SELECT count(*) FROM (SELECT 1 FROM events WHERE channel = ? AND matched = FALSE AND id >= ? LIMIT 5000) AS b), \
        (SELECT max(id) FROM events WHERE channel = ? AND matched = TRUE), \
        (SELECT max(id) FROM events WHERE channel = ? AND matched = FALSE)";
    let mut kinds: Vec<KindRow> = Vec::new();
    for (channel, kind) in channels {
        let (of, from) = (|| Bind::Int(Some(channel)), || Bind::Big(Some(since)));
        let binds = [of(), from(), of(), from(), of(), of()];
        let rows: Vec<(i64, Option<i64>, Option<i64>)> = each!(conn, c => question::<Row>(of_channel, &binds).load(c))?;
        let Some((count, matched, unmatched)) = rows.into_iter().next() else { continue };
        let newest = matched.max(unmatched);
        match kinds.iter_mut().find(|known| known.kind == kind) {
            Some(known) => {
                known.count += count;
                known.newest = known.newest.max(newest);
            }
            None => kinds.push(KindRow { kind, count, newest }),
        }
    }
    Ok(kinds)
}
