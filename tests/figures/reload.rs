//! How long 1,000 rule files take to come into force while deliveries keep coming, and whether one of them is refused.

use std::{
    fs,
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use bellwire::app::App;

use super::{client::post_until, whole};

const FILES: usize = 1_000;
/// A rule with three steps, a branch, vars and tests.
const RULE: &str = include_str!("../../rules/calls/open_ticket.yaml");

/// One of the files; `edition` tells a text from the one before it.
fn write(folder: &Path, number: usize, edition: usize) {
    let text = RULE.replacen("\nname: ", &format!("\nname: {number}.{edition} "), 1).replacen(
        "when:\n",
        &format!("when:\n  event.link: \"@link.{number}\"\n"),
        1,
    );
    fs::write(folder.join(format!("rules/calls/r{number:04}.yaml")), text).unwrap();
}

pub(crate) async fn figures() {
    let folder = tempfile::tempdir().unwrap();
    let nobody = "127.0.0.1:9".parse().unwrap();
    fs::create_dir_all(folder.path().join("rules/calls")).unwrap();
    fs::create_dir_all(folder.path().join("templates")).unwrap();
    (0..FILES).for_each(|number| write(folder.path(), number, 0));
    let app = whole::start(folder.path(), nobody, false).await;
    let stop = Arc::new(AtomicBool::new(false));
    let sender = tokio::spawn(post_until(app.address(), 4, Duration::from_millis(4), Arc::clone(&stop)));
    tokio::time::sleep(Duration::from_millis(500)).await;
    for (what, files) in [("one file", 1), ("all files", FILES)] {
        let mut asked = Vec::new();
        let mut seen = Vec::new();
        for round in 1..=5 {
            (0..files).for_each(|number| write(folder.path(), number, round));
            let began = Instant::now();
            app.reload().await.unwrap();
            assert!(app.held_back().is_empty(), "{:?}", app.held_back().first());
            asked.push(began.elapsed());
            // The notices of these writes are to pass before the next ones.
            tokio::time::sleep(Duration::from_secs(2)).await;
            let before = app.store().in_force().await.unwrap();
            (0..files).for_each(|number| write(folder.path(), number, round + 100));
            let began = Instant::now();
            changed(&app, before, began).await;
            seen.push(began.elapsed());
            tokio::time::sleep(Duration::from_millis(600)).await;
        }
        println!(
            "  {what} of {FILES} changed: read, compiled and in force in {:.0} ms; from the last write to in force {:.0} ms (goal: under 500), of which \
             the folder has to be quiet for 200",
            median(asked),
            median(seen)
        );
    }
    stop.store(true, Ordering::Relaxed);
    let latencies = sender.await.unwrap();
    println!(
        "  meanwhile {} deliveries, none refused; p50 {:.1} ms, p99 {:.1} ms, longest {:.0} ms",
        latencies.len(),
        millis(latencies[latencies.len() / 2]),
        millis(latencies[latencies.len() * 99 / 100]),
        millis(*latencies.last().unwrap())
    );
    app.stop().await;
}

async fn changed(app: &App, before: Option<i64>, began: Instant) {
    while app.store().in_force().await.unwrap() == before {
        assert!(
            began.elapsed() < Duration::from_secs(20),
            "it does not come into force: {:?}",
            app.held_back().first()
        );
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
}

fn median(mut spans: Vec<Duration>) -> f64 {
    spans.sort_unstable();
    millis(spans[spans.len() / 2])
}

fn millis(span: Duration) -> f64 {
    span.as_secs_f64() * 1e3
}
