//! Reads a multipart body whole, from bytes: no part is ever a file on disk.

use crate::value::{LONGEST_NAME, MOST_PAIRS};

/// Parts that are files, at most.
pub const MOST_FILES: usize = 20;
/// Bytes of the headers of a part.
const LONGEST_HEAD: usize = 8 * 1024;
/// Bytes of a boundary (RFC 2046).
const LONGEST_BOUNDARY: usize = 70;

/// One part of a body.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Part<'b> {
    /// The name of its field.
    pub name: String,
    /// What the sender calls the file, as written: data, and never a path of ours. `None`: the part is a field.
    pub filename: Option<String>,
    /// Its media type. `None` where none is named.
    pub content_type: Option<String>,
    /// What it holds.
    pub bytes: &'b [u8],
}

/// Why bytes are not a multipart body that is taken. Parts count from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum MultipartError {
    /// The content type names no boundary, or one that cannot be.
    #[error("the content type names no boundary")]
    Boundary,
    /// It does not begin with the boundary, or ends before its last one.
    #[error("the body does not end with its boundary")]
    Cut,
    /// A part whose headers do not read.
    #[error("the headers of part {0} do not read")]
    Head(usize),
    /// A part without a name.
    #[error("part {0} has no name: `Content-Disposition: form-data; name=\"...\"` wanted")]
    Nameless(usize),
    /// A part that is a multipart body itself, or is encoded on its way.
    #[error("part {0} is nested or encoded, which is not taken")]
    Nested(usize),
    /// More parts than allowed.
    #[error("more than {MOST_PAIRS} parts, or {MOST_FILES} files")]
    TooMany,
    /// A name longer than allowed.
    #[error("a name longer than {LONGEST_NAME} bytes")]
    LongName,
}

impl MultipartError {
    /// The word of this refusal on the wire.
    pub fn code(self) -> &'static str {
        match self {
            Self::Boundary | Self::Cut | Self::Head(_) | Self::Nameless(_) | Self::Nested(_) => "bad_multipart",
            Self::TooMany => "too_many_parts",
            Self::LongName => "long_key",
        }
    }
}

/// Reads all parts. A boundary is what the content type names, without quotes.
pub fn read_multipart<'b>(bytes: &'b [u8], boundary: &str) -> Result<Vec<Part<'b>>, MultipartError> {
    if !is_boundary(boundary) {
        return Err(MultipartError::Boundary);
    }
    let delimiter = format!("\r\n--{boundary}");
    let delimiter = delimiter.as_bytes();
    let first = delimiter.get(2..).unwrap_or_default();
    // What stands before the first boundary says nothing; common senders put nothing there.
    let mut rest = match bytes.strip_prefix(first) {
        Some(rest) => rest,
        None => split(bytes, delimiter).ok_or(MultipartError::Cut)?.1,
    };
    let mut parts = Vec::new();
    let mut files = 0;
    loop {
        if rest.starts_with(b"--") {
            return Ok(parts);
        }
        if parts.len() >= MOST_PAIRS {
            return Err(MultipartError::TooMany);
        }
        let number = parts.len() + 1;
        let padding = rest.iter().take_while(|byte| matches!(byte, b' ' | b'\t')).count();
        let opened = rest.get(padding..).and_then(|rest| rest.strip_prefix(b"\r\n")).ok_or(MultipartError::Cut)?;
        // A part without headers begins with the line end that ends them.
        let (head, _) = split(opened, b"\r\n\r\n").ok_or(MultipartError::Cut)?;
        if head.len() > LONGEST_HEAD {
            return Err(MultipartError::Head(number));
        }
        let after = opened.get(head.len() + 4..).unwrap_or_default();
        // An empty body may share its line end with the headers' last one.
        let shared = opened.get(head.len() + 2..).unwrap_or_default();
        let (body, next) = match shared.strip_prefix(delimiter) {
            Some(next) => (&after[..0], next),
            None => split(after, delimiter).ok_or(MultipartError::Cut)?,
        };
        let part = read_head(head, body, number)?;
        files += usize::from(part.filename.is_some());
        if files > MOST_FILES {
            return Err(MultipartError::TooMany);
        }
        parts.push(part);
        rest = next;
    }
}

/// Whether a text can be a boundary.
fn is_boundary(text: &str) -> bool {
    let known = |byte: u8| byte.is_ascii_alphanumeric() || b"'()+_,-./:=? ".contains(&byte);
    !text.is_empty() && text.len() <= LONGEST_BOUNDARY && !text.ends_with(' ') && text.bytes().all(known)
}

/// What stands before and after the first `needle`, which begins with a CR and holds no other but at its end.
fn split<'b>(bytes: &'b [u8], needle: &[u8]) -> Option<(&'b [u8], &'b [u8])> {
    let mut from = 0;
    loop {
        let at = from + bytes.get(from..)?.iter().position(|byte| *byte == b'\r')?;
        let rest = bytes.get(at..)?;
        if let Some(after) = rest.strip_prefix(needle) {
            return Some((bytes.get(..at)?, after));
        }
        from = at + 1;
    }
}

fn read_head<'b>(head: &[u8], bytes: &'b [u8], number: usize) -> Result<Part<'b>, MultipartError> {
    let wrong = MultipartError::Head(number);
    let head = std::str::from_utf8(head).map_err(|_| wrong)?;
    let mut named = None;
    let mut content_type = None;
    for line in head.split("\r\n").filter(|line| !line.is_empty()) {
        let (name, value) = line.split_once(':').ok_or(wrong)?;
        if name.is_empty() || name.contains(char::is_whitespace) || value.contains(['\r', '\n', '\0']) {
            return Err(wrong);
        }
        let value = value.trim();
        match name.to_ascii_lowercase().as_str() {
            "content-disposition" if named.is_none() => named = Some(disposition(value).ok_or(wrong)?),
            "content-type" if content_type.is_none() => content_type = Some(value.to_owned()),
            "content-disposition" | "content-type" => return Err(wrong),
            // RFC 7578 has done away with it.
            "content-transfer-encoding" if !is_plain(value) => return Err(MultipartError::Nested(number)),
            _ => {}
        }
    }
    let is_nested = |kind: &String| kind.to_ascii_lowercase().starts_with("multipart/");
    if content_type.as_ref().is_some_and(is_nested) {
        return Err(MultipartError::Nested(number));
    }
    let Some((Some(name), filename)) = named else { return Err(MultipartError::Nameless(number)) };
    if name.len() > LONGEST_NAME || filename.as_ref().is_some_and(|name| name.len() > LONGEST_NAME) {
        return Err(MultipartError::LongName);
    }
    Ok(Part { name, filename, content_type, bytes })
}

fn is_plain(encoding: &str) -> bool {
    ["7bit", "8bit", "binary"].iter().any(|known| encoding.eq_ignore_ascii_case(known))
}

/// Name and file name of `form-data; name="a"; filename="b.txt"`. `None`: it is not of that form.
fn disposition(value: &str) -> Option<(Option<String>, Option<String>)> {
    let (kind, mut rest) = value.split_once(';').unwrap_or((value, ""));
    if !kind.trim().eq_ignore_ascii_case("form-data") {
        return None;
    }
    let (mut name, mut filename) = (None, None);
    loop {
        rest = rest.trim_start_matches([' ', '\t', ';']);
        if rest.is_empty() {
            return Some((name, filename));
        }
        let (key, after) = rest.split_once('=')?;
        let (value, after) = if let Some(quoted) = after.trim_start().strip_prefix('"') {
            unquoted(quoted)?
        } else {
            let (value, after) = after.split_once(';').unwrap_or((after, ""));
            (value.trim().to_owned(), after)
        };
        match key.trim().to_ascii_lowercase().as_str() {
            "name" if name.is_none() => name = Some(value),
            // The second form says the same in another alphabet; the part is a file by either.
            "filename" => filename = Some(value),
            "filename*" if filename.is_none() => filename = Some(value),
            "name" => return None,
            _ => {}
        }
        rest = after;
    }
}

/// A quoted text up to its closing quote, and what follows it. A backslash before anything but a quote or another one is itself: some
/// senders write whole paths.
fn unquoted(text: &str) -> Option<(String, &str)> {
    let mut plain = String::new();
    let mut chars = text.char_indices().peekable();
    while let Some((at, c)) = chars.next() {
        match c {
            '"' => return Some((plain, text.get(at + 1..)?)),
            '\\' => match chars.next_if(|(_, next)| matches!(next, '"' | '\\')) {
                Some((_, next)) => plain.push(next),
                None => plain.push(c),
            },
            c => plain.push(c),
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn part(head: &str, body: &str) -> String {
        format!("--x\r\n{head}\r\n\r\n{body}\r\n")
    }

    fn field(name: &str, body: &str) -> String {
        part(&format!("Content-Disposition: form-data; name=\"{name}\""), body)
    }

    fn read(text: &str) -> Result<Vec<Part<'_>>, MultipartError> {
        read_multipart(text.as_bytes(), "x")
    }

    #[test]
    fn fields_and_files_are_read_as_they_stand() {
        let file = part(
            "content-disposition: form-data; name=f; filename=\"../../\\\"ä\\\".txt\"\r\nContent-Type: text/plain",
            "\r\n--y\r\n--",
        );
        let text = format!("{}{file}{}--x--\r\n", field("a", "1"), field("b", ""));
        let parts = read(&text).unwrap();
        assert_eq!(parts.iter().map(|part| part.name.as_str()).collect::<Vec<_>>(), ["a", "f", "b"]);
        assert_eq!(parts.iter().map(|part| part.bytes).collect::<Vec<_>>(), [&b"1"[..], b"\r\n--y\r\n--", b""]);
        assert_eq!(parts[1].filename.as_deref(), Some("../../\"ä\".txt"));
        assert_eq!(parts[1].content_type.as_deref(), Some("text/plain"));
        assert_eq!(read("--x--").unwrap(), []);
        assert_eq!(read(&format!("preamble\r\n{}--x--", field("a", "1"))).unwrap().len(), 1);
    }

    #[test]
    fn a_backslash_of_a_path_stays() {
        let text = format!("{}--x--", part(r#"Content-Disposition: form-data; name="f"; filename="C:\dir\a.txt""#, ""));
        assert_eq!(read(&text).unwrap()[0].filename.as_deref(), Some(r"C:\dir\a.txt"));
    }

    #[test]
    fn what_is_broken_nested_or_encoded_is_refused() {
        let disposition = "Content-Disposition: form-data; name=\"a\"";
        for (text, error) in [
            (String::new(), MultipartError::Cut),
            ("x".to_owned(), MultipartError::Cut),
            (field("a", "1"), MultipartError::Cut),
            (format!("{}--x", field("a", "1")), MultipartError::Cut),
            ("--x\r\nContent-Disposition: form-data; name=\"a\"\r\n".to_owned(), MultipartError::Cut),
            (format!("{}--x--", field("a", "1").replace("\r\n", "\n")), MultipartError::Cut),
            (format!("{}--x--", part("no header", "")), MultipartError::Head(1)),
            (format!("{}--x--", part("Content-Disposition: attachment; name=\"a\"", "")), MultipartError::Head(1)),
            (format!("{}--x--", part("Content-Disposition: form-data; name=\"a", "")), MultipartError::Head(1)),
            (format!("{}--x--", part(&format!("{disposition}\r\n{disposition}"), "")), MultipartError::Head(1)),
            (format!("{}--x--", part("Content-Type: text/plain", "")), MultipartError::Nameless(1)),
            (format!("{}--x--", part("Content-Disposition: form-data", "")), MultipartError::Nameless(1)),
            (
                format!("{}--x--", part(&format!("{disposition}\r\nContent-Type: multipart/mixed; boundary=y"), "")),
                MultipartError::Nested(1),
            ),
            (
                format!("{}--x--", part(&format!("{disposition}\r\nContent-Transfer-Encoding: base64"), "")),
                MultipartError::Nested(1),
            ),
            (format!("{}--x--", field("a", "").repeat(10_000)), MultipartError::TooMany),
            (format!("{}--x--", field(&"n".repeat(1025), "")), MultipartError::LongName),
        ] {
            assert_eq!(read(&text).unwrap_err(), error, "{}", text.chars().take(120).collect::<String>());
        }
        let file = part("Content-Disposition: form-data; name=\"a\"; filename=\"f\"", "");
        assert!(read(&format!("{}--x--", file.repeat(MOST_FILES))).is_ok());
        assert_eq!(read(&format!("{}--x--", file.repeat(MOST_FILES + 1))), Err(MultipartError::TooMany));
    }

    #[test]
    fn a_boundary_is_of_few_letters() {
        for boundary in ["", "a b ", "a\"b", "a\r\nb", &"x".repeat(71)] {
            assert_eq!(read_multipart(b"--a--", boundary), Err(MultipartError::Boundary), "{boundary:?}");
        }
        assert!(read_multipart(b"--a b'()+_,-./:=?--", "a b'()+_,-./:=?").is_ok());
    }
}
