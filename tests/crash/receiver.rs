//! A target that honours `Idempotency-Key`: a key that it knows takes effect no second time. It tells which notes a ticket has.

use std::{
    collections::BTreeMap,
    net::SocketAddr,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use bellwire::clock::{Clock, SystemClock, Time};
use serde_json::json;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};

/// Idempotency-Key -> path, and how often it was asked.
type Effects = BTreeMap<String, (String, usize)>;

pub struct Receiver {
    pub address: SocketAddr,
    pub in_flight: Arc<AtomicUsize>,
    effects: Arc<Mutex<Effects>>,
}

/// When each path was first written to.
type Written = Arc<Mutex<BTreeMap<String, Time>>>;

impl Receiver {
    pub async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (in_flight, effects) = (Arc::new(AtomicUsize::new(0)), Arc::new(Mutex::new(BTreeMap::new())));
        let (flying, kept) = (Arc::clone(&in_flight), Arc::clone(&effects));
        let written = Written::default();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serve(stream, Arc::clone(&flying), Arc::clone(&kept), Arc::clone(&written)));
            }
        });
        Self { address, in_flight, effects }
    }

    pub fn effects(&self) -> Effects {
        self.effects.lock().unwrap().clone()
    }

    pub fn count(&self) -> usize {
        self.effects.lock().unwrap().len()
    }
}

async fn serve(mut stream: TcpStream, in_flight: Arc<AtomicUsize>, effects: Arc<Mutex<Effects>>, written: Written) {
    let mut buffer = Vec::new();
    while let Some(Asked { is_read, path, key }) = read_request(&mut stream, &mut buffer).await {
        in_flight.fetch_add(1, Ordering::SeqCst);
        let said = if is_read {
            messages(&path, &written)
        } else {
            let said = json!({"message": {"href": href(&path)}}).to_string();
            written.lock().unwrap().entry(path.clone()).or_insert_with(|| SystemClock.now());
            effects.lock().unwrap().entry(key).or_insert((path, 0)).1 += 1;
            said
        };
        tokio::time::sleep(Duration::from_millis(super::random(25))).await;
        let answer = format!(
            "HTTP/1.1 201 Created\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{said}",
            said.len()
        );
        let sent = stream.write_all(answer.as_bytes()).await;
        in_flight.fetch_sub(1, Ordering::SeqCst);
        if sent.is_err() {
            return;
        }
    }
}

/// The notes of a ticket, as Groove lists them: the one that the storm writes, or none.
fn messages(path: &str, written: &Written) -> String {
    let ticket = path.split('?').next().unwrap_or_default();
    let at = written.lock().unwrap().get(ticket).copied();
    let notes: Vec<_> = at
        .into_iter()
        .map(|at| json!({"href": href(ticket), "note": true, "body": "missed", "created_at": at.to_string()}))
        .collect();
    json!({"messages": notes, "meta": {"pagination": {"next_page": null}}}).to_string()
}

/// The address of the one message of a ticket: no two have the same.
fn href(path: &str) -> String {
    let number = path.split('/').nth(3).unwrap_or("0");
    format!("https://api.groovehq.com/v1/messages/{number}")
}

struct Asked {
    is_read: bool,
    path: String,
    key: String,
}

async fn read_request(stream: &mut TcpStream, buffer: &mut Vec<u8>) -> Option<Asked> {
    let end = loop {
        if let Some(at) = buffer.windows(4).position(|window| window == b"\r\n\r\n") {
            break at + 4;
        }
        if stream.read_buf(buffer).await.ok()? == 0 {
            return None;
        }
    };
    let head = String::from_utf8_lossy(&buffer[..end]).into_owned();
    let header = |name: &str| {
        head.lines().find_map(|line| {
            let (known, value) = line.split_once(": ")?;
            known.eq_ignore_ascii_case(name).then(|| value.trim().to_owned())
        })
    };
    let length: usize = header("content-length").and_then(|text| text.parse().ok()).unwrap_or(0);
    while buffer.len() < end + length {
        if stream.read_buf(buffer).await.ok()? == 0 {
            return None;
        }
    }
    buffer.drain(..end + length);
    Some(Asked {
        is_read: head.starts_with("GET "),
        path: head.split(' ').nth(1)?.to_owned(),
        key: header("idempotency-key")?,
    })
}
