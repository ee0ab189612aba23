//! Builds everything once, and stops it in reverse.

mod compile;
mod in_force;
mod serve;
mod settings;
mod start;
mod vocabulary;

pub use compile::{Compiled, compile};
pub use in_force::{Rulebook, RulebookError, check};
pub use serve::{serve, serve_beside};
pub use start::{App, StartError};
pub use vocabulary::vocabulary;
