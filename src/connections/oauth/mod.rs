//! Access tokens: had at the moment of sending, renewed by one at a time, over this process and over the database.

mod endpoint;
mod flight;
mod login;

pub(super) use endpoint::Endpoint;
pub(super) use flight::Flights;
pub(super) use login::redeem;
pub use login::{Login, LoginFrom};
