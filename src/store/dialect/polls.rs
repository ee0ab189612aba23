//! Polls, and the keys of what they have seen.

use diesel::{
    ExpressionMethods as _, QueryDsl as _, RunQueryDsl as _,
    sql_types::{BigInt, Binary},
};

use super::{
    Conn, each,
    statement::{Bind, execute, question},
};
use crate::store::{error::StoreError, schema::polls};

/// Keys that are kept beside those of the last answer.
const KEPT: i64 = 10_000;

/// A poll, as the tables have it.
#[derive(Debug, Clone, Copy)]
pub(in crate::store) struct PollKey {
    pub(in crate::store) rule: i32,
    pub(in crate::store) place: i32,
}

impl PollKey {
    fn binds<'b>(self) -> [Bind<'b>; 2] {
        [Bind::Int(Some(self.rule)), Bind::Int(Some(self.place))]
    }
}

/// A row of `polls`.
#[derive(Debug, diesel::Queryable)]
pub(in crate::store) struct PollTableRow {
    pub(in crate::store) rule: i32,
    pub(in crate::store) place: i32,
    pub(in crate::store) target: Vec<u8>,
    pub(in crate::store) every: i64,
    pub(in crate::store) due_at: i64,
    pub(in crate::store) tried_at: Option<i64>,
    pub(in crate::store) last_at: Option<i64>,
    pub(in crate::store) turn: i64,
    pub(in crate::store) failures: i32,
    pub(in crate::store) error: Option<String>,
    pub(in crate::store) odd: Option<String>,
    pub(in crate::store) items: i64,
    pub(in crate::store) cursor: Option<String>,
    pub(in crate::store) asked: Option<Vec<u8>>,
    pub(in crate::store) etag: Option<String>,
    pub(in crate::store) modified: Option<String>,
}

/// All polls that were ever due.
pub(in crate::store) fn polls(conn: &mut Conn) -> Result<Vec<PollTableRow>, StoreError> {
    Ok(each!(conn, c => polls::table.order((polls::rule.asc(), polls::place.asc())).load(c))?)
}

/// The keys that a poll has seen.
pub(in crate::store) fn poll_keys(conn: &mut Conn, of: PollKey) -> Result<Vec<Vec<u8>>, StoreError> {
    let sql = "SELECT \"key\" FROM poll_keys WHERE rule = ? AND place = ?";
    let rows: Vec<(Vec<u8>,)> = each!(conn, c => question::<(Binary,)>(sql, &of.binds()).load(c))?;
    Ok(rows.into_iter().map(|(key,)| key).collect())
}

/// Moves the next due time of a poll; makes its row where there is none, one whose first answer is still to come.
pub(in crate::store) fn poll_due(
    conn: &mut Conn,
    of: PollKey,
    target: &[u8],
    every: i64,
    due: i64,
) -> Result<(), StoreError> {
    let [rule, place] = of.binds();
    let binds = [rule, place, Bind::Bytes(Some(target)), Bind::Big(Some(every)), Bind::Big(Some(due))];
    let sql = "INSERT INTO polls (rule, place, target, every, due_at, turn, failures, items) VALUES (?, ?, ?, ?, ?, 0, 0, 0) \
               ON CONFLICT (rule, place) DO UPDATE SET every = excluded.every, due_at = excluded.due_at";
    execute(conn, sql, &binds).map(drop)
}

/// A poll failed; its row is there.
pub(in crate::store) fn poll_failed(conn: &mut Conn, of: PollKey, now: i64, error: &str) -> Result<(), StoreError> {
    let [rule, place] = of.binds();
    let sql = "UPDATE polls SET tried_at = ?, failures = failures + 1, error = ? WHERE rule = ? AND place = ?";
    execute(conn, sql, &[Bind::Big(Some(now)), Bind::Text(Some(error)), rule, place]).map(drop)
}

/// A poll begins: whatever it has seen of another target is forgotten.
pub(in crate::store) fn poll_begins(conn: &mut Conn, of: PollKey, target: &[u8]) -> Result<(), StoreError> {
    execute(conn, "DELETE FROM poll_keys WHERE rule = ? AND place = ?", &of.binds())?;
    let [rule, place] = of.binds();
    let sql = "UPDATE polls SET target = ?, turn = 1, cursor = NULL, asked = NULL, etag = NULL, modified = NULL \
               WHERE rule = ? AND place = ?";
    execute(conn, sql, &[Bind::Bytes(Some(target)), rule, place]).map(drop)
}

/// Keeps a key as seen now. False: it was seen before.
pub(in crate::store) fn see_poll_key(conn: &mut Conn, of: PollKey, key: &[u8], turn: i64) -> Result<bool, StoreError> {
    let [rule, place] = of.binds();
    let sql = "INSERT INTO poll_keys (rule, place, \"key\", turn) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING";
    Ok(execute(conn, sql, &[rule, place, Bind::Bytes(Some(key)), Bind::Big(Some(turn))])? == 1)
}

/// Keeps a key as seen in this turn, whether it was seen before or not.
pub(in crate::store) fn see_poll_key_again(
    conn: &mut Conn,
    of: PollKey,
    key: &[u8],
    turn: i64,
) -> Result<(), StoreError> {
    let [rule, place] = of.binds();
    let sql = "INSERT INTO poll_keys (rule, place, \"key\", turn) VALUES (?, ?, ?, ?) \
               ON CONFLICT (rule, place, \"key\") DO UPDATE SET turn = excluded.turn";
    execute(conn, sql, &[rule, place, Bind::Bytes(Some(key)), Bind::Big(Some(turn))]).map(drop)
}

/// So many more events were made of its items.
pub(in crate::store) fn count_poll_items(conn: &mut Conn, of: PollKey, more: i64) -> Result<(), StoreError> {
    let [rule, place] = of.binds();
    let sql = "UPDATE polls SET items = items + ? WHERE rule = ? AND place = ?";
    execute(conn, sql, &[Bind::Big(Some(more)), rule, place]).map(drop)
}

/// What an answer leaves behind.
pub(in crate::store) struct PollLeft<'a> {
    pub(in crate::store) began: i64,
    pub(in crate::store) due: i64,
    pub(in crate::store) every: i64,
    pub(in crate::store) odd: Option<&'a str>,
    pub(in crate::store) cursor: Option<&'a str>,
    pub(in crate::store) asked: Option<&'a [u8]>,
    pub(in crate::store) etag: Option<&'a str>,
    pub(in crate::store) modified: Option<&'a str>,
}

/// A poll went well. A cursor that is not there leaves the one before.
pub(in crate::store) fn poll_done(conn: &mut Conn, of: PollKey, left: &PollLeft<'_>) -> Result<(), StoreError> {
    let [rule, place] = of.binds();
    let binds = [
        Bind::Big(Some(left.began)),
        Bind::Big(Some(left.began)),
        Bind::Big(Some(left.due)),
        Bind::Big(Some(left.every)),
        Bind::Text(left.odd),
        Bind::Text(left.cursor),
        Bind::Bytes(left.asked),
        Bind::Text(left.etag),
        Bind::Text(left.modified),
        rule,
        place,
    ];
    let sql = "UPDATE polls SET tried_at = ?, last_at = ?, due_at = ?, every = ?, odd = ?, turn = turn + 1, failures = 0, error = NULL, \
               cursor = COALESCE(?, cursor), asked = ?, etag = ?, modified = ? WHERE rule = ? AND place = ?";
    execute(conn, sql, &binds).map(drop)
}

/// Forgets the keys that were seen longest ago, but none of this turn.
pub(in crate::store) fn prune_poll_keys(conn: &mut Conn, of: PollKey, turn: i64) -> Result<(), StoreError> {
    let sql = format!(
        "SELECT turn FROM poll_keys WHERE rule = ? AND place = ? AND turn < ? ORDER BY turn DESC LIMIT 1 OFFSET {KEPT}"
    );
    let [rule, place] = of.binds();
    let binds = [rule, place, Bind::Big(Some(turn))];
    let oldest: Vec<(i64,)> = each!(conn, c => question::<(BigInt,)>(&sql, &binds).load(c))?;
    let Some((oldest,)) = oldest.into_iter().next() else { return Ok(()) };
    let [rule, place] = of.binds();
    let sql = "DELETE FROM poll_keys WHERE rule = ? AND place = ? AND turn <= ?";
    execute(conn, sql, &[rule, place, Bind::Big(Some(oldest))]).map(drop)
}

/// Forgets polls that nobody has asked for since before `before`: their rules are gone, or not enabled.
pub(in crate::store) fn delete_old_polls(conn: &mut Conn, before: i64) -> Result<(), StoreError> {
    let binds = [Bind::Big(Some(before))];
    execute(
        conn,
        "DELETE FROM poll_keys WHERE EXISTS (SELECT 1 FROM polls p WHERE p.rule = poll_keys.rule \
         AND p.place = poll_keys.place AND p.due_at < ?)",
        &binds,
    )?;
    execute(conn, "DELETE FROM polls WHERE due_at < ?", &binds).map(drop)
}
