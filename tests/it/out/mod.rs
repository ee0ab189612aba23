//! The way out, end to end: where a request may go, what it may hold, and what becomes of any answer.

mod kit;
mod pages;
mod replies;
mod requests;
mod secrets;
mod targets;
