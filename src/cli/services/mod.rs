//! `bellwire services`: packs, and the deliveries that they are made from; one verb a file.

mod capture;
mod captured;
mod delivered;
mod guess;
mod infer;
mod listen;
mod new;
mod shape;
mod test;
mod verb;
mod watch;

pub(super) use verb::{ServicesVerb, run};
