//! From a text to a template: scanned, read, and arranged by `liquid_core`.

use std::{collections::HashMap, fmt::Write as _, sync::Arc};

use super::{
    Files, Reference, TemplateFault,
    blank::drop_blank,
    error::did_you_mean,
    expression::Chain,
    language,
    limits::{INCLUDES, NESTING},
    place::Places,
    prepare::{Prepared, prepare},
    scan::{Kind, Piece, scan},
};
use crate::model::Place;

/// A template that was parsed.
#[derive(Debug)]
pub(super) struct Parsed {
    pub(super) body: liquid_core::Template,
    /// The expression, where the whole text is one `{{ }}`.
    pub(super) lone: Option<Chain>,
    pub(super) references: Vec<Reference>,
    /// Names that it gives to those who include it.
    pub(super) assigned: Vec<String>,
    /// Blocks within blocks, included files counted in.
    pub(super) depth: usize,
}

/// Finds, parses and keeps the files that a template includes.
pub(super) struct Loader<'f> {
    files: &'f Files,
    /// The files that are being parsed, each included by the one before.
    open: Vec<String>,
    done: HashMap<String, Arc<Parsed>>,
}

impl<'f> Loader<'f> {
    pub(super) fn new(files: &'f Files) -> Self {
        Self { files, open: Vec::new(), done: HashMap::new() }
    }

    /// The file of a name, included at `place` inside `around` blocks.
    pub(super) fn file(&mut self, name: &str, place: Place, around: usize) -> Result<Arc<Parsed>, TemplateFault> {
        if self.open.iter().any(|open| open == name) {
            return Err(TemplateFault::new(place, format!("`{name}` includes itself: {}", self.open.join(", "))));
        }
        if self.open.len() >= INCLUDES {
            return Err(TemplateFault::new(place, format!("more than {INCLUDES} files include each other in a row")));
        }
        let parsed = match self.done.get(name) {
            Some(parsed) => Arc::clone(parsed),
            None => self.parse_file(name, place)?,
        };
        if around + 1 + parsed.depth > NESTING {
            return Err(TemplateFault::new(place, format!("blocks nested deeper than {NESTING} with `{name}`")));
        }
        Ok(parsed)
    }

    fn parse_file(&mut self, name: &str, place: Place) -> Result<Arc<Parsed>, TemplateFault> {
        let Some(text) = self.files.0.get(name) else {
            return Err(TemplateFault::new(place, format!("there is no template `{name}`"))
                .help(did_you_mean(name, self.files.0.keys().map(String::as_str))));
        };
        self.open.push(name.to_owned());
        let parsed = parse(text, self).map_err(|fault| {
            let Place { line, column } = fault.place;
            let message = format!("in `{name}`, line {line}, column {column}: {}", fault.message);
            TemplateFault { message, place, help: fault.help }
        });
        self.open.pop();
        let parsed = Arc::new(parsed?);
        self.done.insert(name.to_owned(), Arc::clone(&parsed));
        Ok(parsed)
    }
}

/// Parses a text.
pub(super) fn parse(text: &str, loader: &mut Loader<'_>) -> Result<Parsed, TemplateFault> {
    let places = Places::new(text);
    let mut scanned = scan(text, &places)?;
    drop_blank(text, &mut scanned.pieces);
    let prepared = prepare(text, &scanned.pieces, &places, loader)?;
    let lone = match (prepared.pieces.as_slice(), scanned.pieces.as_slice()) {
        ([Prepared::Output(chain)], [piece]) if is_lone(text, piece) => Some(chain.clone()),
        _ => None,
    };
    let depth = scanned.depth.max(prepared.depth);
    let body = language::arrange(&canonical(&scanned.pieces), prepared.pieces)?;
    Ok(Parsed { body, lone, references: prepared.references, assigned: prepared.assigned, depth })
}

/// The only piece is a `{{ }}` from the first byte of the text to the last.
fn is_lone(text: &str, piece: &Piece) -> bool {
    let closing = text.get(piece.to..).map(|rest| rest.trim_start_matches('-'));
    text.starts_with("{{") && piece.place == Place { line: 1, column: 1 } && closing == Some("}}")
}

/// The template in a form that holds no word of its author's: each piece is a tag with the piece's number. What makes the
/// parser of `liquid_core` panic, hang or overflow (long literals, runs of white space, brackets in brackets, texts that are
/// no Liquid) never reaches it.
fn canonical(pieces: &[Piece]) -> String {
    let mut text = String::with_capacity(pieces.len() * 12);
    for (number, piece) in pieces.iter().enumerate() {
        let name = match piece.kind {
            Kind::Text => language::TEXT,
            Kind::Output => language::OUTPUT,
            Kind::Tag(name) if name.starts_with("end") => {
                // An end takes no arguments.
                let _always_fits = write!(text, "{{%{name}%}}");
                continue;
            }
            Kind::Tag(name) => name,
        };
        // Writing to a String cannot fail.
        let _always_fits = write!(text, "{{%{name} {number}%}}");
    }
    text
}
