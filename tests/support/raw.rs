//! A sender on raw sockets: writes any bytes, reads whatever comes back, and holds a table of hostile requests for any server.
#![allow(
    dead_code,
    clippy::allow_attributes,
    clippy::format_collect,
    reason = "each test binary uses another part of it"
)]

use std::{
    net::{IpAddr, SocketAddr},
    time::Duration,
};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpSocket, TcpStream},
    time::timeout,
};

/// One answer of a server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

impl Answer {
    /// The first header of this name (lower case); empty where there is none.
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.iter().find(|(known, _)| known == name).map_or("", |(_, value)| value)
    }

    /// The body as JSON; null where it is none.
    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body).unwrap_or_default()
    }

    /// The word of an error.
    pub(crate) fn code(&self) -> String {
        self.json().pointer("/error/code").and_then(|code| code.as_str()).unwrap_or_default().to_owned()
    }
}

/// What came back on a connection.
#[derive(Debug)]
pub(crate) struct Came {
    pub(crate) answers: Vec<Answer>,
    /// The server closed it (or reset it).
    pub(crate) closed: bool,
}

impl Came {
    /// The status of the only answer; 0 where there was none.
    pub(crate) fn status(&self) -> u16 {
        assert!(self.answers.len() <= 1, "more than one answer: {:?}", self.answers);
        self.answers.first().map_or(0, |answer| answer.status)
    }
}

pub(crate) async fn connect(address: SocketAddr) -> TcpStream {
    TcpStream::connect(address).await.unwrap()
}

/// Connects from another local address: all of 127.0.0.0/8 is ours.
pub(crate) async fn connect_from(local: IpAddr, address: SocketAddr) -> TcpStream {
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind(SocketAddr::new(local, 0)).unwrap();
    socket.connect(address).await.unwrap()
}

/// Writes `bytes` and reads until the server closes or is silent for `silence`. A server that closes early is no error.
pub(crate) async fn send(address: SocketAddr, bytes: &[u8], silence: Duration) -> Came {
    let mut stream = connect(address).await;
    drop(stream.write_all(bytes).await);
    read(&mut stream, silence).await
}

/// Writes `bytes`, says that nothing more comes, and reads.
pub(crate) async fn send_and_end(address: SocketAddr, bytes: &[u8], silence: Duration) -> Came {
    let mut stream = connect(address).await;
    drop(stream.write_all(bytes).await);
    drop(stream.shutdown().await);
    read(&mut stream, silence).await
}

/// Reads until the server closes or is silent for `silence`.
pub(crate) async fn read(stream: &mut TcpStream, silence: Duration) -> Came {
    let mut bytes = Vec::new();
    let mut part = vec![0; 64 * 1024];
    let closed = loop {
        match timeout(silence, stream.read(&mut part)).await {
            Ok(Ok(0) | Err(_)) => break true,
            Ok(Ok(read)) => bytes.extend_from_slice(&part[..read]),
            Err(_) => break false,
        }
    };
    Came { answers: parse(&bytes), closed }
}

/// Reads one answer and no more.
pub(crate) async fn read_one(stream: &mut TcpStream, patience: Duration) -> Option<Answer> {
    let mut bytes = Vec::new();
    let mut part = vec![0; 64 * 1024];
    loop {
        if let Some(answer) = parse(&bytes).into_iter().find(|answer| answer.status >= 200) {
            return Some(answer);
        }
        match timeout(patience, stream.read(&mut part)).await {
            Ok(Ok(read @ 1..)) => bytes.extend_from_slice(&part[..read]),
            _ => return None,
        }
    }
}

/// Every whole answer among `bytes`.
pub(crate) fn parse(bytes: &[u8]) -> Vec<Answer> {
    let mut answers = Vec::new();
    let mut rest = bytes;
    while let Some(end) = rest.windows(4).position(|window| window == b"\r\n\r\n") {
        let head = String::from_utf8_lossy(&rest[..end]).into_owned();
        let mut lines = head.split("\r\n");
        let status = lines.next().unwrap_or_default().split(' ').nth(1).and_then(|word| word.parse().ok()).unwrap_or(0);
        let headers: Vec<(String, String)> = lines
            .filter_map(|line| line.split_once(':'))
            .map(|(name, value)| (name.to_ascii_lowercase(), value.trim().to_owned()))
            .collect();
        let find = |name: &str| headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.clone());
        rest = &rest[end + 4..];
        let body = if find("transfer-encoding").is_some() {
            let Some((body, left)) = chunks(rest) else { break };
            rest = left;
            body
        } else {
            let length: usize = find("content-length").and_then(|text| text.parse().ok()).unwrap_or(0);
            if rest.len() < length {
                break;
            }
            let (body, left) = rest.split_at(length);
            rest = left;
            body.to_vec()
        };
        answers.push(Answer { status, headers, body });
    }
    answers
}

fn chunks(mut rest: &[u8]) -> Option<(Vec<u8>, &[u8])> {
    let mut body = Vec::new();
    loop {
        let end = rest.windows(2).position(|window| window == b"\r\n")?;
        let size = usize::from_str_radix(std::str::from_utf8(&rest[..end]).ok()?, 16).ok()?;
        rest = rest.get(end + 2..)?;
        body.extend_from_slice(rest.get(..size)?);
        rest = rest.get(size + 2..)?;
        if size == 0 {
            return Some((body, rest));
        }
    }
}

/// A POST to `path` with these header lines (each with its CR LF) and this body, with its Content-Length.
pub(crate) fn post(path: &str, lines: &str, body: &[u8]) -> Vec<u8> {
    let head = format!("POST {path} HTTP/1.1\r\nHost: a\r\nContent-Length: {}\r\n{lines}\r\n", body.len());
    [head.as_bytes(), body].concat()
}

/// A request that must be refused, and must never be more than one request.
#[derive(Debug)]
pub(crate) struct Hostile {
    /// The row of cases.md, and what is odd.
    pub(crate) name: &'static str,
    pub(crate) bytes: Vec<u8>,
    /// The statuses that are right; 0 stands for a closed connection without an answer.
    pub(crate) statuses: &'static [u16],
}

/// What could become a second request if anybody behind the gate read the stream in another way.
pub(crate) const SMUGGLED: &str = "POST /hooks/smuggled HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n";

/// Requests to `/hooks/x` that no server of ours takes, each with a second request hidden behind it.
pub(crate) fn hostile() -> Vec<Hostile> {
    const BAD: &[u16] = &[400];
    let post = |lines: &str, body: &str| {
        format!("POST /hooks/x HTTP/1.1\r\nHost: a\r\n{lines}\r\n{body}{SMUGGLED}").into_bytes()
    };
    let raw = |text: &str| format!("{text}{SMUGGLED}").into_bytes();
    let mut table: Vec<(&'static str, Vec<u8>, &'static [u16])> = vec![
        ("I31 CL.TE", post("Content-Length: 5\r\nTransfer-Encoding: chunked\r\n", "0\r\n\r\n"), BAD),
        ("I31 TE.CL", post("Transfer-Encoding: chunked\r\nContent-Length: 5\r\n", "0\r\n\r\n"), BAD),
        ("I31 TE twice", post("Transfer-Encoding: chunked\r\nTransfer-Encoding: x\r\n", "0\r\n\r\n"), BAD),
        ("I31 TE obscured", post("Transfer-Encoding: \u{b}chunked\r\nContent-Length: 5\r\n", "0\r\n\r\n"), BAD),
        ("I31 TE with a blank", post("Transfer-Encoding : chunked\r\nContent-Length: 5\r\n", "0\r\n\r\n"), BAD),
        ("I31 TE folded", post("Transfer-Encoding:\r\n chunked\r\nContent-Length: 5\r\n", "0\r\n\r\n"), BAD),
        ("I32 two lengths", post("Content-Length: 0\r\nContent-Length: 5\r\n", "hello"), BAD),
        ("I32 +3", post("Content-Length: +3\r\n", "abc"), BAD),
        ("I32 3, 3", post("Content-Length: 3, 3\r\n", "abc"), BAD),
        ("I32 negative", post("Content-Length: -1\r\n", ""), BAD),
        ("I32 hex", post("Content-Length: 0x3\r\n", "abc"), BAD),
        ("I33 obs-fold", post("X: a\r\n b\r\nContent-Length: 0\r\n", ""), BAD),
        ("I33 space before colon", post("Content-Length : 0\r\n", ""), BAD),
        ("I33 bare LF", raw("POST /hooks/x HTTP/1.1\nHost: a\nContent-Length: 0\n\n"), BAD),
        ("I33 bare LF in one line", post("X: a\nContent-Length: 0\r\n", ""), BAD),
        ("I33 bare CR", post("X: a\rContent-Length: 0\r\n", ""), BAD),
        ("I33 NUL", post("X: a\0b\r\nContent-Length: 0\r\n", ""), BAD),
        ("I34 no Host", raw("POST /hooks/x HTTP/1.1\r\nContent-Length: 0\r\n\r\n"), BAD),
        ("I34 two Hosts", post("Host: b\r\nContent-Length: 0\r\n", ""), BAD),
        ("I34 Host with path", raw("POST /hooks/x HTTP/1.1\r\nHost: a/b\r\nContent-Length: 0\r\n\r\n"), BAD),
        ("I34 Host with user", raw("POST /hooks/x HTTP/1.1\r\nHost: u@a\r\nContent-Length: 0\r\n\r\n"), BAD),
        ("I34 absolute form", raw("POST http://a/hooks/x HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n"), BAD),
        ("I36 HTTP/0.9", raw("GET /hooks/x\r\n"), &[400, 0]),
        ("I36 HTTP/2", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0".to_vec(), &[400, 0]),
        ("I36 TLS hello", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03".to_vec(), &[400, 0]),
        ("I36 PROXY line", raw("PROXY TCP4 192.0.2.1 192.0.2.2 1 2\r\n"), &[400, 0]),
        ("I36 random bytes", b"\xde\xad\xbe\xef\0\x01\x02\r\n\r\n".to_vec(), &[400, 0]),
        ("I24 bad chunk size", post("Transfer-Encoding: chunked\r\n", "xyz\r\nabc\r\n0\r\n\r\n"), BAD),
        ("I24 signed chunk size", post("Transfer-Encoding: chunked\r\n", "+3\r\nabc\r\n0\r\n\r\n"), BAD),
        ("I24 chunk with bare LF", post("Transfer-Encoding: chunked\r\n", "3\nabc\n0\n\n"), BAD),
        ("I24 chunk longer than it says", post("Transfer-Encoding: chunked\r\n", "3\r\nabcd\r\n0\r\n\r\n"), BAD),
        ("I37 lower-case method", raw("post /hooks/x HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n"), &[405]),
        ("I37 TRACE", raw("TRACE /hooks/x HTTP/1.1\r\nHost: a\r\n\r\n"), &[405]),
        ("I37 CONNECT", raw("CONNECT a:443 HTTP/1.1\r\nHost: a\r\n\r\n"), &[400, 405]),
    ];
    let headers: String = (0..101).map(|n| format!("X-{n}: y\r\n")).collect();
    table.push(("I35 101 headers", post(&headers, ""), &[431]));
    table.push(("I35 64 KiB of headers", post(&format!("X: {}\r\n", "y".repeat(66_000)), ""), &[431]));
    table.push((
        "I35 16 KiB of URL",
        raw(&format!("POST /hooks/{} HTTP/1.1\r\nHost: a\r\n\r\n", "x".repeat(16_384))),
        &[414],
    ));
    let extension = format!("1;{}\r\na\r\n0\r\n\r\n", "x".repeat(1_000_000));
    table.push(("I24 chunk extension of 1 MB", post("Transfer-Encoding: chunked\r\n", &extension), &[400, 0]));
    table.into_iter().map(|(name, bytes, statuses)| Hostile { name, bytes, statuses }).collect()
}
