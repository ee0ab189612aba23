//! The words of an expression: names, literals and signs.

use super::{TemplateFault, limits::DIGITS, place::Places};

/// One word of an expression.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Word<'t> {
    Name(&'t str),
    Text(&'t str),
    /// Digits, with a sign perhaps.
    Whole(&'t str),
    /// Digits with a point.
    Fraction(&'t str),
    /// One of `| : , . .. [ ] ( ) = == != <> < > <= >=`.
    Sign(&'static str),
}

/// A word and the byte of the template's text where it begins.
#[derive(Debug, Clone, Copy)]
pub(super) struct Token<'t> {
    pub(super) word: Word<'t>,
    pub(super) at: usize,
    pub(super) end: usize,
}

/// Longer signs first, so that `==` is not read as two.
const SIGNS: [&str; 17] = ["==", "!=", "<>", "<=", ">=", "..", "|", ":", ",", ".", "[", "]", "(", ")", "=", "<", ">"];

/// Splits `text[from..to]` into words.
pub(super) fn words<'t>(
    text: &'t str,
    from: usize,
    to: usize,
    places: &Places<'_>,
) -> Result<Vec<Token<'t>>, TemplateFault> {
    let mut tokens: Vec<Token<'t>> = Vec::new();
    let mut at = from;
    while let Some(rest) = text.get(at..to).filter(|rest| !rest.is_empty()) {
        let trimmed = rest.trim_start();
        at += rest.len() - trimmed.len();
        if trimmed.is_empty() {
            break;
        }
        let after_dot = tokens.last().is_some_and(|token| token.word == Word::Sign("."));
        let (word, length) = one(trimmed, after_dot).map_err(|fault| match fault {
            Odd::Quote => TemplateFault::new(places.of(at), "a quote is opened and never closed"),
            Odd::Number => TemplateFault::new(places.of(at), format!("a number of more than {DIGITS} digits")),
            Odd::Character(odd) => {
                TemplateFault::new(places.of(at), format!("`{}` means nothing here", odd.escape_debug()))
                    .help("texts stand in quotes, names are letters, digits, `_` and `-`")
            }
        })?;
        tokens.push(Token { word, at, end: at + length });
        at += length;
    }
    Ok(tokens)
}

enum Odd {
    Quote,
    Number,
    Character(char),
}

fn one(rest: &str, after_dot: bool) -> Result<(Word<'_>, usize), Odd> {
    let first = rest.chars().next().unwrap_or(' ');
    if first == '"' || first == '\'' {
        let (inside, _) = rest.get(1..).and_then(|inside| inside.split_once(first)).ok_or(Odd::Quote)?;
        return Ok((Word::Text(inside), inside.len() + 2));
    }
    if first.is_alphabetic() || first == '_' {
        return Ok(name(rest));
    }
    if let Some(number) = number(rest, after_dot) {
        return number;
    }
    match SIGNS.iter().find(|sign| rest.starts_with(**sign)) {
        Some(sign) => Ok((Word::Sign(sign), sign.len())),
        None => Err(Odd::Character(first)),
    }
}

fn name(rest: &str) -> (Word<'_>, usize) {
    let inside = |c: char| c.is_alphanumeric() || c == '_' || c == '-';
    let mut length = rest.find(|c| !inside(c)).unwrap_or(rest.len());
    if rest.get(length..).is_some_and(|rest| rest.starts_with('?')) {
        length += 1;
    }
    (Word::Name(rest.get(..length).unwrap_or_default()), length)
}

fn number(rest: &str, after_dot: bool) -> Option<Result<(Word<'_>, usize), Odd>> {
    let sign = usize::from(!after_dot && rest.starts_with(['-', '+']));
    let whole = digits(rest, sign);
    if whole == 0 {
        return None;
    }
    let point = sign + whole;
    // After a dot digits are an index, and `1..5` is a range.
    let fraction = if !after_dot && rest.get(point..).is_some_and(|rest| rest.starts_with('.')) {
        digits(rest, point + 1)
    } else {
        0
    };
    let length = if fraction > 0 { point + 1 + fraction } else { point };
    if length > DIGITS {
        return Some(Err(Odd::Number));
    }
    let digits = rest.get(..length).unwrap_or_default();
    Some(Ok((if fraction > 0 { Word::Fraction(digits) } else { Word::Whole(digits) }, length)))
}

fn digits(rest: &str, from: usize) -> usize {
    rest.bytes().skip(from).take_while(u8::is_ascii_digit).count()
}
