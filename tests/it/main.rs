//! Bellwire through the doors that its users take. The folders mirror the outside: hooks come in, runs go on, requests go out.
#![expect(clippy::unwrap_used, unreachable_pub, reason = "a test may panic, and its modules are its own")]

mod cli;
mod hooks;
mod out;
mod runs;
mod support;
