//! XML of a feed as a tree, within bounds.

use quick_xml::{
    Error, NsReader, XmlVersion,
    errors::Error as ReaderError,
    escape::EscapeError,
    events::{BytesStart, Event},
    name::{Namespace, ResolveResult},
};

use super::FeedError;

/// Elements within elements.
pub(super) const DEPTH: usize = 32;
/// Elements and attributes together: a feed of a thousand entries has some ten thousand.
pub(super) const NAMES: usize = 100_000;

/// What an element's name belongs to.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) enum Space {
    /// No namespace, or that of RSS 1.0 or 0.9.
    Plain,
    Atom,
    Rdf,
    /// Dublin Core.
    Dublin,
    /// The module `content` of RSS.
    Content,
    #[default]
    Other,
}

impl Space {
    fn of(resolved: &ResolveResult<'_>) -> Self {
        match resolved {
            ResolveResult::Unbound => Self::Plain,
            ResolveResult::Bound(Namespace(name)) => match *name {
                "http://purl.org/rss/1.0/" | "http://my.netscape.com/rdf/simple/0.9/" => Self::Plain,
                "http://www.w3.org/2005/Atom" => Self::Atom,
                "http://www.w3.org/1999/02/22-rdf-syntax-ns#" => Self::Rdf,
                "http://purl.org/dc/elements/1.1/" => Self::Dublin,
                "http://purl.org/rss/1.0/modules/content/" => Self::Content,
                _ => Self::Other,
            },
            ResolveResult::Unknown(_) => Self::Other,
        }
    }
}

/// An element.
#[derive(Debug, Default)]
pub(super) struct Element {
    pub(super) space: Space,
    /// Without its prefix.
    pub(super) name: String,
    /// By their names as written.
    attributes: Vec<(String, String)>,
    text: String,
    pub(super) children: Vec<Self>,
}

impl Element {
    pub(super) fn child(&self, space: Space, name: &str) -> Option<&Self> {
        self.children.iter().find(|child| child.space == space && child.name == name)
    }

    /// The text of the first child of this name that has any.
    pub(super) fn text_of(&self, space: Space, name: &str) -> Option<String> {
        self.texts(space, name).next()
    }

    /// The texts of the children of this name; blank ones are none.
    pub(super) fn texts(&self, space: Space, name: &str) -> impl Iterator<Item = String> {
        let found = self.children.iter().filter(move |child| child.space == space && child.name == name);
        found.map(|child| child.text.trim().to_owned()).filter(|text| !text.is_empty())
    }

    pub(super) fn attribute(&self, name: &str) -> Option<String> {
        let found = self.attributes.iter().find(|(known, _)| known == name);
        found.map(|(_, value)| value.trim().to_owned()).filter(|value| !value.is_empty())
    }
}

/// Reads one document; its outermost element.
pub(super) fn read(text: &str) -> Result<Element, FeedError> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut reader = NsReader::from_str(text);
    let mut open: Vec<Element> = Vec::new();
    let mut names = 0;
    loop {
        let (space, event) = match reader.read_resolved_event() {
            Ok((resolved, event)) => (Space::of(&resolved), event),
            Err(error) => return Err(fault(&error, at(&reader, text))),
        };
        let syntax = |reader: &NsReader<&[u8]>| FeedError::Syntax(at(reader, text));
        match event {
            Event::Eof => return Err(syntax(&reader)),
            Event::DocType(_) => return Err(FeedError::Doctype),
            Event::Decl(_) | Event::Comment(_) | Event::PI(_) => {}
            Event::Start(start) => {
                let element =
                    begun(&start, space, open.len(), &mut names).map_err(|fault| fault.at(at(&reader, text)))?;
                // Mark-up that belongs to the entry's own text is kept as it was written.
                if space == Space::Atom && element.attribute("type").as_deref() == Some("xhtml") {
                    let inner = reader.read_text(start.name()).map_err(|error| fault(&error, at(&reader, text)))?;
                    let whole = Element { text: inner.xml10_content().into_owned(), ..element };
                    open.last_mut().ok_or_else(|| syntax(&reader))?.children.push(whole);
                } else {
                    open.push(element);
                }
            }
            Event::Empty(start) => {
                let element =
                    begun(&start, space, open.len(), &mut names).map_err(|fault| fault.at(at(&reader, text)))?;
                match open.last_mut() {
                    Some(outer) => outer.children.push(element),
                    None => return Ok(element),
                }
            }
            Event::End(_) => {
                let closed = open.pop().ok_or_else(|| syntax(&reader))?;
                match open.last_mut() {
                    Some(outer) => outer.children.push(closed),
                    None => return Ok(closed),
                }
            }
            Event::Text(inner) => {
                if let Some(element) = open.last_mut() {
                    element.text.push_str(&inner.xml10_content());
                }
            }
            Event::CData(inner) => {
                open.last_mut().ok_or_else(|| syntax(&reader))?.text.push_str(&inner.xml10_content());
            }
            Event::GeneralRef(reference) => {
                let known = match reference.resolve_char_ref() {
                    Ok(Some(character)) => Some(character),
                    Ok(None) => predefined(&reference),
                    Err(_) => return Err(syntax(&reader)),
                };
                let known = known.ok_or_else(|| FeedError::Entity(at(&reader, text)))?;
                open.last_mut().ok_or_else(|| syntax(&reader))?.text.push(known);
            }
        }
    }
}

/// A fault that does not know its line.
enum Fault {
    Syntax,
    Entity,
    Other(FeedError),
}

impl Fault {
    fn at(self, line: usize) -> FeedError {
        match self {
            Self::Syntax => FeedError::Syntax(line),
            Self::Entity => FeedError::Entity(line),
            Self::Other(error) => error,
        }
    }
}

fn begun(start: &BytesStart<'_>, space: Space, depth: usize, names: &mut usize) -> Result<Element, Fault> {
    if depth >= DEPTH {
        return Err(Fault::Other(FeedError::Depth));
    }
    *names += 1;
    let mut attributes = Vec::new();
    for attribute in start.attributes().with_checks(false) {
        *names += 1;
        if *names > NAMES {
            return Err(Fault::Other(FeedError::Names));
        }
        let attribute = attribute.map_err(|_| Fault::Syntax)?;
        let value = attribute.normalized_value(XmlVersion::Implicit1_0).map_err(|error| match error {
            Error::Escape(EscapeError::UnrecognizedEntity(..)) => Fault::Entity,
            _ => Fault::Syntax,
        })?;
        let name: &str = attribute.key.as_ref();
        attributes.push((name.to_owned(), value.into_owned()));
    }
    if *names > NAMES {
        return Err(Fault::Other(FeedError::Names));
    }
    let name: &str = start.local_name().into_inner();
    Ok(Element { space, name: name.to_owned(), attributes, ..Element::default() })
}

fn fault(error: &Error, line: usize) -> FeedError {
    match error {
        ReaderError::Escape(EscapeError::UnrecognizedEntity(..)) => FeedError::Entity(line),
        _ => FeedError::Syntax(line),
    }
}

/// The line that the reader has come to, from 1.
fn at(reader: &NsReader<&[u8]>, text: &str) -> usize {
    let read = usize::try_from(reader.buffer_position()).unwrap_or(usize::MAX);
    text.bytes().take(read).filter(|byte| *byte == b'\n').count() + 1
}

/// What XML itself calls by a name.
fn predefined(name: &str) -> Option<char> {
    match name {
        "amp" => Some('&'),
        "lt" => Some('<'),
        "gt" => Some('>'),
        "quot" => Some('"'),
        "apos" => Some('\''),
        _ => None,
    }
}
