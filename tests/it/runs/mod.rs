//! Runs: from a stored event to an effect at the receiver, through every way it can go wrong.

mod ends;
mod fair;
mod gates;
mod language;
mod main_job;
mod pinned;
mod polls;
mod retries;
mod unknown;
mod waits;
