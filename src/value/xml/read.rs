//! Reads XML from outside: bounded, without document types and entities, so that nothing is fetched and nothing swells.

use quick_xml::{
    Error, Reader, XmlVersion,
    errors::Error as ReaderError,
    escape::EscapeError,
    events::{BytesDecl, BytesStart, Event},
};

use super::names::{is_blank, is_char, is_name};
use crate::value::{Object, Value, put_field};

/// Elements within elements. An element that repeats is two levels of the value, so that this is no more than JSON's 64.
pub const XML_DEPTH: usize = 32;
/// Elements and attributes together: as many as names in JSON.
pub const MOST_XML_NAMES: usize = 10_000;
/// Bytes in which the declaration at a document's beginning is looked for.
const LONGEST_DECLARATION: usize = 256;
/// Bytes of one name.
const LONGEST_NAME: usize = 1024;

/// Why bytes are not XML that is taken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum XmlError {
    /// Not well-formed, with the line (from 1).
    #[error("not well-formed XML at line {line}")]
    Syntax { line: usize },
    /// Not UTF-8.
    #[error("not UTF-8")]
    NotUtf8,
    /// It says that it is written in another encoding.
    #[error("the XML declares an encoding that is not UTF-8")]
    Encoding,
    /// A document type: what it declares could fetch files and swell without bound.
    #[error("a document type (DOCTYPE) is not taken")]
    Doctype,
    /// An entity that XML itself does not know.
    #[error("an entity other than amp, lt, gt, quot and apos at line {line}")]
    Entity { line: usize },
    /// More levels than allowed.
    #[error("elements nested deeper than {XML_DEPTH} levels")]
    TooDeep,
    /// More elements and attributes than allowed.
    #[error("more than {MOST_XML_NAMES} elements and attributes")]
    TooMany,
    /// A longer name than allowed.
    #[error("a name longer than {LONGEST_NAME} bytes")]
    LongName,
}

impl XmlError {
    /// The word of this refusal on the wire.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Syntax { .. } => "not_xml",
            Self::NotUtf8 => "not_utf8",
            Self::Encoding => "charset",
            Self::Doctype => "xml_doctype",
            Self::Entity { .. } => "xml_entity",
            Self::TooDeep => "too_deep",
            Self::TooMany => "too_many_keys",
            Self::LongName => "long_key",
        }
    }
}

/// Reads one document. White space at both ends of an element's text is left out; comments and processing instructions are skipped.
pub fn read_xml(bytes: &[u8]) -> Result<Value, XmlError> {
    if is_declared_otherwise(bytes) {
        return Err(XmlError::Encoding);
    }
    let text = std::str::from_utf8(bytes).map_err(|_| XmlError::NotUtf8)?;
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    if let Some((at, _)) = text.char_indices().find(|(_, c)| !is_char(*c)) {
        return Err(XmlError::Syntax { line: line(text, at) });
    }
    let mut reader = Reader::from_str(text);
    reader.config_mut().check_comments = true;
    let mut tree = Tree::default();
    loop {
        let event = reader.read_event();
        let at = || line(text, usize::try_from(reader.buffer_position()).unwrap_or(usize::MAX));
        let event = event.map_err(|error| fault(&error, at()))?;
        if matches!(event, Event::Eof) {
            return tree.done().ok_or_else(|| XmlError::Syntax { line: at() });
        }
        tree.take(event).map_err(|fault| fault.at(at()))?;
    }
}

/// Whether the first bytes say that the document is written in something else than UTF-8: what stands behind them then need not be text.
fn is_declared_otherwise(bytes: &[u8]) -> bool {
    // UTF-16 by its mark, or by a first `<` of two bytes.
    let marks: [&[u8]; 4] = [b"\xff\xfe", b"\xfe\xff", b"<\0", b"\0<"];
    if marks.iter().any(|mark| bytes.starts_with(mark)) {
        return true;
    }
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let head = bytes.get(..LONGEST_DECLARATION).unwrap_or(bytes);
    let Some(end) = head.windows(2).position(|pair| pair == b"?>") else { return false };
    let declaration = head.get(..end + 2).and_then(|head| std::str::from_utf8(head).ok()).unwrap_or_default();
    if !declaration.starts_with("<?xml") {
        return false;
    }
    let first = Reader::from_str(declaration).read_event();
    matches!(first, Ok(Event::Decl(declaration)) if matches!(declared(&declaration), Err(Fault::Other(_))))
}

/// The line of a byte, from 1.
fn line(text: &str, at: usize) -> usize {
    text.bytes().take(at).filter(|byte| *byte == b'\n').count() + 1
}

fn fault(error: &Error, line: usize) -> XmlError {
    match error {
        ReaderError::Escape(EscapeError::UnrecognizedEntity(..)) => XmlError::Entity { line },
        _ => XmlError::Syntax { line },
    }
}

/// A fault that does not know its line.
enum Fault {
    Syntax,
    Entity,
    Other(XmlError),
}

impl Fault {
    fn at(self, line: usize) -> XmlError {
        match self {
            Self::Syntax => XmlError::Syntax { line },
            Self::Entity => XmlError::Entity { line },
            Self::Other(error) => error,
        }
    }
}

/// An element that is open.
#[derive(Default)]
struct Open {
    name: String,
    inner: Object,
    text: String,
}

impl Open {
    /// The element's value: a text, or an object where there is more than text.
    fn value(self) -> Value {
        let text = self.text.trim_matches(is_blank);
        if self.inner.is_empty() {
            return Value::String(text.to_owned());
        }
        let mut inner = self.inner;
        if !text.is_empty() {
            inner.insert("#text".to_owned(), Value::String(text.to_owned()));
        }
        Value::Object(inner)
    }
}

/// What was read so far.
#[derive(Default)]
struct Tree {
    open: Vec<Open>,
    top: Option<Object>,
    names: usize,
    /// Something stood before, so that a declaration may come no more.
    begun: bool,
}

impl Tree {
    fn take(&mut self, event: Event<'_>) -> Result<(), Fault> {
        let first = !std::mem::replace(&mut self.begun, true);
        match event {
            Event::Decl(declaration) if first => declared(&declaration),
            Event::DocType(_) => Err(Fault::Other(XmlError::Doctype)),
            Event::Comment(_) | Event::PI(_) => Ok(()),
            Event::Start(start) => self.begin(&start),
            Event::Empty(start) => self.begin(&start).and_then(|()| self.end()),
            Event::End(_) => self.end(),
            Event::Text(text) => self.text(&text.xml10_content()),
            Event::CData(text) if !self.open.is_empty() => self.text(&text.xml10_content()),
            Event::Decl(_) | Event::CData(_) | Event::Eof => Err(Fault::Syntax),
            Event::GeneralRef(reference) => {
                let known = match reference.resolve_char_ref() {
                    Ok(Some(c)) if is_char(c) => Some(c),
                    Ok(None) => predefined(&reference),
                    Ok(Some(_)) | Err(_) => return Err(Fault::Syntax),
                };
                let open = self.open.last_mut().ok_or(Fault::Syntax)?;
                open.text.push(known.ok_or(Fault::Entity)?);
                Ok(())
            }
        }
    }

    fn begin(&mut self, start: &BytesStart<'_>) -> Result<(), Fault> {
        if self.open.is_empty() && self.top.is_some() {
            return Err(Fault::Syntax);
        }
        if self.open.len() >= XML_DEPTH {
            return Err(Fault::Other(XmlError::TooDeep));
        }
        let name = self.name(start.name().as_ref())?;
        let mut inner = Object::new();
        // quick-xml compares each attribute with each before it; a map knows at once.
        for attribute in start.attributes().with_checks(false) {
            let attribute = attribute.map_err(|_| Fault::Syntax)?;
            if attribute.value.contains('<') {
                return Err(Fault::Syntax);
            }
            let name = self.name(attribute.key.as_ref())?;
            let value = attribute.normalized_value(XmlVersion::Implicit1_0).map_err(|error| match error {
                Error::Escape(EscapeError::UnrecognizedEntity(..)) => Fault::Entity,
                _ => Fault::Syntax,
            })?;
            if !value.chars().all(is_char) {
                return Err(Fault::Syntax);
            }
            if inner.insert(format!("@{name}"), Value::String(value.into_owned())).is_some() {
                return Err(Fault::Syntax);
            }
        }
        self.open.push(Open { name, inner, text: String::new() });
        Ok(())
    }

    /// A name that counts.
    fn name(&mut self, name: &str) -> Result<String, Fault> {
        self.names += 1;
        if self.names > MOST_XML_NAMES {
            return Err(Fault::Other(XmlError::TooMany));
        }
        if name.len() > LONGEST_NAME {
            return Err(Fault::Other(XmlError::LongName));
        }
        if is_name(name) { Ok(name.to_owned()) } else { Err(Fault::Syntax) }
    }

    fn end(&mut self) -> Result<(), Fault> {
        let mut closed = self.open.pop().ok_or(Fault::Syntax)?;
        let name = std::mem::take(&mut closed.name);
        match self.open.last_mut() {
            Some(outer) => put_field(&mut outer.inner, name, closed.value()),
            None => self.top = Some(Object::from_iter([(name, closed.value())])),
        }
        Ok(())
    }

    fn text(&mut self, text: &str) -> Result<(), Fault> {
        match self.open.last_mut() {
            Some(open) => open.text.push_str(text),
            None if text.chars().all(is_blank) => {}
            None => return Err(Fault::Syntax),
        }
        Ok(())
    }

    /// The document, where it is whole.
    fn done(self) -> Option<Value> {
        if self.open.is_empty() { self.top.map(Value::Object) } else { None }
    }
}

fn declared(declaration: &BytesDecl<'_>) -> Result<(), Fault> {
    declaration.version().map_err(|_| Fault::Syntax)?;
    let Some(encoding) = declaration.encoding() else { return Ok(()) };
    let encoding = encoding.map_err(|_| Fault::Syntax)?;
    let known = ["utf-8", "utf8", "us-ascii", "ascii"].iter().any(|known| encoding.eq_ignore_ascii_case(known));
    if known { Ok(()) } else { Err(Fault::Other(XmlError::Encoding)) }
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
