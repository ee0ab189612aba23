//! What the Custom Profile answers in, with a million people stored.

use std::time::{Duration, Instant};

use bellwire::{
    clock::{Clock, SystemClock},
    model::{Change, Keeper},
    store::By,
};
use serde_json::json;
use tokio::{io::AsyncWriteExt, net::TcpStream};

use super::{client::read_answer, load::Ticks, whole};

const PEOPLE: usize = 1_000_000;
/// People in one transaction.
const CHUNK: usize = 2_000;
const PER_SECOND: u32 = 500;
const SECONDS: u32 = 20;
const CONNECTIONS: u32 = 16;

pub(crate) async fn answers() {
    let folder = tempfile::tempdir().unwrap();
    let app = whole::start(folder.path(), "127.0.0.1:9".parse().unwrap(), false).await;
    let began = Instant::now();
    for chunk in 0..PEOPLE / CHUNK {
        let changes = (chunk * CHUNK..(chunk + 1) * CHUNK).map(|number| (email(number), attributes(number))).collect();
        let after =
            app.store().change_attributes(Keeper::Profile, changes, By::Import, SystemClock.now()).await.unwrap();
        assert!(after.iter().all(Result::is_ok));
    }
    println!("  {PEOPLE} people stored in {:.1} s", began.elapsed().as_secs_f64());
    let (ticks, address) = (Ticks::now(), app.address());
    let lanes: Vec<_> = (0..CONNECTIONS).map(|lane| tokio::spawn(ask(address, lane))).collect();
    let mut latencies = Vec::new();
    for lane in lanes {
        latencies.extend(lane.await.unwrap());
    }
    latencies.sort_unstable();
    let load = ticks.until_now();
    let at = |share: f64| latencies[(latencies.len() as f64 * share) as usize].as_secs_f64() * 1e3;
    println!(
        "  {} answers at {PER_SECOND} a second: p50 {:.2} ms, p99 {:.2} ms, p99.9 {:.2} ms (goal: p99 under 5 ms){}",
        latencies.len(),
        at(0.5),
        at(0.99),
        at(0.999),
        load.warning()
    );
    app.stop().await;
}

fn email(number: usize) -> String {
    format!("customer-{number}@example.com")
}

fn attributes(number: usize) -> Change {
    let set = json!({
        "last_call": "missed", "last_call_at": "2026-03-01T10:00:00Z", "last_call_link": "@acme.sales", "calls_missed": number % 7,
        "calls_seconds": number, "plan": "Pro",
    });
    Change { set: set.as_object().cloned().unwrap_or_default(), ..Change::default() }
}

/// Asks on one connection at its share of the rate; how long each took from when it was due, so that a late answer counts for those behind.
async fn ask(address: std::net::SocketAddr, lane: u32) -> Vec<Duration> {
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.set_nodelay(true).unwrap();
    let (mut buffer, mut latencies) = (Vec::with_capacity(4096), Vec::new());
    let gap = Duration::from_secs(1) * CONNECTIONS / PER_SECOND;
    let began = tokio::time::Instant::now() + gap * lane / CONNECTIONS;
    for turn in 0..SECONDS * PER_SECOND / CONNECTIONS {
        let due = began + gap * turn;
        tokio::time::sleep_until(due).await;
        // Far apart from each other, so that no page is asked for twice in a row.
        let number = (turn as usize * 7_919 + lane as usize * 104_729) % PEOPLE;
        let request = format!(
            "GET /profile/groove?email={}&api_token=a-groove-api-token HTTP/1.1\r\nHost: bellwire.example\r\n\r\n",
            email(number).replace('@', "%40")
        );
        stream.write_all(request.as_bytes()).await.unwrap();
        let answer = read_answer(&mut stream, &mut buffer).await;
        assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
        latencies.push(due.elapsed());
    }
    latencies
}
