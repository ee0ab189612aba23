//! The one parse of a request's head: strict, so that nobody behind us can read it in another way.

use std::fmt::Write as _;

use http::{HeaderMap, HeaderName, HeaderValue, Method, Uri, header};

use super::Bounds;
use crate::web::{Fault, MARK, PEER};

/// A head as it goes on: only what is meant for the end of the way.
#[derive(Debug)]
pub(super) struct Head {
    pub(super) method: Method,
    /// Path and query.
    pub(super) target: Uri,
    /// Of HTTP/1.0: the connection ends after the answer.
    pub(super) old: bool,
    pub(super) headers: HeaderMap,
    pub(super) framing: Framing,
    /// The client wants the connection to go on.
    pub(super) keep: bool,
    /// The client waits for `100 Continue` before it sends the body.
    pub(super) expects: bool,
    /// Values of `X-Forwarded-For`, first to last.
    pub(super) forwarded: Vec<String>,
}

/// How long the body is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Framing {
    None,
    Length(u64),
    Chunked,
}

/// Where the reading of a head stands.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Scan {
    /// More bytes are wanted.
    More,
    /// It ends before this byte.
    End(usize),
    /// It cannot become a head any more.
    Refused(Fault),
}

/// Looks through the bytes of a head that came since the last call; `from` is where that one stood, and is moved on.
pub(super) fn scan(bytes: &[u8], from: &mut usize) -> Scan {
    let mut at = *from;
    while let Some(&byte) = bytes.get(at) {
        match byte {
            b'\r' => match bytes.get(at + 1) {
                None => break,
                Some(b'\n') => {
                    let line_end = at + 2;
                    if bytes.get(..at).is_some_and(|before| before.ends_with(b"\r\n")) {
                        *from = line_end;
                        return Scan::End(line_end);
                    }
                    at = line_end;
                }
                Some(_) => return Scan::Refused(bad("line_end", "a line of the head does not end with CR LF")),
            },
            b'\n' => return Scan::Refused(bad("line_end", "a line of the head does not end with CR LF")),
            b'\t' | 0x20..=0x7e | 0x80..=0xff => at += 1,
            _ => return Scan::Refused(bad("control_character", "the head holds a control character")),
        }
    }
    *from = at;
    let first_line = bytes.iter().take(Bounds::TARGET + 64).position(|byte| *byte == b'\r');
    match first_line {
        None if at > Bounds::TARGET + 32 => Scan::Refused(too_long()),
        Some(end) if !is_request_line(bytes.get(..end).unwrap_or_default()) => Scan::Refused(bad_line()),
        _ if at > Bounds::HEAD => Scan::Refused(too_many()),
        _ => Scan::More,
    }
}

fn bad(code: &'static str, message: &'static str) -> Fault {
    Fault::new(400, code, message)
}

fn bad_line() -> Fault {
    bad("request_line", "the first line is not `METHOD /target HTTP/1.1`")
}

fn too_long() -> Fault {
    Fault::new(414, "target_too_long", "the target is longer than 8 KiB")
}

fn too_many() -> Fault {
    Fault::new(431, "head_too_large", "more than 98 headers or 64 KiB of head")
}

fn is_request_line(line: &[u8]) -> bool {
    line.ends_with(b" HTTP/1.1") || line.ends_with(b" HTTP/1.0")
}

/// Reads a head that `scan` found whole.
pub(super) fn parse(bytes: &[u8]) -> Result<Head, Fault> {
    if bytes.len() > Bounds::HEAD {
        return Err(too_many());
    }
    let line = bytes.split(|byte| *byte == b'\r').next().unwrap_or_default();
    if line.len() > Bounds::TARGET + 32 {
        return Err(too_long());
    }
    if !is_request_line(line) {
        return Err(bad_line());
    }
    let mut slots = [httparse::EMPTY_HEADER; Bounds::HEADERS];
    let mut request = httparse::Request::new(&mut slots);
    match request.parse(bytes) {
        Ok(httparse::Status::Complete(length)) if length == bytes.len() => {}
        Err(httparse::Error::TooManyHeaders) => return Err(too_many()),
        _ => return Err(bad("head", "the head cannot be read")),
    }
    let method = request.method.unwrap_or_default();
    let method = Method::from_bytes(method.as_bytes()).map_err(|_| bad_line())?;
    let target = target(request.path.unwrap_or_default())?;
    let old = request.version == Some(0);
    let method = known(method, &target)?;
    let mut fields = Fields::default();
    for field in request.headers.iter() {
        fields.take(field)?;
    }
    fields.finish(method, target, old)
}

/// Rocket knows these alone; whatever else is a method is not allowed anywhere.
fn known(method: Method, target: &Uri) -> Result<Method, Fault> {
    const KNOWN: [Method; 7] =
        [Method::GET, Method::HEAD, Method::POST, Method::PUT, Method::PATCH, Method::DELETE, Method::OPTIONS];
    if KNOWN.contains(&method) {
        return Ok(method);
    }
    Err(Fault::method(if target.path().starts_with("/hooks/") { "POST" } else { "GET, HEAD" }))
}

fn target(text: &str) -> Result<Uri, Fault> {
    let odd = || bad("target", "the target is not a path that begins with `/`");
    if text.len() > Bounds::TARGET {
        return Err(too_long());
    }
    if !text.starts_with('/') || !text.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'#') {
        return Err(odd());
    }
    let target: http::uri::PathAndQuery = text.parse().map_err(|_| odd())?;
    // What the library understands is what was written: `//host/x` stays a path.
    if target.as_str() != text {
        return Err(odd());
    }
    Ok(Uri::from(target))
}

#[derive(Default)]
struct Fields {
    headers: HeaderMap,
    lengths: Vec<u64>,
    codings: Vec<Vec<u8>>,
    hosts: usize,
    close: bool,
    keep: bool,
    expects: bool,
    dropped: Vec<HeaderName>,
    forwarded: Vec<String>,
}

impl Fields {
    fn take(&mut self, field: &httparse::Header<'_>) -> Result<(), Fault> {
        let name = HeaderName::from_bytes(field.name.as_bytes())
            .map_err(|_| bad("header_name", "a header has a name that is none"))?;
        if name == header::CONTENT_LENGTH {
            self.lengths.push(length(field.value)?);
        } else if name == header::TRANSFER_ENCODING {
            self.codings.push(field.value.to_ascii_lowercase());
        } else if name == header::CONNECTION {
            self.connection(field.value);
        } else if name == header::EXPECT {
            if !field.value.eq_ignore_ascii_case(b"100-continue") {
                return Err(Fault::new(417, "expect", "nothing but `Expect: 100-continue` is understood"));
            }
            self.expects = true;
        } else if name == "x-forwarded-for" {
            self.forwarded.push(String::from_utf8_lossy(field.value).into_owned());
        } else if !is_ours(&name) {
            if name == header::HOST {
                self.hosts += 1;
                if !is_host(field.value) {
                    return Err(bad("host", "the Host header is not a name with an optional port"));
                }
            }
            self.headers.append(name, value(field.value)?);
        }
        Ok(())
    }

    fn connection(&mut self, list: &[u8]) {
        for option in list.split(|byte| *byte == b',').map(<[u8]>::trim_ascii) {
            if option.eq_ignore_ascii_case(b"close") {
                self.close = true;
            } else if option.eq_ignore_ascii_case(b"keep-alive") {
                self.keep = true;
            } else if let Ok(name) = HeaderName::from_bytes(option) {
                self.dropped.push(name);
            }
        }
    }

    fn finish(mut self, method: Method, target: Uri, old: bool) -> Result<Head, Fault> {
        let framing = self.framing(old)?;
        if self.hosts > 1 || (self.hosts == 0 && !old) {
            return Err(bad("host", "exactly one Host header is wanted"));
        }
        for name in &self.dropped {
            if name != header::HOST {
                self.headers.remove(name);
            }
        }
        Ok(Head {
            method,
            target,
            old,
            headers: self.headers,
            framing,
            keep: !self.close && !old,
            expects: self.expects && !old,
            forwarded: self.forwarded,
        })
    }

    fn framing(&self, old: bool) -> Result<Framing, Fault> {
        match (self.lengths.as_slice(), self.codings.as_slice()) {
            ([], []) => Ok(Framing::None),
            ([length], []) => Ok(Framing::Length(*length)),
            ([], [coding]) if coding == b"chunked" && !old => Ok(Framing::Chunked),
            ([], _) => Err(bad("transfer_encoding", "no Transfer-Encoding but `chunked` is taken")),
            (_, []) => Err(bad("content_length", "exactly one Content-Length is wanted")),
            _ => Err(bad("framing", "Content-Length and Transfer-Encoding exclude each other")),
        }
    }
}

/// Headers that end here: of one hop, or ours alone, or what a client says of its own address.
fn is_ours(name: &HeaderName) -> bool {
    const DROPPED: [&str; 10] = [
        "keep-alive",
        "proxy-connection",
        "proxy-authenticate",
        "proxy-authorization",
        "te",
        "trailer",
        "upgrade",
        "forwarded",
        "x-real-ip",
        "http2-settings",
    ];
    let name = name.as_str();
    debug_assert!(MARK.starts_with("x-bellwire-") && PEER.starts_with("x-bellwire-"), "both are stripped here");
    name.starts_with("x-bellwire-") || DROPPED.contains(&name)
}

/// Digits alone: no sign, no list, no blanks inside.
fn length(value: &[u8]) -> Result<u64, Fault> {
    /// Digits that always fit 64 bits.
    const DIGITS: usize = 19;
    let odd = || bad("content_length", "the Content-Length is not a number");
    if value.is_empty() || value.len() > DIGITS || !value.iter().all(u8::is_ascii_digit) {
        return Err(odd());
    }
    std::str::from_utf8(value).ok().and_then(|text| text.parse().ok()).ok_or_else(odd)
}

fn is_host(value: &[u8]) -> bool {
    let known =
        |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b':' | b'[' | b']' | b'~');
    !value.is_empty() && value.len() <= 300 && value.iter().all(known)
}

/// The value as Rocket can take it: it drops headers that are not UTF-8, so their odd bytes are written as `\xNN`.
fn value(bytes: &[u8]) -> Result<HeaderValue, Fault> {
    let odd = |_| bad("header_value", "a header has a value that is none");
    if std::str::from_utf8(bytes).is_ok() {
        return HeaderValue::from_bytes(bytes).map_err(odd);
    }
    let mut text = String::with_capacity(bytes.len() + 16);
    for chunk in bytes.utf8_chunks() {
        text.push_str(chunk.valid());
        for byte in chunk.invalid() {
            // Writing to a text does not fail.
            let _written = write!(text, "\\x{byte:02x}");
        }
    }
    HeaderValue::from_bytes(text.as_bytes()).map_err(odd)
}

#[cfg(test)]
mod tests;
