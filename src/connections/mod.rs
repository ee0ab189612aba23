//! Connections in use: where a service is, which secrets go there, and how fast it may be called.

mod address;
mod all;
mod auth;
mod circuits;
mod effective;
mod follow;
mod lanes;
mod listed;
mod member;
mod message;
mod oauth;
mod pace;
mod preview;
mod sending;

pub use all::{Connections, Destination};
pub use circuits::{Came, Change, Gate, Pass};
pub use lanes::{Place, Turn};
pub use listed::{ConnectionRow, GrantRow, SecretUse, list};
pub use message::{Addressed, Message, Pause, TokenUsed, Unready};
pub use oauth::{Login, LoginFrom};
pub use preview::{Preview, preview};
pub use sending::Post;
