//! Reads YAML that people wrote: one document, as JSON, with the place of every key and value. The only user of the YAML parser.
//!
//! The parser's events are taken one by one, so nothing recurses on the depth of a text and an alias is never expanded.

mod document;

pub use document::{Document, pointer_to};

use saphyr_parser::{Event, Marker, Parser, ScalarStyle, ScanError};
use serde_json::{Number, Value};

use self::document::{Spot, TextStyle};
use super::Object;

/// What a YAML text may hold at most.
#[derive(Debug, Clone, Copy)]
pub struct YamlLimits {
    /// Bytes of the text.
    pub bytes: usize,
    /// Levels of lists and maps.
    pub depth: usize,
}

impl Default for YamlLimits {
    /// As language.md states them: 256 KiB a file, depth 32.
    fn default() -> Self {
        Self { bytes: 256 * 1024, depth: 32 }
    }
}

/// What sort of fault a YAML text has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum YamlFaultKind {
    /// Not YAML.
    Syntax,
    /// More bytes than allowed.
    TooLarge,
    /// More levels than allowed.
    TooDeep,
    /// A control, zero-width or direction-changing character, or a tab in the indentation.
    Character,
    /// `!tag`.
    Tag,
    /// `&anchor` or `*alias`.
    Anchor,
    /// `<<`.
    MergeKey,
    /// A key that stands twice in a map.
    DuplicateKey,
    /// A key that is not text.
    Key,
    /// A second document.
    Documents,
    /// `{{ x }}` without quotes.
    Unquoted,
    /// A number that cannot be kept digit for digit.
    Number,
}

/// One fault of a YAML text.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct YamlFault {
    /// What sort.
    pub kind: YamlFaultKind,
    /// From 1; 0 where the whole text is meant.
    pub line: u32,
    /// From 1, in characters; 0 where the whole line is meant.
    pub column: u32,
    /// What is wrong, in one sentence.
    pub message: String,
    /// The way out. Empty where the message says it all.
    pub help: String,
}

/// Reads one YAML document. Only `true`, `false`, `null`, `~` and JSON numbers without quotes are not text. `Err` holds every
/// fault that could be found, in the order of the text, at most [`MOST_FAULTS`].
pub fn read_yaml(text: &str, limits: YamlLimits) -> Result<Document, Vec<YamlFault>> {
    if text.len() > limits.bytes {
        let message = format!("{} bytes; at most {} are taken", text.len(), limits.bytes);
        return Err(vec![fault(YamlFaultKind::TooLarge, (0, 0), message, "split it into several files")]);
    }
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let faults = odd_characters(text);
    // The parser takes a NUL for the end of the text, so nothing after it would be seen.
    if !faults.is_empty() {
        return Err(faults);
    }
    let mut reader = Reader { text, limits, frames: Vec::new(), document: Document::default(), read: 0, faults };
    reader.run();
    let Reader { document, mut faults, .. } = reader;
    if faults.is_empty() {
        return Ok(document);
    }
    faults.sort_by_key(|fault| (fault.line, fault.column));
    faults.dedup();
    Err(faults)
}

/// Faults of one text that are told; whoever has more will see the rest after mending these.
pub const MOST_FAULTS: usize = 100;

fn fault(kind: YamlFaultKind, at: (u32, u32), message: impl Into<String>, help: &str) -> YamlFault {
    YamlFault { kind, line: at.0, column: at.1, message: message.into(), help: help.to_owned() }
}

/// Message and help for a template that YAML reads as a map.
const UNQUOTED: (&str, &str) =
    ("`{{` or `{%` without quotes is read as a map, not as a template", "put it in quotes: \"{{ ... }}\"");

/// Characters that make a file look other than it is, or that no YAML may hold.
fn odd_characters(text: &str) -> Vec<YamlFault> {
    let mut faults = Vec::new();
    let (mut line, mut column) = (1, 0);
    for character in text.chars() {
        column += 1;
        if character == '\n' {
            (line, column) = (line + 1, 0);
        }
        if !is_odd(character) || faults.len() >= MOST_FAULTS {
            continue;
        }
        let message = format!("the invisible character U+{:04X} stands here", u32::from(character));
        let help = format!(
            "take it out; where it is meant, write \"\\u{:04X}\" in a text in double quotes",
            u32::from(character)
        );
        faults.push(fault(YamlFaultKind::Character, (line, column), message, &help));
    }
    faults
}

fn is_odd(character: char) -> bool {
    match character {
        '\t' | '\n' | '\r' => false,
        '\u{61c}'
        | '\u{180e}'
        | '\u{200b}'..='\u{200f}'
        | '\u{2028}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}'
        | '\u{feff}'
        | '\u{fff9}'..='\u{fffb}'
        | '\u{e0000}'..='\u{e007f}' => true,
        other => other.is_control(),
    }
}

/// A list or map that is open while the text is read.
struct Frame {
    pointer: String,
    start: (u32, u32),
    /// Part of a key that is not text: read, and dropped.
    dropped: bool,
    kind: FrameKind,
}

enum FrameKind {
    List(Vec<Value>),
    Map { object: Object, key: Option<Key> },
}

struct Key {
    name: String,
    place: (u32, u32),
    /// The value after it is read and dropped: the key has a fault.
    dropped: bool,
}

struct Reader<'t> {
    text: &'t str,
    limits: YamlLimits,
    frames: Vec<Frame>,
    document: Document,
    /// Documents begun.
    read: usize,
    faults: Vec<YamlFault>,
}

impl Reader<'_> {
    fn run(&mut self) {
        for event in Parser::new_from_iter(self.text.chars()) {
            let (event, span) = match event {
                Ok(read) => read,
                Err(error) => return self.syntax(&error),
            };
            if self.faults.len() >= MOST_FAULTS || !self.take(event, place_of(span.start)) {
                return;
            }
        }
    }

    /// Takes one event. False where reading on makes no sense.
    fn take(&mut self, event: Event<'_>, at: (u32, u32)) -> bool {
        match event {
            Event::DocumentStart(_) => {
                self.read += 1;
                if self.read > 1 {
                    let help = "make it a file of its own";
                    self.refuse(YamlFaultKind::Documents, at, "a second document starts here (`---`)", help);
                    return false;
                }
            }
            Event::Alias(_) => {
                self.refuse(YamlFaultKind::Anchor, at, "aliases (`*name`) are not taken", "write the value out");
                self.place(Value::Null, at, TextStyle::Plain);
            }
            Event::Scalar(text, style, anchor, tag) => {
                self.dressed(anchor, tag.is_some(), at);
                self.scalar(&text, style, at);
            }
            Event::SequenceStart(anchor, tag) => {
                self.dressed(anchor, tag.is_some(), at);
                return self.open(FrameKind::List(Vec::new()), at);
            }
            Event::MappingStart(anchor, tag) => {
                self.dressed(anchor, tag.is_some(), at);
                return self.open(FrameKind::Map { object: Object::new(), key: None }, at);
            }
            Event::SequenceEnd | Event::MappingEnd => self.close(),
            Event::Nothing | Event::StreamStart | Event::StreamEnd | Event::DocumentEnd => {}
        }
        true
    }

    fn refuse(&mut self, kind: YamlFaultKind, at: (u32, u32), message: impl Into<String>, help: &str) {
        self.faults.push(fault(kind, at, message, help));
    }

    /// Refuses anchors and tags.
    fn dressed(&mut self, anchor: usize, tag: bool, at: (u32, u32)) {
        if anchor > 0 {
            self.refuse(YamlFaultKind::Anchor, at, "anchors (`&name`) are not taken", "write the value out");
        }
        if tag {
            self.refuse(YamlFaultKind::Tag, at, "tags (`!name`) are not taken", "leave the tag out");
        }
    }

    fn open(&mut self, kind: FrameKind, at: (u32, u32)) -> bool {
        if self.frames.len() >= self.limits.depth {
            let message = format!("nested deeper than {} levels", self.limits.depth);
            self.refuse(YamlFaultKind::TooDeep, at, message, "use fewer levels");
            return false;
        }
        let wants_key = matches!(self.frames.last(), Some(Frame { kind: FrameKind::Map { key: None, .. }, .. }));
        if wants_key && !self.in_dropped() {
            self.complex_key(at);
        }
        let dropped = wants_key || self.in_dropped();
        let pointer = if dropped { String::new() } else { self.next_pointer() };
        self.frames.push(Frame { pointer, start: at, dropped, kind });
        true
    }

    /// A list or map stands where a key is wanted; `{{ x }}` is read as one.
    fn complex_key(&mut self, at: (u32, u32)) {
        let outer = self.frames.last().map_or(at, |frame| frame.start);
        if outer.0 == at.0 && outer.1 + 1 == at.1 {
            self.refuse(YamlFaultKind::Unquoted, outer, UNQUOTED.0, UNQUOTED.1);
        } else {
            self.refuse(
                YamlFaultKind::Key,
                at,
                "a key must be text, not a list or map",
                "write a name, with the list or map as its value",
            );
        }
    }

    fn in_dropped(&self) -> bool {
        self.frames.last().is_some_and(|frame| {
            frame.dropped || matches!(&frame.kind, FrameKind::Map { key: Some(key), .. } if key.dropped)
        })
    }

    fn next_pointer(&self) -> String {
        match self.frames.last() {
            None => String::new(),
            Some(Frame { pointer, kind: FrameKind::List(list), .. }) => format!("{pointer}/{}", list.len()),
            Some(Frame { pointer, kind: FrameKind::Map { key, .. }, .. }) => {
                pointer_to(pointer, key.as_ref().map_or("", |key| key.name.as_str()))
            }
        }
    }

    fn close(&mut self) {
        let Some(frame) = self.frames.pop() else { return };
        let value = match frame.kind {
            FrameKind::List(list) => Value::Array(list),
            FrameKind::Map { object, .. } => Value::Object(object),
        };
        self.place(value, frame.start, TextStyle::None);
    }

    fn scalar(&mut self, text: &str, style: ScalarStyle, at: (u32, u32)) {
        let plain = style == ScalarStyle::Plain;
        if matches!(self.frames.last(), Some(Frame { kind: FrameKind::Map { key: None, .. }, .. })) {
            return self.key(text, plain, at);
        }
        let how = match style {
            ScalarStyle::Plain => TextStyle::Plain,
            ScalarStyle::SingleQuoted | ScalarStyle::DoubleQuoted => TextStyle::Quoted,
            ScalarStyle::Literal => self.block(text, at),
            ScalarStyle::Folded => TextStyle::Folded,
        };
        let value = if plain { self.plain(text, at) } else { Value::String(text.to_owned()) };
        self.place(value, at, how);
    }

    /// A scalar without quotes, by our rules.
    fn plain(&mut self, text: &str, at: (u32, u32)) -> Value {
        match text {
            "" | "~" | "null" => Value::Null,
            "true" => Value::Bool(true),
            "false" => Value::Bool(false),
            _ if is_json_number(text) => exact_number(text).map_or_else(
                || {
                    let message = format!("the number {} cannot be kept exactly", shortened(text));
                    self.refuse(YamlFaultKind::Number, at, message, "put it in quotes to make it text");
                    Value::Null
                },
                Value::Number,
            ),
            _ => Value::String(text.to_owned()),
        }
    }

    fn key(&mut self, text: &str, plain: bool, at: (u32, u32)) {
        let in_dropped = self.in_dropped();
        let mut dropped = in_dropped;
        if !in_dropped && plain && text == "<<" {
            self.refuse(YamlFaultKind::MergeKey, at, "merge keys (`<<`) are not taken", "write the keys out");
            dropped = true;
        } else if !in_dropped && plain && (matches!(text, "" | "~" | "null" | "true" | "false") || is_json_number(text))
        {
            let shown = if text.is_empty() { "an empty key".to_owned() } else { format!("the key `{text}`") };
            self.refuse(YamlFaultKind::Key, at, format!("{shown} is not text"), "put it in quotes");
            dropped = true;
        } else if !in_dropped && self.is_duplicate(text) {
            let message = format!("the key `{}` stands twice in this map", shortened(text));
            self.refuse(YamlFaultKind::DuplicateKey, at, message, "keep one of them");
            dropped = true;
        }
        if let Some(Frame { kind: FrameKind::Map { key, .. }, .. }) = self.frames.last_mut() {
            *key = Some(Key { name: text.to_owned(), place: at, dropped });
        }
    }

    fn is_duplicate(&self, name: &str) -> bool {
        matches!(self.frames.last(), Some(Frame { kind: FrameKind::Map { object, .. }, .. }) if object.contains_key(name))
    }

    /// The text after `|`: where its first line stands and how far it is indented, looked up in the file.
    fn block(&self, text: &str, at: (u32, u32)) -> TextStyle {
        let blank = text.lines().take_while(|line| line.is_empty()).count();
        let Some(first) = text.lines().nth(blank) else { return TextStyle::Folded };
        // The parser's mark is at the first line, or at the first that is not blank.
        for line in (at.0..).take(blank + 1) {
            let row = usize::try_from(line).unwrap_or_default().saturating_sub(1);
            let before = self.text.lines().nth(row).and_then(|row| row.strip_suffix(first));
            let indent = before.filter(|b| b.trim().is_empty()).and_then(|b| u32::try_from(b.chars().count()).ok());
            if let Some(indent) = indent {
                let above = u32::try_from(blank).unwrap_or_default();
                return TextStyle::Block { line: line.saturating_sub(above), indent };
            }
        }
        TextStyle::Folded
    }

    /// Puts a value where the text says.
    fn place(&mut self, value: Value, at: (u32, u32), text: TextStyle) {
        let pointer = (!self.in_dropped()).then(|| self.next_pointer());
        let mut key_place = at;
        match self.frames.last_mut().map(|frame| &mut frame.kind) {
            None => self.document.value = value,
            Some(FrameKind::List(list)) => list.push(value),
            Some(FrameKind::Map { object, key }) => match key.take() {
                // A key that is not text has just ended; what follows is its value.
                None => {
                    *key = Some(Key { name: String::new(), place: at, dropped: true });
                    return;
                }
                Some(key) if key.dropped => return,
                Some(key) => {
                    key_place = key.place;
                    object.insert(key.name, value);
                }
            },
        }
        if let Some(pointer) = pointer {
            self.document.put(pointer, Spot { key: key_place, value: at, text });
        }
    }

    fn syntax(&mut self, error: &ScanError) {
        let at = place_of(*error.marker()).min(end_of(self.text));
        let line =
            self.text.lines().nth(usize::try_from(at.0).unwrap_or_default().saturating_sub(1)).unwrap_or_default();
        let before = usize::try_from(at.0).unwrap_or_default().checked_sub(2).and_then(|n| self.text.lines().nth(n));
        for (line, number) in [(Some(line), at.0), (before, at.0.saturating_sub(1))] {
            let Some(line) = line else { continue };
            if let Some(column) = unquoted_template(line) {
                return self.refuse(YamlFaultKind::Unquoted, (number, column), UNQUOTED.0, UNQUOTED.1);
            }
            if let Some(column) = tab_in_indentation(line) {
                let message = "a tab in the indentation";
                return self.refuse(YamlFaultKind::Character, (number, column), message, "indent with spaces");
            }
        }
        // The parser's own limit, reached in brackets before ours is counted.
        if error.info().contains("recursion limit") {
            let message = format!("nested deeper than {} levels", self.limits.depth);
            return self.refuse(YamlFaultKind::TooDeep, at, message, "use fewer levels");
        }
        let help = "close what is open (brackets, quotes); put texts with `: `, `#`, `{` or `[` in quotes";
        self.refuse(YamlFaultKind::Syntax, at, format!("not YAML: {}", error.info()), help);
    }
}

fn place_of(marker: Marker) -> (u32, u32) {
    let from_usize = |number: usize| u32::try_from(number).unwrap_or(u32::MAX);
    (from_usize(marker.line()), from_usize(marker.col()).saturating_add(1))
}

/// The place after the last character: the parser has the end of a text in a line of its own. A lone CR ends a line of YAML too.
fn end_of(text: &str) -> (u32, u32) {
    let from_usize = |number: usize| u32::try_from(number).unwrap_or(u32::MAX);
    let breaks = text.matches(['\n', '\r']).count() - text.matches("\r\n").count();
    let last = text.rsplit(['\n', '\r']).next().unwrap_or_default();
    (from_usize(breaks).saturating_add(1), from_usize(last.chars().count()).saturating_add(1))
}

/// The column of a value that starts with `{{` or `{%` without quotes.
fn unquoted_template(line: &str) -> Option<u32> {
    let value = line.trim_start_matches([' ', '-']);
    let value = value.split_once(": ").map_or(value, |(_, value)| value).trim_start();
    let starts = value.starts_with("{{") || value.starts_with("{%");
    let before = line.strip_suffix(value)?;
    starts.then(|| u32::try_from(before.chars().count() + 1).unwrap_or_default())
}

fn tab_in_indentation(line: &str) -> Option<u32> {
    let rest = line.trim_start_matches(' ');
    rest.starts_with('\t').then(|| u32::try_from(line.len() - rest.len() + 1).unwrap_or_default())
}

/// Whether `text` is a number by the grammar of JSON.
fn is_json_number(text: &str) -> bool {
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    let unsigned = text.strip_prefix('-').unwrap_or(text);
    let (mantissa, exponent) = match unsigned.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, Some(exponent)),
        None => (unsigned, None),
    };
    let (whole, fraction) = match mantissa.split_once('.') {
        Some((whole, fraction)) => (whole, Some(fraction)),
        None => (mantissa, None),
    };
    digits(whole)
        && (whole == "0" || !whole.starts_with('0'))
        && fraction.is_none_or(digits)
        && exponent.is_none_or(|e| digits(e.strip_prefix(['+', '-']).unwrap_or(e)))
}

fn exact_number(text: &str) -> Option<Number> {
    if text.contains(['.', 'e', 'E']) {
        return text.parse::<f64>().ok().and_then(Number::from_f64);
    }
    let negative = text.parse::<i64>().ok().map(Number::from);
    negative.or_else(|| text.parse::<u64>().ok().map(Number::from))
}

fn shortened(text: &str) -> String {
    const SHOWN: usize = 60;
    if text.chars().count() <= SHOWN {
        return text.to_owned();
    }
    text.chars().take(SHOWN).chain(['…']).collect()
}

#[cfg(test)]
mod tests;
