//! The way out: the only HTTP client, with the address check in its resolver, and bounded reads.

mod body;
mod client;
mod fault;
mod guard;
mod mail;
mod message;
mod own;
mod sending;

pub use client::Client;
pub use message::{Outgoing, Reply, SendError};
pub use own::own_addresses;
