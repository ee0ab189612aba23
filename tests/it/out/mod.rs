//! The way out, end to end: where a request may go, what it may hold, and what becomes of any answer.

mod bodies;
mod kit;
mod replies;
mod requests;
mod secrets;
mod targets;
