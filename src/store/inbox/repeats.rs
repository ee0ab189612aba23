//! The ring of duplicates: each delivery that was seen before, with when and from where.

use diesel::{ExpressionMethods as _, Insertable, QueryDsl as _, Queryable, RunQueryDsl as _};

use crate::{
    clock::Time,
    ids::{EventId, time_of},
    store::{
        dialect::{self, Conn, each},
        error::StoreError,
        handle::Store,
        names::Known,
        schema::repeats,
    },
};

/// Duplicates that are kept.
const RING: i64 = 10_000;
/// Duplicates between two cuts of the ring; it holds that many more at times.
const CUT_EVERY: u32 = 500;
/// Duplicates of one event that are shown.
const SHOWN: i64 = 100;

/// A delivery that was seen before.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct RepeatRow {
    /// The id that it would have had as an event.
    #[serde(skip)]
    pub id: i64,
    /// The first event of it.
    pub event: EventId,
    /// Its type.
    #[serde(rename = "type")]
    pub kind: String,
    /// The source it came in by.
    pub source: String,
    /// When it came.
    pub at: Time,
    /// The address it came from; empty where that is not known.
    pub peer: String,
}

#[derive(Debug, Insertable)]
#[diesel(table_name = repeats)]
pub(in crate::store) struct RepeatInsert {
    pub(in crate::store) id: i64,
    pub(in crate::store) event: i64,
    pub(in crate::store) channel: i32,
    pub(in crate::store) peer: String,
}

#[derive(Debug, Queryable)]
pub(super) struct RepeatTableRow {
    pub(super) id: i64,
    pub(super) event: i64,
    pub(super) channel: i32,
    pub(super) peer: String,
}

/// Keeps duplicates, and the ring within its bounds.
pub(in crate::store) fn keep(conn: &mut Conn, known: &mut Known, rows: &[RepeatInsert]) -> Result<(), StoreError> {
    dialect::insert_repeats(conn, rows)?;
    known.repeats_since_cut = known.repeats_since_cut.saturating_add(u32::try_from(rows.len()).unwrap_or(u32::MAX));
    if known.repeats_since_cut >= CUT_EVERY {
        dialect::trim_repeats(conn, RING)?;
        known.repeats_since_cut = 0;
    }
    Ok(())
}

impl Store {
    /// When duplicates of an event came and from where, newest first; 100 at most. Old ones are no longer known.
    pub async fn repeats_of(&self, event: EventId) -> Result<Vec<(Time, String)>, StoreError> {
        let of = move |conn: &mut Conn| -> Result<Vec<RepeatTableRow>, StoreError> {
            Ok(each!(conn, c => repeats::table
                .filter(repeats::event.eq(event.0))
                .order(repeats::id.desc())
                .limit(SHOWN)
                .load(c))?)
        };
        let rows = self.read(move |conn, _| of(conn)).await?;
        Ok(rows.into_iter().map(|row| (time_of(row.id), row.peer)).collect())
    }
}
