//! CONTRACT STUB

use crate::admin::guard::Guarded;

pub(super) fn routes() -> Vec<Guarded> {
    Vec::new()
}
