//! What housekeeping asks and deletes.

use diesel::{QueryableByName, RunQueryDsl as _, sql_query};

use super::{
    Conn, each,
    statement::{Bind, execute},
};
use crate::store::{accept::DedupeRow, error::StoreError};

#[derive(QueryableByName)]
struct Id {
    #[diesel(sql_type = diesel::sql_types::BigInt)]
    id: i64,
}

/// A look at one stretch of the oldest events.
pub(in crate::store) struct Stretch {
    /// Events in it that no run needs.
    pub(in crate::store) free: Vec<i64>,
    /// Its last id, free or not. `None`: nothing is left.
    pub(in crate::store) last: Option<i64>,
}

/// Up to `limit` events above `after` and below `end`, and which of them have no run that is open or ended at `before` or later, and are
/// counted by no threshold.
pub(in crate::store) fn old_events(
    conn: &mut Conn,
    after: i64,
    end: i64,
    before: i64,
    limit: usize,
) -> Result<Stretch, StoreError> {
    let all: Vec<Id> = each!(conn, c => sql_query(format!(
        "SELECT id FROM events WHERE id > {after} AND id < {end} ORDER BY id LIMIT {limit}"
    )).load(c))?;
    let Some(last) = all.last().map(|row| row.id) else { return Ok(Stretch { free: Vec::new(), last: None }) };
    let free: Vec<Id> = each!(conn, c => sql_query(format!(
        "SELECT id FROM events WHERE id > {after} AND id <= {last} AND NOT EXISTS \
           (SELECT 1 FROM runs WHERE runs.event = events.id AND (runs.ended_at IS NULL OR runs.ended_at >= {before})) \
         AND NOT EXISTS (SELECT 1 FROM run_events JOIN runs ON runs.id = run_events.run \
           WHERE run_events.event = events.id AND (runs.ended_at IS NULL OR runs.ended_at >= {before})) \
         AND NOT EXISTS (SELECT 1 FROM counted WHERE counted.event = events.id) \
         AND NOT EXISTS (SELECT 1 FROM wait_candidates WHERE wait_candidates.event = events.id) ORDER BY id"
    )).load(c))?;
    Ok(Stretch { free: free.into_iter().map(|row| row.id).collect(), last: Some(last) })
}

/// Deletes an event with all that hangs on it; nothing if an open run or a threshold has come to need it meanwhile. Events and runs deleted.
pub(in crate::store) fn delete_event(conn: &mut Conn, event: i64) -> Result<(usize, usize), StoreError> {
    let id = || [Bind::Big(Some(event))];
    let open = "SELECT 1 FROM runs WHERE event = ? AND ended_at IS NULL UNION ALL \
                SELECT 1 FROM run_events JOIN runs ON runs.id = run_events.run WHERE run_events.event = ? \
                AND runs.ended_at IS NULL UNION ALL SELECT 1 FROM counted WHERE event = ?";
    if exists(conn, open, event)? {
        return Ok((0, 0));
    }
    let runs = execute(conn, "DELETE FROM runs WHERE event = ?", &id())?;
    let events = execute(conn, "DELETE FROM events WHERE id = ?", &id())?;
    Ok((events, runs))
}

fn exists(conn: &mut Conn, question: &'static str, id: i64) -> Result<bool, StoreError> {
    let sql = format!("SELECT CAST({id} AS BIGINT) AS id WHERE EXISTS ({})", question.replace('?', &id.to_string()));
    let found: Vec<Id> = each!(conn, c => sql_query(sql).load(c))?;
    Ok(!found.is_empty())
}

/// Up to `limit` dedupe keys after `last` in the order of the table, expired or not.
pub(in crate::store) fn keys_after(
    conn: &mut Conn,
    last: Option<&DedupeRow>,
    limit: usize,
) -> Result<Vec<DedupeRow>, StoreError> {
    let columns = "SELECT source, \"key\", digest, event, expires, seen FROM dedupe";
    let order = format!("ORDER BY source, \"key\", digest LIMIT {limit}");
    let sql = match (last, &*conn) {
        (None, _) => format!("{columns} {order}"),
        (Some(last), Conn::Sqlite(_)) => {
            let (source, key, digest) = (last.source, hex::encode(&last.key), hex::encode(&last.digest));
            format!("{columns} WHERE (source, \"key\", digest) > ({source}, x'{key}', x'{digest}') {order}")
        }
        (Some(last), Conn::Postgres(_)) => {
            let (source, key, digest) = (last.source, hex::encode(&last.key), hex::encode(&last.digest));
            format!(
                "{columns} WHERE (source, \"key\", digest) > ({source}, decode('{key}', 'hex'), decode('{digest}', 'hex')) {order}"
            )
        }
    };
    Ok(each!(conn, c => sql_query(sql).load(c))?)
}

/// Deletes a key that has expired by `now`. Rows deleted.
pub(in crate::store) fn delete_key(conn: &mut Conn, key: &DedupeRow, now: i64) -> Result<usize, StoreError> {
    execute(
        conn,
        "DELETE FROM dedupe WHERE source = ? AND \"key\" = ? AND digest = ? AND expires <= ?",
        &[
            Bind::Int(Some(key.source)),
            Bind::Bytes(Some(&key.key)),
            Bind::Bytes(Some(&key.digest)),
            Bind::Big(Some(now)),
        ],
    )
}

/// Keeps the newest `keep` refusals. Rows deleted.
pub(in crate::store) fn trim_refusals(conn: &mut Conn, keep: i64) -> Result<usize, StoreError> {
    execute(
        conn,
        "DELETE FROM refusals WHERE id <= (SELECT id FROM refusals ORDER BY id DESC LIMIT 1 OFFSET ?)",
        &[Bind::Big(Some(keep))],
    )
}

/// Deletes refusals older than `before`.
pub(in crate::store) fn delete_refusals(conn: &mut Conn, before: i64) -> Result<usize, StoreError> {
    execute(conn, "DELETE FROM refusals WHERE refused_at < ?", &[Bind::Big(Some(before))])
}

/// Sets that were replaced before `before`, and so decide nothing new.
pub(in crate::store) fn replaced_sets(conn: &mut Conn, before: i64) -> Result<Vec<i64>, StoreError> {
    ids(conn, format!("SELECT id FROM sets WHERE superseded_at < {before}"))
}

/// Sets that an event or a run still names. Reads both tables from end to end: for readers, never for the writer.
pub(in crate::store) fn named_sets(conn: &mut Conn) -> Result<Vec<i64>, StoreError> {
    ids(conn, "SELECT rule_set AS id FROM runs UNION SELECT rule_set FROM events".to_owned())
}

/// Dictionaries that an event's body still needs. Reads the events from end to end.
pub(in crate::store) fn used_dictionaries(conn: &mut Conn) -> Result<Vec<i64>, StoreError> {
    ids(conn, "SELECT DISTINCT CAST(dictionary AS BIGINT) AS id FROM events".to_owned())
}

/// Every dictionary there is.
pub(in crate::store) fn dictionaries(conn: &mut Conn) -> Result<Vec<i64>, StoreError> {
    ids(conn, "SELECT CAST(id AS BIGINT) AS id FROM dictionaries".to_owned())
}

fn ids(conn: &mut Conn, sql: String) -> Result<Vec<i64>, StoreError> {
    let rows: Vec<Id> = each!(conn, c => sql_query(sql).load(c))?;
    Ok(rows.into_iter().map(|row| row.id).collect())
}

/// Deletes a replaced set and the texts that nothing names then; not if it is in force again, or named by a row above `since`.
pub(in crate::store) fn delete_set(conn: &mut Conn, set: i64, since: i64) -> Result<(), StoreError> {
    let gone = execute(
        conn,
        "DELETE FROM sets WHERE id = ? AND superseded_at IS NOT NULL \
         AND NOT EXISTS (SELECT 1 FROM events WHERE events.id > ? AND events.rule_set = sets.id) \
         AND NOT EXISTS (SELECT 1 FROM runs WHERE runs.id > ? AND runs.rule_set = sets.id)",
        &[Bind::Big(Some(set)), Bind::Big(Some(since)), Bind::Big(Some(since))],
    )?;
    if gone > 0 {
        execute(
            conn,
            "DELETE FROM texts WHERE NOT EXISTS (SELECT 1 FROM set_texts WHERE set_texts.text = texts.id)",
            &[],
        )?;
    }
    Ok(())
}

/// Deletes a dictionary, unless an event above `since` has come to need it.
pub(in crate::store) fn delete_dictionary(conn: &mut Conn, id: i64, since: i64) -> Result<(), StoreError> {
    execute(
        conn,
        "DELETE FROM dictionaries WHERE id = ? \
         AND NOT EXISTS (SELECT 1 FROM events WHERE events.id > ? AND events.dictionary = dictionaries.id)",
        &[Bind::Big(Some(id)), Bind::Big(Some(since))],
    )
    .map(drop)
}

/// A counter row of `state`, made where it is not.
pub(in crate::store) fn put_state(
    conn: &mut Conn,
    name: &'static str,
    number: Option<i64>,
    text: Option<&str>,
    data: Option<&[u8]>,
) -> Result<(), StoreError> {
    let binds = [Bind::Text(Some(name)), Bind::Big(number), Bind::Text(text), Bind::Bytes(data)];
    let sql = "INSERT INTO state (name, number, text, data) VALUES (?, ?, ?, ?) ON CONFLICT (name) DO UPDATE \
               SET number = excluded.number, text = excluded.text, data = excluded.data";
    execute(conn, sql, &binds).map(drop)
}

/// A secret's row, made or replaced.
pub(in crate::store) fn put_secret(
    conn: &mut Conn,
    name: &str,
    sealed: &[u8],
    origins: &str,
    now: i64,
) -> Result<(), StoreError> {
    let binds = [Bind::Text(Some(name)), Bind::Bytes(Some(sealed)), Bind::Text(Some(origins)), Bind::Big(Some(now))];
    let sql = "INSERT INTO secrets (name, sealed, origins, changed_at) VALUES (?, ?, ?, ?) ON CONFLICT (name) DO UPDATE \
               SET sealed = excluded.sealed, origins = excluded.origins, changed_at = excluded.changed_at";
    execute(conn, sql, &binds).map(drop)
}

/// Keeps the present value of a secret until then, in the place of one that was kept before. False: there is no such secret.
pub(in crate::store) fn keep_secret(conn: &mut Conn, name: &str, until: i64) -> Result<bool, StoreError> {
    let binds = [Bind::Big(Some(until)), Bind::Text(Some(name))];
    let sql = "INSERT INTO earlier_secrets (name, sealed, until) SELECT name, sealed, ? FROM secrets WHERE name = ? \
               ON CONFLICT (name) DO UPDATE SET sealed = excluded.sealed, until = excluded.until";
    Ok(execute(conn, sql, &binds)? > 0)
}
