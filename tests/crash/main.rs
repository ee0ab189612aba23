//! The server under load is killed at random and started again; afterwards a checker compares what the sender was promised,
//! what the database holds and what the receiver saw. `CRASH_KILLS` sets the number of kills (20 unless set; a
//! quarter of them on PostgreSQL).
#![expect(clippy::unwrap_used, unreachable_pub, reason = "a test may panic, and its modules are its own")]

mod checker;
mod durable;
mod facts;
mod load;
mod receiver;
mod rules;
mod server;

#[path = "../support/postgres.rs"]
mod postgres;

use std::{
    process::Command,
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use checker::{Ledger, Violation, check};
use facts::Facts;
use load::Sender;
use receiver::Receiver;
use server::Server;

/// Kills of one run of the tests.
fn kills() -> usize {
    #[expect(clippy::disallowed_methods, reason = "a test's own switch")]
    let set = std::env::var("CRASH_KILLS").ok();
    set.and_then(|text| text.parse().ok()).unwrap_or(20)
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_acknowledged_is_lost_on_sqlite() {
    storm(kills() - kills() / 4, None, false).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_acknowledged_is_lost_on_postgresql() {
    storm((kills() / 4).max(1), Some(postgres::fresh_database()), false).await;
}

/// A build that answers before the commit must be caught, or the checker proves nothing. A release build has no such switch.
#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_answers_before_its_commit_is_caught() {
    let ledger = run_storm(8, None, true).await;
    let violations = check(&ledger);
    let lost = violations.iter().any(|violation| matches!(violation, Violation::Lost { .. }));
    assert_eq!(lost, cfg!(debug_assertions), "{violations:?}");
}

/// The switch is in a file of its own, which a release build leaves out: compiled as one, it holds nothing.
#[test]
fn a_release_build_lacks_the_planted_fault() {
    let source = include_str!("../../src/store/fault.rs");
    assert!(source.contains("#![cfg(debug_assertions)]"), "the whole file must be left out");
    let folder = tempfile::tempdir().unwrap();
    for (checks, there) in [("on", true), ("off", false)] {
        let object = folder.path().join(format!("fault-{checks}.rlib"));
        let compiled = Command::new("rustc")
            .args(["--edition", "2024", "--crate-type", "rlib", "--crate-name", "fault", "-C", "opt-level=0", "-C"])
            .arg(format!("debug-assertions={checks}"))
            .args(["src/store/fault.rs", "-A", "warnings", "-o"])
            .arg(&object)
            .status()
            .unwrap();
        assert!(compiled.success());
        let bytes = std::fs::read(object).unwrap();
        assert_eq!(bytes.windows(13).any(|window| window == b"PLANTED_FAULT"), there, "debug assertions {checks}");
    }
    let manifest = include_str!("../../Cargo.toml");
    assert!(!manifest.contains("debug-assertions"), "the release profile keeps its default, which is off");
}

async fn storm(kills: usize, database: Option<String>, planted: bool) {
    let ledger = run_storm(kills, database, planted).await;
    let violations = check(&ledger);
    assert!(
        violations.is_empty(),
        "{} violations, the first: {:?}",
        violations.len(),
        &violations[..violations.len().min(5)]
    );
    let ticks = checker::ticks(&ledger).len();
    assert!(ticks > 3, "too few slots to prove anything: {ticks}");
    assert!(ledger.acknowledged.len() > kills, "too few deliveries to prove anything: {}", ledger.acknowledged.len());
}

async fn run_storm(kills: usize, database: Option<String>, planted: bool) -> Ledger {
    let receiver = Receiver::start().await;
    let server = Server::prepare(&receiver, database, planted);
    let sender = Arc::new(Sender::new(server.url()));
    let sending = tokio::spawn(Arc::clone(&sender).run());
    let mut busy_kills = 0;
    for kill in 0..kills {
        let mut running = server.start().await;
        let until = Duration::from_millis(60 + random(600));
        tokio::time::sleep(until).await;
        busy_kills += usize::from(wait_until_busy(&sender, &receiver).await);
        running.kill();
        println!("kill {} of {kills}: {} acknowledged, {} effects", kill + 1, sender.count(), receiver.count());
    }
    println!("{busy_kills} of {kills} kills landed while a request was on its way");
    let mut running = server.start().await;
    tokio::time::sleep(Duration::from_millis(300)).await;
    sender.stop.store(true, Ordering::SeqCst);
    sending.await.unwrap();
    server.stop_the_clock(&receiver).await;
    // Events that an emit has stored, and windows that have yet to close, are open runs as well.
    // What a planted fault has lost never comes: a wait for it stays open.
    server.wait_until_quiet(Duration::from_secs(if planted { 3 } else { 90 })).await;
    running.kill();
    let facts = Facts::of(&server);
    Ledger {
        acknowledged: sender.acknowledged(),
        runs: facts.runs().await,
        emitted: facts.emitted().await,
        counted: facts.counted().await,
        effects: receiver.effects(),
    }
}

/// Waits for a moment at which something is on its way. False where none came in a second.
async fn wait_until_busy(sender: &Sender, receiver: &Receiver) -> bool {
    for _ in 0..1000 {
        if sender.in_flight.load(Ordering::SeqCst) > 0 || receiver.in_flight.load(Ordering::SeqCst) > 0 {
            return true;
        }
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    false
}

fn random(below: u64) -> u64 {
    let mut bytes = [0; 8];
    getrandom::fill(&mut bytes).unwrap();
    u64::from_le_bytes(bytes) % below
}
