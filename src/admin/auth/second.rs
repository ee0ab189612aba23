//! The step between a right password and a session: a code, where the user has asked for one.

use crate::store::{Stage, UserRow};

/// Where the code is asked for.
pub(super) const PLACE: &str = "/login/code";

/// Where a right password leads: to a whole session, or to the code.
pub(super) fn stage_after_password(user: &UserRow) -> Stage {
    if user.totp.is_some() { Stage::Half } else { Stage::Full }
}
