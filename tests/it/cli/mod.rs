//! The command line, by the program itself: what it prints, where it keeps silent, and how it ends.

mod again;
mod by_hand;
mod changes;
mod check;
mod clock;
mod connections;
mod demo;
mod explain;
mod help;
mod polls;
mod process;
mod profiles;
mod readme;
mod records;
mod remote;
mod replays;
mod saved;
mod secrets;
mod service_list;
mod services;
mod settings;
mod subscriptions;
mod suite;
mod trial;
mod users;
mod verdicts;
