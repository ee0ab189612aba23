//! Reads what stands in each piece of a template, in the order of its text, and which outside places it looks at.

use std::sync::Arc;

use super::{
    Reference, TemplateFault,
    expression::{Chain, Condition, Expression},
    parse::{Loader, Parsed},
    place::Places,
    reader::Reader,
    scan::{Kind, Piece},
};
use crate::model::Place;

/// The names of language.md, "Names": no template may give them another meaning.
const RESERVED: [&str; 11] =
    ["error", "event", "events", "incoming", "now", "rule", "run", "secrets", "steps", "trigger", "vars"];

/// A piece that was read.
#[derive(Debug)]
pub(super) enum Prepared {
    Text(String),
    Output(Chain),
    /// `if`, `elsif` and `unless`.
    Condition(Condition),
    Case(Chain),
    When(Vec<Expression>),
    Loop(Loop),
    Assign(String, Chain),
    Capture(String),
    Cycle(Cycle),
    /// `increment` and `decrement`.
    Count(String),
    Include(Include),
    /// `else`, `ifchanged`, `break`, `continue` and the ends: their name says all.
    Bare,
}

/// What `for` and `tablerow` go through.
#[derive(Debug)]
pub(super) struct Loop {
    pub(super) name: String,
    pub(super) source: Expression,
    /// The source as it is written: `offset: continue` goes by it.
    pub(super) text: String,
    pub(super) reversed: bool,
    pub(super) limit: Option<Expression>,
    pub(super) offset: Option<Offset>,
    pub(super) columns: Option<Expression>,
    pub(super) place: Place,
}

/// Where a loop begins.
#[derive(Debug)]
pub(super) enum Offset {
    /// Where the last loop of the same name and source stopped.
    Continue,
    At(Expression),
}

/// `{% cycle %}`.
#[derive(Debug)]
pub(super) struct Cycle {
    pub(super) group: Option<Expression>,
    pub(super) values: Vec<Expression>,
    /// What tells it from others when it has no group.
    pub(super) text: String,
    pub(super) place: Place,
}

/// `{% include %}` and `{% render %}`.
#[derive(Debug)]
pub(super) struct Include {
    pub(super) file: String,
    pub(super) parsed: Arc<Parsed>,
    /// `render` sees the roots and its own arguments alone.
    pub(super) isolated: bool,
    /// `with x` or `for x`, and the name it has inside.
    pub(super) with: Option<(String, Expression, bool)>,
    pub(super) named: Vec<(String, Expression)>,
    pub(super) place: Place,
}

/// All pieces of a template, read.
pub(super) struct Preparation {
    pub(super) pieces: Vec<Prepared>,
    pub(super) references: Vec<Reference>,
    /// Names that the template itself gives.
    pub(super) assigned: Vec<String>,
    /// Blocks within blocks, those of included files counted in.
    pub(super) depth: usize,
}

/// Reads all pieces of a template.
pub(super) fn prepare(
    text: &str,
    pieces: &[Piece],
    places: &Places<'_>,
    loader: &mut Loader<'_>,
) -> Result<Preparation, TemplateFault> {
    let mut work =
        Work { text, places, loader, references: Vec::new(), assigned: Vec::new(), loops: Vec::new(), depth: 0 };
    let mut prepared = Vec::with_capacity(pieces.len());
    for piece in pieces {
        prepared.push(work.piece(piece)?);
    }
    Ok(Preparation { pieces: prepared, references: work.references, assigned: work.assigned, depth: work.depth })
}

struct Work<'t, 'l, 'f> {
    text: &'t str,
    places: &'t Places<'t>,
    loader: &'l mut Loader<'f>,
    references: Vec<Reference>,
    assigned: Vec<String>,
    /// The names of the loops that are open.
    loops: Vec<String>,
    depth: usize,
}

impl Work<'_, '_, '_> {
    fn piece(&mut self, piece: &Piece) -> Result<Prepared, TemplateFault> {
        let Kind::Tag(name) = piece.kind else {
            return if piece.kind == Kind::Text {
                Ok(Prepared::Text(self.text.get(piece.from..piece.to).unwrap_or_default().to_owned()))
            } else {
                self.read(piece, chain).map(Prepared::Output)
            };
        };
        match name {
            "if" | "elsif" | "unless" => self.read(piece, condition).map(Prepared::Condition),
            "case" => self.read(piece, chain).map(Prepared::Case),
            "when" => self.read(piece, when).map(Prepared::When),
            "for" | "tablerow" => self.open_loop(piece, name),
            "endfor" | "endtablerow" => {
                self.loops.pop();
                self.bare(piece)
            }
            "assign" => self.assign(piece),
            "capture" => self.name_alone(piece).map(Prepared::Capture),
            "increment" | "decrement" => self.name_alone(piece).map(Prepared::Count),
            "cycle" => self.read(piece, |reader| cycle(reader, piece)).map(Prepared::Cycle),
            "include" | "render" => self.include(piece, name == "render"),
            _ => self.bare(piece),
        }
    }

    /// Reads a piece to its end and keeps what it looks at.
    fn read<T>(
        &mut self,
        piece: &Piece,
        read: impl FnOnce(&mut Reader<'_>) -> Result<T, TemplateFault>,
    ) -> Result<T, TemplateFault> {
        let mut reader = Reader::new(self.text, piece.from, piece.to, self.places)?;
        let read = read(&mut reader)?;
        reader.done()?;
        let seen = std::mem::take(&mut reader.seen);
        self.keep(seen);
        Ok(read)
    }

    fn keep(&mut self, seen: Vec<Reference>) {
        let outside =
            seen.into_iter().filter(|reference| !reference.path.root().is_some_and(|root| self.is_local(root)));
        let outside: Vec<Reference> = outside.collect();
        self.references.extend(outside);
    }

    fn is_local(&self, root: &str) -> bool {
        let in_loop = !self.loops.is_empty() && matches!(root, "forloop" | "tablerowloop");
        in_loop || self.loops.iter().chain(&self.assigned).any(|name| name == root)
    }

    fn bare(&mut self, piece: &Piece) -> Result<Prepared, TemplateFault> {
        // What follows `else` or an end is ignored by some engines; here a slip is better found.
        self.read(piece, |_| Ok(Prepared::Bare))
    }

    fn name_alone(&mut self, piece: &Piece) -> Result<String, TemplateFault> {
        let name = self.read(piece, |reader| match reader.quoted() {
            Ok(name) => Ok(name.to_owned()),
            Err(_) => reader.name().map(str::to_owned),
        })?;
        self.give(name, piece.place)
    }

    /// Notes a name that the template gives.
    fn give(&mut self, name: String, place: Place) -> Result<String, TemplateFault> {
        if RESERVED.contains(&name.as_str()) {
            return Err(TemplateFault::new(
                place,
                format!("`{name}` has a meaning already and cannot be given another"),
            )
            .help("choose another name"));
        }
        self.assigned.push(name.clone());
        Ok(name)
    }

    fn assign(&mut self, piece: &Piece) -> Result<Prepared, TemplateFault> {
        let (name, chain) = self.read(piece, |reader| {
            let name = reader.name()?.to_owned();
            if name.ends_with('?') {
                return Err(reader.fault("a name without `?`"));
            }
            reader.expect_sign("=")?;
            Ok((name, reader.chain()?))
        })?;
        Ok(Prepared::Assign(self.give(name, piece.place)?, chain))
    }

    fn open_loop(&mut self, piece: &Piece, tag: &str) -> Result<Prepared, TemplateFault> {
        let text = self.text;
        let read = self.read(piece, |reader| {
            let name = reader.name()?.to_owned();
            if !reader.word("in") {
                return Err(reader.fault("`in`"));
            }
            let source = reader.value()?;
            let mut read = Loop {
                name,
                source,
                text: text.get(piece.from..piece.to).unwrap_or_default().trim().to_owned(),
                reversed: false,
                limit: None,
                offset: None,
                columns: None,
                place: piece.place,
            };
            while !reader.is_done() {
                loop_option(reader, &mut read, tag)?;
            }
            Ok(read)
        })?;
        self.loops.push(read.name.clone());
        Ok(Prepared::Loop(read))
    }

    fn include(&mut self, piece: &Piece, isolated: bool) -> Result<Prepared, TemplateFault> {
        let (file, with, named) = self.read(piece, |reader| {
            let file = reader
                .quoted()
                .map_err(|fault| fault.help("the name of an included file stands in quotes and is never computed"))?;
            let mut with = None;
            let mut named = Vec::new();
            let one = reader.word("with");
            if one || reader.word("for") {
                let value = reader.value()?;
                let name = if reader.word("as") { reader.name()? } else { file.rsplit('/').next().unwrap_or(file) };
                with = Some((name.to_owned(), value, !one));
            }
            while !reader.is_done() {
                reader.sign(",");
                let name = reader.any_label().ok_or_else(|| reader.fault("`name: value`"))?;
                named.push((name.to_owned(), reader.value()?));
            }
            Ok((file.to_owned(), with, named))
        })?;
        let parsed = self.loader.file(&file, piece.place, piece.depth)?;
        self.depth = self.depth.max(piece.depth + 1 + parsed.depth);
        let given = |root: &str| {
            let with: Option<&(String, Expression, bool)> = with.as_ref();
            named.iter().any(|(name, _)| name == root)
                || with.is_some_and(|(name, ..)| name == root)
                || (root == "forloop" && with.is_some_and(|(_, _, each)| *each))
        };
        let inside = parsed.references.iter().filter(|reference| !reference.path.root().is_some_and(given));
        let inside: Vec<Reference> =
            inside.map(|reference| Reference { place: piece.place, ..reference.clone() }).collect();
        if isolated {
            self.references.extend(inside);
        } else {
            self.keep(inside);
            self.assigned.extend(parsed.assigned.iter().cloned());
        }
        Ok(Prepared::Include(Include { file, parsed, isolated, with, named, place: piece.place }))
    }
}

fn loop_option(reader: &mut Reader<'_>, read: &mut Loop, tag: &str) -> Result<(), TemplateFault> {
    reader.sign(",");
    if tag == "for" && reader.word("reversed") {
        read.reversed = true;
    } else if reader.label("limit") {
        read.limit = Some(reader.value()?);
    } else if reader.label("offset") {
        read.offset = Some(if reader.word("continue") { Offset::Continue } else { Offset::At(reader.value()?) });
    } else if tag == "tablerow" && reader.label("cols") {
        read.columns = Some(reader.value()?);
    } else {
        return Err(reader.fault("`limit:`, `offset:`, `reversed` (or `cols:` in a tablerow)"));
    }
    Ok(())
}

fn chain(reader: &mut Reader<'_>) -> Result<Chain, TemplateFault> {
    reader.chain()
}

fn condition(reader: &mut Reader<'_>) -> Result<Condition, TemplateFault> {
    reader.condition()
}

fn when(reader: &mut Reader<'_>) -> Result<Vec<Expression>, TemplateFault> {
    let mut values = vec![reader.value()?];
    while reader.sign(",") || reader.word("or") {
        values.push(reader.value()?);
    }
    Ok(values)
}

fn cycle(reader: &mut Reader<'_>, piece: &Piece) -> Result<Cycle, TemplateFault> {
    let mut values = vec![reader.value()?];
    let group = if reader.sign(":") { values.pop() } else { None };
    if group.is_some() {
        values.push(reader.value()?);
    }
    while reader.sign(",") {
        values.push(reader.value()?);
    }
    // Two cycles of the same words are one, as in Liquid.
    let text = format!("{values:?}");
    Ok(Cycle { group, values, text, place: piece.place })
}
