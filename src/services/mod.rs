//! Packs: what a service sends and offers, as data. Knows nothing of Rocket.

mod body;
mod builtin;
mod challenge;
mod check;
mod check_action;
mod check_auth;
mod check_body;
mod check_challenge;
mod check_event_name;
mod check_source;
mod check_verify;
mod codes;
mod coerce;
mod content_type;
mod event_name;
mod hook;
mod pack;
mod paging;
mod payload;
mod presets;
mod raw;
mod read_back;
mod registry;
mod samples;
mod schema;
mod sign;
mod signature;
mod snippet;
mod subscribe;
mod told;
mod values;
mod way_in;

pub use body::{Bodies, BodyKind, Encoded, Format, Formats, Reading, encode};
pub use builtin::builtin_files;
pub use challenge::Challenge;
pub use codes::CODES;
pub use coerce::coerce;
pub use event_name::EventName;
pub(crate) use hook::whole_echo;
pub use hook::{Field, Hook, Read, Refused, Request};
pub use pack::{
    Action, AuthUse, Body, Errors, EventKind, FormPart, Grant, Input, InputType, OAuth2, Pack, Signing, Stamp,
    StampUnit,
};
pub use paging::{CursorPlace, Next, Paging};
pub use payload::payload;
pub use presets::names as preset_names;
pub use read_back::ReadBack;
pub use registry::Registry;
pub use schema::schema;
pub use sign::{Sending, SignedDelivery, sign_delivery};
pub use signature::{
    Algorithm, Basic, Encoding, KeyForm, MOST, Part, Proof, Scheme, Seal, StampPlace, Stamped, TOLERANCE, Target,
    Token, TokenPlace, Verify,
};
pub use snippet::snippet;
pub use subscribe::{Each, Listing, Subscribe};
pub use told::{handshake_words, hook_address, proof_words};
pub use values::values_of;
pub use way_in::{WayIn, ways_in};
