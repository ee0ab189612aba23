//! The first look at a template: cuts its text into pieces, in one pass and with bounds, before any parser sees it.

use super::{
    TemplateFault,
    error::did_you_mean,
    limits::{NESTING, SOURCE_BYTES},
    place::Places,
};
use crate::model::Place;

/// A piece of a template.
#[derive(Debug, Clone)]
pub(super) struct Piece {
    pub(super) kind: Kind,
    /// Where it begins in the template.
    pub(super) place: Place,
    /// The bytes of what it holds: a text, or what follows a tag's name.
    pub(super) from: usize,
    pub(super) to: usize,
    /// How many blocks it stands in.
    pub(super) depth: usize,
}

/// What a piece is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// Copied as it is.
    Text,
    /// `{{ }}` and `{% echo %}`.
    Output,
    /// `{% name %}`; one of [`TAGS`], [`BLOCKS`], [`BRANCHES`] or the end of a block.
    Tag(&'static str),
}

/// Tags that stand alone.
pub(super) const TAGS: [&str; 8] =
    ["assign", "break", "continue", "cycle", "decrement", "include", "increment", "render"];
/// Tags that hold others, and what ends them.
pub(super) const BLOCKS: [(&str, &str); 7] = [
    ("capture", "endcapture"),
    ("case", "endcase"),
    ("for", "endfor"),
    ("if", "endif"),
    ("ifchanged", "endifchanged"),
    ("tablerow", "endtablerow"),
    ("unless", "endunless"),
];
/// Tags that part a block, and the blocks that they part.
const BRANCHES: [(&str, &[&str]); 3] =
    [("else", &["if", "unless", "case", "for"]), ("elsif", &["if", "unless"]), ("when", &["case"])];
/// Tags that this pass reads by itself.
pub(super) const OWN: [&str; 5] = ["raw", "comment", "doc", "echo", "liquid"];

/// A template cut into pieces.
#[derive(Debug)]
pub(super) struct Scanned {
    pub(super) pieces: Vec<Piece>,
    /// The most blocks within blocks.
    pub(super) depth: usize,
}

/// Cuts a text into pieces.
pub(super) fn scan(text: &str, places: &Places<'_>) -> Result<Scanned, TemplateFault> {
    if text.len() > SOURCE_BYTES {
        let message = format!("the template has {} bytes, {SOURCE_BYTES} are the most", text.len());
        return Err(TemplateFault::new(Place { line: 1, column: 1 }, message));
    }
    let mut scanner = Scanner { text, places, pieces: Vec::new(), open: Vec::new(), at: 0, trim: false, depth: 0 };
    scanner.run()?;
    match scanner.open.pop() {
        Some((name, end, place)) => {
            Err(TemplateFault::new(place, format!("`{name}` is never closed")).help(format!("`{{% {end} %}}` ends it")))
        }
        None => Ok(Scanned { pieces: scanner.pieces, depth: scanner.depth }),
    }
}

struct Scanner<'t> {
    text: &'t str,
    places: &'t Places<'t>,
    pieces: Vec<Piece>,
    /// Blocks that are open: name, end, place.
    open: Vec<(&'static str, &'static str, Place)>,
    at: usize,
    /// Whether white space after the last tag is dropped.
    trim: bool,
    depth: usize,
}

/// The inside of a `{{ }}` or `{% %}`.
struct Inside {
    from: usize,
    to: usize,
    /// The byte of the opening.
    start: usize,
}

impl<'t> Scanner<'t> {
    fn rest(&self) -> &'t str {
        self.text.get(self.at..).unwrap_or_default()
    }

    fn run(&mut self) -> Result<(), TemplateFault> {
        loop {
            let start = self.at;
            let opening = next_opening(self.rest());
            let Some((before, is_tag)) = opening else {
                self.push_text(start, self.text.len(), false);
                return Ok(());
            };
            self.at = start + before;
            let dashed = self.rest().as_bytes().get(2) == Some(&b'-');
            self.push_text(start, self.at, dashed);
            let inside = self.inside(is_tag, dashed)?;
            if is_tag { self.tag(inside)? } else { self.output(inside.from, inside.to, inside.start) }
        }
    }

    fn push_text(&mut self, from: usize, to: usize, trim_end: bool) {
        let (from, to) = trimmed(self.text, from, to, self.trim, trim_end);
        self.trim = false;
        if from < to {
            self.push(Kind::Text, from, to, from);
        }
    }

    fn push(&mut self, kind: Kind, from: usize, to: usize, start: usize) {
        let (place, depth) = (self.places.of(start), self.open.len());
        self.pieces.push(Piece { kind, place, from, to, depth });
    }

    fn output(&mut self, from: usize, to: usize, start: usize) {
        self.push(Kind::Output, from, to, start);
    }

    /// Goes past a `{{ }}` or `{% %}` and gives what is in it.
    fn inside(&mut self, is_tag: bool, dashed: bool) -> Result<Inside, TemplateFault> {
        let start = self.at;
        let from = start + 2 + usize::from(dashed);
        let body = self.text.get(from..).unwrap_or_default();
        let Some(length) = closing(body, is_tag) else {
            let (opening, ending) = if is_tag { ("{%", "%}") } else { ("{{", "}}") };
            return Err(TemplateFault::new(self.places.of(start), format!("`{opening}` is never closed"))
                .help(format!("`{ending}` ends it")));
        };
        self.at = from + length + 2;
        let inside = body.get(..length).unwrap_or_default();
        self.trim = inside.ends_with('-');
        Ok(Inside { from, to: from + length - usize::from(self.trim), start })
    }

    fn tag(&mut self, inside: Inside) -> Result<(), TemplateFault> {
        let body = self.text.get(inside.from..inside.to).unwrap_or_default();
        if body.trim_start().starts_with('#') {
            return Ok(());
        }
        let (name, after) = tag_name(body);
        let from = inside.to - after.len();
        match name {
            "raw" => self.raw(&inside),
            "doc" if !after.trim().is_empty() => Err(self.fault(inside.start, "`doc` takes nothing beside its name")),
            "comment" | "doc" => self.comment(name, &inside),
            "liquid" => self.lines(from, inside.to),
            _ => self.known_tag(name, from, inside.to, inside.start),
        }
    }

    /// `{% liquid %}`: each line is a tag.
    fn lines(&mut self, from: usize, to: usize) -> Result<(), TemplateFault> {
        let mut comment = 0_usize;
        let mut at = from;
        for line in self.text.get(from..to).unwrap_or_default().split('\n') {
            let (start, end) = trimmed(self.text, at, at + line.len(), true, true);
            at += line.len() + 1;
            let body = self.text.get(start..end).unwrap_or_default();
            if body.is_empty() || body.starts_with('#') {
                continue;
            }
            let (mut name, mut after) = tag_name(body);
            while comment == 0 && name == "liquid" {
                (name, after) = tag_name(after);
            }
            if name.is_empty() && after.is_empty() {
                continue;
            }
            match name {
                "comment" => comment += 1,
                "endcomment" if comment > 0 => comment -= 1,
                _ if comment > 0 => {}
                "raw" | "doc" => {
                    let message = format!("`{name}` cannot stand in a `liquid` tag");
                    return Err(TemplateFault::new(self.places.of(start), message));
                }
                _ => self.known_tag(name, end - after.len(), end, start)?,
            }
        }
        if comment > 0 {
            return Err(TemplateFault::new(self.places.of(from), "`comment` is never closed"));
        }
        Ok(())
    }

    fn known_tag(&mut self, name: &str, from: usize, to: usize, start: usize) -> Result<(), TemplateFault> {
        if name == "echo" {
            self.output(from, to, start);
            return Ok(());
        }
        if let Some(tag) = TAGS.iter().find(|tag| **tag == name) {
            self.push(Kind::Tag(tag), from, to, start);
            return Ok(());
        }
        if let Some((block, end)) = BLOCKS.iter().find(|(block, _)| *block == name) {
            return self.open_block((block, end), from, to, start);
        }
        if let Some((branch, blocks)) = BRANCHES.iter().find(|(branch, _)| *branch == name) {
            return match self.open.last() {
                Some((block, ..)) if blocks.contains(block) => {
                    self.push(Kind::Tag(branch), from, to, start);
                    Ok(())
                }
                _ => Err(self.fault(start, format!("`{name}` stands outside of {}", blocks.join(", ")))),
            };
        }
        if let Some((_, end)) = BLOCKS.iter().find(|(_, end)| *end == name) {
            return self.close_block(end, from, to, start);
        }
        self.unknown(name, start)
    }

    fn open_block(
        &mut self,
        (block, end): (&'static str, &'static str),
        from: usize,
        to: usize,
        start: usize,
    ) -> Result<(), TemplateFault> {
        self.push(Kind::Tag(block), from, to, start);
        self.open.push((block, end, self.places.of(start)));
        self.depth = self.depth.max(self.open.len());
        if self.depth > NESTING {
            return Err(self.fault(start, format!("blocks nested deeper than {NESTING}")));
        }
        Ok(())
    }

    fn close_block(&mut self, end: &'static str, from: usize, to: usize, start: usize) -> Result<(), TemplateFault> {
        match self.open.pop() {
            Some((_, wanted, _)) if wanted == end => {
                self.push(Kind::Tag(end), from, to, start);
                Ok(())
            }
            Some((block, wanted, place)) => Err(self
                .fault(start, format!("`{end}` found where `{wanted}` is wanted"))
                .help(format!("`{block}` in line {} is still open", place.line))),
            None => Err(self.fault(start, format!("`{end}` ends nothing"))),
        }
    }

    fn unknown(&self, name: &str, start: usize) -> Result<(), TemplateFault> {
        if name.is_empty() {
            return Err(self.fault(start, "a tag without a name"));
        }
        let ends = BLOCKS.iter().flat_map(|(block, end)| [*block, *end]);
        let known = TAGS.into_iter().chain(ends).chain(BRANCHES.iter().map(|(name, _)| *name)).chain(OWN);
        Err(self.fault(start, format!("there is no tag `{name}`")).help(did_you_mean(name, known)))
    }

    fn fault(&self, start: usize, message: impl Into<String>) -> TemplateFault {
        TemplateFault::new(self.places.of(start), message)
    }

    /// `{% raw %}`: text up to the next `{% endraw %}`, whatever it holds.
    fn raw(&mut self, inside: &Inside) -> Result<(), TemplateFault> {
        let from = self.at;
        while let Some(before) = self.rest().find("{%") {
            let start = self.at + before;
            self.at = start + 2;
            let rest = self.rest();
            let dashed = rest.starts_with('-');
            let body = rest.strip_prefix('-').unwrap_or(rest).trim_start();
            let Some(after) = body.strip_prefix("endraw") else { continue };
            let after = after.trim_start();
            let Some(tail) = after.strip_prefix("-%}").or_else(|| after.strip_prefix("%}")) else { continue };
            let end = self.text.len() - tail.len();
            self.push_text(from, start, dashed);
            self.trim = after.starts_with('-');
            self.at = end;
            return Ok(());
        }
        Err(self.fault(inside.start, "`raw` is never closed").help("`{% endraw %}` ends it"))
    }

    /// `{% comment %}`: nothing, up to its own end.
    fn comment(&mut self, name: &str, inside: &Inside) -> Result<(), TemplateFault> {
        let end = format!("end{name}");
        let mut open = 1_usize;
        let mut raw = false;
        let mut raw_ends = true;
        while let Some(before) = self.rest().find("{%") {
            self.at += before + 2;
            let rest = self.rest();
            let body = rest.strip_prefix('-').unwrap_or(rest);
            let (tag, after) = tag_name(body);
            match tag {
                "endraw" => raw = false,
                _ if raw => {}
                // A `raw` that never ends would swallow the end of the comment.
                "raw" if name == "comment" && raw_ends => {
                    raw_ends = after.contains("endraw");
                    raw = raw_ends;
                }
                _ if tag == name => open += 1,
                _ if tag == end => open -= 1,
                _ => {}
            }
            if open == 0 {
                let Some(length) = after.find("%}") else { break };
                self.trim = after.get(..length).is_some_and(|tail| tail.ends_with('-'));
                self.at = self.text.len() - after.len() + length + 2;
                return Ok(());
            }
        }
        Err(self.fault(inside.start, format!("`{name}` is never closed")).help(format!("`{{% {end} %}}` ends it")))
    }
}

/// The next `{{` or `{%`: how far away, and whether it is a tag.
fn next_opening(rest: &str) -> Option<(usize, bool)> {
    rest.as_bytes().windows(2).position(|pair| pair == b"{{" || pair == b"{%").map(|at| {
        let is_tag = rest.as_bytes().get(at + 1) == Some(&b'%');
        (at, is_tag)
    })
}

/// How long the inside is, up to its `}}` or `%}`; what stands in quotes does not end it, unless the quote itself never
/// ends. A comment (`{%# it's %}`) has no quotes.
fn closing(body: &str, is_tag: bool) -> Option<usize> {
    let end = if is_tag { "%}" } else { "}}" };
    let mut stop = body.find(end)?;
    if is_tag && body.trim_start().starts_with('#') {
        return Some(stop);
    }
    let mut at = 0;
    loop {
        let rest = body.get(at..stop)?;
        let Some(quote) = rest.find(['"', '\'']) else { return Some(stop) };
        let mark = rest.as_bytes().get(quote).copied().map_or('"', char::from);
        let Some(length) = body.get(at + quote + 1..)?.find(mark) else { return Some(stop) };
        at += quote + length + 2;
        if at > stop {
            stop = at + body.get(at..)?.find(end)?;
        }
    }
}

/// The name at the beginning of a tag, and what follows it.
fn tag_name(body: &str) -> (&str, &str) {
    let body = body.trim_start();
    let length = body.find(|c: char| !(c.is_alphanumeric() || c == '_')).unwrap_or(body.len());
    body.split_at(length)
}

fn trimmed(text: &str, from: usize, to: usize, start: bool, end: bool) -> (usize, usize) {
    let whole = text.get(from..to).unwrap_or_default();
    let front = if start { whole.trim_start() } else { whole };
    let both = if end { front.trim_end() } else { front };
    let begin = to - front.len();
    (begin, begin + both.len())
}
