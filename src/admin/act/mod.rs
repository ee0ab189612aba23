//! What people do, once for pages and API: each checks, writes, rings and keeps it in the audit log.

pub(super) mod connections;
pub(super) mod people;
pub(super) mod schedules;
pub(super) mod sources;
