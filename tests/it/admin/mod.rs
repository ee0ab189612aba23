//! The admin, as browsers and programs see it.

mod account;
mod auth;
mod routes;
