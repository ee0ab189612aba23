//! Feeds as data: RSS 2.0 (and its forerunners), RSS 1.0 and Atom 1.0 become `{title, items}`. A feed is a stranger's text: it is read
//! within bounds, and neither document types nor entities of its own are taken.

mod entry;
mod tree;

use self::{
    entry::{atom, rss},
    tree::{Element, Space},
};
use crate::value::{Object, Value};

/// Why a text is no feed that is taken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum FeedError {
    /// Not well-formed, with the line (from 1).
    #[error("it is no well-formed XML at line {0}")]
    Syntax(usize),
    /// A document type: what it declares could fetch files and swell without bound.
    #[error("it has a document type (DOCTYPE), which is not taken")]
    Doctype,
    /// An entity that XML itself does not know, with the line.
    #[error("it uses an entity other than amp, lt, gt, quot and apos at line {0}")]
    Entity(usize),
    /// Elements within elements.
    #[error("its elements are nested deeper than {} levels", tree::DEPTH)]
    Depth,
    /// Elements and attributes.
    #[error("it has more than {} elements and attributes", tree::NAMES)]
    Names,
    /// Another kind of XML.
    #[error("its outermost element is `{0}`, and not `rss`, `RDF` or `feed`")]
    Other(String),
}

/// Whether a text looks like a feed: what stands first in it but declarations and comments is the element of one.
pub(super) fn is_feed(text: &str) -> bool {
    let mut rest = text.trim_start_matches('\u{feff}').trim_start();
    loop {
        let end = if rest.starts_with("<?") {
            "?>"
        } else if rest.starts_with("<!--") {
            "-->"
        } else {
            break;
        };
        let Some((_, after)) = rest.split_once(end) else { return false };
        rest = after.trim_start();
    }
    let name = rest.strip_prefix('<').unwrap_or_default();
    let name = name.split(|c: char| c.is_whitespace() || matches!(c, '>' | '/')).next().unwrap_or_default();
    matches!(name.rsplit(':').next(), Some("rss" | "RDF" | "feed"))
}

/// Reads a feed: `{title, items: [{id, title, link, published, updated, summary, content, author, categories}]}` in the order of the
/// feed. What an entry does not have is null; times are RFC 3339.
pub(super) fn read(text: &str) -> Result<Value, FeedError> {
    let root = tree::read(text)?;
    let (title, items) = match (root.space, root.name.as_str()) {
        (Space::Plain, "rss") => {
            let channel = root.child(Space::Plain, "channel");
            (channel.and_then(|channel| channel.text_of(Space::Plain, "title")), entries(channel, "item", rss))
        }
        // The items of RSS 1.0 stand beside the channel.
        (Space::Rdf, "RDF") => {
            let channel = root.child(Space::Plain, "channel");
            (channel.and_then(|channel| channel.text_of(Space::Plain, "title")), entries(Some(&root), "item", rss))
        }
        (Space::Atom, "feed") => (root.text_of(Space::Atom, "title"), entries(Some(&root), "entry", atom)),
        _ => return Err(FeedError::Other(root.name.chars().take(64).collect())),
    };
    let mut feed = Object::new();
    feed.insert("title".to_owned(), title.into());
    feed.insert("items".to_owned(), Value::Array(items));
    Ok(Value::Object(feed))
}

fn entries(parent: Option<&Element>, name: &str, read: fn(&Element) -> Value) -> Vec<Value> {
    let children = parent.map(|parent| parent.children.as_slice()).unwrap_or_default();
    let own = |element: &&Element| element.name == name && matches!(element.space, Space::Plain | Space::Atom);
    children.iter().filter(own).map(read).collect()
}

#[cfg(test)]
mod tests;
