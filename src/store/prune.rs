//! Retention: what is old and needed by no open run goes, in short transactions.

use std::time::{Duration, Instant};

use diesel::{ExpressionMethods as _, OptionalExtension as _, QueryDsl as _, RunQueryDsl as _};

use super::{
    accept::DedupeRow,
    dialect::{self, Conn, each},
    error::StoreError,
    handle::Store,
    schema, state, waits,
    writer::Desk,
};
use crate::{
    clock::Time,
    ids::{first_at, time_of},
};

/// What was deleted.
#[derive(Debug, Clone, Default)]
pub struct Pruned {
    /// Events, with their bodies.
    pub events: u64,
    /// Runs, with their attempts, outputs and requests.
    pub runs: u64,
    /// Dedupe keys that had expired.
    pub dedupe_keys: u64,
}

/// How long a fired slot is known: a clock that is set back by less doubles none.
const SLOTS: Duration = Duration::from_hours(7 * 24);
/// How long one transaction may keep the others waiting.
const SHORT: Duration = Duration::from_millis(50);
/// Events of the first transaction; later ones grow or shrink with the time that it took.
const FIRST_BATCH: usize = 50;
const LARGEST_BATCH: usize = 1000;
/// Dedupe keys that one question looks at.
const KEYS: usize = 2000;
/// Expired keys that one transaction deletes.
const KEYS_AT_ONCE: usize = 200;
/// Rows that were stored this shortly before a look at them are looked at again before their set or dictionary goes.
const JUST_NOW: Duration = Duration::from_mins(1);

/// Everything that is older than `before` and needed by no open run.
pub(super) async fn all(store: &Store, before: Time, now: Time) -> Result<Pruned, StoreError> {
    let mut pruned = Pruned::default();
    // First, so that no event is kept for them.
    gates(store, now).await?;
    slots(store, now).await?;
    store.write(64, move |desk| dialect::delete_solved(&mut desk.conn, before.0)).await?;
    store.write(64, |desk| waits::delete_ended(&mut desk.conn, &mut desk.known)).await?;
    events(store, before, &mut pruned).await?;
    pruned.dedupe_keys = keys(store, now).await?;
    store.write(64, move |desk| dialect::delete_refusals(&mut desk.conn, before.0)).await?;
    store.write(64, move |desk| dialect::delete_repeats(&mut desk.conn, first_at(before))).await?;
    store.write(64, move |desk| dialect::delete_old_echoes(&mut desk.conn, now.0)).await?;
    store.write(64, move |desk| dialect::delete_old_polls(&mut desk.conn, before.0)).await?;
    store.prune_tallies(now).await?;
    unused(store, before).await?;
    give_back(store).await?;
    Ok(pruned)
}

/// When the oldest event was received that a budget of `rows` keeps. `None`: all fit.
pub(super) fn first_kept_of(conn: &mut Conn, rows: u64) -> Result<Option<Time>, StoreError> {
    let stored = state::number(conn, state::EVENTS)?.unwrap_or(0);
    let excess = stored.saturating_sub(i64::try_from(rows).unwrap_or(i64::MAX));
    if excess <= 0 {
        return Ok(None);
    }
    let first: Option<i64> = each!(conn, c => schema::events::table
        .order(schema::events::id.asc())
        .offset(excess)
        .select(schema::events::id)
        .first(c)
        .optional())?;
    Ok(first.map(time_of))
}

async fn events(store: &Store, before: Time, pruned: &mut Pruned) -> Result<(), StoreError> {
    let end = first_at(before);
    let (mut after, mut size) = (i64::MIN, FIRST_BATCH);
    loop {
        let stretch = store.read(move |conn, _| dialect::old_events(conn, after, end, before.0, size)).await?;
        let Some(last) = stretch.last else { return Ok(()) };
        after = last;
        if stretch.free.is_empty() {
            continue;
        }
        let begun = Instant::now();
        let (events, runs) = store
            .write(stretch.free.len() * 8, move |desk| {
                let (mut events, mut runs) = (0, 0);
                for event in &stretch.free {
                    let (e, r) = dialect::delete_event(&mut desk.conn, *event)?;
                    events += e;
                    runs += r;
                }
                dialect::count(&mut desk.conn, state::EVENTS, -i64::try_from(events).unwrap_or(0))?;
                Ok((events, runs))
            })
            .await?;
        pruned.events += events as u64;
        pruned.runs += runs as u64;
        // The time includes that of others in the same commit, so the batch errs on the small side.
        size = if begun.elapsed() > SHORT / 2 { (size / 2).max(1) } else { (size * 2).min(LARGEST_BATCH) };
    }
}

/// Slots of schedules that were fired long ago.
async fn slots(store: &Store, now: Time) -> Result<(), StoreError> {
    let before = now.minus(SLOTS).0;
    while store.write(64, move |desk| dialect::delete_slots(&mut desk.conn, before)).await? > 0 {}
    Ok(())
}

/// Keys of `once` and counts of `threshold` that are over.
async fn gates(store: &Store, now: Time) -> Result<(), StoreError> {
    loop {
        let delete = move |desk: &mut Desk| {
            Ok(dialect::delete_once(&mut desk.conn, now.0)? + dialect::delete_counted(&mut desk.conn, now.0)?)
        };
        if store.write(64, delete).await? == 0 {
            return Ok(());
        }
    }
}

async fn keys(store: &Store, now: Time) -> Result<u64, StoreError> {
    let mut gone = 0;
    let mut last: Option<DedupeRow> = None;
    loop {
        let from = last.take();
        let rows = store.read(move |conn, _| dialect::keys_after(conn, from.as_ref(), KEYS)).await?;
        let Some(end) = rows.last().cloned() else { return Ok(gone) };
        let expired: Vec<DedupeRow> = rows.into_iter().filter(|row| row.expires <= now.0).collect();
        for part in expired.chunks(KEYS_AT_ONCE) {
            let part = part.to_vec();
            let deleted = store
                .write(part.len() * 64, move |desk| {
                    part.iter().try_fold(0, |sum, key| Ok(sum + dialect::delete_key(&mut desk.conn, key, now.0)?))
                })
                .await?;
            gone += deleted as u64;
        }
        last = Some(end);
    }
}

/// Rule sets, texts and dictionaries that nothing refers to.
async fn unused(store: &Store, before: Time) -> Result<(), StoreError> {
    let (sets, dictionaries, since) = store
        .read(move |conn, _| {
            let since = first_at(time_of(super::counts::highest_id(conn)?).minus(JUST_NOW));
            let mut sets = dialect::replaced_sets(conn, before.0)?;
            if !sets.is_empty() {
                let named = dialect::named_sets(conn)?;
                sets.retain(|set| !named.contains(set));
            }
            let mut dictionaries = dialect::dictionaries(conn)?;
            let used = dialect::used_dictionaries(conn)?;
            dictionaries.retain(|id| !used.contains(id));
            Ok((sets, dictionaries, since))
        })
        .await?;
    if sets.is_empty() && dictionaries.is_empty() {
        return Ok(());
    }
    store
        .write(1024, move |desk| {
            for set in &sets {
                dialect::delete_set(&mut desk.conn, *set, since)?;
            }
            for id in &dictionaries {
                dialect::delete_dictionary(&mut desk.conn, *id, since)?;
            }
            desk.known.forget();
            Ok(())
        })
        .await?;
    store.forget_dictionaries();
    Ok(())
}

async fn give_back(store: &Store) -> Result<(), StoreError> {
    loop {
        let free = store
            .write(64, |desk| {
                dialect::give_back(&mut desk.conn)?;
                dialect::free_pages(&mut desk.conn)
            })
            .await?;
        if free == 0 {
            return Ok(());
        }
    }
}
