//! Secrets: sealed at rest, never shown, and masked by value in everything that is stored or logged.

mod key;
mod masker;
mod search;
mod text;
mod unescape;

pub use key::{SealError, SealingKey};
pub use masker::Masker;
pub use text::{SHORTEST, Secret};
