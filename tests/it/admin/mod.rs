//! The admin: its pages and its API, through HTTP.

mod api;
mod auth;
mod rules;
mod rules_git;
mod rules_pages;
