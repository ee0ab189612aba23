//! The questions of the inbox. Each is answered by an index from its first row on; `statements` lists them for the test that proves it.

use std::cmp::Ordering;

use diesel::{
    RunQueryDsl as _,
    sql_types::{BigInt, Bool, Integer},
};

use super::{
    Conn, each,
    statement::{Bind, execute, question},
};
use crate::store::{error::StoreError, inbox::RepeatInsert, schema::repeats};

/// Newest or oldest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::store) enum InboxOrder {
    NewestFirst,
    OldestFirst,
}

impl InboxOrder {
    fn word(self) -> &'static str {
        match self {
            Self::NewestFirst => "DESC",
            Self::OldestFirst => "ASC",
        }
    }

    /// Which comes first.
    pub(in crate::store) fn compare(self, one: i64, other: i64) -> Ordering {
        match self {
            Self::NewestFirst => other.cmp(&one),
            Self::OldestFirst => one.cmp(&other),
        }
    }

    /// The one that comes first.
    pub(in crate::store) fn first(self, one: i64, other: i64) -> i64 {
        if self.compare(one, other).is_le() { one } else { other }
    }
}

/// Ids between two others, neither of them included, in an order.
#[derive(Debug, Clone, Copy)]
pub(in crate::store) struct IdSpan {
    pub(in crate::store) above: i64,
    pub(in crate::store) below: i64,
    pub(in crate::store) order: InboxOrder,
}

impl IdSpan {
    /// What is left behind this id.
    pub(in crate::store) fn behind(self, id: i64) -> Self {
        match self.order {
            InboxOrder::NewestFirst => Self { below: id, ..self },
            InboxOrder::OldestFirst => Self { above: id, ..self },
        }
    }

    fn binds(self) -> [Bind<'static>; 2] {
        [Bind::Big(Some(self.above)), Bind::Big(Some(self.below))]
    }
}

const EVENTS: &str = "SELECT id FROM events WHERE id > ? AND id < ?";
const CHANNEL: &str = "SELECT id FROM events WHERE channel = ? AND matched = TRUE AND id > ? AND id < ?";
const CHANNEL_UNMATCHED: &str = "SELECT id FROM events WHERE channel = ? AND matched = FALSE AND id > ? AND id < ?";
const SCAN: &str = "SELECT id, channel, matched FROM events WHERE id > ? AND id < ?";
const RULE: &str = "SELECT DISTINCT event FROM runs WHERE rule = ? AND event > ? AND event < ?";
const REPEATS: &str = "SELECT id, channel FROM repeats WHERE id > ? AND id < ?";
const REFUSALS: &str = "SELECT id FROM refusals WHERE id > ? AND id < ?";
const REFUSALS_OF: &str = "SELECT id FROM refusals WHERE source = ? AND id > ? AND id < ?";

/// With its order and end. They are written and not bound: the one cannot be, the other would be prepared anew for each value.
fn ordered(sql: &str, key: &str, order: InboxOrder, most: usize) -> String {
    format!("{sql} ORDER BY {key} {} LIMIT {most}", order.word())
}

fn ids(conn: &mut Conn, sql: &str, binds: &[Bind<'_>]) -> Result<Vec<i64>, StoreError> {
    Ok(each!(conn, c => question::<BigInt>(sql, binds).load(c))?)
}

/// Events of a stretch.
pub(in crate::store) fn inbox_events(conn: &mut Conn, stretch: IdSpan, most: usize) -> Result<Vec<i64>, StoreError> {
    ids(conn, &ordered(EVENTS, "id", stretch.order, most), &stretch.binds())
}

/// Events of one channel and state.
pub(in crate::store) fn inbox_channel(
    conn: &mut Conn,
    stretch: IdSpan,
    channel: i32,
    matched: bool,
    most: usize,
) -> Result<Vec<i64>, StoreError> {
    let sql = if matched { CHANNEL } else { CHANNEL_UNMATCHED };
    let [above, below] = stretch.binds();
    ids(conn, &ordered(sql, "id", stretch.order, most), &[Bind::Int(Some(channel)), above, below])
}

/// Events of a stretch with their channels and states.
pub(in crate::store) fn inbox_scan(
    conn: &mut Conn,
    stretch: IdSpan,
    most: usize,
) -> Result<Vec<(i64, i32, bool)>, StoreError> {
    let sql = ordered(SCAN, "id", stretch.order, most);
    Ok(each!(conn, c => question::<(BigInt, Integer, Bool)>(&sql, &stretch.binds()).load(c))?)
}

/// Events that a rule ran on, with their channels and states.
pub(in crate::store) fn inbox_rule(
    conn: &mut Conn,
    stretch: IdSpan,
    rule: i32,
    most: usize,
) -> Result<Vec<(i64, i32, bool)>, StoreError> {
    let inner = ordered(RULE, "event", stretch.order, most);
    let sql = format!(
        "SELECT events.id, events.channel, events.matched FROM ({inner}) AS ran JOIN events ON events.id = ran.event \
         ORDER BY ran.event {}",
        stretch.order.word()
    );
    let [above, below] = stretch.binds();
    let binds = [Bind::Int(Some(rule)), above, below];
    Ok(each!(conn, c => question::<(BigInt, Integer, Bool)>(&sql, &binds).load(c))?)
}

/// Duplicates of a stretch with their channels.
pub(in crate::store) fn inbox_repeats(
    conn: &mut Conn,
    stretch: IdSpan,
    most: usize,
) -> Result<Vec<(i64, i32)>, StoreError> {
    let sql = ordered(REPEATS, "id", stretch.order, most);
    Ok(each!(conn, c => question::<(BigInt, Integer)>(&sql, &stretch.binds()).load(c))?)
}

/// Refusals of a stretch. Those of one source are looked for in all: the ring bounds them.
pub(in crate::store) fn inbox_refusals(
    conn: &mut Conn,
    stretch: IdSpan,
    source: Option<&str>,
    most: usize,
) -> Result<Vec<i64>, StoreError> {
    let [above, below] = stretch.binds();
    match source {
        Some(source) => {
            let sql = ordered(REFUSALS_OF, "id", stretch.order, most);
            ids(conn, &sql, &[Bind::Text(Some(source)), above, below])
        }
        None => ids(conn, &ordered(REFUSALS, "id", stretch.order, most), &[above, below]),
    }
}

fn count(conn: &mut Conn, sql: &str, binds: &[Bind<'_>], most: i64) -> Result<i64, StoreError> {
    let sql = format!("SELECT count(*) FROM ({sql} LIMIT {most}) AS found");
    Ok(each!(conn, c => question::<BigInt>(&sql, binds).get_result(c))?)
}

/// Events of a stretch, `most` at most.
pub(in crate::store) fn count_inbox_events(conn: &mut Conn, stretch: IdSpan, most: i64) -> Result<i64, StoreError> {
    count(conn, EVENTS, &stretch.binds(), most)
}

/// Events of one channel and state, `most` at most.
pub(in crate::store) fn count_inbox_channel(
    conn: &mut Conn,
    stretch: IdSpan,
    channel: i32,
    matched: bool,
    most: i64,
) -> Result<i64, StoreError> {
    let [above, below] = stretch.binds();
    let sql = if matched { CHANNEL } else { CHANNEL_UNMATCHED };
    count(conn, sql, &[Bind::Int(Some(channel)), above, below], most)
}

/// Events that a rule ran on, `most` at most.
pub(in crate::store) fn count_inbox_rule(
    conn: &mut Conn,
    stretch: IdSpan,
    rule: i32,
    most: i64,
) -> Result<i64, StoreError> {
    let [above, below] = stretch.binds();
    count(conn, RULE, &[Bind::Int(Some(rule)), above, below], most)
}

/// Duplicates; one that is there already stays as it is.
pub(in crate::store) fn insert_repeats(conn: &mut Conn, rows: &[RepeatInsert]) -> Result<(), StoreError> {
    for row in rows {
        match conn {
            Conn::Sqlite(c) => diesel::insert_or_ignore_into(repeats::table).values(row).execute(c)?,
            Conn::Postgres(c) => diesel::insert_into(repeats::table).values(row).on_conflict_do_nothing().execute(c)?,
        };
    }
    Ok(())
}

/// Keeps the newest `keep` duplicates. Rows deleted.
pub(in crate::store) fn trim_repeats(conn: &mut Conn, keep: i64) -> Result<usize, StoreError> {
    execute(
        conn,
        "DELETE FROM repeats WHERE id <= (SELECT id FROM repeats ORDER BY id DESC LIMIT 1 OFFSET ?)",
        &[Bind::Big(Some(keep))],
    )
}

/// Deletes duplicates with ids before this one.
pub(in crate::store) fn delete_repeats(conn: &mut Conn, before: i64) -> Result<usize, StoreError> {
    execute(conn, "DELETE FROM repeats WHERE id < ?", &[Bind::Big(Some(before))])
}

/// Every question over a table that grows without bound, with what it is ordered by.
#[cfg(test)]
pub(in crate::store) fn inbox_statements(order: InboxOrder) -> Vec<String> {
    [(EVENTS, "id"), (CHANNEL, "id"), (CHANNEL_UNMATCHED, "id"), (SCAN, "id"), (RULE, "event"), (REPEATS, "id")]
        .map(|(sql, key)| ordered(sql, key, order, 51))
        .to_vec()
}
