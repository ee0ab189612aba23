//! The admin: its pages and its API, through HTTP.

mod account;
mod api;
mod api_more;
mod assets;
mod auth;
mod browser;
mod editor;
mod events;
mod lost;
mod oidc;
mod overview;
mod people;
mod problems;
mod routes;
mod rules;
mod rules_git;
mod rules_pages;
mod runs;
mod schedules;
mod second;
mod secrets;
mod services;
mod settings;
mod sources;
mod users;
mod visit;
