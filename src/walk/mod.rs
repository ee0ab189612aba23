//! The way of a run through its rule's steps: what is next, and what it sees. Pure: whoever drives it sends, waits, keeps and holds the
//! clock. The runner drives it for real, `trial` for tests and dry runs.
//!
//! All that a walk knows is in the rule and in what has ended: taken up again from its outputs, wherever it was cut off, it goes on in
//! the same way. `cursor` holds the place, `outputs` what has ended, `names` and `scope` what is seen.

mod begin;
mod cursor;
mod effects;
mod fault;
mod names;
mod next;
mod outputs;
mod scope;
mod stand;
mod waits;
mod way;

pub use next::{End, Next, Wait, WaitEvent};
pub use stand::{About, Stand};
pub use way::Walk;

#[cfg(test)]
mod tests;
