//! Why a rule that matched an event started no run of its own.

use super::{
    dialect::{self, Conn, SuppressedRow},
    error::StoreError,
    gates::{Suppressed, SuppressedBy},
    names::Lookup,
};
use crate::{
    clock::Time,
    ids::{EventId, RunId},
};

/// Keeps it with the event.
pub(super) fn keep(conn: &mut Conn, event: i64, rule: i32, by: &SuppressedBy) -> Result<(), StoreError> {
    let (reason, one, other) = match by {
        SuppressedBy::Once { event, until } => (0, event.0, until.0),
        SuppressedBy::Threshold { have, of } => (1, i64::from(*have), i64::from(*of)),
        SuppressedBy::NoKey => (2, 0, 0),
        SuppressedBy::Digest { run } => (3, run.0, 0),
    };
    dialect::insert_suppressed(conn, event, SuppressedRow { rule, reason, one, other })
}

pub(super) fn of_row(row: SuppressedRow) -> Result<SuppressedBy, StoreError> {
    let count = |number: i64| u32::try_from(number).unwrap_or(u32::MAX);
    match row.reason {
        0 => Ok(SuppressedBy::Once { event: EventId(row.one), until: Time(row.other) }),
        1 => Ok(SuppressedBy::Threshold { have: count(row.one), of: count(row.other) }),
        2 => Ok(SuppressedBy::NoKey),
        3 => Ok(SuppressedBy::Digest { run: RunId(row.one) }),
        other => Err(StoreError::Corrupt(format!("{other} is no reason to suppress a run"))),
    }
}

/// Rules that matched an event without starting a run of their own.
pub(super) fn of_event(conn: &mut Conn, lookup: &Lookup, event: EventId) -> Result<Vec<Suppressed>, StoreError> {
    let rows = dialect::suppressed_of(conn, event.0)?;
    rows.into_iter()
        .map(|row| {
            let rule = lookup.name(conn, row.rule)?.to_string();
            of_row(row).map(|by| Suppressed { rule, by })
        })
        .collect()
}
