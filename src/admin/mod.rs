//! The admin UI at `/` and its API at `/api/v1`: pages and JSON over what the store holds, and what people do with it.
//!
//! Every route is made by `guard` or `public`, which say who may call it: there is no other way to mount one.

mod act;
mod api;
mod assets;
mod audit;
mod auth;
mod books;
mod calls;
mod card;
mod curl;
mod forgetting;
mod gate;
mod glance;
mod guard;
mod heard;
mod here;
mod inbox;
mod jobs;
mod lost;
mod needs;
mod outward;
mod packed;
mod pages;
mod plural;
mod query;
mod refused;
mod rulefiles;
mod said;
mod schedules;
mod sent;
mod settings;
mod sources;
mod state;
mod tested;
mod traces;
mod view;
mod workshop;

pub use act::people::audited_person;
pub use auth::{
    LinkError, digest, email, hash_password, new_token, password_fault, password_link, setup_link, user_name,
};
pub use calls::{Call, CallFilter, CallPage, calls};
pub use card::{CARD_TEMPLATE, CardOf, card, card_answer, card_template};
pub use needs::Needs;
pub use outward::{
    Begun, Came, Goal, Holdup, Link, LinkGrant, LinkHost, Outward, OutwardError, Posted, Prepared, Trial,
};
pub use state::{Admin, Parts, stage};
pub use traces::Traces;
pub use workshop::{Checked, Draft, Dry, Tested, Workshop};
