//! The test kit: a whole Bellwire, a dumb receiver, a temporary PostgreSQL.

pub mod app;
pub mod journal;
pub mod both;
#[path = "../../support/postgres.rs"]
pub mod postgres;
