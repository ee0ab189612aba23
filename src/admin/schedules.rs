//! Schedules and polls as they are shown.

use std::{collections::HashMap, sync::Arc, time::Duration};

use serde::Serialize;

use super::{refused::Refused, state::Admin};
use crate::{
    clock::Time,
    ids::EventId,
    rules::{Schedule, shown_duration},
    store::{PollId, PollRow, ScheduleId},
};

/// A slot that is due for so long is overdue: a running server would have fired it.
const OVERDUE: Duration = Duration::from_mins(1);
/// Fires to come that are shown.
const NEXT: usize = 3;

/// A time to come.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Slot {
    /// The instant.
    pub(super) at: Time,
    /// On the clock of the rule's zone, with the offset.
    pub(super) local: String,
}

/// A schedule of a rule.
#[derive(Debug, Clone, Serialize)]
pub(super) struct ScheduleView {
    /// The rule's id.
    pub(super) rule: String,
    /// What the rule is called.
    pub(super) name: String,
    /// Whether the rule is enabled.
    pub(super) enabled: bool,
    /// Which of the rule's schedules, from 0.
    pub(super) place: usize,
    /// As it is written.
    pub(super) expression: String,
    /// As a person says it.
    pub(super) words: String,
    /// The name of its zone.
    pub(super) timezone: String,
    /// What becomes of slots that nobody was there for: `none`, `last` or `all`.
    pub(super) catch_up: &'static str,
    /// When it came into force. `None`: no server has had it yet.
    pub(super) since: Option<Time>,
    /// The newest slot that was fired.
    pub(super) last: Option<Slot>,
    /// Its event.
    pub(super) last_event: Option<EventId>,
    /// The next fires; empty for a rule that is not enabled.
    pub(super) next: Vec<Slot>,
    /// Slots that were never fired.
    pub(super) missed: u64,
    /// The slot that was to be fired and was not.
    pub(super) overdue: Option<Slot>,
}

impl ScheduleView {
    /// A slot on the clock of the schedule's zone: `2026-11-23 09:00 Europe/Athens`.
    pub(super) fn clock(&self, slot: &Slot) -> String {
        // To the second only where there is one.
        let end = if slot.local.get(16..19) == Some(":00") { 16 } else { 19 };
        let local = slot.local.get(..end).unwrap_or(&slot.local).replace('T', " ");
        format!("{local} {}", self.timezone)
    }
}

/// The schedules of the rules in force, in the order of their ids.
pub(super) async fn schedules(admin: &Admin) -> Result<Vec<ScheduleView>, Refused> {
    let rows: HashMap<ScheduleId, _> =
        admin.store.schedules().await?.into_iter().map(|row| (row.id.clone(), row)).collect();
    let (set, now) = ((admin.in_force)().set, admin.clock.now());
    let mut views = Vec::new();
    for rule in set.rules.values() {
        for (place, schedule) in rule.schedules().enumerate() {
            let row = rows.get(&ScheduleId { rule: rule.id.to_string(), schedule: schedule.key() });
            let due = row.filter(|_| rule.enabled).and_then(|row| schedule.next_after(row.upto));
            let to_come = std::iter::successors(schedule.next_after(now), |at| schedule.next_after(*at));
            let shown = if rule.enabled { NEXT } else { 0 };
            views.push(ScheduleView {
                rule: rule.id.to_string(),
                name: rule.name.clone(),
                enabled: rule.enabled,
                place,
                expression: schedule.expression(),
                words: schedule.words(),
                timezone: schedule.timezone().to_owned(),
                catch_up: schedule.catch_up.word(),
                since: row.map(|row| row.since),
                last: row.and_then(|row| row.last_slot).map(|at| slot(schedule, at)),
                last_event: row.and_then(|row| row.last_event),
                next: to_come.take(shown).map(|at| slot(schedule, at)).collect(),
                missed: row.map_or(0, |row| row.missed),
                overdue: due.filter(|due| now.since(*due) > OVERDUE).map(|at| slot(schedule, at)),
            });
        }
    }
    Ok(views)
}

fn slot(schedule: &Schedule, at: Time) -> Slot {
    Slot { at, local: schedule.local(at) }
}

/// A poll of a rule.
#[derive(Debug, Clone, Serialize)]
pub(super) struct PollView {
    /// The rule's id.
    pub(super) rule: String,
    /// What the rule is called.
    pub(super) name: String,
    /// Whether the rule is enabled.
    pub(super) enabled: bool,
    /// Which of the rule's polls, from 0.
    pub(super) place: u16,
    /// What it asks.
    pub(super) asks: String,
    /// How often.
    pub(super) every: String,
    /// When one went well last.
    pub(super) last: Option<Time>,
    /// When it was asked last.
    pub(super) tried: Option<Time>,
    /// When it is asked next. `None`: never yet, or the rule is not enabled.
    pub(super) next: Option<Time>,
    /// Events that it made.
    pub(super) items: u64,
    /// Failures since one went well.
    pub(super) failures: u32,
    /// Why the last one failed.
    pub(super) error: Option<String>,
    /// What was odd about single items of the last answer.
    pub(super) odd: Option<String>,
    /// What stood at `cursor`, as JSON. `None`: nothing.
    pub(super) cursor: Option<String>,
}

/// The polls of the rules in force, in the order of their ids.
pub(super) async fn polls(admin: &Admin) -> Result<Vec<PollView>, Refused> {
    let rows: HashMap<PollId, PollRow> =
        admin.store.polls().await?.into_iter().map(|row| (row.id.clone(), row)).collect();
    let set = Arc::clone(&(admin.in_force)().set);
    let mut views = Vec::new();
    for rule in set.rules.values() {
        for (place, poll) in (0..).zip(rule.polls()) {
            let row = rows.get(&PollId { rule: rule.id.to_string(), place });
            views.push(PollView {
                rule: rule.id.to_string(),
                name: rule.name.clone(),
                enabled: rule.enabled,
                place,
                asks: poll.target.split(": ").next().unwrap_or_default().to_owned(),
                every: shown_duration(poll.every),
                last: row.and_then(|row| row.last_at),
                tried: row.and_then(|row| row.tried_at),
                next: row.filter(|_| rule.enabled).map(|row| row.due_at),
                items: row.map_or(0, |row| row.items),
                failures: row.map_or(0, |row| row.failures),
                error: row.and_then(|row| row.error.clone()),
                odd: row.and_then(|row| row.odd.clone()),
                cursor: row.filter(|row| !row.cursor.is_null()).map(|row| row.cursor.to_string()),
            });
        }
    }
    Ok(views)
}
