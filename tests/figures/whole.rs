//! The whole way: deliveries in at the hook, notes out at a receiver, every state durable on the way.

use std::{
    collections::BTreeMap,
    net::SocketAddr,
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use bellwire::{app::App, clock::SystemClock, config};
use serde_json::json;

use super::{
    client::{self, delivery, send_all},
    load::Ticks,
    receiver::Receiver,
};

const CALLS: usize = 20_000;

/// The rule of the main job.
pub(crate) const MISSED: &str = include_str!("../../rules/calls/missed.yaml");

pub(crate) fn write_workspace(folder: &Path, listen: &str, receiver: SocketAddr) {
    let settings = format!(
        "[server]\nlisten = \"{listen}\"\n[egress]\nallow = [\"127.0.0.1/32\"]\nports = [{}]\n[services.groove]\n\
         base_url = \"http://{receiver}/v1\"\nrate = \"unlimited\"\nconcurrent = 64\n[vars]\nsms_account = \"AC0\"\nsms_from = \"+1\"\non_call = \"+2\"\nmailbox = \"support@example.com\"\n",
        receiver.port()
    );
    std::fs::write(folder.join("bellwire.toml"), settings).unwrap();
    std::fs::create_dir_all(folder.join("rules/calls")).unwrap();
    std::fs::write(folder.join("rules/calls/missed.yaml"), MISSED).unwrap();
}

pub(crate) fn environment() -> BTreeMap<String, String> {
    [("BELLWIRE_SECRET_GRUVEO_KEY", client::GRUVEO_KEY), ("BELLWIRE_SECRET_GROOVE_TOKEN", "a-groove-api-token")]
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .into()
}

pub(crate) async fn start(folder: &Path, receiver: SocketAddr, runner: bool) -> App {
    start_with(folder, receiver, runner, MISSED).await
}

/// The same with another rule in the place of the main job's.
pub(crate) async fn start_with(folder: &Path, receiver: SocketAddr, runner: bool, rule: &str) -> App {
    write_workspace(folder, "127.0.0.1:0", receiver);
    std::fs::write(folder.join("rules/calls/missed.yaml"), rule).unwrap();
    let mut config = config::load(folder, &environment()).unwrap();
    config.runner.enabled = runner;
    App::start(config, Arc::new(SystemClock)).await.unwrap_or_else(|error| panic!("{error}"))
}

pub(crate) async fn effects() {
    let receiver = Receiver::start().await;
    let folder = tempfile::tempdir().unwrap();
    let app = start(folder.path(), receiver.address, true).await;
    let requests: Vec<Vec<u8>> = (0..CALLS).map(delivery).collect();
    let (began, ticks) = (Instant::now(), Ticks::now());
    let sent = send_all(app.address(), 64, Arc::new(requests), "HTTP/1.1 202").await;
    while receiver.count() < CALLS {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    app.settled().await.unwrap();
    let (wall, load) = (began.elapsed(), ticks.until_now());
    let effects = CALLS as f64 / wall.as_secs_f64();
    println!(
        "  {effects:.0} effects a second (goal: 6,000), processors {:.0} us a call with sender and receiver{}; answers while it worked: p50 {:.1} ms, p99 {:.1} ms",
        load.own.as_secs_f64() * 1e6 / CALLS as f64,
        load.warning(),
        sent.percentile(0.5).as_secs_f64() * 1e3,
        sent.percentile(0.99).as_secs_f64() * 1e3
    );
    app.stop().await;
    let bare = bare_loop(receiver.address).await;
    println!(
        "  a bare reqwest loop posting the same notes: {bare:.0} a second; the whole way is {:.2} of it",
        effects / bare
    );
}

/// The same notes, posted with nothing else around them.
async fn bare_loop(address: SocketAddr) -> f64 {
    let http = reqwest::Client::builder().no_proxy().build().unwrap();
    let next = Arc::new(AtomicUsize::new(0));
    let began = Instant::now();
    let lanes: Vec<_> = (0..64)
        .map(|_| {
            let (http, next) = (http.clone(), Arc::clone(&next));
            tokio::spawn(async move {
                while next.fetch_add(1, Ordering::Relaxed) < CALLS {
                    let body =
                        json!({"body": "Missed call from Greece on @acme.sales\nafter 35 seconds.\n", "note": true});
                    let request = http.post(format!("http://{address}/v1/tickets/42/messages")).body(body.to_string());
                    let answer = request.header("Authorization", "Bearer a-groove-api-token").send().await.unwrap();
                    assert_eq!(answer.status().as_u16(), 201);
                }
            })
        })
        .collect();
    for lane in lanes {
        lane.await.unwrap();
    }
    CALLS as f64 / began.elapsed().as_secs_f64()
}
