//! What a step is: prepared (step and context give a request) and read (a reply gives an outcome). Sends nothing.

mod address;
mod bodies;
mod feed;
mod items;
mod mail;
mod pack_request;
mod pages;
mod parts;
mod prepare;
mod read;
mod reply;
mod request;
mod retry;
mod retry_after;
mod step_request;
mod verify;

pub use items::{Item, Listed, items_of};
pub use pages::{GATHERED_BYTES, Pages, Turned};
pub use prepare::{inputs, prepare, prepare_values};
pub use read::{Answer, Reading, read, read_action, read_gathered, slows_down};
pub use request::{Request, Target};
pub use retry::{delay, idempotency_key, unknown_policy};
pub use verify::{Found, found, has_more, may_be_cut, read_step};
