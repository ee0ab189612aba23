//! The admin, as browsers and programs see it.

mod assets;
mod overview;
