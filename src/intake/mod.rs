//! The way in: hooks that verify, read, match and store deliveries, and the health of the process.

mod alerts;
mod answer;
mod body;
mod challenges;
mod dictionaries;
mod generic;
mod health;
mod hooks;
mod kept;
mod profile;
mod proof;
mod refusals;
mod skew;
mod source;
mod state;
mod take;

pub use kept::DEPTH;
pub use refusals::{Refusals, RefusedDelivery};
pub use state::{State, routes, stage};
