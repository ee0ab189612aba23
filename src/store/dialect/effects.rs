//! What steps keep, and how echoes of our own actions are told.

use diesel::{
    RunQueryDsl as _,
    sql_types::{BigInt, Binary, Nullable, SmallInt, Text},
};

use super::{
    Conn, each,
    statement::{Bind, execute, question},
};
use crate::store::{attributes, error::StoreError};

/// Attributes as they are after a change, made or replaced.
pub(in crate::store) fn put_attributes(
    conn: &mut Conn,
    keeper: i16,
    key: &str,
    data: &[u8],
    origins: &[u8],
    now: i64,
) -> Result<(), StoreError> {
    let binds = [
        Bind::Small(Some(keeper)),
        Bind::Text(Some(key)),
        Bind::Bytes(Some(data)),
        Bind::Bytes(Some(origins)),
        Bind::Big(Some(now)),
    ];
    let sql = "INSERT INTO attributes (keeper, \"key\", data, origins, changed_at) VALUES (?, ?, ?, ?, ?) \
               ON CONFLICT (keeper, \"key\") DO UPDATE SET data = excluded.data, origins = excluded.origins, \
               changed_at = excluded.changed_at";
    execute(conn, sql, &binds).map(drop)
}

/// The last attribute is gone.
pub(in crate::store) fn delete_attributes(conn: &mut Conn, keeper: i16, key: &str) -> Result<(), StoreError> {
    let binds = [Bind::Small(Some(keeper)), Bind::Text(Some(key))];
    execute(conn, "DELETE FROM attributes WHERE keeper = ? AND \"key\" = ?", &binds).map(drop)
}

/// An action's echo; where several actions have the same, the deepest counts, and the longest.
pub(in crate::store) fn put_echo(conn: &mut Conn, hash: &[u8], depth: i16, until: i64) -> Result<(), StoreError> {
    let binds = [Bind::Bytes(Some(hash)), Bind::Small(Some(depth)), Bind::Big(Some(until))];
    let sql = "INSERT INTO echoes (hash, depth, until) VALUES (?, ?, ?) ON CONFLICT (hash) DO UPDATE SET \
               depth = CASE WHEN excluded.depth > echoes.depth THEN excluded.depth ELSE echoes.depth END, \
               until = CASE WHEN excluded.until > echoes.until THEN excluded.until ELSE echoes.until END";
    execute(conn, sql, &binds).map(drop)
}

/// The depth of the run whose action is known by this hash at `now`.
pub(in crate::store) fn echo_depth(conn: &mut Conn, hash: &[u8], now: i64) -> Result<Option<i16>, StoreError> {
    let binds = [Bind::Bytes(Some(hash)), Bind::Big(Some(now))];
    let sql = "SELECT depth FROM echoes WHERE hash = ? AND until > ?";
    let rows: Vec<i16> = each!(conn, c => question::<SmallInt>(sql, &binds).load(c))?;
    Ok(rows.first().copied())
}

/// An event that may yet prove to be an echo.
pub(in crate::store) fn put_early_echo(
    conn: &mut Conn,
    hash: &[u8],
    event: i64,
    until: i64,
    hearing: Option<&[u8]>,
) -> Result<(), StoreError> {
    let binds = [Bind::Bytes(Some(hash)), Bind::Big(Some(event)), Bind::Big(Some(until)), Bind::Bytes(hearing)];
    let sql = "INSERT INTO early_echoes (hash, event, until, hearing) VALUES (?, ?, ?, ?)";
    execute(conn, sql, &binds).map(drop)
}

/// An event, and those of its runs that hear echoes, packed.
pub(in crate::store) type EarlyEcho = (i64, Option<Vec<u8>>);

/// Events with that hash that came before it was known, and those of their runs that hear echoes. They are known now: the rows go.
pub(in crate::store) fn take_early_echoes(
    conn: &mut Conn,
    hash: &[u8],
    now: i64,
) -> Result<Vec<EarlyEcho>, StoreError> {
    let binds = [Bind::Bytes(Some(hash)), Bind::Big(Some(now))];
    let sql = "DELETE FROM early_echoes WHERE hash = ? AND until > ? RETURNING event, hearing";
    let rows: Vec<EarlyEcho> = each!(conn, c => question::<(BigInt, Nullable<Binary>)>(sql, &binds).load(c))?;
    Ok(rows)
}

/// Flags an event as our own, at that depth at least.
pub(in crate::store) fn own_event(conn: &mut Conn, event: i64, flag: i32, depth: i16) -> Result<(), StoreError> {
    let binds = [Bind::Int(Some(flag)), Bind::Small(Some(depth)), Bind::Small(Some(depth)), Bind::Big(Some(event))];
    let sql = "UPDATE events SET flags = flags | ?, depth = CASE WHEN depth < ? THEN ? ELSE depth END WHERE id = ?";
    execute(conn, sql, &binds).map(drop)
}

/// Ends a run that has not begun, in one of these states, and that is about no other event (32). Whether it had not.
pub(in crate::store) fn skip_run(
    conn: &mut Conn,
    run: i64,
    states: [i16; 3],
    skipped: i16,
    why: &'static str,
    now: i64,
) -> Result<bool, StoreError> {
    let [first, second, third] = states.map(|state| Bind::Small(Some(state)));
    let binds = [
        Bind::Small(Some(skipped)),
        Bind::Text(Some(why)),
        Bind::Big(Some(now)),
        Bind::Big(Some(run)),
        first,
        second,
        third,
    ];
    let sql = "UPDATE runs SET status = ?, why = ?, ended_at = ?, due_at = NULL \
               WHERE id = ? AND status IN (?, ?, ?) AND started_at IS NULL AND claim_id IS NULL \
               AND (marks IS NULL OR (marks & 32) = 0)";
    execute(conn, sql, &binds).map(|changed| changed == 1)
}

/// What an event left behind at the gates of a rule whose run it shall not have started: its key of `once`, its count, its window.
pub(in crate::store) fn leave_gates(conn: &mut Conn, run: i64, rule: i32, event: i64) -> Result<(), StoreError> {
    let of_rule = [Bind::Int(Some(rule)), Bind::Big(Some(event))];
    execute(conn, "DELETE FROM once_keys WHERE rule = ? AND event = ?", &of_rule)?;
    execute(conn, "DELETE FROM windows WHERE run = ?", &[Bind::Big(Some(run))]).map(drop)
}

/// An event counts no more for any threshold.
pub(in crate::store) fn uncount(conn: &mut Conn, event: i64) -> Result<(), StoreError> {
    execute(conn, "DELETE FROM counted WHERE event = ?", &[Bind::Big(Some(event))]).map(drop)
}

/// Gives a run the earlier events of another; 32 marks a run that has some.
pub(in crate::store) fn copy_run_events(conn: &mut Conn, from: i64, to: i64) -> Result<(), StoreError> {
    let binds = [Bind::Big(Some(to)), Bind::Big(Some(from))];
    let sql =
        "INSERT INTO run_events (run, seq, event) SELECT CAST(? AS BIGINT), seq, event FROM run_events WHERE run = ?";
    if execute(conn, sql, &binds)? > 0 {
        let sql = "UPDATE runs SET marks = coalesce(marks, 0) | 32 WHERE id = ?";
        execute(conn, sql, &[Bind::Big(Some(to))])?;
    }
    Ok(())
}

/// Deletes echoes that no longer count. Rows deleted.
pub(in crate::store) fn delete_old_echoes(conn: &mut Conn, now: i64) -> Result<usize, StoreError> {
    let binds = [Bind::Big(Some(now))];
    let known = execute(conn, "DELETE FROM echoes WHERE until <= ?", &binds)?;
    let early = execute(conn, "DELETE FROM early_echoes WHERE until <= ?", &binds)?;
    Ok(known + early)
}

/// Some of the attributes whose keys lie behind `after`, from `first` on and before `end`, in the order of the bytes of their keys.
pub(in crate::store) fn attributes_between(
    conn: &mut Conn,
    keeper: i16,
    after: &str,
    first: &str,
    end: &str,
) -> Result<Vec<attributes::TableRow>, StoreError> {
    type Row = (Text, Binary, Binary, BigInt);
    let key = match conn {
        Conn::Sqlite(_) => "\"key\"",
        Conn::Postgres(_) => "\"key\" COLLATE \"C\"",
    };
    let sql = format!(
        "SELECT \"key\", data, origins, changed_at FROM attributes WHERE keeper = ? AND {key} > ? AND {key} >= ? AND {key} < ? \
         ORDER BY {key} LIMIT 51"
    );
    let binds = [Bind::Small(Some(keeper)), Bind::Text(Some(after)), Bind::Text(Some(first)), Bind::Text(Some(end))];
    Ok(each!(conn, c => question::<Row>(&sql, &binds).load(c))?)
}
