//! What people do, once for pages and API: each checks, writes, rings and keeps it in the audit log.

pub(in crate::admin) mod jobs;
pub(in crate::admin) mod problems;
pub(in crate::admin) mod runs;
