//! How a delivery proves where it comes from, as data: a signature over parts of it, or something that only the sender knows.

mod header;
mod key;
mod message;
mod scheme;
mod stamp;
mod target;
mod token;
mod verify;

pub use header::MOST;
pub use key::KeyForm;
pub(super) use message::Segments;
pub use scheme::{Algorithm, Encoding, Part, Scheme, Seal};
pub use stamp::{StampPlace, Stamped, TOLERANCE};
pub use target::{Proof, Target};
pub(super) use token::is_one_of;
pub use token::{Basic, Token, TokenPlace};
pub use verify::Verify;

#[cfg(test)]
mod tests;
#[cfg(test)]
mod vectors;
