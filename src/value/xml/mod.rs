//! XML from outside and to it, as JSON values. The one element at the top is the one name of an object; an element is a text, or an
//! object where it holds attributes (`@name`) or elements; its own text is then `#text`; an element that repeats is a list.

mod names;
mod read;
mod write;

pub use read::{MOST_XML_NAMES, XML_DEPTH, XmlError, read_xml};
pub use write::{XmlWriteError, write_xml};

#[cfg(test)]
mod tests;
