//! Schedules, and what is missing at its time.

mod problems;
mod schedules;
