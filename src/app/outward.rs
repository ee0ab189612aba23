//! What leads out on a person's word, for the admin.
// CONTRACT STUB

use crate::admin;

/// What leads out of a running Bellwire.
pub(super) struct Outward;

impl admin::Outward for Outward {}
