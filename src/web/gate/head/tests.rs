//! Tables of heads that go on, and of heads that do not.
#![expect(clippy::format_collect, reason = "clearer, and a test is in no hurry")]

use super::*;

/// The whole way of a head: scanned in one piece and byte by byte, which must agree, then parsed.
fn read(text: &[u8]) -> Result<Head, Fault> {
    let mut from = 0;
    let at_once = scan(text, &mut from);
    let mut from = 0;
    let bit_by_bit = (1..=text.len())
        .map(|length| scan(text.get(..length).unwrap_or_default(), &mut from))
        .find(|scan| *scan != Scan::More)
        .unwrap_or(Scan::More);
    match (&at_once, &bit_by_bit) {
        // A head that came whole is judged by `parse`, one that trickles in by its first line: both refuse it.
        (Scan::End(length), Scan::Refused(_)) => assert!(parse(text.get(..*length).unwrap_or_default()).is_err()),
        _ => assert_eq!(at_once, bit_by_bit, "{}", text.escape_ascii()),
    }
    match at_once {
        Scan::End(length) => parse(text.get(..length).unwrap_or_default()),
        Scan::Refused(fault) => Err(fault),
        Scan::More => panic!("no end of the head: {}", text.escape_ascii()),
    }
}

fn code(text: &[u8]) -> (u16, &'static str) {
    let fault = read(text).expect_err(&text.escape_ascii().to_string());
    (fault.status, fault.code)
}

/// A POST with these lines between its Host and its end.
fn post(lines: &str) -> Vec<u8> {
    format!("POST /hooks/x HTTP/1.1\r\nHost: a\r\n{lines}\r\n").into_bytes()
}

#[test]
fn a_head_goes_on_without_what_is_of_one_hop_or_ours() {
    let head = read(&post(
        "Content-Length: 3\r\nX-Bellwire-Mark: stolen\r\nx-bellwire-peer: 1.2.3.4\r\nConnection: keep-alive, X-Drop, Host\r\n\
         X-Drop: y\r\nX-Forwarded-For: 1.1.1.1\r\nX-Real-IP: 2.2.2.2\r\nForwarded: for=3.3.3.3\r\nTE: trailers\r\nX-A: 1\r\nX-A: 2\r\n",
    ))
    .unwrap();
    let left: Vec<(String, String)> = head
        .headers
        .iter()
        .map(|(name, value)| (name.to_string(), String::from_utf8_lossy(value.as_bytes()).into_owned()))
        .collect();
    let wanted = [("host", "a"), ("x-a", "1"), ("x-a", "2")];
    assert_eq!(left, wanted.map(|(name, value)| (name.to_owned(), value.to_owned())));
    assert_eq!(head.framing, Framing::Length(3));
    assert_eq!(head.forwarded, ["1.1.1.1"]);
    assert!(head.keep && !head.old && !head.expects);
}

#[test]
fn odd_framing_is_refused() {
    let table = [
        ("Content-Length: 3\r\nTransfer-Encoding: chunked\r\n", "framing"),
        ("Transfer-Encoding: chunked\r\nContent-Length: 3\r\n", "framing"),
        ("Content-Length: 3\r\nContent-Length: 4\r\n", "content_length"),
        ("Content-Length: 3\r\nContent-Length: 3\r\n", "content_length"),
        ("Content-Length: 3, 3\r\n", "content_length"),
        ("Content-Length: +3\r\n", "content_length"),
        ("Content-Length: -3\r\n", "content_length"),
        ("Content-Length: 0x3\r\n", "content_length"),
        ("Content-Length: 3 3\r\n", "content_length"),
        ("Content-Length: \r\n", "content_length"),
        ("Content-Length: 99999999999999999999\r\n", "content_length"),
        ("Transfer-Encoding: gzip, chunked\r\n", "transfer_encoding"),
        ("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n", "transfer_encoding"),
        ("Transfer-Encoding: xchunked\r\n", "transfer_encoding"),
        ("Transfer-Encoding: identity\r\n", "transfer_encoding"),
        ("Transfer-Encoding: \"chunked\"\r\n", "transfer_encoding"),
    ];
    for (lines, wanted) in table {
        assert_eq!(code(&post(lines)), (400, wanted), "{lines:?}");
    }
    assert_eq!(read(&post("Transfer-Encoding: Chunked\r\n")).unwrap().framing, Framing::Chunked);
    let old = b"POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n";
    assert_eq!(code(old), (400, "transfer_encoding"));
}

#[test]
fn odd_lines_are_refused() {
    let table: [(&[u8], &str); 15] = [
        (b"GET / HTTP/1.1\nHost: a\n\n", "line_end"),
        (b"GET / HTTP/1.1\r\nHost: a\nX: y\r\n\r\n", "line_end"),
        (b"GET / HTTP/1.1\r\nHost: a\rX: y\r\n\r\n", "line_end"),
        (b"GET / HTTP/1.1\r\nHost: a\r\nX: y\0z\r\n\r\n", "control_character"),
        (b"GET / HTTP/1.1\r\nHost: a\r\nX: y\x7f\r\n\r\n", "control_character"),
        (b"\x16\x03\x01\x02\x00\x01\x00", "control_character"),
        (b"GET / HTTP/1.1\r\nHost: a\r\n folded: y\r\n\r\n", "head"),
        (b"GET / HTTP/1.1\r\nHost: a\r\nX: y\r\n\tz\r\n\r\n", "head"),
        (b"GET / HTTP/1.1\r\nHost : a\r\n\r\n", "head"),
        (b"GET / HTTP/1.1\r\nHost: a\r\n: y\r\n\r\n", "head"),
        (b"GET / HTTP/1.1\r\nHost: a\r\nno colon\r\n\r\n", "head"),
        (b"GET /\r\n", "request_line"),
        (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "request_line"),
        (b"PROXY TCP4 1.2.3.4 5.6.7.8 1 2\r\n", "request_line"),
        (b"\r\n\r\nGET / HTTP/1.1\r\n", "request_line"),
    ];
    for (text, wanted) in table {
        assert_eq!(code(text), (400, wanted), "{}", text.escape_ascii());
    }
}

#[test]
fn odd_targets_and_hosts_are_refused() {
    for target in ["http://a/", "a", "*", "/a b", "/a#b", "/\u{e9}", "", "a:80"] {
        let text = format!("GET {target} HTTP/1.1\r\nHost: a\r\n\r\n");
        assert_eq!(code(text.as_bytes()).0, 400, "{target}");
    }
    for target in ["/", "//a/b", "/a?b=c&d", "/..%2f", "/%00", "/a;b", "/a?b=https://c/"] {
        let text = format!("GET {target} HTTP/1.1\r\nHost: a\r\n\r\n");
        assert_eq!(read(text.as_bytes()).unwrap().target.to_string(), target);
    }
    for host in [
        "Host: \r\n",
        "Host: a/b\r\n",
        "Host: u@a\r\n",
        "Host: a, b\r\n",
        "Host: a b\r\n",
        "",
        "Host: a\r\nHost: a\r\n",
    ] {
        let text = format!("GET / HTTP/1.1\r\n{host}\r\n");
        assert_eq!(code(text.as_bytes()), (400, "host"), "{host:?}");
    }
    assert!(read(b"GET / HTTP/1.1\r\nHost: [::1]:8000\r\n\r\n").is_ok());
    let old = read(b"GET / HTTP/1.0\r\n\r\n").unwrap();
    assert!(old.old && !old.keep, "HTTP/1.0 needs no Host, and ends its connection");
}

#[test]
fn sizes_are_bounded() {
    let headers: String = (0..98).map(|n| format!("X-{n}: y\r\n")).collect();
    assert_eq!(code(&post(&headers)), (431, "head_too_large"), "99 with the Host");
    let headers: String = (0..97).map(|n| format!("X-{n}: y\r\n")).collect();
    assert!(read(&post(&headers)).is_ok());
    assert_eq!(code(&post(&format!("X: {}\r\n", "y".repeat(64 * 1024)))).0, 431);
    let target = |length: usize| format!("GET /{} HTTP/1.1\r\nHost: a\r\n\r\n", "x".repeat(length - 1)).into_bytes();
    assert!(read(&target(8192)).is_ok());
    assert_eq!(code(&target(8193)), (414, "target_too_long"));
    assert_eq!(code(&target(16 * 1024)), (414, "target_too_long"));
    let endless = vec![b'x'; 20_000];
    assert_eq!(code(&endless), (414, "target_too_long"));
}

#[test]
fn methods_that_nobody_serves_are_refused_here() {
    for method in ["post", "FOO", "TRACE", "CONNECT"] {
        let fault = read(format!("{method} /hooks/x HTTP/1.1\r\nHost: a\r\n\r\n").as_bytes()).unwrap_err();
        assert_eq!((fault.status, fault.allow), (405, Some("POST")), "{method}");
    }
    assert_eq!(code(b"G(T / HTTP/1.1\r\nHost: a\r\n\r\n").0, 400);
    assert_eq!(read(&post("Expect: 200-maybe\r\n")).unwrap_err().status, 417);
}

#[test]
fn high_bytes_in_a_value_are_kept_as_text() {
    let mut text = b"GET / HTTP/1.1\r\nHost: a\r\nX: caf\xe9\r\nY: caf\xc3\xa9\r\n\r\n".to_vec();
    let head = read(&text).unwrap();
    assert_eq!(head.headers.get("x").unwrap().as_bytes(), br"caf\xe9");
    assert_eq!(head.headers.get("y").unwrap().as_bytes(), "café".as_bytes());
    text.extend_from_slice(b"the body");
    assert!(read(&text).is_ok(), "what follows the head is not looked at");
}
