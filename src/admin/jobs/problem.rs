//! The failed runs of a problem.

use super::step::Stop;
use crate::{admin::state::Admin, ids::RunId};

/// Failed runs of a problem behind one, oldest first, that nothing has repeated yet.
// CONTRACT STUB: no store keeps which runs a problem is made of yet.
pub(super) async fn runs_of(_admin: &Admin, problem: &str, _after: RunId, _most: usize) -> Result<Vec<RunId>, Stop> {
    Err(Stop::Why(format!("The runs of the problem {problem} are not known.")))
}
