//! Bellwire: webhooks come in, YAML rules decide, HTTP actions go out. `ARCHITECTURE.md` tells how the parts stand.

pub mod actions;
pub mod app;
pub mod cli;
pub mod clock;
pub mod config;
pub mod connections;
pub mod demo;
pub mod egress;
pub mod ids;
pub mod intake;
pub mod lifecycle;
pub mod matcher;
pub mod model;
pub mod net;
pub mod rules;
pub mod runner;
pub mod secret;
pub mod services;
pub mod starts;
pub mod store;
pub mod templates;
pub mod trial;
pub mod value;
pub mod wake;
pub mod walk;
pub mod web;
