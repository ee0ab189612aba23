//! Jobs.

use diesel::{RunQueryDsl as _, sql_types::BigInt};

use super::{Conn, each, statement::question};
use crate::store::error::StoreError;

/// Jobs that go on, by their small index.
pub(in crate::store) fn running_jobs(conn: &mut Conn) -> Result<Vec<i64>, StoreError> {
    Ok(each!(conn, c => question::<BigInt>("SELECT id FROM jobs WHERE state = 0", &[]).load(c))?)
}
