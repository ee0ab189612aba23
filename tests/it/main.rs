//! Bellwire through the doors that its users take. The folders mirror the outside: hooks come in, runs go on, requests go out.
#![expect(
    clippy::unwrap_used,
    clippy::string_slice,
    clippy::maybe_infinite_iter,
    clippy::too_many_lines,
    unreachable_pub,
    reason = "a test may panic, may be one long table, and its modules are its own"
)]

mod admin;
mod cli;
mod hooks;
mod out;
mod packs;
mod runs;
mod support;
mod time;
