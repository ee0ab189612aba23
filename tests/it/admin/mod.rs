//! The admin: its pages and its API, through HTTP.

mod account;
mod api;
mod auth;
mod editor;
mod routes;
mod rules;
mod rules_git;
mod rules_pages;
mod sources;
mod visit;
