//! The command line: one verb a file.

mod answer;
mod arguments;
mod check;
mod config;
mod demo;
mod disk;
mod doctor;
mod event_given;
mod events;
mod exchange;
mod failure;
mod init;
pub mod logging;
mod main;
mod needs;
mod open;
mod render;
mod runs;
mod schema;
mod secrets;
mod send;
mod serve;
mod table;

pub use main::main;
