//! The body of a delivery: how it is read, and how one is made. What came in and what is read again from the store share one function.

mod encode;
mod kind;
mod reading;

pub use encode::{Encoded, encode};
pub use kind::{Bodies, BodyKind, Format, Formats};
pub use reading::Reading;
