//! Pages of the admin, as a browser sees them.

mod sources;
mod visit;
