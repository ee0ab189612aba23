//! The gate before a Rocket with one echo route: what comes through, what does not, and that one byte stream is never two requests.
#![expect(clippy::unwrap_used, clippy::format_collect, reason = "a test may panic")]

#[path = "support/raw.rs"]
mod raw;

use std::{
    collections::BTreeMap,
    net::SocketAddr,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use bellwire::{
    lifecycle::{Lifecycle, Phase},
    web::{self, Counters, Settings, gate::Bounds},
};
use raw::{Came, hostile, post, read, read_one, send, send_and_end};
use rocket::{
    Data, Request, Response, Route,
    data::ByteUnit,
    futures::stream,
    http::{Method, Status},
    route::{self, Outcome},
};
use tokio::{io::AsyncWriteExt, net::TcpStream};

const SILENCE: Duration = Duration::from_millis(400);

/// Path, reason and status of a request that the gate refused.
type Refused = (String, &'static str, u16);

/// A gate with an echo behind it.
struct Echo {
    address: SocketAddr,
    lifecycle: Lifecycle,
    counters: Arc<Counters>,
    /// Requests that reached Rocket.
    requests: Arc<AtomicUsize>,
    refused: Arc<Mutex<Vec<Refused>>>,
    server: web::Server,
}

fn bounds() -> Bounds {
    Bounds {
        connections: 1000,
        connections_per_address: 1000,
        head_timeout: Duration::from_millis(700),
        body_timeout: Duration::from_secs(4),
        body_pace: Duration::from_secs(1),
        body_rate: 1024,
        idle_timeout: Duration::from_secs(3),
        body: 1024 * 1024,
        bodies: BTreeMap::from([("small".to_owned(), 1024)]),
        buffered: 64 * 1024 * 1024,
        trusted: Vec::new(),
    }
}

async fn echo(bounds: Bounds) -> Echo {
    start(bounds, true).await
}

async fn start(bounds: Bounds, gate: bool) -> Echo {
    let lifecycle = Lifecycle::default();
    let counters = Arc::new(Counters::default());
    let requests = Arc::new(AtomicUsize::new(0));
    let refused = Arc::new(Mutex::new(Vec::new()));
    let settings = Settings {
        listen: "127.0.0.1:0".parse().unwrap(),
        gate,
        bounds,
        grace: Duration::from_secs(5),
        observer: {
            let refused = Arc::clone(&refused);
            Arc::new(move |request| {
                refused.lock().unwrap().push((request.path.to_owned(), request.reason, request.status));
            })
        },
        counters: Arc::clone(&counters),
    };
    let handler = Reflect(Arc::clone(&requests));
    let server = web::start(settings, lifecycle.clone(), |rocket| {
        let at = |method, path: &str| Route::ranked(1, method, path, handler.clone());
        let mut routes = vec![at(Method::Post, "/hooks/<_..>")];
        routes.extend(["/get", "/panic", "/slow", "/stream"].map(|path| at(Method::Get, path)));
        routes.extend(web::refuse_method("/hooks/<_..>", "POST"));
        rocket.mount("/", routes)
    })
    .await
    .unwrap();
    Echo { address: server.address, lifecycle, counters, requests, refused, server }
}

impl Echo {
    fn requests(&self) -> usize {
        self.requests.load(Ordering::SeqCst)
    }

    async fn send(&self, bytes: &[u8]) -> Came {
        send(self.address, bytes, SILENCE).await
    }

    /// An honest delivery is still taken.
    async fn is_well(&self) {
        let came = self.send(&post("/hooks/well", "Connection: close\r\n", b"{}")).await;
        assert_eq!(came.status(), 200);
    }
}

/// Answers with what it saw.
#[derive(Clone)]
struct Reflect(Arc<AtomicUsize>);

#[rocket::async_trait]
impl route::Handler for Reflect {
    async fn handle<'r>(&self, request: &'r Request<'_>, data: Data<'r>) -> Outcome<'r> {
        self.0.fetch_add(1, Ordering::SeqCst);
        match request.uri().path().as_str() {
            "/panic" => panic!("on purpose"),
            "/slow" => tokio::time::sleep(Duration::from_millis(800)).await,
            "/stream" => {
                let parts =
                    stream::iter([b"one ".to_vec(), b"two ".to_vec(), b"three".to_vec()].map(std::io::Cursor::new));
                let stream = rocket::response::stream::ByteStream(futures_of(parts));
                return Outcome::from(request, stream);
            }
            _ => {}
        }
        let body = data.open(ByteUnit::Mebibyte(2)).into_bytes().await.unwrap();
        let headers: Vec<(String, String)> = request
            .headers()
            .iter()
            .map(|header| (header.name().as_str().to_ascii_lowercase(), header.value().to_owned()))
            .collect();
        let seen = serde_json::json!({
            "method": request.method().as_str(), "path": request.uri().to_string(), "headers": headers,
            "length": body.len(), "complete": body.is_complete(),
            "body": String::from_utf8_lossy(&body[..body.len().min(100)]),
            "peer": web::peer_of(request),
        })
        .to_string();
        let mut response = Response::build();
        response.status(Status::Ok).sized_body(seen.len(), std::io::Cursor::new(seen));
        Outcome::Success(response.finalize())
    }
}

fn futures_of(
    parts: impl stream::Stream<Item = std::io::Cursor<Vec<u8>>> + Send,
) -> impl stream::Stream<Item = Vec<u8>> + Send {
    use rocket::futures::StreamExt as _;
    parts.map(std::io::Cursor::into_inner)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_honest_request_arrives_whole_and_its_connection_goes_on() {
    let echo = echo(bounds()).await;
    let mut stream = raw::connect(echo.address).await;
    for body in [b"".to_vec(), b"{\"a\":1}".to_vec(), vec![b'x'; 1024 * 1024]] {
        stream.write_all(&post("/hooks/a?b=c", "X-A: 1\r\n", &body)).await.unwrap();
        let answer = read_one(&mut stream, SILENCE * 5).await.unwrap();
        assert_eq!(answer.status, 200);
        let seen = answer.json();
        assert_eq!(seen["length"], body.len());
        assert_eq!(seen["path"], "/hooks/a?b=c");
        assert_eq!(seen["peer"], "127.0.0.1");
    }
    let chunked = "POST /hooks/a HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2;x=y\r\nde\r\n0\r\nT: r\r\n\r\n";
    stream.write_all(chunked.as_bytes()).await.unwrap();
    let seen = read_one(&mut stream, SILENCE).await.unwrap().json();
    assert_eq!((&seen["body"], &seen["length"]), (&"abcde".into(), &5.into()));
    let headers = seen["headers"].to_string();
    assert!(headers.contains(r#"["content-length","5"]"#) && !headers.contains("transfer-encoding"), "{headers}");
    assert_eq!(echo.requests(), 4);
    let many: String = (0..96).map(|n| format!("X-{n}: y\r\n")).collect();
    stream.write_all(&post("/hooks/a", &many, b"")).await.unwrap();
    assert_eq!(read_one(&mut stream, SILENCE).await.unwrap().status, 200, "98 headers come through");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_refused_body_that_nobody_read_does_not_spoil_the_next_request() {
    let echo = echo(bounds()).await;
    let large = vec![b'x'; 900 * 1024];
    for path in ["/nowhere", "/panic", "/get"] {
        for size in [0, 100, 5000, large.len()] {
            let mut stream = raw::connect(echo.address).await;
            stream.write_all(&post(path, "", &large[..size])).await.unwrap();
            assert_eq!(read_one(&mut stream, SILENCE * 5).await.unwrap().status, 404, "{path} {size}");
            for _ in 0..3 {
                stream.write_all(&post("/hooks/a", "", b"x")).await.unwrap();
                assert_eq!(read_one(&mut stream, SILENCE * 5).await.unwrap().status, 200, "{path} {size}");
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_answer_carries_the_standard_headers_and_no_banner() {
    let echo = echo(bounds()).await;
    let close = "Connection: close\r\n";
    for (bytes, status) in [
        (post("/hooks/a", close, b"{}"), 200),
        (post("/nowhere", close, b"{}"), 404),
        (post("/hooks/a", "Content-Length: 1\r\n", b""), 400),
        (format!("GET /panic HTTP/1.1\r\nHost: a\r\n{close}\r\n").into_bytes(), 500),
        (format!("GET /hooks/a HTTP/1.1\r\nHost: a\r\n{close}\r\n").into_bytes(), 405),
    ] {
        let came = echo.send(&bytes).await;
        assert_eq!(came.status(), status);
        let answer = &came.answers[0];
        for (name, value) in web::STANDARD {
            assert_eq!(answer.header(&name.to_ascii_lowercase()), value, "{status} {name}");
            let count = answer.headers.iter().filter(|(known, _)| known.eq_ignore_ascii_case(name)).count();
            assert_eq!(count, 1, "{status} {name}");
        }
        assert_eq!(answer.header("server"), "");
        if status != 200 {
            assert!(answer.json()["error"]["message"].is_string(), "{answer:?}");
        }
        if status == 500 {
            assert_eq!(answer.json()["error"]["message"], "internal error");
            assert!(answer.json()["error"]["request"].as_str().unwrap().starts_with("req_"));
        }
        if status == 405 {
            assert_eq!(answer.header("allow"), "POST");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_byte_stream_never_becomes_two_requests() {
    let echo = echo(bounds()).await;
    for case in hostile() {
        let before = echo.requests();
        let came = echo.send(&case.bytes).await;
        let status = came.status();
        assert!(case.statuses.contains(&status), "{}: {status}", case.name);
        assert!(came.closed, "{}: the connection stays open", case.name);
        assert_eq!(echo.requests(), before, "{}: it reached Rocket", case.name);
    }
    echo.is_well().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn pipelined_requests_are_answered_in_order_until_one_is_refused() {
    let echo = echo(bounds()).await;
    let good = |n: usize| post(&format!("/hooks/n{n}"), "", b"x");
    let mut bytes: Vec<u8> = (0..50).flat_map(good).collect();
    bytes.extend_from_slice(b"POST /hooks/bad HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\nx");
    bytes.extend(good(51));
    let came = echo.send(&bytes).await;
    let statuses: Vec<u16> = came.answers.iter().map(|answer| answer.status).collect();
    assert_eq!(statuses, [vec![200; 50], vec![400]].concat());
    for (n, answer) in came.answers.iter().take(50).enumerate() {
        assert_eq!(answer.json()["path"], format!("/hooks/n{n}"));
    }
    assert!(came.closed);
    assert_eq!(echo.requests(), 50);
    assert_eq!(*echo.refused.lock().unwrap(), [(String::new(), "content_length", 400)]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_body_that_is_cut_short_never_arrives() {
    let echo = echo(bounds()).await;
    for length in [0, 1, 3, 13, 14, 15, 511, 513] {
        let head = "POST /hooks/x HTTP/1.1\r\nHost: a\r\nContent-Length: 600\r\n\r\n";
        let came = send_and_end(echo.address, &[head.as_bytes(), &vec![b'x'; length]].concat(), SILENCE).await;
        assert_eq!(came.status(), 400, "{length}");
        assert_eq!(came.answers[0].code(), "body_incomplete");
    }
    for part in ["", "3\r\nab", "3\r\nabc\r\n", "3\r\nabc\r\n0\r\n", "3\r\nabc\r\n0\r\nX: y\r\n"] {
        let text = format!("POST /hooks/x HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n{part}");
        let came = send_and_end(echo.address, text.as_bytes(), SILENCE).await;
        assert_eq!(came.status(), 400, "{part:?}");
    }
    assert_eq!(echo.requests(), 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_body_above_the_limit_is_refused_before_it_is_read() {
    let echo = echo(bounds()).await;
    let head = |length: usize, lines: &str| {
        format!("POST /hooks/x HTTP/1.1\r\nHost: a\r\nContent-Length: {length}\r\n{lines}\r\n")
    };
    let came = echo.send(head(1024 * 1024 + 1, "").as_bytes()).await;
    assert_eq!((came.status(), came.closed), (413, true));
    let came = echo.send(head(1 << 40, "Expect: 100-continue\r\n").as_bytes()).await;
    assert_eq!((came.status(), came.closed), (413, true), "and no 100 before it");
    let mut stream = raw::connect(echo.address).await;
    stream.write_all(b"POST /hooks/x HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n").await.unwrap();
    let chunk = [b"10000\r\n".to_vec(), vec![0; 0x10000], b"\r\n".to_vec()].concat();
    for _ in 0..40 {
        if stream.write_all(&chunk).await.is_err() {
            break;
        }
    }
    let came = read(&mut stream, SILENCE * 2).await;
    assert!(came.closed && matches!(came.status(), 413 | 0), "a reset instead of the answer is right too");
    assert_eq!(echo.requests(), 0);
    assert_eq!(echo.counters.of("", "body_too_large"), 3);
    let small = head(2000, "Expect: 100-continue\r\n").replace("/hooks/x", "/hooks/small/rung");
    assert_eq!(echo.send(small.as_bytes()).await.status(), 413, "a source may take less than others");
    let mut stream = raw::connect(echo.address).await;
    stream.write_all(head(3, "Expect: 100-continue\r\nConnection: close\r\n").as_bytes()).await.unwrap();
    let go_on = read(&mut stream, SILENCE).await;
    assert_eq!(go_on.status(), 100);
    stream.write_all(b"abc").await.unwrap();
    assert_eq!(read(&mut stream, SILENCE).await.status(), 200);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn slow_heads_and_slow_bodies_are_cut() {
    let echo = echo(bounds()).await;
    let trickle = async |bytes: &[u8], pause: u64| {
        let mut stream = raw::connect(echo.address).await;
        let began = Instant::now();
        let (mut reader, mut writer) = stream.split();
        let write = async {
            for byte in bytes {
                if writer.write_all(&[*byte]).await.is_err() {
                    break;
                }
                tokio::time::sleep(Duration::from_millis(pause)).await;
            }
            std::future::pending::<()>().await;
        };
        let mut came = Vec::new();
        let read = tokio::io::AsyncReadExt::read_to_end(&mut reader, &mut came);
        tokio::select! {
            () = write => {}
            read = read => drop(read),
            () = tokio::time::sleep(Duration::from_secs(8)) => panic!("still open"),
        }
        let status = raw::parse(&came).first().map_or(0, |answer| answer.status);
        (status, began.elapsed())
    };
    let (silent, after) = trickle(b"", 0).await;
    assert_eq!(silent, 0, "a connection that says nothing is closed");
    assert!(after < Duration::from_secs(2));
    let (status, after) = trickle(&post("/hooks/x", "", b"abc"), 30).await;
    assert_eq!(status, 408);
    assert!(after < Duration::from_secs(2), "{after:?}");
    let body = post("/hooks/x", "", &[b'x'; 4000]);
    let head = body.len() - 4000;
    let mut stream = raw::connect(echo.address).await;
    let began = Instant::now();
    stream.write_all(&body[..head + 2000]).await.unwrap();
    let came = read(&mut stream, Duration::from_secs(6)).await;
    assert_eq!((came.status(), came.answers[0].code().as_str()), (408, "slow_body"));
    assert!(began.elapsed() < Duration::from_millis(3500), "a stall after the half is cut in its second span");
    let mut stream = raw::connect(echo.address).await;
    let large = post("/hooks/x", "", &vec![b'x'; 100_000]);
    let began = Instant::now();
    let (mut reader, mut writer) = stream.split();
    let write = async {
        for part in large.chunks(500) {
            if writer.write_all(part).await.is_err() {
                break;
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    };
    let mut came = Vec::new();
    let ((), read) = tokio::join!(write, tokio::io::AsyncReadExt::read_to_end(&mut reader, &mut came));
    drop(read);
    let status = raw::parse(&came).first().map_or(0, |answer| answer.status);
    assert!(matches!(status, 408 | 0), "{status}");
    assert!(began.elapsed() >= Duration::from_millis(3500), "5 KB/s is enough until the whole time is over");
    assert_eq!(echo.requests(), 0);
    echo.is_well().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_idle_connection_is_closed() {
    let echo = echo(Bounds { idle_timeout: Duration::from_millis(300), ..bounds() }).await;
    let mut stream = raw::connect(echo.address).await;
    stream.write_all(&post("/hooks/a", "", b"x")).await.unwrap();
    let came = read(&mut stream, Duration::from_secs(3)).await;
    assert_eq!((came.status(), came.closed), (200, true));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_good_sender_is_served_while_idle_connections_hang() {
    let crowd = if full_size() { 5_000 } else { 400 };
    let echo = echo(Bounds {
        connections: 1000,
        connections_per_address: 100,
        head_timeout: Duration::from_secs(10),
        ..bounds()
    })
    .await;
    let mut idle: Vec<TcpStream> = Vec::new();
    for _ in 0..crowd {
        idle.push(raw::connect(echo.address).await);
    }
    let turned_away = read(&mut idle[crowd - 1], SILENCE).await;
    assert!(turned_away.closed && matches!(turned_away.status(), 503 | 0));
    let began = Instant::now();
    let mut other = raw::connect_from("127.0.0.2".parse().unwrap(), echo.address).await;
    other.write_all(&post("/hooks/a", "", b"x")).await.unwrap();
    assert_eq!(read_one(&mut other, SILENCE).await.unwrap().status, 200);
    assert!(began.elapsed() < Duration::from_secs(1));
    let most = u64::try_from(crowd - 100).unwrap();
    assert_eq!(echo.counters.of("", "too_many_connections_of_one"), most);
    drop(idle);
    tokio::time::sleep(Duration::from_millis(300)).await;
    echo.is_well().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn large_bodies_at_once_stay_within_the_common_buffer() {
    let (senders, each) = if full_size() { (50, 8192 / 50) } else { (8, 1) };
    let echo = echo(Bounds { body: 1024 * 1024, buffered: 2 * 1024 * 1024, ..bounds() }).await;
    let before = resident();
    let zeros = vec![0_u8; 1024 * 1024];
    let head = "POST /hooks/x HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n";
    let flood = (0..senders).map(async |_| {
        for _ in 0..each {
            let mut stream = raw::connect(echo.address).await;
            drop(stream.write_all(head.as_bytes()).await);
            for _ in 0..4 {
                let chunk = [b"100000\r\n", zeros.as_slice(), b"\r\n"].concat();
                if stream.write_all(&chunk).await.is_err() {
                    break;
                }
            }
            let came = read(&mut stream, SILENCE).await;
            assert!(matches!(came.status(), 413 | 503 | 0), "{}", came.status());
        }
    });
    rocket::futures::future::join_all(flood).await;
    assert_eq!(echo.requests(), 0);
    let grown = resident().saturating_sub(before);
    assert!(grown < 150 * 1024, "{grown} KiB more");
    echo.is_well().await;
}

/// KiB that this process holds in memory.
fn resident() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap_or_default();
    line.trim().trim_end_matches(" kB").parse().unwrap_or(0)
}

#[expect(clippy::disallowed_methods, reason = "a switch of the test run, not a setting of Bellwire")]
fn full_size() -> bool {
    std::env::var("HOSTILE").is_ok_and(|value| value == "full")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_method_in_a_form_body_is_not_obeyed() {
    let echo = echo(bounds()).await;
    for method in ["GET", "put", "DELETE"] {
        let form = format!("_method={method}&a=b");
        let lines = "Content-Type: application/x-www-form-urlencoded\r\nConnection: close\r\n";
        let came = echo.send(&post("/hooks/x", lines, form.as_bytes())).await;
        assert_eq!((came.status(), came.answers[0].header("allow")), (405, "POST"), "{method}");
    }
    for method in ["GET", "PUT", "PATCH", "DELETE", "OPTIONS"] {
        let text = format!("{method} /hooks/x HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
        let came = echo.send(text.as_bytes()).await;
        assert_eq!((came.status(), came.answers[0].header("allow")), (405, "POST"), "{method}");
    }
    assert_eq!(echo.requests(), 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_answer_of_unknown_length_is_streamed_and_head_has_no_body() {
    let echo = echo(bounds()).await;
    let mut stream = raw::connect(echo.address).await;
    stream.write_all(b"GET /stream HTTP/1.1\r\nHost: a\r\n\r\nGET /get HTTP/1.1\r\nHost: a\r\n\r\n").await.unwrap();
    let came = read(&mut stream, SILENCE).await;
    assert_eq!(came.answers.len(), 2);
    assert_eq!(came.answers[0].body, b"one two three");
    assert_eq!(came.answers[0].header("transfer-encoding"), "chunked");
    let old = echo.send(b"GET /stream HTTP/1.0\r\n\r\n").await;
    assert_eq!((old.status(), old.closed, old.answers[0].header("transfer-encoding")), (200, true, ""));
    let head = echo.send(b"HEAD /get HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n").await;
    assert!(head.closed);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_clients_say_of_themselves_does_not_arrive() {
    let proxied = Bounds { trusted: vec!["127.0.0.3/32".parse().unwrap()], ..bounds() };
    let echo = echo(proxied).await;
    let lines = "X-Forwarded-For: 6.6.6.6, 203.0.113.9\r\nX-Bellwire-Peer: 1.1.1.1\r\nX-Bellwire-Mark: x\r\nConnection: close\r\n";
    let came = echo.send(&post("/hooks/a", lines, b"")).await;
    assert_eq!(came.answers[0].json()["peer"], "127.0.0.1");
    let mut proxy = raw::connect_from("127.0.0.3".parse().unwrap(), echo.address).await;
    proxy.write_all(&post("/hooks/a", lines, b"")).await.unwrap();
    let seen = read_one(&mut proxy, SILENCE).await.unwrap().json();
    assert_eq!(seen["peer"], "203.0.113.9");
    let headers = seen["headers"].as_array().unwrap();
    assert_eq!(headers.iter().filter(|header| header[0] == "x-bellwire-mark").count(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_open_request_is_answered_while_the_server_stops() {
    let echo = echo(bounds()).await;
    let mut idle = raw::connect(echo.address).await;
    let mut busy = raw::connect(echo.address).await;
    busy.write_all(b"GET /slow HTTP/1.1\r\nHost: a\r\n\r\n").await.unwrap();
    tokio::time::sleep(Duration::from_millis(200)).await;
    echo.lifecycle.enter(Phase::Draining);
    let came = read(&mut busy, Duration::from_secs(3)).await;
    assert_eq!((came.status(), came.closed), (200, true));
    assert_eq!(came.answers[0].header("connection"), "close");
    assert!(read(&mut idle, SILENCE).await.closed);
    tokio::time::timeout(Duration::from_secs(4), echo.server.stopped()).await.unwrap();
    assert!(TcpStream::connect(echo.address).await.is_err(), "nobody listens any more");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_the_gate_rocket_listens_itself() {
    let echo = start(bounds(), false).await;
    let came = echo.send(&post("/hooks/a", "X-Forwarded-For: 6.6.6.6\r\nConnection: close\r\n", b"x")).await;
    assert_eq!((came.status(), came.answers[0].json()["peer"].as_str()), (200, Some("127.0.0.1")));
    echo.lifecycle.enter(Phase::Draining);
    tokio::time::timeout(Duration::from_secs(9), echo.server.stopped()).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_taken_port_is_named() {
    let echo = echo(bounds()).await;
    let mut settings = Settings {
        listen: echo.address,
        gate: true,
        bounds: bounds(),
        grace: Duration::from_secs(1),
        observer: Arc::new(|_| {}),
        counters: Arc::default(),
    };
    for gate in [true, false] {
        settings.gate = gate;
        let error = web::start(settings.clone(), Lifecycle::default(), |rocket| rocket).await.unwrap_err();
        assert!(error.to_string().contains(&echo.address.to_string()), "{error}");
    }
}
