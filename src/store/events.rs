//! Events as lists, pages and workers see them.

use std::collections::BTreeSet;

use diesel::{
    ExpressionMethods as _, JoinOnDsl as _, NullableExpressionMethods as _, OptionalExtension as _, QueryDsl as _,
    Queryable, RunQueryDsl as _,
};
use serde_json::{Map, Value};

use super::{
    compress::{BARE, PLAIN},
    dialect::{self, Conn, each},
    error::StoreError,
    json,
    names::{Lookup, channels_of},
    page_size, run_lists,
    runs::{self, RunFilter, RunRow},
    schema::{bodies, channels, events},
};
use crate::{
    clock::Time,
    ids::{EventId, RunId},
    model::EventFlags,
};

/// More channels than this are not asked one by one: a list then reads in the order of ids.
const ASKED_APART: usize = 64;

/// Which events a list shows, newest first.
#[derive(Debug, Clone, Default)]
pub struct EventFilter {
    /// Older than this one: the next page.
    pub before: Option<EventId>,
    /// 50 unless set; at most 1,000.
    pub limit: Option<usize>,
    /// Of this type.
    pub kind: Option<String>,
    /// From this source.
    pub source: Option<String>,
    /// Those that started a run, or those that did not.
    pub matched: Option<bool>,
}

/// An event in a list.
#[derive(Debug, Clone, serde::Serialize)]
pub struct EventRow {
    /// Its id.
    pub id: EventId,
    /// Its type.
    #[serde(rename = "type")]
    pub kind: String,
    /// The source it came in by.
    pub source: String,
    /// When.
    pub received_at: Time,
    /// `matched` or `unmatched`.
    pub state: &'static str,
    /// Runs that it started.
    pub runs: u32,
    /// Deliveries of it, the first included.
    pub seen: u32,
    /// Length of its body.
    pub bytes: u64,
    /// The words of its flags.
    pub flags: Vec<&'static str>,
}

/// An event as it was stored.
#[derive(Debug, Clone)]
pub struct StoredEvent {
    /// Its id.
    pub id: EventId,
    /// Its type.
    pub kind: String,
    /// The source it came in by.
    pub source: String,
    /// The source's service. `None` for a generic source.
    pub service: Option<String>,
    /// When it came.
    pub received_at: Time,
    /// How it was verified.
    pub verified: String,
    /// How many emitted events stand between it and a delivery from outside.
    pub depth: u8,
    /// What was odd about it.
    pub flags: EventFlags,
    /// Headers and query that rules may see.
    pub meta: Map<String, Value>,
    /// `None` where retention has deleted it.
    pub body: Option<Vec<u8>>,
    /// The rule set that decided.
    pub set: i64,
}

/// An event with its runs.
#[derive(Debug, Clone)]
pub struct EventDetail {
    /// As in the list.
    pub row: EventRow,
    /// As stored.
    pub event: StoredEvent,
    /// The runs that are about it, newest first; also those of a digest or threshold that a later event is the newest of.
    pub runs: Vec<RunRow>,
}

/// A row of `events`.
#[derive(Debug, Queryable)]
pub(super) struct TableRow {
    pub(super) id: i64,
    channel: i32,
    received_at: i64,
    depth: i16,
    flags: i32,
    rule_set: i64,
    runs: i32,
    matched: bool,
    seen: i32,
    pub(super) bytes: i64,
    dictionary: i32,
}

/// An event and its packed body; `None` where that was not asked for, or is gone.
pub(super) struct Packed {
    pub(super) row: TableRow,
    pub(super) data: Option<Vec<u8>>,
}

/// As lists show it.
pub(super) fn shown(conn: &mut Conn, lookup: &Lookup, row: &TableRow) -> Result<EventRow, StoreError> {
    let channel = lookup.channel(conn, row.channel)?;
    Ok(EventRow {
        id: EventId(row.id),
        kind: channel.kind.clone(),
        source: channel.source.clone(),
        received_at: Time(row.received_at),
        state: if row.matched { "matched" } else { "unmatched" },
        runs: u32::try_from(row.runs).unwrap_or(0),
        seen: u32::try_from(row.seen).unwrap_or(0),
        bytes: u64::try_from(row.bytes).unwrap_or(0),
        flags: EventFlags(row.flags).words(),
    })
}

/// Events newest first. With a filter, each channel that can hold some is asked by index and the answers are merged.
pub(super) fn list(conn: &mut Conn, lookup: &Lookup, filter: &EventFilter) -> Result<Vec<EventRow>, StoreError> {
    let limit = page_size(filter.limit);
    let before = filter.before.map_or(i64::MAX, |id| id.0);
    let narrow = filter.kind.is_some() || filter.source.is_some() || filter.matched.is_some();
    let channels = channels_of(conn, filter.kind.as_deref(), filter.source.as_deref())?;
    let mut rows: Vec<TableRow> = Vec::new();
    if narrow && channels.len() <= ASKED_APART {
        let states = filter.matched.map_or(vec![true, false], |matched| vec![matched]);
        for channel in channels {
            for matched in &states {
                let found: Vec<TableRow> = each!(conn, c => events::table
                    .filter(events::channel.eq(channel))
                    .filter(events::matched.eq(*matched))
                    .filter(events::id.lt(before))
                    .order(events::id.desc())
                    .limit(limit)
                    .load(c))?;
                rows.extend(found);
            }
        }
        rows.sort_by_key(|row| std::cmp::Reverse(row.id));
        rows.truncate(usize::try_from(limit).unwrap_or(usize::MAX));
    } else {
        let mut question =
            events::table.filter(events::id.lt(before)).order(events::id.desc()).limit(limit).into_boxed();
        if narrow {
            question = question.filter((events::channel + 0).eq_any(channels));
        }
        if let Some(matched) = filter.matched {
            question = question.filter(events::matched.eq(matched));
        }
        rows = question.load(conn)?;
    }
    rows.iter().map(|row| shown(conn, lookup, row)).collect()
}

/// An event and its packed body, where that is still there.
type Found = (TableRow, Option<Vec<u8>>);

fn find(conn: &mut Conn, id: i64) -> Result<Option<Found>, StoreError> {
    Ok(each!(conn, c => events::table
        .left_join(bodies::table.on(bodies::event.eq(events::id)))
        .filter(events::id.eq(id))
        .select((events::all_columns, bodies::data.nullable()))
        .get_result(c)
        .optional())?)
}

/// The event of a row and its packed body.
pub(super) fn opened(
    conn: &mut Conn,
    lookup: &Lookup,
    row: TableRow,
    data: Option<Vec<u8>>,
) -> Result<StoredEvent, StoreError> {
    let packed = Packed { row, data };
    let joined = joined(conn, lookup, &packed)?;
    unpacked(conn, lookup, &packed.row, joined)
}

/// Meta and body in one, as they were before they were packed.
pub(super) fn joined(conn: &mut Conn, lookup: &Lookup, packed: &Packed) -> Result<Option<Vec<u8>>, StoreError> {
    let Some(data) = &packed.data else { return Ok(None) };
    match packed.row.dictionary {
        PLAIN => Ok(Some(data.clone())),
        BARE => Err(StoreError::Corrupt("a body is packed in a way that no version wrote".to_owned())),
        id => lookup.dictionary(conn, id)?.open(data).map(Some),
    }
}

/// The event of what `joined` gave.
pub(super) fn unpacked(
    conn: &mut Conn,
    lookup: &Lookup,
    row: &TableRow,
    joined: Option<Vec<u8>>,
) -> Result<StoredEvent, StoreError> {
    let channel = lookup.channel(conn, row.channel)?;
    let (meta, body) = match joined {
        None => (Map::new(), None),
        Some(joined) => {
            let (meta, body) = json::split(joined)?;
            (meta, Some(body))
        }
    };
    Ok(StoredEvent {
        id: EventId(row.id),
        kind: channel.kind.clone(),
        source: channel.source.clone(),
        service: (!channel.service.is_empty()).then(|| channel.service.clone()),
        received_at: Time(row.received_at),
        verified: channel.verified.clone(),
        depth: u8::try_from(row.depth).unwrap_or(u8::MAX),
        flags: EventFlags(row.flags),
        meta,
        body,
        set: row.rule_set,
    })
}

/// Events of types that are `wanted` stored after one and up to another, oldest first, with their bodies.
pub(super) fn page(
    conn: &mut Conn,
    lookup: &Lookup,
    wanted: &dyn Fn(&str) -> bool,
    (after, upto): (EventId, EventId),
    limit: usize,
) -> Result<Vec<StoredEvent>, StoreError> {
    let kinds: Vec<(i32, String)> = each!(conn, c => channels::table.select((channels::id, channels::kind)).load(c))?;
    let all = kinds.len();
    let channels: Vec<i32> = kinds.into_iter().filter(|(_, kind)| wanted(kind)).map(|(id, _)| id).collect();
    if channels.is_empty() {
        return Ok(Vec::new());
    }
    let mut question = events::table
        .left_join(bodies::table.on(bodies::event.eq(events::id)))
        .filter(events::id.gt(after.0))
        .filter(events::id.le(upto.0))
        .order(events::id.asc())
        .limit(i64::try_from(limit).unwrap_or(i64::MAX))
        .select((events::all_columns, bodies::data.nullable()))
        .into_boxed();
    if channels.len() < all {
        // As a sum no index has it: by the one of channels all of a channel would be read and sorted, and not the stretch alone.
        question = question.filter((events::channel + 0).eq_any(channels));
    }
    let rows: Vec<Found> = question.load(conn)?;
    rows.into_iter().map(|(row, data)| opened(conn, lookup, row, data)).collect()
}

/// How many events were stored after one and up to another.
pub(super) fn count_between(conn: &mut Conn, after: EventId, upto: EventId) -> Result<u64, StoreError> {
    let count: i64 = each!(conn, c => events::table
        .filter(events::id.gt(after.0))
        .filter(events::id.le(upto.0))
        .count()
        .get_result(c))?;
    Ok(u64::try_from(count).unwrap_or(0))
}

/// One event as it was stored. `None`: there is none of this id.
pub(super) fn stored(conn: &mut Conn, lookup: &Lookup, id: i64) -> Result<Option<StoredEvent>, StoreError> {
    let Some((row, data)) = find(conn, id)? else { return Ok(None) };
    opened(conn, lookup, row, data).map(Some)
}

/// Events of these types with ids above `since` and up to `upto`, oldest first, `limit` at most. Each channel of a type is asked by index.
pub(super) fn between(
    conn: &mut Conn,
    lookup: &Lookup,
    kinds: &[String],
    since: EventId,
    upto: EventId,
    limit: usize,
) -> Result<Vec<StoredEvent>, StoreError> {
    let most = i64::try_from(limit).unwrap_or(i64::MAX);
    let mut ids: BTreeSet<i64> = BTreeSet::new();
    for kind in kinds {
        for channel in channels_of(conn, Some(kind), None)? {
            for matched in [true, false] {
                let found: Vec<i64> = each!(conn, c => events::table
                    .filter(events::channel.eq(channel))
                    .filter(events::matched.eq(matched))
                    .filter(events::id.gt(since.0))
                    .filter(events::id.le(upto.0))
                    .order(events::id.asc())
                    .limit(most)
                    .select(events::id)
                    .load(c))?;
                ids.extend(found);
            }
        }
    }
    let mut found = Vec::new();
    for id in ids.into_iter().take(limit) {
        found.extend(stored(conn, lookup, id)?);
    }
    Ok(found)
}

/// One event with its runs. `None`: there is none of this id.
pub(super) fn detail(conn: &mut Conn, lookup: &Lookup, id: EventId) -> Result<Option<EventDetail>, StoreError> {
    let Some((row, data)) = find(conn, id.0)? else { return Ok(None) };
    let of_event = RunFilter { event: Some(id), limit: Some(1000), ..RunFilter::default() };
    let mut runs = run_lists::page(conn, lookup, &of_event)?.rows;
    for run in dialect::runs_also_about(conn, id.0)? {
        runs.extend(runs::brief(conn, lookup, RunId(run))?);
    }
    runs.sort_by_key(|run| std::cmp::Reverse(run.id));
    Ok(Some(EventDetail { row: shown(conn, lookup, &row)?, event: opened(conn, lookup, row, data)?, runs }))
}
