//! The admin, as browsers and programs see it.

mod rules;
mod rules_git;
mod rules_pages;
