//! A text as its JSON escapes spell it, with the way back: where each byte of it stands in the text.

use std::ops::Range;

/// Bytes with the place of each in the text they were read from.
pub(super) struct View {
    pub(super) bytes: Vec<u8>,
    /// By byte: what it stands for in the text.
    places: Vec<Range<usize>>,
}

impl View {
    /// What the escapes of a text spell. `None`: it holds none of the form `\uXXXX`, and is as it stands.
    pub(super) fn of(text: &[u8]) -> Option<Self> {
        text.windows(2).any(|pair| pair == b"\\u").then(|| read(text, &|place| place))
    }

    /// The same once more: of JSON that was a text in JSON. `None`: nothing is escaped in it any more.
    pub(super) fn again(&self) -> Option<Self> {
        let place =
            |at: Range<usize>| self.places.get(at).and_then(|places| Some(places.first()?.start..places.last()?.end));
        self.bytes.windows(2).any(|pair| pair == b"\\u").then(|| read(&self.bytes, &|at| place(at).unwrap_or(0..0)))
    }

    /// What a range of bytes stands for in the text.
    pub(super) fn place(&self, at: Range<usize>) -> Range<usize> {
        let places = self.places.get(at).unwrap_or_default();
        places.first().map_or(0, |first| first.start)..places.last().map_or(0, |last| last.end)
    }
}

fn read(text: &[u8], place: &dyn Fn(Range<usize>) -> Range<usize>) -> View {
    let mut view = View { bytes: Vec::with_capacity(text.len()), places: Vec::with_capacity(text.len()) };
    let mut at = 0;
    while let Some(rest) = text.get(at..).filter(|rest| !rest.is_empty()) {
        let mut room = [0; 4];
        let (length, sign): (usize, &[u8]) = match rest {
            [b'\\', sign @ (b'"' | b'\\' | b'/'), ..] => (2, std::slice::from_ref(sign)),
            [b'\\', b'u', ..] => match character(rest) {
                Some((length, sign)) => (length, sign.encode_utf8(&mut room).as_bytes()),
                None => (1, b"\\"),
            },
            [sign, ..] => (1, std::slice::from_ref(sign)),
            [] => break,
        };
        let stands = place(at..at + length);
        for byte in sign {
            view.bytes.push(*byte);
            view.places.push(stands.clone());
        }
        at += length;
    }
    view
}

/// The character that `\uXXXX` or a pair of them spells, with the length of that.
fn character(text: &[u8]) -> Option<(usize, char)> {
    let first = unit(text)?;
    if let Some(sign) = char::from_u32(u32::from(first)) {
        return Some((6, sign));
    }
    let second = unit(text.get(6..)?)?;
    let sign = char::decode_utf16([first, second]).next()?.ok()?;
    Some((12, sign))
}

fn unit(text: &[u8]) -> Option<u16> {
    let digits = text.strip_prefix(b"\\u")?.get(..4)?;
    let digits =
        std::str::from_utf8(digits).ok().filter(|digits| digits.bytes().all(|digit| digit.is_ascii_hexdigit()))?;
    u16::from_str_radix(digits, 16).ok()
}
