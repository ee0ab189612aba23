use std::{
    net::{IpAddr, SocketAddr},
    sync::{
        Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Instant,
};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};

use super::*;
use crate::config;

/// A receiver on loopback that does with each connection as it is told, and keeps what it read.
struct Receiver {
    address: SocketAddr,
    requests: Arc<Mutex<Vec<String>>>,
}

/// What a receiver does once it has read a request's head.
#[derive(Clone)]
enum Then {
    /// Writes these bytes and closes.
    Answer(Vec<u8>),
    /// Writes the first at the first request, keeps the connection, reads the second request, closes without a byte.
    CloseOnReuse(Vec<u8>),
    /// Writes the bytes, then the last for ever.
    Endless(Vec<u8>, Vec<u8>),
    /// Writes the bytes, then stands still.
    Stall(Vec<u8>),
    /// Closes with a reset.
    Reset(Vec<u8>),
    /// Accepts and reads nothing.
    Silent,
}

async fn read_request(stream: &mut TcpStream) -> Option<String> {
    let mut read = Vec::new();
    loop {
        let mut part = [0; 4096];
        let length = stream.read(&mut part).await.ok()?;
        read.extend_from_slice(&part[..length]);
        let text = String::from_utf8_lossy(&read).into_owned();
        let whole = text.split_once("\r\n\r\n").is_some_and(|(head, body)| {
            let length = head
                .lines()
                .find_map(|line| line.strip_prefix("content-length: "))
                .map_or(0, |text| text.parse().unwrap());
            body.len() >= length
        });
        match (whole, length) {
            (true, _) => return Some(text),
            (false, 0) => return None,
            (false, _) => {}
        }
    }
}

async fn serve(mut stream: TcpStream, then: Then, requests: Arc<Mutex<Vec<String>>>) {
    if matches!(then, Then::Silent) {
        std::future::pending::<()>().await;
    }
    let Some(request) = read_request(&mut stream).await else { return };
    requests.lock().unwrap().push(request);
    match then {
        Then::Answer(bytes) => drop(stream.write_all(&bytes).await),
        Then::CloseOnReuse(bytes) => {
            stream.write_all(&bytes).await.unwrap();
            let again = read_request(&mut stream).await;
            requests.lock().unwrap().extend(again);
        }
        Then::Endless(bytes, last) => {
            drop(stream.write_all(&bytes).await);
            while stream.write_all(&last).await.is_ok() {}
        }
        Then::Stall(bytes) => {
            drop(stream.write_all(&bytes).await);
            std::future::pending::<()>().await;
        }
        Then::Reset(bytes) => {
            drop(stream.write_all(&bytes).await);
            stream.set_zero_linger().unwrap();
        }
        Then::Silent => {}
    }
}

async fn receiver(then: Then) -> Receiver {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let requests = Arc::default();
    let kept = Arc::clone(&requests);
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(serve(stream, then.clone(), Arc::clone(&kept)));
        }
    });
    Receiver { address, requests }
}

fn egress(allow: &[&str], port: u16) -> Arc<Egress> {
    let allow = allow.iter().map(|net| net.parse().unwrap()).collect();
    Arc::new(Egress::new(&config::Egress { allow, ports: vec![port] }, Vec::new()))
}

fn client(port: u16) -> Client {
    Client::new(egress(&["127.0.0.0/8"], port), 1024).unwrap()
}

fn post(url: &str, timeout: u64) -> Outgoing {
    Outgoing {
        method: Method::POST,
        url: url::Url::parse(url).unwrap(),
        headers: HeaderMap::new(),
        body: Some(b"{\"a\":1}".to_vec()),
        timeout: Duration::from_millis(timeout),
    }
}

/// Sends one request to a receiver that does so.
async fn against(then: Then) -> (Result<Reply, SendError>, Vec<String>) {
    let receiver = receiver(then).await;
    let url = format!("http://{}/secret-path?secret=query", receiver.address);
    let answer = client(receiver.address.port()).send(post(&url, 1000)).await;
    if let Err(error) = &answer {
        assert!(error.message.contains("127.0.0.1") && !error.message.contains("secret"), "{}", error.message);
    }
    let requests = receiver.requests.lock().unwrap().clone();
    (answer, requests)
}

fn of(text: &str) -> Vec<u8> {
    text.as_bytes().to_vec()
}

#[tokio::test]
async fn a_reply_is_read_as_it_came() {
    let answer = "HTTP/1.1 201 Created\r\nLocation: /a\r\nX-B: 1\r\nx-b: \u{fc}\r\nContent-Length: 2\r\n\r\n{}";
    let (reply, requests) = against(Then::Answer(of(answer))).await;
    let reply = reply.unwrap();
    assert_eq!((reply.status, reply.body.as_slice(), reply.truncated), (201, b"{}".as_slice(), false));
    let header = |name: &str| {
        reply.headers.iter().filter(|(known, _)| known == name).map(|(_, value)| value.clone()).collect::<Vec<_>>()
    };
    assert_eq!((header("location"), header("x-b")), (vec!["/a".into()], vec!["1".into(), "\u{fc}".into()]));
    let request = requests.first().unwrap().to_lowercase();
    assert!(request.starts_with("post /secret-path?secret=query http/1.1\r\n"), "{request}");
    assert!(
        request.contains("accept-encoding: identity\r\n") && request.contains("user-agent: bellwire/"),
        "{request}"
    );
    assert!(request.contains("content-length: 7\r\n") && request.ends_with("\r\n\r\n{\"a\":1}"), "{request}");
    assert!(!request.contains("referer") && !request.contains("transfer-encoding"), "{request}");
}

#[tokio::test]
async fn a_request_without_a_body_says_so() {
    let receiver = receiver(Then::Answer(of("HTTP/1.1 204 No Content\r\n\r\n"))).await;
    for method in [Method::POST, Method::GET] {
        let request = Outgoing { method, body: None, ..post(&format!("http://{}/", receiver.address), 1000) };
        assert_eq!(client(receiver.address.port()).send(request).await.unwrap().status, 204);
    }
    let requests = receiver.requests.lock().unwrap();
    assert!(requests[0].contains("content-length: 0\r\n"), "{}", requests[0]);
    assert!(!requests[1].contains("content-length") && !requests[1].contains("transfer-encoding"), "{}", requests[1]);
}

#[tokio::test]
async fn redirects_are_handed_back_and_not_followed() {
    let receiver = receiver(Then::Answer(of("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"))).await;
    let long = "a".repeat(60_000);
    let targets = [
        &format!("http://{}/", receiver.address),
        "file:///etc/passwd",
        "gopher://x",
        "ftp://x",
        "",
        "/again",
        "?",
        &long,
    ];
    for status in [301, 302, 303, 307, 308] {
        for location in targets {
            let answer = format!("HTTP/1.1 {status} Moved\r\nLocation: {location}\r\nContent-Length: 0\r\n\r\n");
            let (reply, requests) = against(Then::Answer(of(&answer))).await;
            let reply = reply.unwrap();
            assert_eq!((reply.status, requests.len()), (status, 1));
            assert!(reply.headers.contains(&("location".into(), location.into())));
        }
    }
    assert_eq!(receiver.requests.lock().unwrap().len(), 0);
}

#[tokio::test]
async fn bodies_without_end_are_cut_and_their_status_counts() {
    let head = "HTTP/1.1 200 OK\r\n";
    let endless = [
        (format!("{head}Content-Length: 1000000000000\r\n\r\n"), of("aaaaaaaa")),
        (format!("{head}Connection: close\r\n\r\n"), of("aaaaaaaa")),
        (format!("{head}Transfer-Encoding: chunked\r\n\r\n"), of("8\r\naaaaaaaa\r\n")),
    ];
    for (head, last) in endless {
        let (reply, _) = against(Then::Endless(of(&head), last)).await;
        let reply = reply.unwrap();
        assert_eq!((reply.status, reply.body.len(), reply.truncated), (200, 1024, true));
    }
    let exact = format!("{head}Content-Length: 1024\r\n\r\n{}", "a".repeat(1024));
    assert!(!against(Then::Answer(of(&exact))).await.0.unwrap().truncated, "as much as the limit is not cut");
}

#[tokio::test]
async fn heads_without_end_are_no_answer() {
    let headers = Then::Endless(of("HTTP/1.1 200 OK\r\n"), of("X-A: aaaaaaaaaaaaaaaaaaaaaaaaaaaa\r\n"));
    let line = Then::Endless(of("HTTP/1.1 200 OK\r\nX-A: "), of("aaaaaaaaaaaaaaaaaaaaaaaaaaaa"));
    for then in [headers, line] {
        let error = against(then).await.0.unwrap_err();
        assert_eq!((error.class, error.maybe_executed), (ErrorClass::BadReply, true), "{}", error.message);
    }
    let hints = Then::Endless(Vec::new(), of("HTTP/1.1 103 Early Hints\r\n\r\n"));
    let error = against(hints).await.0.unwrap_err();
    assert_eq!((error.class, error.maybe_executed), (ErrorClass::Timeout, true), "{}", error.message);
    let large = format!("HTTP/1.1 200 OK\r\nX-A: {}\r\nX-B: 1\r\nContent-Length: 0\r\n\r\n", "a".repeat(100_000));
    let reply = against(Then::Answer(of(&large))).await.0.unwrap();
    assert!(reply.headers.iter().map(|(name, value)| name.len() + value.len()).sum::<usize>() <= body::HEADERS);
}

#[tokio::test]
async fn what_is_not_http_is_a_bad_reply() {
    for text in
        ["SSH-2.0-OpenSSH_9.2\r\n", "HTTP/9.9 200 OK\r\n\r\n", "HTTP/1.1 99 Low\r\n\r\n", "\u{0}\u{1}\u{2}\r\n\r\n"]
    {
        let error = against(Then::Answer(of(text))).await.0.unwrap_err();
        assert_eq!((error.class, error.maybe_executed), (ErrorClass::BadReply, true), "{text:?}: {}", error.message);
    }
}

#[tokio::test]
async fn an_answer_that_stalls_may_have_taken_effect() {
    let stalls = [
        "",
        "HTTP/1.1 200",
        "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{",
    ];
    for text in stalls {
        let started = Instant::now();
        let (answer, requests) = against(Then::Stall(of(text))).await;
        let error = answer.unwrap_err();
        assert_eq!((error.class, error.maybe_executed, requests.len()), (ErrorClass::Timeout, true, 1), "{text:?}");
        assert!(started.elapsed() < Duration::from_secs(3), "{:?}", started.elapsed());
    }
}

#[tokio::test]
async fn a_cut_before_the_status_may_have_taken_effect_and_is_not_sent_again() {
    for then in
        [Then::Answer(Vec::new()), Then::Reset(Vec::new()), Then::Answer(of("HTTP/1.1 20")), Then::Reset(of("HTTP"))]
    {
        let (answer, requests) = against(then).await;
        let error = answer.unwrap_err();
        assert_eq!(
            (error.class, error.maybe_executed, requests.len()),
            (ErrorClass::Timeout, true, 1),
            "{}",
            error.message
        );
    }
}

#[tokio::test]
async fn a_body_that_ends_too_soon_is_a_bad_reply() {
    let short = "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{}";
    let chunked = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n";
    let wrong = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n{}\r\n";
    for then in [Then::Answer(of(short)), Then::Reset(of(short)), Then::Answer(of(chunked)), Then::Answer(of(wrong))] {
        let error = against(then).await.0.unwrap_err();
        assert_eq!((error.class, error.maybe_executed), (ErrorClass::BadReply, true), "{}", error.message);
    }
}

#[tokio::test]
async fn a_kept_connection_that_closes_without_a_byte_is_not_sent_to_again() {
    let receiver = receiver(Then::CloseOnReuse(of("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"))).await;
    let client = client(receiver.address.port());
    let url = format!("http://{}/", receiver.address);
    client.send(post(&url, 1000)).await.unwrap();
    tokio::time::sleep(Duration::from_millis(50)).await;
    let error = client.send(post(&url, 1000)).await.unwrap_err();
    assert_eq!((error.class, error.maybe_executed), (ErrorClass::Timeout, true));
    assert_eq!(receiver.requests.lock().unwrap().len(), 2, "the second went out once");
}

#[tokio::test]
async fn a_closed_port_was_surely_not_reached() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let error = client(address.port()).send(post(&format!("http://{address}/"), 1000)).await.unwrap_err();
    assert_eq!((error.class, error.maybe_executed), (ErrorClass::Network, false));
    assert_eq!(error.message, format!("no connection to `{address}`: connection refused"));
}

#[tokio::test]
async fn a_handshake_that_stalls_was_surely_not_reached() {
    let receiver = receiver(Then::Silent).await;
    let url = format!("https://{}/", receiver.address);
    for (body, method) in [(Some(of("{}")), Method::POST), (None, Method::POST), (None, Method::GET)] {
        let request = Outgoing { method, body, ..post(&url, 200) };
        let error = client(receiver.address.port()).send(request).await.unwrap_err();
        assert_eq!((error.class, error.maybe_executed), (ErrorClass::Network, false), "{}", error.message);
    }
}

#[tokio::test]
async fn the_handshake_has_five_seconds_of_the_time() {
    let receiver = receiver(Then::Silent).await;
    let started = Instant::now();
    let url = format!("https://{}/", receiver.address);
    let error = client(receiver.address.port()).send(post(&url, 30_000)).await.unwrap_err();
    assert_eq!((error.class, error.maybe_executed), (ErrorClass::Network, false), "{}", error.message);
    assert!((4..8).contains(&started.elapsed().as_secs()), "{:?}", started.elapsed());
}

#[tokio::test]
async fn tls_to_a_plain_port_is_class_tls() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut hello = [0; 512];
            drop(stream.read(&mut hello).await);
            drop(stream.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n").await);
        }
    });
    let error = client(address.port()).send(post(&format!("https://{address}/"), 2000)).await.unwrap_err();
    assert_eq!((error.class, error.maybe_executed), (ErrorClass::Tls, false), "{}", error.message);
}

#[tokio::test]
async fn a_certificate_of_ones_own_making_is_refused() {
    use rustls::pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject};

    let certificate =
        CertificateDer::from_pem_slice(include_bytes!("../../../tests/data/net/self_signed.pem")).unwrap();
    let key = PrivateKeyDer::from_pem_slice(include_bytes!("../../../tests/data/net/self_signed.key")).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let server = rustls::ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
    let server = Arc::new(server.with_no_client_auth().with_single_cert(vec![certificate], key).unwrap());
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        while let Ok((mut stream, _)) = listener.accept() {
            let mut connection = rustls::ServerConnection::new(Arc::clone(&server)).unwrap();
            while connection.is_handshaking() && connection.complete_io(&mut stream).is_ok() {}
        }
    });
    let error = client(address.port()).send(post(&format!("https://{address}/"), 3000)).await.unwrap_err();
    assert_eq!((error.class, error.maybe_executed), (ErrorClass::Tls, false), "{}", error.message);
    assert!(error.message.contains("certificate"), "{}", error.message);
}

#[tokio::test]
async fn addresses_and_ports_that_are_not_open_see_no_packet() {
    let receiver = receiver(Then::Answer(of("HTTP/1.1 200 OK\r\n\r\n"))).await;
    let port = receiver.address.port();
    let closed = Client::new(egress(&[], port), 1024).unwrap();
    let other_port = Client::new(egress(&["127.0.0.0/8"], 1), 1024).unwrap();
    for client in [closed, other_port] {
        let error = client.send(post(&format!("http://{}/", receiver.address), 1000)).await.unwrap_err();
        assert_eq!((error.class, error.maybe_executed), (ErrorClass::EgressDenied, false));
    }
    assert_eq!(receiver.requests.lock().unwrap().len(), 0);
}

/// A client whose names resolve to these, call by call.
fn resolving(port: u16, answers: Vec<std::io::Result<Vec<IpAddr>>>) -> Client {
    let egress = egress(&["127.0.0.1/32"], port);
    let (answers, calls) = (Arc::new(answers), Arc::new(AtomicUsize::new(0)));
    let guard = Guard::over(
        Arc::clone(&egress),
        Arc::new(move |_| {
            let call = calls.fetch_add(1, Ordering::SeqCst);
            let answer = match answers.get(call).or(answers.last()) {
                Some(Ok(found)) => Ok(found.clone()),
                Some(Err(error)) => Err(std::io::Error::other(error.to_string())),
                None => Ok(Vec::new()),
            };
            Box::pin(async { answer })
        }),
    );
    Client::with(guard, egress, 1024).unwrap()
}

fn ip(text: &str) -> IpAddr {
    text.parse().unwrap()
}

#[tokio::test]
async fn a_name_that_turns_inwards_is_refused_each_time_it_does() {
    let receiver = receiver(Then::Answer(of("HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n"))).await;
    let port = receiver.address.port();
    // 127.0.0.1 is open here, and stands for the public address; 127.0.0.2 is not.
    let client = resolving(port, vec![Ok(vec![ip("127.0.0.1")]), Ok(vec![ip("127.0.0.2")]), Ok(vec![ip("127.0.0.1")])]);
    let url = format!("http://rebind.example.com:{port}/");
    assert_eq!(client.send(post(&url, 1000)).await.unwrap().status, 200);
    let error = client.send(post(&url, 1000)).await.unwrap_err();
    assert_eq!((error.class, error.maybe_executed), (ErrorClass::EgressDenied, false));
    assert!(error.message.starts_with("host `rebind.example.com`: address 127.0.0.2"), "{}", error.message);
    assert_eq!(client.send(post(&url, 1000)).await.unwrap().status, 200);
}

#[tokio::test]
async fn one_inner_address_among_many_denies_the_name() {
    let receiver = receiver(Then::Answer(of("HTTP/1.1 200 OK\r\n\r\n"))).await;
    let port = receiver.address.port();
    let mut thousand = vec![ip("127.0.0.1"); 1000];
    thousand.push(ip("10.0.0.1"));
    for answer in [vec![ip("127.0.0.1"), ip("10.0.0.1")], vec![ip("fd00::1"), ip("127.0.0.1")], thousand] {
        let error = resolving(port, vec![Ok(answer)])
            .send(post(&format!("http://mixed.example.com:{port}/"), 1000))
            .await
            .unwrap_err();
        assert_eq!(error.class, ErrorClass::EgressDenied);
    }
    assert_eq!(receiver.requests.lock().unwrap().len(), 0);
}

#[tokio::test]
async fn a_name_without_address_is_a_network_failure() {
    for answer in [Ok(Vec::new()), Err(std::io::Error::other("no such name"))] {
        let error = resolving(80, vec![answer]).send(post("http://absent.example.com/", 1000)).await.unwrap_err();
        assert_eq!((error.class, error.maybe_executed), (ErrorClass::Network, false));
        assert!(error.message.starts_with("host `absent.example.com` cannot be found"), "{}", error.message);
    }
}

#[tokio::test]
async fn headers_that_frame_a_message_are_refused() {
    for name in FRAMING {
        let mut request = post("http://example.com/", 1000);
        request.headers.insert(name.clone(), HeaderValue::from_static("1"));
        let error = client(80).send(request).await.unwrap_err();
        assert_eq!((error.class, error.maybe_executed), (ErrorClass::InvalidHeaderValue, false), "{name}");
    }
}

#[test]
fn proxies_of_the_environment_are_not_used() {
    // the same binary again, in an environment whose proxy is a closed port
    let test = "net::client::tests::a_reply_is_read_as_it_came";
    let mut child = std::process::Command::new(std::env::current_exe().unwrap());
    for name in ["HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "ALL_PROXY", "all_proxy"] {
        child.env(name, "http://127.0.0.1:1");
    }
    let ran = child.env_remove("NO_PROXY").env_remove("no_proxy").args(["--exact", test]).output().unwrap();
    let said = String::from_utf8_lossy(&ran.stdout);
    assert!(ran.status.success() && said.contains("1 passed"), "{said}");
}
