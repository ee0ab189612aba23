//! Pages of the admin, as a browser sees them.

mod people;
mod schedules;
mod services;
mod sources;
mod visit;
