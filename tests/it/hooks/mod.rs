//! Deliveries: what is accepted, what is refused, what is kept of either.

mod accepted;
mod bodies;
mod formats;
mod payloads;
mod process;
mod proofs;
mod services;
mod sources;
mod storms;
mod wire;
