//! Builds everything once, and stops it in reverse.

mod compile;
mod in_force;
mod serve;
mod settings;
mod start;
mod vocabulary;

pub use compile::{Compiled, compile, rule_schema};
pub use in_force::{Rulebook, RulebookError, check, of_folder};
pub use serve::{serve, serve_beside};
pub use start::{App, StartError};
