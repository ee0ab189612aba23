//! What leads out of the process on a person's word: `app` implements it, since the admin itself sends nothing.
// CONTRACT STUB: methods come with the pages of services and connections.

/// What leads out.
pub trait Outward: Send + Sync {}
