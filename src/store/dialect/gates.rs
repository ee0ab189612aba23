//! What an event's transaction asks and writes where a rule has `once`, `threshold`, `digest` or a fuse.

use diesel::{
    RunQueryDsl as _,
    sql_types::{BigInt, Integer, Nullable, SmallInt},
};

use super::{
    Conn, each,
    statement::{Bind, execute, question},
};
use crate::store::{error::StoreError, gates::GateKey, marks};

/// A key of a rule, as the tables have it.
#[derive(Debug, Clone, Copy)]
pub(in crate::store) struct RuleKey<'k> {
    pub(in crate::store) rule: i32,
    pub(in crate::store) key: &'k GateKey,
}

impl<'k> RuleKey<'k> {
    fn binds(self) -> [Bind<'k>; 2] {
        [Bind::Int(Some(self.rule)), Bind::Bytes(Some(self.key))]
    }
}

/// Takes a key of `once` for an event. False: another event has it still.
pub(in crate::store) fn take_once(
    conn: &mut Conn,
    of: RuleKey<'_>,
    event: i64,
    now: i64,
    until: i64,
) -> Result<bool, StoreError> {
    let [rule, key] = of.binds();
    let changed = execute(
        conn,
        "INSERT INTO once_keys (rule, \"key\", event, until) VALUES (?, ?, ?, ?) ON CONFLICT (rule, \"key\") DO UPDATE \
         SET event = excluded.event, until = excluded.until WHERE once_keys.until <= ?",
        &[rule, key, Bind::Big(Some(event)), Bind::Big(Some(until)), Bind::Big(Some(now))],
    )?;
    Ok(changed == 1)
}

/// Which event has a key of `once`, and until when.
pub(in crate::store) fn once_holder(conn: &mut Conn, of: RuleKey<'_>) -> Result<Option<(i64, i64)>, StoreError> {
    let sql = "SELECT event, until FROM once_keys WHERE rule = ? AND \"key\" = ?";
    let rows: Vec<(i64, i64)> = each!(conn, c => question::<(BigInt, BigInt)>(sql, &of.binds()).load(c))?;
    Ok(rows.into_iter().next())
}

/// Events of a key that came after that time and count, oldest first.
pub(in crate::store) fn counted_of(conn: &mut Conn, of: RuleKey<'_>, after: i64) -> Result<Vec<i64>, StoreError> {
    let sql = "SELECT event FROM counted WHERE rule = ? AND \"key\" = ? AND received_at > ? ORDER BY event";
    let [rule, key] = of.binds();
    let binds = [rule, key, Bind::Big(Some(after))];
    let rows: Vec<(i64,)> = each!(conn, c => question::<(BigInt,)>(sql, &binds).load(c))?;
    Ok(rows.into_iter().map(|(event,)| event).collect())
}

/// One more event counts.
pub(in crate::store) fn count_event(
    conn: &mut Conn,
    of: RuleKey<'_>,
    event: i64,
    received_at: i64,
    until: i64,
) -> Result<(), StoreError> {
    let [rule, key] = of.binds();
    let binds = [rule, key, Bind::Big(Some(event)), Bind::Big(Some(received_at)), Bind::Big(Some(until))];
    let sql = "INSERT INTO counted (rule, \"key\", event, received_at, until) VALUES (?, ?, ?, ?, ?)";
    execute(conn, sql, &binds).map(drop)
}

/// The count of a key begins at zero.
pub(in crate::store) fn forget_counted(conn: &mut Conn, of: RuleKey<'_>) -> Result<(), StoreError> {
    execute(conn, "DELETE FROM counted WHERE rule = ? AND \"key\" = ?", &of.binds()).map(drop)
}

/// The open window of a digest's key.
pub(in crate::store) struct Window {
    pub(in crate::store) run: i64,
    pub(in crate::store) until: i64,
    pub(in crate::store) events: i32,
}

/// The window of a key, over or not. `None`: there is none, or its run has left it.
pub(in crate::store) fn window_of(conn: &mut Conn, of: RuleKey<'_>) -> Result<Option<Window>, StoreError> {
    let sql = "SELECT run, until, events FROM windows WHERE rule = ? AND \"key\" = ?";
    let rows: Vec<(i64, i64, i32)> = each!(conn, c => question::<(BigInt, BigInt, Integer)>(sql, &of.binds()).load(c))?;
    Ok(rows.into_iter().next().map(|(run, until, events)| Window { run, until, events }))
}

/// Opens a window, in the place of one that is over.
pub(in crate::store) fn open_window(conn: &mut Conn, of: RuleKey<'_>, run: i64, until: i64) -> Result<(), StoreError> {
    let [rule, key] = of.binds();
    execute(
        conn,
        "INSERT INTO windows (rule, \"key\", run, until, events) VALUES (?, ?, ?, ?, 1) ON CONFLICT (rule, \"key\") \
         DO UPDATE SET run = excluded.run, until = excluded.until, events = excluded.events",
        &[rule, key, Bind::Big(Some(run)), Bind::Big(Some(until))],
    )
    .map(drop)
}

/// One more event in a window.
pub(in crate::store) fn grow_window(conn: &mut Conn, run: i64) -> Result<(), StoreError> {
    execute(conn, "UPDATE windows SET events = events + 1 WHERE run = ?", &[Bind::Big(Some(run))]).map(drop)
}

/// Closes the window of a run, if it has one.
pub(in crate::store) fn close_window(conn: &mut Conn, run: i64) -> Result<(), StoreError> {
    execute(conn, "DELETE FROM windows WHERE run = ?", &[Bind::Big(Some(run))]).map(drop)
}

/// The newest event of a run that gathers. `None`: it does not gather any more.
pub(in crate::store) fn gathered(conn: &mut Conn, run: i64, collecting: i16) -> Result<Option<i64>, StoreError> {
    let sql = "SELECT event FROM runs WHERE id = ? AND status = ?";
    let binds = [Bind::Big(Some(run)), Bind::Small(Some(collecting))];
    let rows: Vec<(i64,)> = each!(conn, c => question::<(BigInt,)>(sql, &binds).load(c))?;
    Ok(rows.into_iter().next().map(|(event,)| event))
}

/// An event becomes the newest of a run, with the vars that it gave.
pub(in crate::store) fn set_newest(
    conn: &mut Conn,
    run: i64,
    event: i64,
    vars: Option<&[u8]>,
) -> Result<(), StoreError> {
    execute(
        conn,
        "UPDATE runs SET event = ?, vars = ? WHERE id = ?",
        &[Bind::Big(Some(event)), Bind::Bytes(vars), Bind::Big(Some(run))],
    )?;
    add_mark(conn, run, marks::EVENTS)
}

/// An older event of a run.
pub(in crate::store) fn insert_run_event(conn: &mut Conn, run: i64, seq: i32, event: i64) -> Result<(), StoreError> {
    let binds = [Bind::Big(Some(run)), Bind::Int(Some(seq)), Bind::Big(Some(event))];
    execute(conn, "INSERT INTO run_events (run, seq, event) VALUES (?, ?, ?)", &binds).map(drop)
}

/// The older events of a run, oldest first.
pub(in crate::store) fn run_events(conn: &mut Conn, run: i64) -> Result<Vec<i64>, StoreError> {
    let sql = "SELECT event FROM run_events WHERE run = ? ORDER BY seq";
    let binds = [Bind::Big(Some(run))];
    let rows: Vec<(i64,)> = each!(conn, c => question::<(BigInt,)>(sql, &binds).load(c))?;
    Ok(rows.into_iter().map(|(event,)| event).collect())
}

/// Runs that are about an event without it being their newest, newest run first; at most 1,000.
pub(in crate::store) fn runs_also_about(conn: &mut Conn, event: i64) -> Result<Vec<i64>, StoreError> {
    let sql = "SELECT run FROM run_events WHERE event = ? ORDER BY run DESC LIMIT 1000";
    let binds = [Bind::Big(Some(event))];
    let rows: Vec<(i64,)> = each!(conn, c => question::<(BigInt,)>(sql, &binds).load(c))?;
    Ok(rows.into_iter().map(|(run,)| run).collect())
}

/// When an event was received. `None`: there is none of this id.
pub(in crate::store) fn received_at(conn: &mut Conn, event: i64) -> Result<Option<i64>, StoreError> {
    let binds = [Bind::Big(Some(event))];
    let sql = "SELECT received_at FROM events WHERE id = ?";
    let rows: Vec<(i64,)> = each!(conn, c => question::<(BigInt,)>(sql, &binds).load(c))?;
    Ok(rows.into_iter().next().map(|(at,)| at))
}

/// How many runs of its own an event started.
pub(in crate::store) fn add_started(conn: &mut Conn, event: i64, more: i32) -> Result<(), StoreError> {
    execute(conn, "UPDATE events SET runs = runs + ? WHERE id = ?", &[Bind::Int(Some(more)), Bind::Big(Some(event))])
        .map(drop)
}

/// A row of `suppressed`.
#[derive(Debug, Clone, Copy)]
pub(in crate::store) struct SuppressedRow {
    pub(in crate::store) rule: i32,
    pub(in crate::store) reason: i16,
    pub(in crate::store) one: i64,
    pub(in crate::store) other: i64,
}

/// Keeps why a rule that matched started no run of its own.
pub(in crate::store) fn insert_suppressed(conn: &mut Conn, event: i64, row: SuppressedRow) -> Result<(), StoreError> {
    execute(
        conn,
        "INSERT INTO suppressed (event, rule, reason, one, other) VALUES (?, ?, ?, ?, ?)",
        &[
            Bind::Big(Some(event)),
            Bind::Int(Some(row.rule)),
            Bind::Small(Some(row.reason)),
            Bind::Big(Some(row.one)),
            Bind::Big(Some(row.other)),
        ],
    )
    .map(drop)
}

/// The rules that matched an event without a run of their own.
pub(in crate::store) fn suppressed_of(conn: &mut Conn, event: i64) -> Result<Vec<SuppressedRow>, StoreError> {
    type Row = (Integer, SmallInt, BigInt, BigInt);
    let sql = "SELECT rule, reason, one, other FROM suppressed WHERE event = ? ORDER BY rule";
    let binds = [Bind::Big(Some(event))];
    let rows: Vec<(i32, i16, i64, i64)> = each!(conn, c => question::<Row>(sql, &binds).load(c))?;
    Ok(rows.into_iter().map(|(rule, reason, one, other)| SuppressedRow { rule, reason, one, other }).collect())
}

/// A rule's fuse, where it was ever blown.
#[derive(Debug, Clone, Copy, Default)]
pub(in crate::store) struct Fuse {
    pub(in crate::store) is_blown: bool,
    /// Runs up to this one count no more.
    pub(in crate::store) since: i64,
}

/// The fuse of a rule; whole and counting from the first run where it was never blown.
pub(in crate::store) fn fuse_of(conn: &mut Conn, rule: i32) -> Result<Fuse, StoreError> {
    let sql = "SELECT blown_at, since FROM fuses WHERE rule = ?";
    let binds = [Bind::Int(Some(rule))];
    let rows: Vec<(Option<i64>, i64)> = each!(conn, c => question::<(Nullable<BigInt>, BigInt)>(sql, &binds).load(c))?;
    let fuse = rows.into_iter().next().map(|(blown_at, since)| Fuse { is_blown: blown_at.is_some(), since });
    Ok(fuse.unwrap_or_default())
}

/// How many runs of a rule there are from that id on, beside `aside`; no more than about `enough` are looked at. Undecided (1) and skipped
/// (8) runs did nothing and do not count.
pub(in crate::store) fn runs_since(
    conn: &mut Conn,
    rule: i32,
    first: i64,
    aside: i64,
    enough: u32,
) -> Result<u64, StoreError> {
    let runs = match conn {
        Conn::Sqlite(_) => "runs INDEXED BY runs_rule",
        Conn::Postgres(_) => "runs",
    };
    // Rounded up, so that few statements are prepared.
    let limit = enough.max(1).checked_next_power_of_two().unwrap_or(u32::MAX);
    let sql = format!(
        "SELECT count(*) AS found FROM (SELECT 1 FROM {runs} WHERE rule = ? AND id >= ? AND id <> ? \
         AND status NOT IN (1, 8) LIMIT {limit}) AS few"
    );
    let binds = [Bind::Int(Some(rule)), Bind::Big(Some(first)), Bind::Big(Some(aside))];
    let found: Vec<(i64,)> = each!(conn, c => question::<(BigInt,)>(&sql, &binds).load(c))?;
    Ok(found.first().map_or(0, |(count,)| u64::try_from(*count).unwrap_or(0)))
}

/// Blows a rule's fuse.
pub(in crate::store) fn blow(conn: &mut Conn, rule: i32, now: i64) -> Result<(), StoreError> {
    execute(
        conn,
        "INSERT INTO fuses (rule, blown_at, since) VALUES (?, ?, 0) ON CONFLICT (rule) DO UPDATE \
         SET blown_at = coalesce(fuses.blown_at, excluded.blown_at)",
        &[Bind::Int(Some(rule)), Bind::Big(Some(now))],
    )
    .map(drop)
}

/// Mends a rule's fuse: no run that there is counts any more.
pub(in crate::store) fn mend(conn: &mut Conn, rule: i32) -> Result<(), StoreError> {
    execute(
        conn,
        "UPDATE fuses SET blown_at = NULL, since = (SELECT coalesce(max(id), 0) FROM runs) WHERE rule = ?",
        &[Bind::Int(Some(rule))],
    )
    .map(drop)
}

/// Makes some of the runs due that the rule's fuse holds; how many. 5 is `held`, 2 `due`, 4 the fuse's mark.
pub(in crate::store) fn release_some(conn: &mut Conn, rule: i32, now: i64) -> Result<usize, StoreError> {
    execute(
        conn,
        "UPDATE runs SET status = 2, due_at = ?, why = NULL, marks = nullif(marks & -5, 0) WHERE id IN \
         (SELECT id FROM runs WHERE status = 5 AND status <> 6 AND rule = ? AND (marks & 4) <> 0 ORDER BY id LIMIT 500)",
        &[Bind::Big(Some(now)), Bind::Int(Some(rule))],
    )
}

/// Adds a mark to a run.
pub(in crate::store) fn add_mark(conn: &mut Conn, run: i64, mark: i32) -> Result<(), StoreError> {
    execute(
        conn,
        "UPDATE runs SET marks = coalesce(marks, 0) | ? WHERE id = ?",
        &[Bind::Int(Some(mark)), Bind::Big(Some(run))],
    )
    .map(drop)
}

/// Deletes some of the keys of `once` that are over by `now`; how many.
pub(in crate::store) fn delete_once(conn: &mut Conn, now: i64) -> Result<usize, StoreError> {
    execute(
        conn,
        "DELETE FROM once_keys WHERE (rule, \"key\") IN \
         (SELECT rule, \"key\" FROM once_keys WHERE until <= ? ORDER BY until LIMIT 500)",
        &[Bind::Big(Some(now))],
    )
}

/// Deletes some of the events that count no more by `now`; how many.
pub(in crate::store) fn delete_counted(conn: &mut Conn, now: i64) -> Result<usize, StoreError> {
    execute(
        conn,
        "DELETE FROM counted WHERE (rule, \"key\", event) IN \
         (SELECT rule, \"key\", event FROM counted WHERE until <= ? ORDER BY until LIMIT 500)",
        &[Bind::Big(Some(now))],
    )
}
