//! The way out, end to end: where a request may go, what it may hold, and what becomes of any answer.

mod bodies;
mod canary;
mod circuits;
mod grants;
mod hosts;
mod kit;
mod mail;
mod pages;
mod replies;
mod requests;
mod secrets;
mod shared;
mod targets;
mod verify;
