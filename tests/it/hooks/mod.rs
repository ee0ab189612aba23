//! Deliveries: what is accepted, what is refused, what is kept of either.

mod accepted;
mod bodies;
mod formats;
mod payloads;
mod presets;
mod process;
mod profile;
mod proofs;
mod rotation;
mod services;
mod sources;
mod storms;
mod wire;
