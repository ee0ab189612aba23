//! The front that accepts connections: bounded in time, size and number, one strict parse, then handed to Rocket over loopback.

mod accept;
mod body;
mod bounds;
mod chunked;
mod connection;
mod head;
mod places;
mod reply;
mod upstream;

pub use accept::Gate;
pub use bounds::{Bounds, Observer, RefusedRequest};
pub(super) use upstream::Upstream;
