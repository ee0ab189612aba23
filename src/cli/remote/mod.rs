//! `--url`: verbs that ask a running server by its API, in place of a workspace here.

mod address;
mod answered;
mod backtest;
mod client;
mod dry;
mod explain;
mod lists;
mod people;
mod reach;
mod replays;
mod runs;
mod secrets;
mod seen;
mod services;
mod starts;
mod verb;

pub(super) use address::asked;
pub(super) use verb::run;
