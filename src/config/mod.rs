//! Settings: `defaults.toml` compiled in, then `bellwire.toml`, then `BELLWIRE_...`. Handed down as values; no global.

mod circuit;
mod connection;
mod data;
mod database;
mod egress;
mod environment;
mod error;
pub mod forms;
mod hours;
mod limits;
mod lines;
mod load;
mod log;
mod oidc;
pub mod print;
mod rate;
mod reader;
mod retention;
mod rules;
mod runner;
mod schema;
mod secrets;
mod server;
mod service;
mod settings;
mod source;
mod warnings;

#[cfg(test)]
mod tests;

pub use circuit::Circuit;
pub use connection::Connection;
pub use data::Data;
pub use database::Database;
pub use egress::Egress;
pub use error::{ConfigError, Origin};
pub use hours::Hours;
pub use limits::Limits;
pub use load::{DEFAULTS, FILE, environment, load};
pub use log::Log;
pub use oidc::Oidc;
pub use rate::Rate;
pub use retention::Retention;
pub use rules::Rules;
pub use runner::Runner;
pub use schema::schema;
pub use secrets::Secrets;
pub use server::Server;
pub use service::Service;
pub use settings::Config;
pub use source::{BodyWord, Source};
