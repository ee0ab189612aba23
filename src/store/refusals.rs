//! The ring of refused deliveries.

use diesel::{ExpressionMethods as _, Insertable, OptionalExtension as _, QueryDsl as _, Queryable, RunQueryDsl as _};

use super::{
    dialect::{self, Conn, each},
    error::StoreError,
    names::Known,
    schema::refusals,
    tallies::Kind,
};
use crate::{clock::Time, ids::RefusalId, model::Refusal};

/// Refusals that are kept.
pub(super) const RING: i64 = 10_000;
/// Refusals between two cuts of the ring; it holds that many more at times, which no list shows.
pub(super) const CUT_EVERY: u32 = 500;

#[derive(Debug, Clone, Insertable, Queryable)]
#[diesel(table_name = refusals, treat_none_as_default_value = false)]
pub(super) struct RefusalTableRow {
    id: i64,
    refused_at: i64,
    source: Option<String>,
    peer: String,
    reason: String,
    status: i32,
    detail: String,
    bytes: i64,
}

impl From<Refusal> for RefusalTableRow {
    fn from(refusal: Refusal) -> Self {
        Self {
            id: refusal.id.0,
            refused_at: refusal.at,
            source: refusal.source,
            peer: refusal.peer,
            reason: refusal.reason,
            status: i32::from(refusal.status),
            detail: refusal.detail,
            bytes: i64::try_from(refusal.bytes).unwrap_or(i64::MAX),
        }
    }
}

impl From<RefusalTableRow> for Refusal {
    fn from(row: RefusalTableRow) -> Self {
        Self {
            id: RefusalId(row.id),
            at: row.refused_at,
            source: row.source,
            peer: row.peer,
            reason: row.reason,
            status: u16::try_from(row.status).unwrap_or(0),
            detail: row.detail,
            bytes: u64::try_from(row.bytes).unwrap_or(0),
        }
    }
}

impl RefusalTableRow {
    /// Counts it, for its source where that has ever sent anything else: whoever is refused names what he likes.
    pub(super) fn count(&self, conn: &mut Conn, known: &mut Known) -> Result<(), StoreError> {
        let source = match &self.source {
            Some(source) => known.known_name(conn, source)?,
            None => None,
        };
        known.tally.note(Kind::Refused, source, Time(self.refused_at));
        Ok(())
    }
}

/// Keeps a refusal; `since_cut` counts those since the ring was last cut.
pub(super) fn keep(conn: &mut Conn, row: &RefusalTableRow, since_cut: &mut u32) -> Result<(), StoreError> {
    dialect::insert_refusal(conn, row)?;
    *since_cut += 1;
    if *since_cut >= CUT_EVERY {
        dialect::trim_refusals(conn, RING)?;
        *since_cut = 0;
    }
    Ok(())
}

/// The newest refusals, newest first.
pub(super) fn list(conn: &mut Conn, limit: usize) -> Result<Vec<Refusal>, StoreError> {
    let limit = i64::try_from(limit).unwrap_or(RING).min(RING);
    let rows: Vec<RefusalTableRow> = each!(conn, c => refusals::table.order(refusals::id.desc()).limit(limit).load(c))?;
    Ok(rows.into_iter().map(Refusal::from).collect())
}

/// Refusals older than `before`, newest first.
pub(super) fn page(conn: &mut Conn, before: Option<RefusalId>, limit: usize) -> Result<Vec<Refusal>, StoreError> {
    let before = before.map_or(i64::MAX, |id| id.0);
    let limit = i64::try_from(limit).unwrap_or(RING).min(RING);
    let rows: Vec<RefusalTableRow> = each!(conn, c => refusals::table
        .filter(refusals::id.lt(before))
        .order(refusals::id.desc())
        .limit(limit)
        .load(c))?;
    Ok(rows.into_iter().map(Refusal::from).collect())
}

/// One refusal. `None`: none is kept of this id.
pub(super) fn find(conn: &mut Conn, id: RefusalId) -> Result<Option<Refusal>, StoreError> {
    let row: Option<RefusalTableRow> = each!(conn, c => refusals::table.find(id.0).get_result(c).optional())?;
    Ok(row.map(Refusal::from))
}

/// The newest refusals of a source, newest first.
pub(super) fn of_source(conn: &mut Conn, source: &str, limit: usize) -> Result<Vec<Refusal>, StoreError> {
    let limit = i64::try_from(limit).unwrap_or(RING).min(RING);
    let rows: Vec<RefusalTableRow> = each!(conn, c => refusals::table
        .filter(refusals::source.eq(source))
        .order(refusals::id.desc())
        .limit(limit)
        .load(c))?;
    Ok(rows.into_iter().map(Refusal::from).collect())
}
