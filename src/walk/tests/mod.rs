//! Runs on their way, driven by hand.

mod again;
mod build;
mod drive;
mod effects;
mod limits;
mod loops;
mod waits;
mod ways;
