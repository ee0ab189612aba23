//! How much there was of what, by time. Counted in the writer's memory as it commits, and written at most once a second: a process that
//! is killed loses the counts of its last second, and nothing else.

use std::{
    collections::HashMap,
    time::{Duration, Instant},
};

use diesel::{ExpressionMethods as _, Insertable, QueryDsl as _, RunQueryDsl as _};

use super::{
    dialect::{self, Conn, each},
    error::StoreError,
    handle::Store,
    names::{Lookup, name_id},
    runs::status_of,
    schema::{runs, tallies},
};
use crate::{
    clock::Time,
    ids::{RunId, time_of},
    model::RunStatus,
};

/// Between two writes of counts.
const EVERY: Duration = Duration::from_secs(1);
/// The subject that stands for all.
const ALL: i32 = 0;

const MINUTE: i64 = 60_000;
const HOUR: i64 = 60 * MINUTE;
const DAY: i64 = 24 * HOUR;

/// How long minutes are kept.
const MINUTES_KEPT: i64 = 2 * DAY;
/// How long hours and days are kept.
const HOURS_KEPT: i64 = 400 * DAY;

/// What is counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Kind {
    /// An event was stored.
    Accepted,
    /// A delivery was known already.
    Duplicate,
    /// A delivery was refused.
    Refused,
    /// A run ended so.
    Ended(RunStatus),
}

impl Kind {
    /// As stored. `None`: a run that is not over is not counted.
    fn code(self) -> Option<i16> {
        Some(match self {
            Self::Accepted => 0,
            Self::Duplicate => 1,
            Self::Refused => 2,
            Self::Ended(RunStatus::Ok) => 3,
            Self::Ended(RunStatus::Failed) => 4,
            Self::Ended(RunStatus::Skipped) => 5,
            Self::Ended(RunStatus::Cancelled) => 6,
            Self::Ended(_) => return None,
        })
    }
}

/// The grain of a bucket, and of whom it tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Span {
    MinutesOfAll,
    HoursOfAll,
    HoursOfEach,
    DaysOfEach,
}

impl Span {
    const EVERY: [Self; 4] = [Self::MinutesOfAll, Self::HoursOfAll, Self::HoursOfEach, Self::DaysOfEach];

    fn code(self) -> i16 {
        match self {
            Self::MinutesOfAll => 0,
            Self::HoursOfAll => 1,
            Self::HoursOfEach => 2,
            Self::DaysOfEach => 3,
        }
    }

    fn width(self) -> i64 {
        match self {
            Self::MinutesOfAll => MINUTE,
            Self::HoursOfAll | Self::HoursOfEach => HOUR,
            Self::DaysOfEach => DAY,
        }
    }

    /// How long its buckets are kept.
    fn kept(self) -> i64 {
        if self == Self::MinutesOfAll { MINUTES_KEPT } else { HOURS_KEPT }
    }

    fn subject(self, subject: i32) -> i32 {
        match self {
            Self::MinutesOfAll | Self::HoursOfAll => ALL,
            Self::HoursOfEach | Self::DaysOfEach => subject,
        }
    }
}

/// Counts that are not written yet, by minute, subject and kind.
#[derive(Debug, Default)]
pub(super) struct Tally(HashMap<(i64, i32, i16), i64>);

impl Tally {
    /// Counts one; `subject` is the number of its source's or rule's name. `None`: of all alone.
    pub(super) fn note(&mut self, kind: Kind, subject: Option<i32>, at: Time) {
        let Some(kind) = kind.code() else { return };
        *self.0.entry((at.0 - at.0.rem_euclid(MINUTE), subject.unwrap_or(ALL), kind)).or_default() += 1;
    }

    /// Takes over all of another.
    pub(super) fn absorb(&mut self, other: &mut Self) {
        for (key, count) in other.0.drain() {
            *self.0.entry(key).or_default() += count;
        }
    }

    /// Forgets everything.
    pub(super) fn clear(&mut self) {
        self.0.clear();
    }

    fn rows(&self) -> Vec<TallyRow> {
        let mut counts: HashMap<(i16, i64, i32, i16), i64> = HashMap::new();
        for ((minute, subject, kind), count) in &self.0 {
            for span in Span::EVERY {
                let of = span.subject(*subject);
                // What has no subject is in the counts of all alone.
                if of == ALL && matches!(span, Span::HoursOfEach | Span::DaysOfEach) {
                    continue;
                }
                *counts.entry((span.code(), minute - minute.rem_euclid(span.width()), of, *kind)).or_default() += count;
            }
        }
        let row = |((span, bucket, subject, kind), count)| TallyRow { span, bucket, subject, kind, count };
        counts.into_iter().map(row).collect()
    }
}

/// A row of `tallies`.
#[derive(Debug, Insertable)]
#[diesel(table_name = tallies)]
pub(super) struct TallyRow {
    pub(super) span: i16,
    pub(super) bucket: i64,
    pub(super) subject: i32,
    pub(super) kind: i16,
    pub(super) count: i64,
}

/// The counts of commits that have succeeded, and when they were last written.
pub(super) struct Unwritten {
    tally: Tally,
    written_at: Instant,
}

impl Unwritten {
    pub(super) fn new() -> Self {
        Self { tally: Tally::default(), written_at: Instant::now() }
    }

    /// After a commit: what was counted in it is so.
    pub(super) fn absorb(&mut self, counted: &mut Tally) {
        self.tally.absorb(counted);
    }

    /// Whether there is anything to write.
    pub(super) fn is_empty(&self) -> bool {
        self.tally.0.is_empty()
    }

    /// Writes them in the transaction that is open, where a second has passed since the last time. True: `written` is to be called once it
    /// is committed.
    pub(super) fn write(&mut self, conn: &mut Conn) -> Result<bool, StoreError> {
        if self.is_empty() || self.written_at.elapsed() < EVERY {
            return Ok(false);
        }
        // Before it is tried: where it does not succeed, the commits of the next second go without.
        self.written_at = Instant::now();
        self.write_now(conn).map(|()| true)
    }

    /// The same whenever that was.
    pub(super) fn write_now(&self, conn: &mut Conn) -> Result<(), StoreError> {
        dialect::add_tallies(conn, &self.tally.rows())
    }

    /// They are committed.
    pub(super) fn written(&mut self) {
        self.tally.clear();
    }
}

/// What there was in one stretch of time.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Serialize)]
pub struct Stretch {
    /// When it begins.
    pub at: Time,
    /// Events that were stored.
    pub accepted: u64,
    /// Deliveries that were known already.
    pub duplicate: u64,
    /// Deliveries that were refused.
    pub refused: u64,
    /// Runs that ended well.
    pub ok: u64,
    /// Runs that failed.
    pub failed: u64,
    /// Runs that ended before their first step.
    pub skipped: u64,
    /// Runs that a person or a newer run ended.
    pub cancelled: u64,
}

impl Stretch {
    fn add(&mut self, kind: i16, count: i64) {
        let count = u64::try_from(count).unwrap_or(0);
        match kind {
            0 => self.accepted += count,
            1 => self.duplicate += count,
            2 => self.refused += count,
            3 => self.ok += count,
            4 => self.failed += count,
            5 => self.skipped += count,
            6 => self.cancelled += count,
            _ => {}
        }
    }
}

/// How far back a chart looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Window {
    /// 60 minutes.
    Hour,
    /// 48 half hours.
    Day,
    /// 42 stretches of four hours.
    Week,
    /// 30 days.
    Month,
}

impl Window {
    /// The length of each stretch in milliseconds, how many there are, and where they are counted.
    fn grain(self) -> (i64, i64, Span) {
        match self {
            Self::Hour => (MINUTE, 60, Span::MinutesOfAll),
            Self::Day => (HOUR / 2, 48, Span::MinutesOfAll),
            Self::Week => (4 * HOUR, 42, Span::HoursOfAll),
            Self::Month => (DAY, 30, Span::HoursOfAll),
        }
    }

    /// The length of each stretch in milliseconds.
    pub fn step(self) -> i64 {
        self.grain().0
    }

    /// It is short enough that times of day tell its stretches apart, and no dates are needed.
    pub fn is_of_hours(self) -> bool {
        matches!(self, Self::Hour | Self::Day)
    }
}

/// How a rule went on one day (UTC).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Serialize)]
pub struct RuleDay {
    /// Runs that ended well.
    pub ok: u64,
    /// Runs that failed.
    pub failed: u64,
}

/// The newest run of a rule.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct LastRun {
    /// Its id.
    pub id: RunId,
    /// Where it stands.
    pub status: RunStatus,
    /// When it was made.
    pub created_at: Time,
}

/// How a rule went of late.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize)]
pub struct RuleTally {
    /// The oldest day first, today last; as many as were asked for.
    pub days: Vec<RuleDay>,
    /// Its newest run. `None`: it never had one, or it is gone.
    pub last: Option<LastRun>,
}

impl Store {
    /// What there was in each stretch of the window that ends now, the oldest first.
    pub async fn tallies(&self, window: Window, now: Time) -> Result<Vec<Stretch>, StoreError> {
        self.read(move |conn, _| stretches(conn, window, now)).await
    }

    /// How these rules went on each of the last days, and the newest run of each: one read of counts, and one of an index for each rule.
    pub async fn rule_tallies(
        &self,
        rules: Vec<String>,
        days: u32,
        now: Time,
    ) -> Result<HashMap<String, RuleTally>, StoreError> {
        self.read(move |conn, lookup| of_rules(conn, lookup, rules, days, now)).await
    }

    /// Counts of minutes, hours and days that are past their time go, bucket by bucket.
    pub(super) async fn prune_tallies(&self, now: Time) -> Result<(), StoreError> {
        for span in Span::EVERY {
            let before = now.0.saturating_sub(span.kept());
            while self.write(64, move |desk| dialect::delete_tallies(&mut desk.conn, span.code(), before)).await? > 0 {}
        }
        Ok(())
    }
}

fn stretches(conn: &mut Conn, window: Window, now: Time) -> Result<Vec<Stretch>, StoreError> {
    let (step, count, span) = window.grain();
    let last = now.0 - now.0.rem_euclid(step);
    let first = last - step * (count - 1);
    let mut stretches: Vec<Stretch> =
        (0..count).map(|place| Stretch { at: Time(first + place * step), ..Stretch::default() }).collect();
    let rows: Vec<(i64, i16, i64)> = each!(conn, c => tallies::table
        .filter(tallies::span.eq(span.code()))
        .filter(tallies::bucket.ge(first))
        .filter(tallies::bucket.lt(last + step))
        .filter(tallies::subject.eq(ALL))
        .select((tallies::bucket, tallies::kind, tallies::count))
        .load(c))?;
    for (bucket, kind, count) in rows {
        let place = usize::try_from((bucket - first) / step).unwrap_or(usize::MAX);
        if let Some(stretch) = stretches.get_mut(place) {
            stretch.add(kind, count);
        }
    }
    Ok(stretches)
}

fn of_rules(
    conn: &mut Conn,
    lookup: &Lookup,
    rules: Vec<String>,
    days: u32,
    now: Time,
) -> Result<HashMap<String, RuleTally>, StoreError> {
    let days = days.clamp(1, 400);
    let first = now.0 - now.0.rem_euclid(DAY) - DAY * i64::from(days - 1);
    let empty = || vec![RuleDay::default(); usize::try_from(days).unwrap_or(0)];
    let ok = Kind::Ended(RunStatus::Ok).code();
    let failed = Kind::Ended(RunStatus::Failed).code();
    let rows: Vec<(i64, i32, i16, i64)> = each!(conn, c => tallies::table
        .filter(tallies::span.eq(Span::DaysOfEach.code()))
        .filter(tallies::bucket.ge(first))
        .filter(tallies::kind.eq_any([ok.unwrap_or(0), failed.unwrap_or(0)]))
        .select((tallies::bucket, tallies::subject, tallies::kind, tallies::count))
        .load(c))?;
    let mut all: HashMap<String, RuleTally> = rules.into_iter().map(|rule| (rule, RuleTally::default())).collect();
    for (bucket, subject, kind, count) in rows {
        let name = lookup.name(conn, subject)?;
        let Some(tally) = all.get_mut(&*name) else { continue };
        if tally.days.is_empty() {
            tally.days = empty();
        }
        let place = usize::try_from((bucket - first) / DAY).unwrap_or(usize::MAX);
        let Some(day) = tally.days.get_mut(place) else { continue };
        let count = u64::try_from(count).unwrap_or(0);
        if Some(kind) == ok { day.ok += count } else { day.failed += count }
    }
    for (rule, tally) in &mut all {
        if tally.days.is_empty() {
            tally.days = empty();
        }
        tally.last = last_run(conn, rule)?;
    }
    Ok(all)
}

fn last_run(conn: &mut Conn, rule: &str) -> Result<Option<LastRun>, StoreError> {
    let Some(rule) = name_id(conn, rule)? else { return Ok(None) };
    let found: Vec<(i64, i16)> = each!(conn, c => runs::table
        .filter(runs::rule.eq(rule))
        .order(runs::id.desc())
        .limit(1)
        .select((runs::id, runs::status))
        .load(c))?;
    let Some((id, status)) = found.first() else { return Ok(None) };
    Ok(Some(LastRun { id: RunId(*id), status: status_of(*status)?, created_at: time_of(*id) }))
}
