//! A chunked body, decoded as it comes. Extensions and trailers are read past; a line without CR LF or an odd size ends it.

use bytes::{Buf, BytesMut};

use crate::web::Fault;

/// Bytes of a line with a chunk's size and extensions, and of a trailer.
const LINE: usize = 4096;
/// Trailers of a body.
const TRAILERS: usize = 100;

/// Where the decoding stands.
#[derive(Debug)]
enum State {
    Size,
    Data(u64),
    DataEnd,
    Trailer(usize),
}

/// Turns bytes of a chunked body into the body.
#[derive(Debug)]
pub(super) struct Decoder {
    state: State,
    limit: usize,
    /// The body so far.
    pub(super) body: BytesMut,
}

impl Decoder {
    /// For a body of at most `limit` bytes.
    pub(super) fn new(limit: usize) -> Self {
        Self { state: State::Size, limit, body: BytesMut::new() }
    }

    /// Takes what it can from `input`. True: that was the end; what is left in `input` is not of this body.
    pub(super) fn take(&mut self, input: &mut BytesMut) -> Result<bool, Fault> {
        loop {
            match self.state {
                State::Size => {
                    let Some(line) = line(input)? else { return Ok(false) };
                    let size = size(&line)?;
                    let limit = u64::try_from(self.limit.saturating_sub(self.body.len())).unwrap_or(u64::MAX);
                    if size > limit {
                        return Err(Fault::TOO_LARGE);
                    }
                    self.state = if size == 0 { State::Trailer(0) } else { State::Data(size) };
                }
                State::Data(left) => {
                    let some = input.len().min(usize::try_from(left).unwrap_or(usize::MAX));
                    self.body.extend_from_slice(&input.split_to(some));
                    let left = left.saturating_sub(u64::try_from(some).unwrap_or(u64::MAX));
                    if left > 0 {
                        self.state = State::Data(left);
                        return Ok(false);
                    }
                    self.state = State::DataEnd;
                }
                State::DataEnd => {
                    if input.len() < 2 {
                        return Ok(false);
                    }
                    if !input.starts_with(b"\r\n") {
                        return Err(odd());
                    }
                    input.advance(2);
                    self.state = State::Size;
                }
                State::Trailer(seen) => {
                    let Some(line) = line(input)? else { return Ok(false) };
                    if line.is_empty() {
                        return Ok(true);
                    }
                    if seen >= TRAILERS {
                        return Err(odd());
                    }
                    self.state = State::Trailer(seen + 1);
                }
            }
        }
    }
}

fn odd() -> Fault {
    Fault::new(400, "chunk", "the chunked body cannot be read")
}

/// The next line without its CR LF. `None`: it is not whole yet.
fn line(input: &mut BytesMut) -> Result<Option<BytesMut>, Fault> {
    let Some(end) = input.iter().take(LINE).position(|byte| *byte == b'\n') else {
        return if input.len() >= LINE { Err(odd()) } else { Ok(None) };
    };
    let mut line = input.split_to(end + 1);
    if !line.ends_with(b"\r\n") {
        return Err(odd());
    }
    line.truncate(end.saturating_sub(1));
    if line.iter().any(|byte| byte.is_ascii_control() && *byte != b'\t') {
        return Err(odd());
    }
    Ok(Some(line))
}

fn size(line: &[u8]) -> Result<u64, Fault> {
    let digits = line.split(|byte| *byte == b';').next().unwrap_or_default();
    if digits.is_empty() || digits.len() > 15 || !digits.iter().all(u8::is_ascii_hexdigit) {
        return Err(odd());
    }
    let text = std::str::from_utf8(digits).map_err(|_| odd())?;
    u64::from_str_radix(text, 16).map_err(|_| odd())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decode(text: &[u8], limit: usize) -> Result<Option<(Vec<u8>, usize)>, Fault> {
        let mut whole = BytesMut::from(text);
        let mut decoder = Decoder::new(limit);
        let at_once = decoder.take(&mut whole).map(|done| done.then(|| (decoder.body.to_vec(), whole.len())));
        let mut decoder = Decoder::new(limit);
        let mut input = BytesMut::new();
        let mut bit_by_bit = Ok(None);
        for (at, byte) in text.iter().enumerate() {
            input.extend_from_slice(&[*byte]);
            match decoder.take(&mut input) {
                Ok(false) => {}
                Ok(true) => {
                    bit_by_bit = Ok(Some((decoder.body.to_vec(), text.len() - at - 1)));
                    break;
                }
                Err(fault) => {
                    bit_by_bit = Err(fault);
                    break;
                }
            }
        }
        assert_eq!(at_once, bit_by_bit, "however the bytes are cut");
        at_once
    }

    #[test]
    fn a_chunked_body_is_decoded_and_what_follows_is_left() {
        assert_eq!(
            decode(b"3\r\nabc\r\nA;x=\"y\"\r\n0123456789\r\n0\r\nX: y\r\n\r\nGET", 100),
            Ok(Some((b"abc0123456789".to_vec(), 3)))
        );
        assert_eq!(decode(b"0\r\n\r\n", 0), Ok(Some((Vec::new(), 0))));
        assert_eq!(decode(b"3\r\nab", 100), Ok(None));
    }

    #[test]
    fn odd_chunks_are_refused() {
        for text in [
            &b"+3\r\nabc\r\n0\r\n\r\n"[..],
            b"0x3\r\nabc\r\n0\r\n\r\n",
            b"3 \r\nabc\r\n0\r\n\r\n",
            b"\r\nabc\r\n0\r\n\r\n",
            b"3\nabc\r\n0\r\n\r\n",
            b"3\r\nabcX\r\n0\r\n\r\n",
            b"3\r\nabc\n0\r\n\r\n",
            b"ffffffffffffffff\r\n",
            b"1;a\rb\r\nx",
        ] {
            assert_eq!(decode(text, 100).unwrap_err().code, "chunk", "{}", text.escape_ascii());
        }
        assert_eq!(decode(b"fffffffffffffff\r\n", 100).unwrap_err(), Fault::TOO_LARGE);
        assert_eq!(decode(b"3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n", 4).unwrap_err(), Fault::TOO_LARGE);
        let long = format!("1;{}\r\n", "x".repeat(1_000_000));
        assert_eq!(decode(long.as_bytes().get(..5000).unwrap(), 100).unwrap_err().code, "chunk");
        let trailers = format!("0\r\n{}\r\n", "A: b\r\n".repeat(101));
        assert_eq!(decode(trailers.as_bytes(), 100).unwrap_err().code, "chunk");
    }
}
