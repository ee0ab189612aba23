//! Bodies: whole or not at all, and no larger than is taken.

use std::time::Duration;

use tokio::io::AsyncWriteExt as _;

use crate::support::{
    app::{GRUVEO_KEY, TestApp, missed_call, sign},
    journal::Journal,
    raw,
};

const SILENCE: Duration = Duration::from_secs(5);

async fn app() -> TestApp {
    TestApp::start(Journal::start([]).await).await
}

fn signed(body: &[u8]) -> String {
    format!("X-Gruveo-SHA256-HMAC: {}\r\n", sign(GRUVEO_KEY, body))
}

/// I20, I21: above the cap, said or sent.
#[tokio::test(flavor = "multi_thread")]
async fn a_body_above_the_cap_is_refused() {
    let app = app().await;
    let address = app.app.address();
    let said = "POST /hooks/gruveo HTTP/1.1\r\nHost: a\r\nContent-Length: 1048577\r\n\r\n";
    let came = raw::send(address, said.as_bytes(), SILENCE).await;
    assert_eq!((came.status(), came.closed), (413, true), "I20: before a byte of it was read");
    let said = said.replace("1048577", "99999999999999999999999999");
    assert!(matches!(raw::send(address, said.as_bytes(), SILENCE).await.status(), 400 | 413), "I20");
    let mut chunked = b"POST /hooks/gruveo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n".to_vec();
    for _ in 0..17 {
        chunked.extend_from_slice(b"10000\r\n");
        chunked.extend_from_slice(&vec![b' '; 0x10000]);
        chunked.extend_from_slice(b"\r\n");
    }
    assert!(matches!(raw::send(address, &chunked, SILENCE).await.status(), 413 | 0), "I21");
    let body = [b"{\"a\":\"".to_vec(), vec![b'x'; 1024 * 1024 - 8], b"\"}".to_vec()].concat();
    assert_eq!(body.len(), 1024 * 1024);
    assert_eq!(app.signed(&body).await.status, 202, "exactly the cap is taken");
    assert_eq!(app.events().await.len(), 1);
}

/// I22, small: many large bodies with no proof at all.
#[tokio::test(flavor = "multi_thread")]
async fn many_large_bodies_without_a_proof_take_no_room() {
    let app = app().await;
    let address = app.app.address();
    let before = resident();
    let floods = (0..50).map(|_| async move {
        let mut stream = raw::connect(address).await;
        drop(stream.write_all(b"POST /hooks/gruveo HTTP/1.1\r\nHost: a\r\nContent-Length: 8589934592\r\n\r\n").await);
        for _ in 0..64 {
            if stream.write_all(&vec![0; 64 * 1024]).await.is_err() {
                break;
            }
        }
        raw::read(&mut stream, SILENCE).await.status()
    });
    let statuses = futures_util::future::join_all(floods).await;
    assert!(statuses.iter().all(|status| matches!(status, 413 | 0)), "{statuses:?}");
    let grown = resident().saturating_sub(before);
    assert!(grown < 64 * 1024 * 1024, "{grown} bytes more");
    assert_eq!(app.call(&missed_call("42")).await.status, 202);
}

/// Bytes of memory in use. 0 where the system does not tell.
fn resident() -> usize {
    let text = std::fs::read_to_string("/proc/self/statm").unwrap_or_default();
    text.split(' ').nth(1).and_then(|pages| pages.parse::<usize>().ok()).unwrap_or(0) * 4096
}

/// I23: every prefix of a signed delivery, then the end.
#[tokio::test(flavor = "multi_thread")]
async fn a_body_that_breaks_off_is_never_stored() {
    let app = app().await;
    let body = missed_call("42").to_string().into_bytes();
    let body = [b"{\"pad\":\"".to_vec(), vec![b'x'; 600], b"\",".to_vec(), body[1..].to_vec()].concat();
    for kept in [0, 1, 3, 13, 14, 15, 511, 513, body.len() - 1] {
        // Signed over what was promised, and over what came: neither may pass.
        for over in [&body[..], &body[..kept]] {
            let request = raw::post("/hooks/gruveo", &signed(over), &body);
            let cut = &request[..request.len() - body.len() + kept];
            let came = raw::send_and_end(app.app.address(), cut, SILENCE).await;
            assert!(matches!(came.status(), 400 | 0), "{kept}: {came:?}");
        }
    }
    let request = raw::post("/hooks/gruveo", &signed(&body), &body);
    let longer = [&request[..], b"trailing bytes that are no request\r\n\r\n"].concat();
    let came = raw::send_and_end(app.app.address(), &longer, SILENCE).await;
    assert_eq!(came.answers.iter().map(|answer| answer.status).collect::<Vec<_>>(), [202, 400]);
    assert_eq!(app.events().await.len(), 1);
}

/// I24: chunks that are cut, and trailers that would be headers.
#[tokio::test(flavor = "multi_thread")]
async fn a_chunked_body_is_taken_whole_and_its_trailers_are_nothing() {
    let app = app().await;
    let body = missed_call("42").to_string();
    let signature = sign(GRUVEO_KEY, body.as_bytes());
    let (left, right) = body.split_at(30);
    let head = "POST /hooks/gruveo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n";
    let chunks = format!("{:x}\r\n{left}\r\n{:x}\r\n{right}\r\n", left.len(), right.len());
    let with = |header: bool, end: &str| {
        let proof = if header { format!("X-Gruveo-SHA256-HMAC: {signature}\r\n") } else { String::new() };
        format!("{head}{proof}\r\n{chunks}{end}")
    };
    let address = app.app.address();
    let cut = raw::send_and_end(address, with(true, "").as_bytes(), SILENCE).await;
    assert!(matches!(cut.status(), 400 | 0), "no last chunk: {cut:?}");
    let trailer = with(false, &format!("0\r\nX-Gruveo-SHA256-HMAC: {signature}\r\n\r\n"));
    assert_eq!(raw::send(address, trailer.as_bytes(), SILENCE).await.status(), 401, "a trailer is no proof");
    assert!(app.events().await.is_empty());
    let whole = with(true, "0\r\nX-Gruveo-SHA256-HMAC: evil\r\n\r\n");
    assert_eq!(raw::send(address, whole.as_bytes(), SILENCE).await.status(), 202);
}

/// I25, I26, with deadlines of a second.
#[tokio::test(flavor = "multi_thread")]
async fn slow_senders_are_cut() {
    let settings = "[limits]\nhead_timeout = \"1s\"\nbody_timeout = \"2s\"\nidle_timeout = \"2s\"\n";
    let app = TestApp::with(Journal::start([]).await, &[], settings).await;
    let address = app.app.address();
    let slow = async |bytes: Vec<u8>, at_once: usize| {
        let mut stream = raw::connect(address).await;
        stream.write_all(&bytes[..at_once]).await.unwrap();
        let started = std::time::Instant::now();
        for byte in &bytes[at_once..] {
            tokio::time::sleep(Duration::from_millis(100)).await;
            if stream.write_all(&[*byte]).await.is_err() || started.elapsed() > Duration::from_secs(4) {
                break;
            }
        }
        (raw::read(&mut stream, Duration::from_secs(3)).await, started.elapsed())
    };
    let body = missed_call("42").to_string();
    let request = raw::post("/hooks/gruveo", &signed(body.as_bytes()), body.as_bytes());
    let head = request.len() - body.len();
    let ((slow_head, took_head), (slow_body, took_body), idle) = tokio::join!(
        slow(request.clone(), 10),
        slow(request.clone(), head + 20),
        raw::send(address, b"", Duration::from_secs(4)),
    );
    assert!(matches!(slow_head.status(), 408 | 0) && slow_head.closed, "I25 {slow_head:?}");
    assert!(matches!(slow_body.status(), 408 | 0) && slow_body.closed, "I26 {slow_body:?}");
    assert!(took_head < Duration::from_secs(6) && took_body < Duration::from_secs(6));
    assert!(idle.closed && idle.answers.len() <= 1, "{idle:?}");
    assert!(app.events().await.is_empty());
    assert_eq!(app.call(&missed_call("42")).await.status, 202);
}

/// I29 for a body that says it is compressed.
#[tokio::test(flavor = "multi_thread")]
async fn a_compressed_body_is_refused_unread() {
    let app = app().await;
    let body = missed_call("42").to_string();
    let signature = sign(GRUVEO_KEY, body.as_bytes());
    for encoding in ["gzip", "br", "zstd", "x", "identity, gzip"] {
        let headers = [("X-Gruveo-SHA256-HMAC", signature.as_str()), ("Content-Encoding", encoding)];
        assert_eq!(app.post("/hooks/gruveo", &headers, body.clone()).await.status, 415, "{encoding}");
    }
    assert!(app.events().await.is_empty());
}
