//! The admin UI at `/` and its API at `/api/v1`: pages and JSON over what the store holds, and what people do with it.
//!
//! Every route is made by `guard` or `public`, which say who may call it: there is no other way to mount one.

mod act;
mod api;
mod assets;
mod audit;
mod auth;
mod guard;
mod outward;
mod pages;
mod refused;
mod rulefiles;
mod sent;
mod state;
mod view;
mod workshop;

pub use outward::Outward;
pub use state::{Admin, Parts, stage};
pub use workshop::{Checked, Draft, Dry, Tested, Workshop};
