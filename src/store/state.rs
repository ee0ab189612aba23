//! What there is one of: a row each, by name.

use diesel::{OptionalExtension as _, QueryDsl as _, RunQueryDsl as _};

use super::{
    dialect::{Conn, each},
    error::StoreError,
    schema::state,
};

/// The id of this database (text).
pub(super) const INSTANCE: &str = "instance";
/// The rule set in force (number).
pub(super) const IN_FORCE: &str = "in_force";
/// Events that are stored (number).
pub(super) const EVENTS: &str = "events";
/// Goes up with every change of a secret (number).
pub(super) const SECRETS: &str = "secrets";

/// The number of a row. `None`: there is no such row, or none in it.
pub(super) fn number(conn: &mut Conn, name: &'static str) -> Result<Option<i64>, StoreError> {
    let found: Option<Option<i64>> =
        each!(conn, c => state::table.find(name).select(state::number).get_result(c).optional())?;
    Ok(found.flatten())
}

/// The text of a row.
pub(super) fn text(conn: &mut Conn, name: &'static str) -> Result<Option<String>, StoreError> {
    let found: Option<Option<String>> =
        each!(conn, c => state::table.find(name).select(state::text).get_result(c).optional())?;
    Ok(found.flatten())
}
