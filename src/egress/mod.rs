//! Which targets and origins may be called. Pure: addresses and URLs in, an answer out.

mod guard;
mod origin;
mod ranges;
mod typed;

pub use guard::Egress;
pub use origin::Origin;

/// Why a target may not be called. `Display` names the target's host or address, never path or query.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Denied(pub String);
