//! A stand-in for Groove: as strict as `/v1` is known to be, and adjustable where nothing is known. `answers/README.md` says how well.

mod answers;
mod asked;
mod desk;
mod options;
mod stand_in;

pub use desk::Note;
pub use options::{ErrorShape, OnNote, Options, PageTooLarge, WebhookId};
pub use stand_in::StandIn;
