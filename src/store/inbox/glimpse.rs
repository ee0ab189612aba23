//! What a page of the inbox tells of its events at a glance: their runs, and bodies that are small. Two questions, however many events.

use std::collections::HashMap;

use diesel::{ExpressionMethods as _, JoinOnDsl as _, QueryDsl as _, RunQueryDsl as _};

use crate::{
    ids::EventId,
    model::RunStatus,
    store::{
        dialect::{Conn, each},
        error::StoreError,
        events::{self, StoredEvent},
        handle::Store,
        names::Lookup,
        runs::status_of,
        schema::{bodies, channels, events as events_table, runs},
    },
};

/// Runs of a page that are looked at: an event may have many.
const RUNS: i64 = 20_000;
/// Bytes of a body that is read for a glance.
const SMALL: i64 = 16 << 10;
/// Channels that are told: a generic source has one for each of its types.
const CHANNELS: i64 = 2_000;

/// An event at a glance.
#[derive(Debug, Clone, Default)]
pub struct Glimpse {
    /// The rules that ran on it, each once.
    pub rules: Vec<String>,
    /// The states of its runs.
    pub states: Vec<RunStatus>,
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

fn glimpses(conn: &mut Conn, lookup: &Lookup, ids: &[i64]) -> Result<HashMap<EventId, Glimpse>, StoreError> {
    let mut found: HashMap<EventId, Glimpse> = HashMap::new();
    let ran: Vec<(i64, i32, i16)> = runs::table
        .filter(runs::event.eq_any(ids.to_vec()))
        .select((runs::event, runs::rule, runs::status))
        .limit(RUNS)
        .load(conn)?;
    for (event, rule, status) in ran {
        let glimpse = found.entry(EventId(event)).or_default();
        let rule = lookup.name(conn, rule)?;
        if !glimpse.rules.iter().any(|known| **known == *rule) {
            glimpse.rules.push(rule.to_string());
        }
        glimpse.states.push(status_of(status)?);
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
    }
    Ok(found)
}
