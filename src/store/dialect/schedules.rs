//! Schedules, fired slots and expected sources.

use diesel::{
    Queryable, RunQueryDsl as _,
    sql_types::{BigInt, Integer, Nullable, Text},
};

use super::{
    Conn, each,
    statement::{Bind, execute, question},
};
use crate::store::error::StoreError;

/// A schedule of a rule, as the tables have it.
#[derive(Debug, Clone, Copy)]
pub(in crate::store) struct ScheduleKey {
    pub(in crate::store) rule: i32,
    pub(in crate::store) schedule: i32,
}

impl ScheduleKey {
    fn binds(self) -> [Bind<'static>; 2] {
        [Bind::Int(Some(self.rule)), Bind::Int(Some(self.schedule))]
    }
}

/// A row of `schedules`.
#[derive(Debug, Queryable)]
pub(in crate::store) struct ScheduleTableRow {
    pub(in crate::store) rule: i32,
    pub(in crate::store) schedule: i32,
    pub(in crate::store) since: i64,
    pub(in crate::store) upto: i64,
    pub(in crate::store) last_slot: Option<i64>,
    pub(in crate::store) last_event: Option<i64>,
    pub(in crate::store) missed: i64,
}

/// All of them.
pub(in crate::store) fn schedules(conn: &mut Conn) -> Result<Vec<ScheduleTableRow>, StoreError> {
    type Row = (Integer, Integer, BigInt, BigInt, Nullable<BigInt>, Nullable<BigInt>, BigInt);
    let sql =
        "SELECT rule, schedule, since, upto, last_slot, last_event, missed FROM schedules ORDER BY rule, schedule";
    Ok(each!(conn, c => question::<Row>(sql, &[]).load(c))?)
}

/// Begins a schedule at a time; one that is there goes on as it is.
pub(in crate::store) fn begin_schedule(conn: &mut Conn, of: ScheduleKey, since: i64) -> Result<(), StoreError> {
    let [rule, schedule] = of.binds();
    execute(
        conn,
        "INSERT INTO schedules (rule, schedule, since, upto, missed) VALUES (?, ?, ?, ?, 0) ON CONFLICT DO NOTHING",
        &[rule, schedule, Bind::Big(Some(since)), Bind::Big(Some(since))],
    )
    .map(drop)
}

/// Forgets a schedule; its slots stay.
pub(in crate::store) fn forget_schedule(conn: &mut Conn, of: ScheduleKey) -> Result<(), StoreError> {
    execute(conn, "DELETE FROM schedules WHERE rule = ? AND schedule = ?", &of.binds()).map(drop)
}

/// Whether a schedule is there.
pub(in crate::store) fn has_schedule(conn: &mut Conn, of: ScheduleKey) -> Result<bool, StoreError> {
    let sql = "SELECT upto FROM schedules WHERE rule = ? AND schedule = ?";
    let rows: Vec<i64> = each!(conn, c => question::<BigInt>(sql, &of.binds()).load(c))?;
    Ok(!rows.is_empty())
}

/// Takes a slot for an event. False: it was fired before.
pub(in crate::store) fn take_slot(conn: &mut Conn, of: ScheduleKey, slot: i64, event: i64) -> Result<bool, StoreError> {
    let [rule, schedule] = of.binds();
    let taken = execute(
        conn,
        "INSERT INTO slots (rule, schedule, slot, event) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING",
        &[rule, schedule, Bind::Big(Some(slot)), Bind::Big(Some(event))],
    )?;
    Ok(taken == 1)
}

/// Notes that a slot was fired. Where the clock was set back `upto` goes back with it: what was fired already has its row.
pub(in crate::store) fn slot_fired(
    conn: &mut Conn,
    of: ScheduleKey,
    slot: i64,
    event: i64,
    missed: i64,
) -> Result<(), StoreError> {
    let [rule, schedule] = of.binds();
    execute(
        conn,
        "UPDATE schedules SET upto = ?, last_slot = ?, last_event = ?, missed = missed + ? WHERE rule = ? AND schedule = ?",
        &[
            Bind::Big(Some(slot)),
            Bind::Big(Some(slot)),
            Bind::Big(Some(event)),
            Bind::Big(Some(missed)),
            rule,
            schedule,
        ],
    )
    .map(drop)
}

/// Notes that slots up to a time were given up.
pub(in crate::store) fn slots_skipped(
    conn: &mut Conn,
    of: ScheduleKey,
    upto: i64,
    missed: i64,
) -> Result<(), StoreError> {
    let [rule, schedule] = of.binds();
    let binds = [Bind::Big(Some(upto)), Bind::Big(Some(missed)), rule, schedule];
    execute(conn, "UPDATE schedules SET upto = ?, missed = missed + ? WHERE rule = ? AND schedule = ?", &binds)
        .map(drop)
}

/// Deletes slots before a time, so many at most. Rows deleted.
pub(in crate::store) fn delete_slots(conn: &mut Conn, before: i64) -> Result<usize, StoreError> {
    execute(
        conn,
        "DELETE FROM slots WHERE slot < ? AND slot <= (SELECT max(slot) FROM (SELECT slot FROM slots ORDER BY slot LIMIT 500) oldest)",
        &[Bind::Big(Some(before))],
    )
}

/// The sources that are expected, with since when.
pub(in crate::store) fn expectations(conn: &mut Conn) -> Result<Vec<(String, i64)>, StoreError> {
    let sql = "SELECT source, since FROM expectations ORDER BY source";
    Ok(each!(conn, c => question::<(Text, BigInt)>(sql, &[]).load(c))?)
}

/// Expects a source from a time on.
pub(in crate::store) fn expect(conn: &mut Conn, source: &str, since: i64) -> Result<(), StoreError> {
    let binds = [Bind::Text(Some(source)), Bind::Big(Some(since))];
    execute(conn, "INSERT INTO expectations (source, since) VALUES (?, ?) ON CONFLICT DO NOTHING", &binds).map(drop)
}

/// Expects it no more.
pub(in crate::store) fn forget_expectation(conn: &mut Conn, source: &str) -> Result<(), StoreError> {
    execute(conn, "DELETE FROM expectations WHERE source = ?", &[Bind::Text(Some(source))]).map(drop)
}

/// When the newest event of a source was received. By index: one step for each type that it sends.
pub(in crate::store) fn newest_of_source(conn: &mut Conn, source: &str) -> Result<Option<i64>, StoreError> {
    let sql = "SELECT e.received_at FROM events e WHERE e.id = (SELECT max(newest.id) FROM \
               (SELECT (SELECT max(id) FROM events WHERE events.channel = c.id AND events.matched = m.matched) AS id \
               FROM channels c CROSS JOIN (SELECT TRUE AS matched UNION ALL SELECT FALSE) m WHERE c.source = ?) newest)";
    let rows: Vec<i64> = each!(conn, c => question::<BigInt>(sql, &[Bind::Text(Some(source))]).load(c))?;
    Ok(rows.into_iter().next())
}
