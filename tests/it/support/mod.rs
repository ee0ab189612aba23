//! The test kit: a whole Bellwire, a dumb receiver, a temporary PostgreSQL.

pub mod app;
pub mod authority;
pub mod both;
pub mod browser;
pub mod journal;
#[path = "../../support/postgres.rs"]
pub mod postgres;
pub mod program;
pub mod provider;
#[path = "../../support/raw.rs"]
pub(crate) mod raw;
