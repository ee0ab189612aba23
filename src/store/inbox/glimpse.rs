//! What a page of the inbox tells of its events at a glance: their runs, and bodies that are small. Four questions, however many events.

use std::collections::HashMap;

use diesel::{ExpressionMethods as _, JoinOnDsl as _, QueryDsl as _, RunQueryDsl as _};

use crate::{
    ids::{EventId, RunId},
    model::RunStatus,
    store::{
        dialect::{Conn, SuppressedRow, each},
        error::StoreError,
        events::{self, StoredEvent},
        gates::{Suppressed, SuppressedBy},
        handle::Store,
        names::Lookup,
        runs::status_of,
        schema::{bodies, channels, events as events_table, run_events, runs, suppressed as suppressed_table},
        suppressed,
    },
};

/// Runs of a page that are looked at: an event may have many.
const RUNS: i64 = 20_000;
/// A run of an event: the event, the run, its rule, its state.
type Ran = (i64, i64, i32, i16);

/// Bytes of a body that is read for a glance.
const SMALL: i64 = 16 << 10;
/// Channels that are told: a generic source has one for each of its types.
const CHANNELS: i64 = 2_000;

/// A run that an event joined.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Joined {
    /// The run.
    pub run: RunId,
    /// Its rule.
    pub rule: String,
    /// Where it stands.
    pub status: RunStatus,
}

/// An event at a glance.
#[derive(Debug, Clone, Default)]
pub struct Glimpse {
    /// The rules that it started a run of, each once.
    pub rules: Vec<String>,
    /// The states of those runs.
    pub states: Vec<RunStatus>,
    /// Runs that other events began, and that it joined: of a digest or threshold.
    pub joined: Vec<Joined>,
    /// Rules that matched it, and ran on it in neither way.
    pub suppressed: Vec<Suppressed>,
    /// It as it was stored. `None`: its body is large, or gone.
    pub event: Option<StoredEvent>,
}

impl Store {
    /// These events at a glance.
    pub async fn glimpses(&self, events: Vec<EventId>) -> Result<HashMap<EventId, Glimpse>, StoreError> {
        if events.is_empty() {
            return Ok(HashMap::new());
        }
        let ids: Vec<i64> = events.into_iter().map(|event| event.0).collect();
        self.read(move |conn, lookup| glimpses(conn, lookup, &ids)).await
    }

    /// Sources and types of what was ever accepted.
    pub async fn channels_seen(&self) -> Result<Vec<(String, String)>, StoreError> {
        self.read(|conn, _| {
            Ok(each!(conn, c => channels::table
                .select((channels::source, channels::kind))
                .distinct()
                .limit(CHANNELS)
                .load(c))?)
        })
        .await
    }
}

impl Glimpse {
    /// A run on the event; `is_newest`: it has none that is newer.
    fn ran(&mut self, run: Joined, is_newest: bool) {
        let of_rule = self.suppressed.iter().find(|kept| kept.rule == run.rule);
        let has_joined = of_rule.is_some_and(|kept| !is_newest || matches!(kept.by, SuppressedBy::Digest { .. }));
        if has_joined {
            self.joined.push(run);
            return;
        }
        self.states.push(run.status);
        if !self.rules.contains(&run.rule) {
            self.rules.push(run.rule);
        }
    }
}

fn glimpses(conn: &mut Conn, lookup: &Lookup, ids: &[i64]) -> Result<HashMap<EventId, Glimpse>, StoreError> {
    let mut found: HashMap<EventId, Glimpse> = HashMap::new();
    let kept: Vec<(i64, i32, i16, i64, i64)> =
        suppressed_table::table.filter(suppressed_table::event.eq_any(ids.to_vec())).limit(RUNS).load(conn)?;
    for (event, rule, reason, one, other) in kept {
        let name = lookup.name(conn, rule)?.to_string();
        let by = suppressed::of_row(SuppressedRow { rule, reason, one, other })?;
        found.entry(EventId(event)).or_default().suppressed.push(Suppressed { rule: name, by });
    }
    // The newest event of a run is told by the run, the others apart.
    let newest: Vec<Ran> = runs::table
        .filter(runs::event.eq_any(ids.to_vec()))
        .select((runs::event, runs::id, runs::rule, runs::status))
        .limit(RUNS)
        .load(conn)?;
    let others: Vec<Ran> = run_events::table
        .inner_join(runs::table.on(runs::id.eq(run_events::run)))
        .filter(run_events::event.eq_any(ids.to_vec()))
        .select((run_events::event, runs::id, runs::rule, runs::status))
        .limit(RUNS)
        .load(conn)?;
    let newest = newest.into_iter().map(|ran| (ran, true));
    for ((event, run, rule, status), is_newest) in newest.chain(others.into_iter().map(|ran| (ran, false))) {
        let (rule, status) = (lookup.name(conn, rule)?.to_string(), status_of(status)?);
        found.entry(EventId(event)).or_default().ran(Joined { run: RunId(run), rule, status }, is_newest);
    }
    let small: Vec<(events::TableRow, Vec<u8>)> = events_table::table
        .inner_join(bodies::table.on(bodies::event.eq(events_table::id)))
        .filter(events_table::id.eq_any(ids.to_vec()))
        .filter(events_table::bytes.le(SMALL))
        .select((events_table::all_columns, bodies::data))
        .load(conn)?;
    for (row, data) in small {
        let event = events::opened(conn, lookup, row, Some(data))?;
        let id = event.id;
        found.entry(id).or_default().event = Some(event);
    }
    for glimpse in found.values_mut() {
        glimpse.rules.sort_unstable();
        glimpse.joined.sort_unstable_by_key(|joined| std::cmp::Reverse(joined.run));
        // The run says more than that there was none yet.
        let joined = &glimpse.joined;
        glimpse.suppressed.retain(|kept| !joined.iter().any(|joined| kept.is_by_count() && joined.rule == kept.rule));
    }
    Ok(found)
}
