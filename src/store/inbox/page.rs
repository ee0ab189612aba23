//! One page of the inbox.

use std::{
    collections::HashMap,
    time::{Duration, Instant},
};

use diesel::{ExpressionMethods as _, QueryDsl as _, RunQueryDsl as _};

use super::{
    InboxFilter,
    probe::{Needle, Probe},
    repeats::{RepeatRow, RepeatTableRow},
    ways::{Found, Ways},
};
use crate::{
    ids::{EventId, time_of},
    model::Refusal,
    store::{
        dialect::{Conn, IdSpan, InboxOrder},
        error::StoreError,
        events::{self, EventRow, Packed},
        handle::Store,
        json,
        names::Lookup,
        refusals,
        schema::{bodies, events as events_table, repeats as repeats_table},
    },
};

/// Rows of one look at bodies: the time is looked at between two.
const LOOK: usize = 128;
/// Bytes of bodies, as they came, after which no more are read at once.
const TOGETHER: i64 = 4 << 20;

/// A page that is asked for.
#[derive(Clone)]
pub struct InboxAsk {
    /// Which deliveries.
    pub filter: InboxFilter,
    /// Only those after this id: newer ones where the newest come first.
    pub above: Option<i64>,
    /// Only those before this id.
    pub below: Option<i64>,
    /// Rows at most.
    pub limit: usize,
    /// The oldest first.
    pub oldest_first: bool,
    /// How long it may be searched; what needs no search is not bound by it.
    pub budget: Duration,
}

/// A delivery in the inbox.
#[derive(Debug, Clone, serde::Serialize)]
#[serde(tag = "was", rename_all = "lowercase")]
pub enum InboxRow {
    /// It was accepted.
    Event(EventRow),
    /// It was seen before.
    Duplicate(RepeatRow),
    /// It was not taken.
    Refused(Refusal),
}

impl InboxRow {
    /// What orders it.
    pub fn id(&self) -> i64 {
        match self {
            Self::Event(row) => row.id.0,
            Self::Duplicate(row) => row.id,
            Self::Refused(row) => row.id.0,
        }
    }
}

/// A page of the inbox.
#[derive(Debug, Clone, Default)]
pub struct InboxPage {
    /// In order.
    pub rows: Vec<InboxRow>,
    /// Behind this id there may be more. `None`: there is no more.
    pub next: Option<i64>,
    /// The budget was used up here, with fewer rows than asked for: it can be gone on from `next`.
    pub is_cut: bool,
}

impl Store {
    /// A page of the inbox.
    pub async fn inbox(&self, ask: InboxAsk) -> Result<InboxPage, StoreError> {
        self.read(move |conn, lookup| page(conn, lookup, &ask)).await
    }

    /// How many accepted events a filter means, `most` at most. `None`: only a search could tell.
    pub async fn inbox_count(&self, filter: InboxFilter, most: i64) -> Result<Option<i64>, StoreError> {
        self.read(move |conn, _| {
            if !filter.probe.is_empty() {
                return Ok(None);
            }
            let stretch = stretch_of(&filter, None, None, InboxOrder::NewestFirst);
            Ways::of(conn, &filter)?.count(conn, stretch, most)
        })
        .await
    }
}

fn stretch_of(filter: &InboxFilter, above: Option<i64>, below: Option<i64>, order: InboxOrder) -> IdSpan {
    let from = filter.from.map_or(i64::MIN, |from| from.saturating_sub(1));
    IdSpan {
        above: above.unwrap_or(i64::MIN).max(from),
        below: below.unwrap_or(i64::MAX).min(filter.until.unwrap_or(i64::MAX)),
        order,
    }
}

fn page(conn: &mut Conn, lookup: &Lookup, ask: &InboxAsk) -> Result<InboxPage, StoreError> {
    let begun = Instant::now();
    let order = if ask.oldest_first { InboxOrder::OldestFirst } else { InboxOrder::NewestFirst };
    let mut stretch = stretch_of(&ask.filter, ask.above, ask.below, order);
    let ways = Ways::of(conn, &ask.filter)?;
    let probe = &ask.filter.probe;
    let needle = probe.text.as_deref().map(Needle::new);
    // One more than asked for tells whether there is a next page.
    let size = if probe.is_empty() { ask.limit + 1 } else { LOOK };
    let mut page = InboxPage::default();
    loop {
        let part = ways.next(conn, stretch, size)?;
        let (rows, cut) = load(conn, lookup, &part.found, probe, needle.as_ref(), begun + ask.budget)?;
        for row in rows {
            if page.rows.len() == ask.limit {
                page.next = page.rows.last().map(InboxRow::id);
                return Ok(page);
            }
            page.rows.push(row);
        }
        if cut.is_some() {
            page.next = cut;
            page.is_cut = page.rows.len() < ask.limit;
            return Ok(page);
        }
        let Some(upto) = part.upto else { return Ok(page) };
        stretch = stretch.behind(upto);
        if begun.elapsed() >= ask.budget {
            page.next = Some(upto);
            page.is_cut = page.rows.len() < ask.limit;
            return Ok(page);
        }
    }
}

/// The rows of what was found, those that pass the probe, and where the time was over before all of it was looked at.
fn load(
    conn: &mut Conn,
    lookup: &Lookup,
    found: &[Found],
    probe: &Probe,
    needle: Option<&Needle<'_>>,
    until: Instant,
) -> Result<(Vec<InboxRow>, Option<i64>), StoreError> {
    let mut repeats = repeats_of(conn, found)?;
    // The body of a duplicate is that of its first event.
    let event_of = |one: &Found| match one {
        Found::Event(id) => Some(*id),
        Found::Repeat(id) if !probe.is_empty() => repeats.get(id).map(|row| row.event),
        Found::Repeat(_) | Found::Refusal(_) => None,
    };
    let wanted: Vec<Option<i64>> = found.iter().map(event_of).collect();
    let ids: Vec<i64> = wanted.iter().flatten().copied().collect();
    let mut events = events_of(conn, ids.clone())?;
    let looked =
        if probe.is_empty() { HashMap::new() } else { look(conn, lookup, &mut events, (&ids, until), probe, needle)? };
    let passes = |event: i64| probe.is_empty() || looked.get(&event).is_some_and(|passes| *passes);
    let mut rows = Vec::with_capacity(found.len());
    let mut last = None;
    for (one, event) in found.iter().zip(wanted) {
        if !probe.is_empty() && event.is_some_and(|event| !looked.contains_key(&event)) {
            return Ok((rows, last));
        }
        last = Some(one.id());
        match *one {
            Found::Event(id) => {
                if passes(id)
                    && let Some(packed) = events.remove(&id)
                {
                    rows.push(InboxRow::Event(events::shown(conn, lookup, &packed.row)?));
                }
            }
            Found::Repeat(id) => {
                if let Some(row) = repeats.remove(&id).filter(|row| passes(row.event)) {
                    rows.push(InboxRow::Duplicate(repeat(conn, lookup, row)?));
                }
            }
            Found::Refusal(id) => {
                let refusal = refusals::find(conn, crate::ids::RefusalId(id))?;
                rows.extend(refusal.filter(|refusal| probe.passes(refusal)).map(InboxRow::Refused));
            }
        }
    }
    Ok((rows, None))
}

fn passes(
    conn: &mut Conn,
    lookup: &Lookup,
    packed: &Packed,
    probe: &Probe,
    needle: Option<&Needle<'_>>,
) -> Result<bool, StoreError> {
    let Some(joined) = events::joined(conn, lookup, packed)? else { return Ok(false) };
    match (&probe.test, needle) {
        (None, Some(needle)) => Ok(needle.is_in(text(joined))),
        (Some(test), needle) => {
            if !needle.is_none_or(|needle| needle.is_in(text(joined.clone()))) {
                return Ok(false);
            }
            Ok(test(&events::unpacked(conn, lookup, &packed.row, Some(joined))?))
        }
        (None, None) => Ok(true),
    }
}

/// Meta and body, without what says where the one ends.
fn text(mut joined: Vec<u8>) -> Vec<u8> {
    joined.drain(..json::HEAD.min(joined.len()));
    joined
}

/// Which of the events pass, in the order of their ids as given: those that are missing were not looked at before the time was over. One is
/// looked at in any case. Bodies are read a few at a time: large ones are not in memory together.
fn look(
    conn: &mut Conn,
    lookup: &Lookup,
    events: &mut HashMap<i64, Packed>,
    (ids, until): (&[i64], Instant),
    probe: &Probe,
    needle: Option<&Needle<'_>>,
) -> Result<HashMap<i64, bool>, StoreError> {
    let mut looked = HashMap::new();
    let mut left = ids.iter().copied().peekable();
    while left.peek().is_some() {
        let (mut group, mut size) = (Vec::new(), 0);
        while size < TOGETHER
            && let Some(id) = left.next()
        {
            size += events.get(&id).map_or(0, |packed| packed.row.bytes);
            group.push(id);
        }
        let bodies: Vec<(i64, Vec<u8>)> = bodies::table.filter(bodies::event.eq_any(group.clone())).load(conn)?;
        let mut bodies: HashMap<i64, Vec<u8>> = bodies.into_iter().collect();
        for id in group {
            if looked.contains_key(&id) {
                continue;
            }
            if !looked.is_empty() && Instant::now() >= until {
                return Ok(looked);
            }
            let passes = match (events.get_mut(&id), bodies.remove(&id)) {
                (Some(packed), Some(data)) => {
                    packed.data = Some(data);
                    let passes = passes(conn, lookup, packed, probe, needle)?;
                    packed.data = None;
                    passes
                }
                _ => false,
            };
            looked.insert(id, passes);
        }
    }
    Ok(looked)
}

fn events_of(conn: &mut Conn, ids: Vec<i64>) -> Result<HashMap<i64, Packed>, StoreError> {
    if ids.is_empty() {
        return Ok(HashMap::new());
    }
    let rows: Vec<events::TableRow> = events_table::table.filter(events_table::id.eq_any(ids)).load(conn)?;
    Ok(rows.into_iter().map(|row| (row.id, Packed { row, data: None })).collect())
}

fn repeats_of(conn: &mut Conn, found: &[Found]) -> Result<HashMap<i64, RepeatTableRow>, StoreError> {
    let ids: Vec<i64> =
        found.iter().filter_map(|one| if let Found::Repeat(id) = one { Some(*id) } else { None }).collect();
    if ids.is_empty() {
        return Ok(HashMap::new());
    }
    let rows: Vec<RepeatTableRow> = repeats_table::table.filter(repeats_table::id.eq_any(ids)).load(conn)?;
    Ok(rows.into_iter().map(|row| (row.id, row)).collect())
}

fn repeat(conn: &mut Conn, lookup: &Lookup, row: RepeatTableRow) -> Result<RepeatRow, StoreError> {
    let channel = lookup.channel(conn, row.channel)?;
    Ok(RepeatRow {
        id: row.id,
        event: EventId(row.event),
        kind: channel.kind.clone(),
        source: channel.source.clone(),
        at: time_of(row.id),
        peer: row.peer,
    })
}
