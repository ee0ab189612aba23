//! The command line, by the program itself: what it prints, where it keeps silent, and how it ends.

mod again;
mod check;
mod demo;
mod explain;
mod help;
mod process;
mod readme;
mod records;
mod secrets;
mod settings;
mod suite;
mod trial;
