//! The command line: one verb a file.

mod answer;
mod arguments;
mod backtest;
mod check;
mod config;
mod demo;
mod disk;
mod doctor;
mod events;
mod exchange;
mod explain;
mod explained;
mod failure;
mod git;
mod init;
pub mod logging;
mod main;
mod needs;
mod open;
mod progress;
mod refused;
mod runs;
mod secrets;
mod send;
mod serve;
mod table;
mod when;

pub use main::main;
