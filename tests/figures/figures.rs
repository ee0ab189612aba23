//! Figures of this machine, as ratios within one run. `make bench`; no part of `make test`. One part alone: `cargo bench --bench figures -- intake`.
#![expect(
    clippy::disallowed_methods,
    reason = "a bench takes the time of the machine, and is told by the environment what to do"
)]
#![expect(
    clippy::unwrap_used,
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a benchmark may panic, and its figures are rounded anyway"
)]

mod bare;
mod client;
mod fill;
mod gates;
mod load;
mod memory;
mod packs;
mod pages;
mod process;
mod profile;
mod receiver;
mod reload;
mod rules;
mod tools;
mod verdict;
mod whole;

use std::{
    io::Write,
    path::Path,
    time::{Duration, Instant},
};

use bellwire::config::Config;

const PARTS: [&str; 16] = [
    "rules", "verdict", "template", "check", "test", "reload", "backtest", "intake", "gates", "whole", "packs",
    "profile", "start", "memory", "pages", "fill",
];

fn main() {
    // Cargo itself adds `--bench`.
    let asked: Vec<String> = std::env::args().skip(1).filter(|argument| !argument.starts_with("--")).collect();
    if let Some(unknown) = asked.iter().find(|part| !PARTS.contains(&part.as_str())) {
        eprintln!("no part is named `{unknown}`; there are {}", PARTS.join(", "));
        std::process::exit(2);
    }
    // A database of many gigabytes is made when it is asked for by name.
    let is_large = |part: &str| matches!(part, "fill" | "pages");
    let wanted = |part: &str| (asked.is_empty() && !is_large(part)) || asked.iter().any(|name| name == part);
    let rows = std::env::var("ROWS").ok().and_then(|text| text.parse().ok()).unwrap_or(10_000_000);
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    let folder = tempfile::tempdir().unwrap();
    println!("disk: {}", fsync(folder.path()));
    if wanted("rules") {
        println!("rules: an event that matches one of them");
        rules::matching(&Config::defaults(folder.path()));
    }
    if wanted("verdict") {
        println!("verdict: one event against rules of ten conditions, one of which matches");
        verdict::figures(&Config::defaults(folder.path()));
    }
    if wanted("template") {
        println!("template");
        rules::template();
    }
    if wanted("check") {
        println!("check: the program as a process, quickest of 3");
        tools::check();
    }
    if wanted("test") {
        println!("test: the program as a process, quickest of 3");
        tools::tests();
    }
    if wanted("reload") {
        println!("reload: medians of 5 while 4 connections keep posting");
        runtime.block_on(reload::figures());
    }
    if wanted("backtest") {
        println!("backtest: the program as a process");
        runtime.block_on(tools::backtest());
    }
    if wanted("intake") {
        println!(
            "durable intake: 64 connections, signature checked, one rule matched, committed, answered; runner paused"
        );
        runtime.block_on(bare::intake());
    }
    if wanted("gates") {
        println!("gates of intake: as above, with open waits and with `once`");
        runtime.block_on(gates::intake());
    }
    if wanted("whole") {
        println!("whole way: webhook to recorded effect, 20,000 calls over 64 connections");
        runtime.block_on(whole::effects());
    }
    if wanted("packs") {
        println!("packs: every built-in one read and checked, median of 21");
        packs::loading();
    }
    if wanted("profile") {
        println!("profile: GET /profile/groove with a million people stored");
        runtime.block_on(profile::answers());
    }
    if wanted("start") {
        println!("start and binary");
        runtime.block_on(process::start());
    }
    if wanted("fill") {
        println!("fill: a database with {rows} events and as many runs");
        runtime.block_on(fill::workspace(rows));
    }
    if wanted("pages") {
        println!("pages: every list and page at 50 requests a second while 200 deliveries a second come in");
        runtime.block_on(pages::figures(rows));
    }
    if wanted("memory") {
        println!("memory and disk of the server as a process");
        runtime.block_on(memory::growth());
    }
}

/// What one durable append of 4 KiB costs on this disk: every figure below stands on it.
fn fsync(folder: &Path) -> String {
    let mut file = std::fs::File::create(folder.join("fsync")).unwrap();
    let mut spans: Vec<Duration> = (0..500)
        .map(|_| {
            let began = Instant::now();
            file.write_all(&[7; 4096]).unwrap();
            file.sync_data().unwrap();
            began.elapsed()
        })
        .collect();
    spans.sort_unstable();
    format!(
        "fdatasync of a 4 KiB append: p50 {:.0} us, p99 {:.0} us",
        spans[250].as_secs_f64() * 1e6,
        spans[495].as_secs_f64() * 1e6
    )
}
