//! Reads expressions, filters and conditions, and notes which places they look at.

use serde_json::{Number, Value};

use super::{
    Reference, TemplateFault,
    error::did_you_mean,
    evaluate::asks_for_absence,
    expression::{Call, Chain, Condition, Expression, Joint, Lookup, Operator, Part, Test},
    filters,
    lexer::{Token, Word, words},
    limits::BRACKETS,
    place::Places,
};
use crate::{
    model::Place,
    value::{Path, Segment},
};

/// Reads a part of a template's text, word by word.
pub(super) struct Reader<'t> {
    text: &'t str,
    places: &'t Places<'t>,
    tokens: Vec<Token<'t>>,
    next: usize,
    end: usize,
    brackets: usize,
    /// What was looked at so far.
    pub(super) seen: Vec<Reference>,
}

impl<'t> Reader<'t> {
    /// A reader of `text[from..to]`.
    pub(super) fn new(text: &'t str, from: usize, to: usize, places: &'t Places<'t>) -> Result<Self, TemplateFault> {
        let tokens = words(text, from, to, places)?;
        Ok(Self { text, places, tokens, next: 0, end: to, brackets: 0, seen: Vec::new() })
    }

    fn peek(&self) -> Option<Word<'t>> {
        self.tokens.get(self.next).map(|token| token.word)
    }

    fn peek_second(&self) -> Option<Word<'t>> {
        self.tokens.get(self.next + 1).map(|token| token.word)
    }

    fn byte(&self) -> usize {
        self.tokens.get(self.next).map_or(self.end, |token| token.at)
    }

    /// Where the next word stands.
    pub(super) fn place(&self) -> Place {
        self.places.of(self.byte())
    }

    /// Whether nothing is left.
    pub(super) fn is_done(&self) -> bool {
        self.next >= self.tokens.len()
    }

    /// A fault at the next word.
    pub(super) fn fault(&self, wanted: &str) -> TemplateFault {
        let seen = match self.tokens.get(self.next) {
            Some(token) => format!("`{}`", self.text.get(token.at..token.end).unwrap_or_default()),
            None => "the end".to_owned(),
        };
        TemplateFault::new(self.place(), format!("{wanted} wanted, {seen} found"))
    }

    /// Takes the sign if it is next.
    pub(super) fn sign(&mut self, sign: &str) -> bool {
        let found = matches!(self.peek(), Some(Word::Sign(next)) if next == sign);
        self.next += usize::from(found);
        found
    }

    /// Takes the sign, which must be next.
    pub(super) fn expect_sign(&mut self, sign: &str) -> Result<(), TemplateFault> {
        if self.sign(sign) { Ok(()) } else { Err(self.fault(&format!("`{sign}`"))) }
    }

    /// Takes the word if it is next.
    pub(super) fn word(&mut self, word: &str) -> bool {
        let found = self.peek() == Some(Word::Name(word));
        self.next += usize::from(found);
        found
    }

    /// Takes the word if it is next and a colon follows, and the colon with it.
    pub(super) fn label(&mut self, word: &str) -> bool {
        let found = self.peek() == Some(Word::Name(word)) && self.peek_second() == Some(Word::Sign(":"));
        self.next += if found { 2 } else { 0 };
        found
    }

    /// Takes `name:` if that is next.
    pub(super) fn any_label(&mut self) -> Option<&'t str> {
        match (self.peek(), self.peek_second()) {
            (Some(Word::Name(name)), Some(Word::Sign(":"))) => {
                self.next += 2;
                Some(name)
            }
            _ => None,
        }
    }

    /// Takes a name, which must be next.
    pub(super) fn name(&mut self) -> Result<&'t str, TemplateFault> {
        match self.peek() {
            Some(Word::Name(name)) => {
                self.next += 1;
                Ok(name)
            }
            _ => Err(self.fault("a name")),
        }
    }

    /// Takes a text in quotes, which must be next.
    pub(super) fn quoted(&mut self) -> Result<&'t str, TemplateFault> {
        match self.peek() {
            Some(Word::Text(text)) => {
                self.next += 1;
                Ok(text)
            }
            _ => Err(self.fault("a name in quotes")),
        }
    }

    /// Nothing may be left.
    pub(super) fn done(&self) -> Result<(), TemplateFault> {
        if self.is_done() { Ok(()) } else { Err(self.fault("the end")) }
    }

    /// A value with its filters.
    pub(super) fn chain(&mut self) -> Result<Chain, TemplateFault> {
        let (from, place, first_seen) = (self.byte(), self.place(), self.seen.len());
        let entry = self.value()?;
        let mut calls = Vec::new();
        let mut defaulted = first_seen;
        while self.sign("|") {
            let call = self.call()?;
            if call.filter.is_default() {
                defaulted = self.seen.len();
            }
            calls.push(call);
        }
        self.forgive(first_seen, defaulted);
        Ok(Chain { entry, calls, text: self.excerpt(from), place })
    }

    /// What was seen from `from` up to `to` may be missing.
    fn forgive(&mut self, from: usize, to: usize) {
        for reference in self.seen.get_mut(from..to).unwrap_or_default() {
            reference.has_default = true;
        }
    }

    fn excerpt(&self, from: usize) -> String {
        /// Enough to know an expression by.
        const SHOWN: usize = 80;
        let text = self.text.get(from..self.byte()).unwrap_or_default().trim();
        match text.char_indices().nth(SHOWN) {
            Some((cut, _)) => format!("{}...", text.get(..cut).unwrap_or_default()),
            None => text.to_owned(),
        }
    }

    fn call(&mut self) -> Result<Call, TemplateFault> {
        let place = self.place();
        let Some(Word::Name(name)) = self.peek() else { return Err(self.fault("the name of a filter")) };
        self.next += 1;
        let filter = filters::find(name).ok_or_else(|| {
            TemplateFault::new(place, format!("there is no filter `{name}`")).help(did_you_mean(name, filters::names()))
        })?;
        let mut call = Call { filter, arguments: Vec::new(), named: Vec::new() };
        if self.sign(":") {
            loop {
                self.argument(&mut call)?;
                if !self.sign(",") {
                    break;
                }
            }
        }
        let given = call.arguments.len();
        if (filter.least..=filter.most).contains(&given) {
            return Ok(call);
        }
        let wanted = match (filter.least, filter.most) {
            (least, most) if least == most => least.to_string(),
            (least, most) => format!("{least} to {most}"),
        };
        Err(TemplateFault::new(place, format!("filter `{name}` takes {wanted} arguments, not {given}")))
    }

    fn argument(&mut self, call: &mut Call) -> Result<(), TemplateFault> {
        let place = self.place();
        let Some(name) = self.any_label() else {
            call.arguments.push(self.value()?);
            return Ok(());
        };
        if !call.filter.named.contains(&name) {
            return Err(TemplateFault::new(place, format!("filter `{}` has no option `{name}`", call.filter.name))
                .help(did_you_mean(name, call.filter.named.iter().copied())));
        }
        let value = self.value()?;
        call.named.push((name.to_owned(), value));
        Ok(())
    }

    /// A value without filters.
    pub(super) fn value(&mut self) -> Result<Expression, TemplateFault> {
        match self.peek() {
            Some(Word::Text(text)) => self.literal(Value::String(text.to_owned())),
            Some(Word::Whole(digits)) => {
                let number = integer(digits).ok_or_else(|| self.fault("a number of at most 64 bits"))?;
                self.literal(Value::Number(number))
            }
            Some(Word::Fraction(digits)) => {
                let number = digits.parse().ok().and_then(Number::from_f64);
                let number = number.ok_or_else(|| self.fault("a number"))?;
                self.literal(Value::Number(number))
            }
            Some(Word::Sign("(")) => self.range(),
            Some(Word::Name(name)) => self.named_value(name),
            Some(Word::Sign("[")) => self.lookup().map(Expression::Lookup),
            _ => Err(self.fault("a value")),
        }
    }

    fn literal(&mut self, value: Value) -> Result<Expression, TemplateFault> {
        self.next += 1;
        Ok(Expression::Literal(value))
    }

    fn named_value(&mut self, name: &str) -> Result<Expression, TemplateFault> {
        let goes_on = matches!(self.peek_second(), Some(Word::Sign("." | "[")));
        let literal = match name {
            _ if goes_on => None,
            "nil" | "null" => Some(Expression::Literal(Value::Null)),
            "true" => Some(Expression::Literal(Value::Bool(true))),
            "false" => Some(Expression::Literal(Value::Bool(false))),
            "empty" => Some(Expression::Empty),
            "blank" => Some(Expression::Blank),
            _ => None,
        };
        match literal {
            Some(literal) => {
                self.next += 1;
                Ok(literal)
            }
            None => self.lookup().map(Expression::Lookup),
        }
    }

    fn range(&mut self) -> Result<Expression, TemplateFault> {
        self.deeper()?;
        self.expect_sign("(")?;
        let from = self.value()?;
        self.expect_sign("..")?;
        let to = self.value()?;
        self.expect_sign(")")?;
        self.brackets -= 1;
        Ok(Expression::Range(Box::new((from, to))))
    }

    fn deeper(&mut self) -> Result<(), TemplateFault> {
        if self.brackets >= BRACKETS {
            return Err(TemplateFault::new(self.place(), format!("brackets nested deeper than {BRACKETS}")));
        }
        self.brackets += 1;
        Ok(())
    }

    /// A name and what follows it.
    pub(super) fn lookup(&mut self) -> Result<Lookup, TemplateFault> {
        let (from, place) = (self.byte(), self.place());
        // `["a name"]` begins with what stands in the brackets.
        let in_brackets = matches!(self.peek(), Some(Word::Sign("[")));
        let mut root = if in_brackets { String::new() } else { self.name()?.to_owned() };
        // The outer lookup is noted before those in its brackets.
        let note = self.seen.len();
        self.seen.push(Reference { path: Path::new(Vec::new()), open: false, has_default: false, place });
        let mut parts = Vec::new();
        loop {
            if self.sign(".") {
                parts.push(self.part()?);
            } else if matches!(self.peek(), Some(Word::Sign("["))) {
                self.deeper()?;
                self.next += 1;
                parts.push(closed(self.value()?));
                self.expect_sign("]")?;
                self.brackets -= 1;
            } else {
                break;
            }
        }
        if let (true, Some(Part::Name(name))) = (in_brackets, parts.first()) {
            root.clone_from(name);
            parts.remove(0);
        }
        let (path, open) = if root.is_empty() { (Path::new(Vec::new()), true) } else { known_path(&root, &parts) };
        if let Some(reference) = self.seen.get_mut(note) {
            (reference.path, reference.open) = (path, open);
        }
        Ok(Lookup { root, parts, text: self.excerpt(from), place })
    }

    fn part(&mut self) -> Result<Part, TemplateFault> {
        match self.peek() {
            Some(Word::Name(name)) => {
                self.next += 1;
                Ok(Part::Name(name.to_owned()))
            }
            Some(Word::Whole(digits)) => {
                let index = digits.parse().map_err(|_| self.fault("an index"))?;
                self.next += 1;
                Ok(Part::Index(index))
            }
            _ => Err(self.fault("a name")),
        }
    }

    /// What `if` asks: tests joined by `and` and `or`.
    pub(super) fn condition(&mut self) -> Result<Condition, TemplateFault> {
        let mut condition = Condition { place: self.place(), tests: vec![self.test()?], joints: Vec::new() };
        loop {
            let joint = if self.word("and") {
                Joint::And
            } else if self.word("or") {
                Joint::Or
            } else {
                return Ok(condition);
            };
            condition.joints.push(joint);
            condition.tests.push(self.test()?);
        }
    }

    fn test(&mut self) -> Result<Test, TemplateFault> {
        let first_seen = self.seen.len();
        let left = self.value()?;
        let Some(operator) = self.operator() else {
            if self.sign("|") {
                self.next -= 1;
                return Err(self
                    .fault("a comparison, `and` or `or`")
                    .help("a condition takes no filters: use `{% assign %}` before it"));
            }
            self.forgive(first_seen, self.seen.len());
            return Ok(Test::Holds(left));
        };
        let right = self.value()?;
        if asks_for_absence(&left, operator) || asks_for_absence(&right, operator) {
            self.forgive(first_seen, self.seen.len());
        }
        Ok(Test::Compares(left, operator, right))
    }

    fn operator(&mut self) -> Option<Operator> {
        let operator = match self.peek()? {
            Word::Sign("==") => Operator::Equal,
            Word::Sign("!=" | "<>") => Operator::Unequal,
            Word::Sign("<") => Operator::Less,
            Word::Sign("<=") => Operator::LessOrEqual,
            Word::Sign(">") => Operator::Greater,
            Word::Sign(">=") => Operator::GreaterOrEqual,
            Word::Name("contains") => Operator::Contains,
            _ => return None,
        };
        self.next += 1;
        Some(operator)
    }
}

fn integer(digits: &str) -> Option<Number> {
    let digits = digits.strip_prefix('+').unwrap_or(digits);
    digits.parse::<i64>().map(Number::from).or_else(|_| digits.parse::<u64>().map(Number::from)).ok()
}

/// What stands in brackets: a literal is as good as a name or an index outside of them.
fn closed(inside: Expression) -> Part {
    match inside {
        Expression::Literal(Value::String(name)) => Part::Name(name),
        Expression::Literal(Value::Number(number)) if number.is_i64() => Part::Index(number.as_i64().unwrap_or(0)),
        other => Part::Open(other),
    }
}

/// The path as far as it is literal, and whether it goes on. `first`, `last` and `size` may be no names but questions,
/// so the path ends before them.
fn known_path(root: &str, parts: &[Part]) -> (Path, bool) {
    let mut segments = vec![Segment::Name(root.to_owned())];
    for part in parts {
        match part {
            Part::Name(name) if !matches!(name.as_str(), "first" | "last" | "size") => {
                segments.push(Segment::Name(name.clone()));
            }
            Part::Index(index) if *index >= 0 => segments.push(Segment::Index(usize::try_from(*index).unwrap_or(0))),
            _ => return (Path::new(segments), true),
        }
    }
    (Path::new(segments), false)
}
