//! Bellwire through the doors that its users take. The folders mirror the outside: hooks come in, runs go out.
#![expect(clippy::unwrap_used, clippy::missing_panics_doc, reason = "a test may panic")]

mod hooks;
mod runs;
mod support;
