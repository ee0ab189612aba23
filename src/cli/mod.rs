//! The command line: one verb a file.

mod answer;
mod arguments;
mod check;
mod config;
mod demo;
mod disk;
mod doctor;
mod dry;
mod events;
mod exchange;
mod failure;
mod init;
pub mod logging;
mod main;
mod needs;
mod open;
mod run;
mod runs;
mod secrets;
mod send;
mod serve;
mod table;
mod test;

pub use main::main;
