//! The API at `/api/v1`: one resource a file.
// CONTRACT STUB

use crate::admin::guard::Guarded;

/// Every route of the API.
pub(super) fn routes() -> Vec<Guarded> {
    Vec::new()
}
