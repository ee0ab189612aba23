//! The command line: one verb a file.

mod answer;
mod arguments;
mod backtest;
mod check;
mod config;
mod demo;
mod disk;
mod doctor;
mod dry;
mod events;
mod exchange;
mod explain;
mod explained;
mod failure;
mod follow;
mod git;
mod init;
pub mod logging;
mod main;
mod needs;
mod open;
mod pinned;
mod progress;
mod refused;
mod release;
mod replay;
mod run;
mod runs;
mod save;
mod secrets;
mod send;
mod serve;
mod table;
mod when;

pub use main::main;
