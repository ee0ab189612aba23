//! What `check`, `test` and `backtest` take as an operator runs them: the program as a process, on a workspace of its own.

use std::{
    fs,
    path::Path,
    process::{Command, Output},
    sync::Arc,
    time::{Duration, Instant},
};

use bellwire::{app::App, clock::SystemClock, config};

use super::{
    client::{call, send_all, signed},
    whole,
};

const BINARY: &str = env!("CARGO_BIN_EXE_bellwire");
/// The rules that come with the program: ten files.
const RULES: [(&str, &str); 10] = [
    ("calls/digest", include_str!("../../rules/calls/digest.yaml")),
    ("calls/missed", include_str!("../../rules/calls/missed.yaml")),
    ("calls/open_ticket", include_str!("../../rules/calls/open_ticket.yaml")),
    ("calls/three_missed", include_str!("../../rules/calls/three_missed.yaml")),
    ("issues/closed", include_str!("../../rules/issues/closed.yaml")),
    ("issues/opened", include_str!("../../rules/issues/opened.yaml")),
    ("tickets/closed", include_str!("../../rules/tickets/closed.yaml")),
    ("tickets/no_answer", include_str!("../../rules/tickets/no_answer.yaml")),
    ("tickets/silent", include_str!("../../rules/tickets/silent.yaml")),
    ("tickets/vip_reply", include_str!("../../rules/tickets/vip_reply.yaml")),
];
const SETTINGS: &str = include_str!("../../bellwire.toml");
/// Events that a backtest looks at.
const EVENTS: usize = 100_000;

/// Writes the rules of the program so many times over, each under a name of its own; the number of their tests.
fn write_rules(folder: &Path, copies: usize) -> usize {
    fs::write(folder.join("bellwire.toml"), SETTINGS).unwrap();
    let mut tests = 0;
    for copy in 0..copies {
        for (id, text) in RULES {
            let suffix = if copies == 1 { String::new() } else { format!("_{copy}") };
            let path = folder.join(format!("rules/{id}{suffix}.yaml"));
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            let named = text.replacen("\nname: ", &format!("\nname: {copy} "), 1);
            tests += named.lines().filter(|line| line.starts_with("  - name: ")).count();
            fs::write(path, named).unwrap();
        }
    }
    tests
}

fn bellwire(folder: &Path, arguments: &[&str]) -> Output {
    let mut command = Command::new(BINARY);
    command.arg("--workspace").arg(folder).args(arguments).envs(whole::environment());
    command.output().unwrap()
}

/// The quickest of three, and the last line that it said.
fn best(folder: &Path, arguments: &[&str]) -> (Duration, String) {
    let mut best = Duration::MAX;
    let mut said = String::new();
    for _ in 0..3 {
        let began = Instant::now();
        let output = bellwire(folder, arguments);
        best = best.min(began.elapsed());
        assert!(
            output.status.success(),
            "{}{}",
            String::from_utf8_lossy(&output.stdout),
            String::from_utf8_lossy(&output.stderr)
        );
        said = String::from_utf8_lossy(&output.stdout).into_owned();
    }
    (best, said.lines().last().unwrap_or_default().to_owned())
}

pub(crate) fn check() {
    let folder = tempfile::tempdir().unwrap();
    write_rules(folder.path(), 1);
    let (ten, _) = best(folder.path(), &["check"]);
    write_rules(folder.path(), 100);
    for (id, _) in RULES {
        fs::remove_file(folder.path().join(format!("rules/{id}.yaml"))).unwrap();
    }
    let (thousand, said) = best(folder.path(), &["check"]);
    println!(
        "  `check` of 10 rule files {:.0} ms, of 1,000 {:.0} ms (goal: under 1,000): {said}",
        millis(ten),
        millis(thousand)
    );
}

pub(crate) fn tests() {
    let folder = tempfile::tempdir().unwrap();
    let one = write_rules(folder.path(), 1);
    let (few, _) = best(folder.path(), &["test"]);
    let copies = 1_000_usize.div_ceil(one);
    let tests = write_rules(folder.path(), copies) + one;
    let (many, said) = best(folder.path(), &["test"]);
    println!(
        "  `test` of {one} cases {:.0} ms, of {tests} {:.0} ms (goal: under 3,000 for 1,000): {said}",
        millis(few),
        millis(many)
    );
}

pub(crate) async fn backtest() {
    let folder = tempfile::tempdir().unwrap();
    fill(folder.path()).await;
    let old = tempfile::tempdir().unwrap();
    write_rules(old.path(), 1);
    let against = old.path().to_str().unwrap();
    for (what, from, to) in [
        (
            "a condition changed",
            "event.resolution: missed\n",
            "event.resolution: missed\n  event.waitingTime: { gte: 10 }\n",
        ),
        ("a text changed", "Missed call from", "A missed call from"),
    ] {
        write_rules(folder.path(), 1);
        let file = folder.path().join("rules/calls/missed.yaml");
        let text = fs::read_to_string(&file).unwrap();
        fs::write(&file, text.replacen(from, to, 1)).unwrap();
        assert_ne!(text, fs::read_to_string(&file).unwrap());
        let began = Instant::now();
        let output = bellwire(folder.path(), &["backtest", "--against", against, "--json"]);
        let took = began.elapsed();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let report: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
        let rule = &report["rules"]["calls/missed"];
        println!(
            "  {} stored calls, ten rules, {what}: {:.2} s (goal: under 10); matched {} before, {} now, {} gone, {} other",
            report["events"],
            took.as_secs_f64(),
            rule["matched_old"],
            rule["matched_new"],
            rule["gone"]["count"],
            rule["differs"]["count"]
        );
    }
    let began = Instant::now();
    let read: usize = (0..EVENTS)
        .map(|n| serde_json::from_str::<serde_json::Value>(&body(n)).unwrap()["link"].as_str().unwrap().len())
        .sum();
    println!(
        "  for comparison: writing and parsing {EVENTS} such bodies on one core takes {:.2} s ({read})",
        began.elapsed().as_secs_f64()
    );
}

/// Half of the calls are missed.
fn body(number: usize) -> String {
    let text = call(number);
    if number.is_multiple_of(2) { text } else { text.replacen("\"missed\"", "\"answered\"", 1) }
}

/// Stores the calls in the workspace's database.
async fn fill(folder: &Path) {
    let nobody = "127.0.0.1:9".parse().unwrap();
    whole::write_workspace(folder, "127.0.0.1:0", nobody);
    let mut config = config::load(folder, &whole::environment()).unwrap();
    config.runner.enabled = false;
    let app = App::start(config, Arc::new(SystemClock)).await.unwrap_or_else(|error| panic!("{error}"));
    let requests: Vec<Vec<u8>> = (0..EVENTS).map(|n| signed(&body(n))).collect();
    send_all(app.address(), 64, Arc::new(requests), "HTTP/1.1 202").await;
    app.stop().await;
}

fn millis(span: Duration) -> f64 {
    span.as_secs_f64() * 1e3
}
