//! The admin: its pages and its API, through HTTP.

mod api;
mod auth;
