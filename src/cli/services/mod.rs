//! `bellwire services`: packs, and the deliveries that they are made from; one verb a file.

mod capture;
mod new;
mod verb;

pub(super) use verb::{ServicesVerb, run};
