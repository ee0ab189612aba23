//! `bellwire services`: packs, which are in use, and the deliveries that they are made from; one verb a file.

mod action;
mod capture;
mod captured;
mod delivered;
mod event;
mod guess;
mod infer;
mod list;
mod listen;
mod new;
mod shape;
mod show;
#[cfg(test)]
mod snippet;
mod standing;
mod subscriptions;
mod test;
mod verb;
mod watch;
mod wrap;

pub(super) use list::{MORE, Row, rows_as_text};
pub(super) use show::Show;
pub(super) use verb::{ServicesVerb, run};
pub(super) use wrap::wrapped;
