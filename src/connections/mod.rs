//! Connections in use: where a service is, which secrets go there, and how fast it may be called.

mod address;
mod all;
mod auth;
mod effective;
mod lanes;
mod member;
mod pace;
mod preview;

pub use all::{Connections, Destination};
pub use lanes::{Place, Turn};
pub use preview::{Preview, preview};
