//! What a step is: prepared (step and context give a request) and read (a reply gives an outcome). Sends nothing.

mod address;
mod bodies;
mod pack_request;
mod parts;
mod prepare;
mod read;
mod reply;
mod request;
mod retry;
mod retry_after;
mod step_request;

pub use prepare::{inputs, prepare};
pub use read::{Answer, Reading, read};
pub use request::{Request, Target};
pub use retry::{delay, idempotency_key, unknown_policy};
