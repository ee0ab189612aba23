//! The admin as a browser meets it.

mod browser;
mod problems;
mod runs;
