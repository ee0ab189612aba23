//! Builds everything once, and stops it in reverse.

mod compile;
mod errand;
mod exposure;
mod in_force;
mod outward;
mod pages;
mod serve;
mod settings;
mod start;
mod vocabulary;
mod workshop;

pub use compile::{Compiled, compile, rule_schema};
pub use errand::{Errand, ErrandError, Errands, Outcome, Shown};
pub use exposure::admin_url;
pub use in_force::{Rulebook, RulebookError, check, check_with, of_folder};
pub use pages::{Example, Page, codes, page};
pub use serve::{serve, serve_beside};
pub use start::{App, StartError};
pub use vocabulary::vocabulary;
