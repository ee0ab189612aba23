//! A sender that costs little: raw keep-alive connections, requests prepared before the clock starts.

use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use hmac::{Hmac, KeyInit, Mac};
use serde_json::json;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use super::load::{Load, Ticks};

pub(crate) const GRUVEO_KEY: &str = "a-gruveo-signing-key";

/// What sending took.
pub(crate) struct Sent {
    pub(crate) wall: Duration,
    /// From request to answer, sorted.
    pub(crate) latencies: Vec<Duration>,
    /// What the processors did meanwhile.
    pub(crate) load: Load,
}

impl Sent {
    pub(crate) fn per_second(&self) -> f64 {
        self.latencies.len() as f64 / self.wall.as_secs_f64()
    }

    /// Microseconds of processor time a request, the sender's own included.
    pub(crate) fn processor_time(&self) -> f64 {
        self.load.own.as_secs_f64() * 1e6 / self.latencies.len() as f64
    }

    pub(crate) fn percentile(&self, share: f64) -> Duration {
        let last = self.latencies.len().saturating_sub(1);
        self.latencies.get((last as f64 * share) as usize).copied().unwrap_or_default()
    }
}

/// A missed call that no other number gives, about 500 bytes.
pub(crate) fn call(number: usize) -> String {
    json!({
        "timestamp": 1_598_615_831_871_u64 + number as u64, "maxParticipants": 1, "duration": 0, "link": "@acme.sales",
        "location": "Greece", "resolution": "missed", "tracking": {"ticket": (number % 90_000 + 1).to_string(), "customer_id": "14810"},
        "waitingTime": 5 + number % 60, "account": {"id": "9cf7336a-e40e-4628-bdac-4370298ccf14", "organization": "Acme Corp."},
        "assignedUsers": [{"name": "John Smith", "email": "john@acme.com"}, {"name": "Patty Jones", "email": "patty.jones@acme.com"}],
    })
    .to_string()
}

/// A signed delivery as bytes on the wire.
pub(crate) fn delivery(number: usize) -> Vec<u8> {
    signed(&call(number))
}

/// A body as a signed delivery, as bytes on the wire.
pub(crate) fn signed(body: &str) -> Vec<u8> {
    let mut mac = Hmac::<sha2::Sha256>::new_from_slice(GRUVEO_KEY.as_bytes()).unwrap();
    mac.update(body.as_bytes());
    let signature = hex::encode(mac.finalize().into_bytes());
    format!(
        "POST /hooks/gruveo HTTP/1.1\r\nHost: bellwire.example\r\nContent-Type: application/json\r\nX-Gruveo-SHA256-HMAC: {signature}\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    )
    .into_bytes()
}

/// Sends every request over `connections` keep-alive connections, each answered before its next.
pub(crate) async fn send_all(
    address: SocketAddr,
    connections: usize,
    requests: Arc<Vec<Vec<u8>>>,
    wanted: &'static str,
) -> Sent {
    let next = Arc::new(AtomicUsize::new(0));
    let (began, ticks) = (Instant::now(), Ticks::now());
    let lanes: Vec<_> = (0..connections)
        .map(|_| tokio::spawn(lane(address, Arc::clone(&requests), Arc::clone(&next), wanted)))
        .collect();
    let mut latencies = Vec::with_capacity(requests.len());
    for lane in lanes {
        latencies.extend(lane.await.unwrap());
    }
    let (wall, load) = (began.elapsed(), ticks.until_now());
    latencies.sort_unstable();
    Sent { wall, latencies, load }
}

/// Posts new calls over `connections` until it is told to stop, each connection resting after an answer; how long the answers took,
/// sorted. A delivery that is refused ends it.
pub(crate) async fn post_until(
    address: SocketAddr,
    connections: usize,
    rest: Duration,
    stop: Arc<AtomicBool>,
) -> Vec<Duration> {
    let numbers = Arc::new(AtomicUsize::new(0));
    let lanes: Vec<_> = (0..connections)
        .map(|_| {
            let (numbers, stop) = (Arc::clone(&numbers), Arc::clone(&stop));
            tokio::spawn(async move {
                let mut stream = TcpStream::connect(address).await.unwrap();
                stream.set_nodelay(true).unwrap();
                let (mut buffer, mut latencies) = (Vec::with_capacity(4096), Vec::new());
                while !stop.load(Ordering::Relaxed) {
                    let request = delivery(numbers.fetch_add(1, Ordering::Relaxed));
                    let began = Instant::now();
                    stream.write_all(&request).await.unwrap();
                    let answer = read_answer(&mut stream, &mut buffer).await;
                    assert!(answer.starts_with("HTTP/1.1 202"), "{answer}");
                    latencies.push(began.elapsed());
                    tokio::time::sleep(rest).await;
                }
                latencies
            })
        })
        .collect();
    let mut latencies = Vec::new();
    for lane in lanes {
        latencies.extend(lane.await.unwrap());
    }
    latencies.sort_unstable();
    latencies
}

async fn lane(address: SocketAddr, requests: Arc<Vec<Vec<u8>>>, next: Arc<AtomicUsize>, wanted: &str) -> Vec<Duration> {
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.set_nodelay(true).unwrap();
    let mut buffer = Vec::with_capacity(4096);
    let mut latencies = Vec::new();
    while let Some(request) = requests.get(next.fetch_add(1, Ordering::Relaxed)) {
        let began = Instant::now();
        stream.write_all(request).await.unwrap();
        let answer = read_answer(&mut stream, &mut buffer).await;
        assert!(answer.starts_with(wanted), "{answer}");
        latencies.push(began.elapsed());
    }
    latencies
}

/// Reads one answer; its head.
pub(crate) async fn read_answer(stream: &mut TcpStream, buffer: &mut Vec<u8>) -> String {
    let end = loop {
        if let Some(at) = buffer.windows(4).position(|window| window == b"\r\n\r\n") {
            break at + 4;
        }
        assert_ne!(stream.read_buf(buffer).await.unwrap(), 0, "the server closed");
    };
    let head = String::from_utf8_lossy(&buffer[..end]).into_owned();
    let length: usize = head
        .lines()
        .find_map(|line| {
            line.to_ascii_lowercase().strip_prefix("content-length:").map(|text| text.trim().parse().unwrap())
        })
        .unwrap_or(0);
    while buffer.len() < end + length {
        assert_ne!(stream.read_buf(buffer).await.unwrap(), 0, "the server closed");
    }
    buffer.drain(..end + length);
    head
}
