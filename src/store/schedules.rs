//! Schedules and their slots: a slot is fired by whoever writes its row first, in the transaction that stores its event.

use std::collections::HashSet;

use super::{
    accept::{NewEvent, ReadyEvent, accept_all},
    dialect::{self, Conn},
    error::StoreError,
    handle::Store,
    names::Lookup,
    writer::Desk,
};
use crate::{clock::Time, ids::EventId};

/// A schedule of a rule, by the text that tells it from others of that rule.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct ScheduleId {
    /// The rule's id, such as `calls/missed`.
    pub rule: String,
    /// Its expression with its zone.
    pub schedule: String,
}

/// How it stands with a schedule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ScheduleRow {
    /// Which.
    pub id: ScheduleId,
    /// When it came into force.
    pub since: Time,
    /// Slots up to here were fired or skipped.
    pub upto: Time,
    /// The newest slot that was fired. `None`: none was.
    pub last_slot: Option<Time>,
    /// Its event.
    pub last_event: Option<EventId>,
    /// Slots that were never fired.
    pub missed: u64,
}

impl Store {
    /// Makes the schedules those of `wanted`: one that is new begins now, one that is not among them is forgotten. All of them as they are
    /// then, in no order.
    pub async fn keep_schedules(&self, wanted: Vec<ScheduleId>, now: Time) -> Result<Vec<ScheduleRow>, StoreError> {
        self.write(256 * (wanted.len() + 1), move |desk| keep(desk, &wanted, now)).await?;
        self.schedules().await
    }

    /// The schedules, as they are; in no order.
    pub async fn schedules(&self) -> Result<Vec<ScheduleRow>, StoreError> {
        self.read(all).await
    }

    /// Fires a slot: stores its event with the runs that it starts, once. `missed` are slots before it that are given up with it. False:
    /// it was fired before, or its schedule is no longer there; nothing is stored then.
    pub async fn fire(&self, id: ScheduleId, slot: Time, missed: u64, event: NewEvent) -> Result<bool, StoreError> {
        let ready = ReadyEvent::new(event, self.dictionaries())?;
        let (size, event) = (256 + ready.size(), ready.id());
        let fire = move |desk: &mut Desk| {
            let (rule, schedule) = numbers(desk, &id)?;
            let of = dialect::ScheduleKey { rule, schedule };
            if !dialect::has_schedule(&mut desk.conn, of)? || !dialect::take_slot(&mut desk.conn, of, slot.0, event.0)?
            {
                return Ok(false);
            }
            accept_all(&mut desk.conn, &mut desk.known, &[&ready])?;
            let missed = i64::try_from(missed).unwrap_or(i64::MAX);
            dialect::slot_fired(&mut desk.conn, of, slot.0, event.0, missed)?;
            Ok(true)
        };
        self.write(size, fire).await
    }

    /// Gives up the slots of a schedule up to a time; `missed` of them were not fired before.
    pub async fn skip_slots(&self, id: ScheduleId, upto: Time, missed: u64) -> Result<(), StoreError> {
        let skip = move |desk: &mut Desk| {
            let (rule, schedule) = numbers(desk, &id)?;
            let missed = i64::try_from(missed).unwrap_or(i64::MAX);
            dialect::slots_skipped(&mut desk.conn, dialect::ScheduleKey { rule, schedule }, upto.0, missed)
        };
        self.write(128, skip).await
    }

    /// Makes the sources from which deliveries are expected those of `wanted`; since when that is asked of each. One that is new: since now.
    pub async fn keep_expectations(&self, wanted: Vec<String>, now: Time) -> Result<Vec<(String, Time)>, StoreError> {
        let keep = move |desk: &mut Desk| {
            let known = dialect::expectations(&mut desk.conn)?;
            for (source, _) in known.iter().filter(|(source, _)| !wanted.contains(source)) {
                dialect::forget_expectation(&mut desk.conn, source)?;
            }
            for source in wanted.iter().filter(|source| !known.iter().any(|(known, _)| known == *source)) {
                dialect::expect(&mut desk.conn, source, now.0)?;
            }
            let rows = dialect::expectations(&mut desk.conn)?;
            Ok(rows.into_iter().map(|(source, since)| (source, Time(since))).collect())
        };
        self.write(256, keep).await
    }

    /// When the newest event came in by a source. `None`: none is stored.
    pub async fn last_delivery(&self, source: &str) -> Result<Option<Time>, StoreError> {
        let source = source.to_owned();
        self.read(move |conn, _| dialect::newest_of_source(conn, &source).map(|found| found.map(Time))).await
    }
}

fn numbers(desk: &mut Desk, id: &ScheduleId) -> Result<(i32, i32), StoreError> {
    Ok((desk.known.name(&mut desk.conn, &id.rule)?, desk.known.name(&mut desk.conn, &id.schedule)?))
}

fn keep(desk: &mut Desk, wanted: &[ScheduleId], now: Time) -> Result<(), StoreError> {
    let mut keys = HashSet::new();
    for id in wanted {
        keys.insert(numbers(desk, id)?);
    }
    let known: HashSet<(i32, i32)> =
        dialect::schedules(&mut desk.conn)?.into_iter().map(|row| (row.rule, row.schedule)).collect();
    for (rule, schedule) in known.difference(&keys) {
        dialect::forget_schedule(&mut desk.conn, dialect::ScheduleKey { rule: *rule, schedule: *schedule })?;
    }
    for (rule, schedule) in keys.difference(&known) {
        dialect::begin_schedule(&mut desk.conn, dialect::ScheduleKey { rule: *rule, schedule: *schedule }, now.0)?;
    }
    Ok(())
}

fn all(conn: &mut Conn, lookup: &Lookup) -> Result<Vec<ScheduleRow>, StoreError> {
    let rows = dialect::schedules(conn)?;
    rows.into_iter()
        .map(|row| {
            let (rule, schedule) = (lookup.name(conn, row.rule)?, lookup.name(conn, row.schedule)?);
            Ok(ScheduleRow {
                id: ScheduleId { rule: rule.to_string(), schedule: schedule.to_string() },
                since: Time(row.since),
                upto: Time(row.upto),
                last_slot: row.last_slot.map(Time),
                last_event: row.last_event.map(EventId),
                missed: u64::try_from(row.missed).unwrap_or(0),
            })
        })
        .collect()
}
