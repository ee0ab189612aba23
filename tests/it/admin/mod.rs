//! The admin: its pages and its API, through HTTP.

mod account;
mod api;
mod assets;
mod auth;
mod browser;
mod editor;
mod overview;
mod problems;
mod routes;
mod rules;
mod rules_git;
mod rules_pages;
mod runs;
mod second;
mod secrets;
mod settings;
mod sources;
mod users;
mod visit;
