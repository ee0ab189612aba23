//! `bellwire demo`: one missed call, from webhook to note, with a stand-in for Groove on this machine.

mod play;
mod run;
mod workspace;

pub(super) use run::run;
