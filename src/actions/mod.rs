//! What a step is: prepared (step and context give a request) and read (a reply gives an outcome). Sends nothing.

mod address;
mod feed;
mod items;
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

pub use items::{Found, Item, found};
pub use pages::{GATHERED_BYTES, Pages, Turned};
pub use prepare::{inputs, prepare};
pub use read::{Answer, Reading, read, read_gathered};
pub use request::{Request, Target};
pub use retry::{delay, idempotency_key, unknown_policy};
