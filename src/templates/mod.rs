//! Liquid, bounded: nothing else in Bellwire calls the `liquid` crates.
//!
//! A text is scanned with bounds and cut into pieces, what stands in each piece is read into expressions, and `liquid_core`
//! arranges the pieces into what renders them. Values are JSON all the way, so that types, whole numbers and the order of names
//! survive; each step, byte and millisecond of a render is counted.

mod blank;
mod context;
mod error;
mod evaluate;
mod expression;
mod files;
mod filters;
mod frame;
mod language;
mod leaf;
mod lexer;
mod limits;
mod parse;
mod place;
mod prepare;
mod print;
mod reader;
mod reference;
mod scan;
mod sink;
mod tags;
mod template;
#[cfg(test)]
mod tests;
mod tree;

pub use context::Context;
pub use error::{RenderError, RenderErrorKind, TemplateFault};
pub use files::Files;
pub use leaf::Leaf;
pub use limits::Limits;
pub use reference::Reference;
pub use sink::Sink;
pub use template::Template;
pub use tree::Tree;

/// The names of all filters.
pub fn filter_names() -> Vec<&'static str> {
    filters::names().collect()
}

/// The names of all tags that begin something, without those that part or end a block, and those that show a file.
pub fn tag_names() -> Vec<&'static str> {
    let alone = scan::TAGS.into_iter().filter(|tag| !matches!(*tag, "include" | "render"));
    alone.chain(scan::BLOCKS.iter().map(|(block, _)| *block)).chain(scan::OWN).collect()
}
