//! What pages and lists answer in with millions of events and runs stored, while deliveries come in: a server as a process, asked on a
//! plan, so that a late answer counts for those behind it.

mod asked;
mod person;
mod routes;
mod search;
mod sizes;

use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use tokio::{io::AsyncWriteExt, net::TcpStream};

use self::{
    asked::Asker,
    routes::{REFERENCE, Route},
};
use super::{
    client::{delivery, read_answer},
    fill,
    load::Ticks,
    process::Server,
    receiver::Receiver,
};

/// Pages and lists asked for in a second, over this many connections.
const PER_SECOND: u32 = 50;
const CONNECTIONS: u32 = 16;
/// Deliveries in a second meanwhile.
const DELIVERIES: u32 = 200;
/// No answer may take longer, but for one in a hundred.
const GOAL: Duration = Duration::from_millis(50);

pub(crate) async fn figures(rows: usize) {
    let folder = fill::workspace(rows).await;
    let receiver = Receiver::start().await;
    let address = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    fill::write_settings(&folder, &address.to_string(), receiver.address);
    let person = person::sign_in(&fill::database(&folder));
    let routes = routes::all(&fill::database(&folder));
    let server = Server::start(&folder, address);
    println!("  {rows} events: ready after {:.0} ms, {:.0} MB", server.took.as_secs_f64() * 1e3, server.resident());
    let only = std::env::var("ONLY").unwrap_or_default();
    let wanted: Vec<Route> =
        routes.into_iter().filter(|route| route.is_reference() || route.name.contains(&only)).collect();
    under_load(address, Arc::new(wanted), &person).await;
    println!("  after it {:.0} MB", server.resident());
    if only.is_empty() {
        search::figures(address, &person, &fill::database(&folder)).await;
        sizes::figures(address, &person).await;
    }
    server.stop();
}

/// Asks for all routes in turn while deliveries come in.
async fn under_load(address: SocketAddr, routes: Arc<Vec<Route>>, person: &person::Person) {
    let seconds: u32 = std::env::var("SECONDS_OF_LOAD").ok().and_then(|text| text.parse().ok()).unwrap_or(120);
    let stop = Arc::new(AtomicBool::new(false));
    // No call is one that an earlier go has sent.
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
    let first = since.as_millis() as usize;
    let senders: Vec<_> =
        (0..CONNECTIONS).map(|lane| tokio::spawn(deliver(address, lane, first, Arc::clone(&stop)))).collect();
    // What is read for the first time comes from the disk; that is so once after a start.
    ask_all(address, &routes, person, 10).await;
    let ticks = Ticks::now();
    let mut taken = ask_all(address, &routes, person, seconds).await;
    let load = ticks.until_now();
    stop.store(true, Ordering::Relaxed);
    let mut sent = Vec::new();
    for sender in senders {
        sent.extend(sender.await.unwrap());
    }
    sent.sort_unstable();
    for spans in &mut taken {
        spans.sort_unstable();
    }
    let reference =
        routes.iter().position(Route::is_reference).and_then(|at| taken.get(at)).cloned().unwrap_or_default();
    let base = at(&reference, 0.99).as_secs_f64().max(1e-6);
    let mut late = Vec::new();
    for (route, spans) in routes.iter().zip(&taken) {
        let p99 = at(spans, 0.99);
        println!(
            "    {:<46} p50 {:>6.1} ms  p99 {:>6.1} ms  {:>5.1} times {REFERENCE}  ({})",
            route.name,
            millis(at(spans, 0.5)),
            millis(p99),
            p99.as_secs_f64() / base,
            spans.len()
        );
        if p99 > GOAL {
            late.push(route.name.as_str());
        }
    }
    let mut all: Vec<Duration> = taken.into_iter().flatten().collect();
    all.sort_unstable();
    println!(
        "  all {} at {PER_SECOND} a second: p50 {:.1} ms, p99 {:.1} ms; {} deliveries beside them at {DELIVERIES} a second: p50 {:.1} ms, p99 {:.1} ms{}",
        all.len(),
        millis(at(&all, 0.5)),
        millis(at(&all, 0.99)),
        sent.len(),
        millis(at(&sent, 0.5)),
        millis(at(&sent, 0.99)),
        load.warning()
    );
    if late.is_empty() {
        println!("  every p99 is under {} ms", GOAL.as_millis());
    } else {
        println!("  p99 is not under {} ms: {}", GOAL.as_millis(), late.join(", "));
    }
}

/// The spans of each route.
async fn ask_all(
    address: SocketAddr,
    routes: &Arc<Vec<Route>>,
    person: &person::Person,
    seconds: u32,
) -> Vec<Vec<Duration>> {
    let gap = Duration::from_secs(1) * CONNECTIONS / PER_SECOND;
    let began = tokio::time::Instant::now() + Duration::from_millis(100);
    let lanes: Vec<_> = (0..CONNECTIONS)
        .map(|lane| {
            let (routes, person) = (Arc::clone(routes), person.clone());
            tokio::spawn(async move {
                let mut asker = Asker::connect(address, person).await;
                let mut taken = Vec::new();
                for turn in 0..seconds * PER_SECOND / CONNECTIONS {
                    let number = (turn * CONNECTIONS + lane) as usize;
                    let due = began + gap * turn + gap * lane / CONNECTIONS;
                    tokio::time::sleep_until(due).await;
                    let place = number % routes.len();
                    asker.get(&routes[place].path(number / routes.len())).await;
                    taken.push((place, due.elapsed()));
                }
                taken
            })
        })
        .collect();
    let mut all = vec![Vec::new(); routes.len()];
    for lane in lanes {
        for (place, span) in lane.await.unwrap() {
            all[place].push(span);
        }
    }
    all
}

/// Signed calls on one connection at its share of the rate.
async fn deliver(address: SocketAddr, lane: u32, first: usize, stop: Arc<AtomicBool>) -> Vec<Duration> {
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.set_nodelay(true).unwrap();
    let (mut buffer, mut taken) = (Vec::with_capacity(4096), Vec::new());
    let gap = Duration::from_secs(1) * CONNECTIONS / DELIVERIES;
    let began = tokio::time::Instant::now() + gap * lane / CONNECTIONS;
    for turn in 0.. {
        if stop.load(Ordering::Relaxed) {
            break;
        }
        let due = began + gap * turn;
        tokio::time::sleep_until(due).await;
        let request = delivery(first + (turn * CONNECTIONS + lane) as usize);
        stream.write_all(&request).await.unwrap();
        let answer = read_answer(&mut stream, &mut buffer).await;
        assert!(answer.starts_with("HTTP/1.1 202"), "{answer}");
        taken.push(due.elapsed());
    }
    taken
}

pub(crate) fn at(sorted: &[Duration], share: f64) -> Duration {
    let last = sorted.len().saturating_sub(1);
    sorted.get((last as f64 * share).ceil() as usize).copied().unwrap_or_default()
}

pub(crate) fn millis(span: Duration) -> f64 {
    span.as_secs_f64() * 1e3
}
