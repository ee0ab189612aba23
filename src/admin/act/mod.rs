//! What people do, once for pages and API: each checks, writes, rings and keeps it in the audit log.

pub(in crate::admin) mod connections;
pub(in crate::admin) mod events;
pub(in crate::admin) mod jobs;
pub(in crate::admin) mod named;
pub(in crate::admin) mod people;
pub(in crate::admin) mod problems;
pub(in crate::admin) mod rules;
pub(in crate::admin) mod runs;
pub(in crate::admin) mod schedules;
pub(in crate::admin) mod secrets;
pub(in crate::admin) mod sources;
pub(in crate::admin) mod tokens;
pub(in crate::admin) mod users;
pub(in crate::admin) mod views;
