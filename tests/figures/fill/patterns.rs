//! The real events and runs that are copied: what a server made of real deliveries.

use std::{net::SocketAddr, path::Path, sync::Arc, time::Duration};

use bellwire::{
    app::App,
    clock::{Clock, SystemClock},
    config,
    model::{Change, Keeper},
    store::By,
};
use serde_json::json;

use crate::{
    client::{self, send_all},
    receiver::Receiver,
    whole,
};

/// Calls that are copied: of every kind that there is.
pub(super) const CALLS: usize = 600;
/// Beside them, deliveries of a source of one's own.
const ORDERS: usize = 60;
/// Calls that come a second time, and deliveries that nobody signed.
const AGAIN: usize = 100;
/// People that are copied.
pub(super) const PEOPLE: usize = 100;
/// Rules that share the missed calls among them, by how long the caller waited.
const RULES: usize = 20;

/// Settings of a workspace whose events are kept however old and many they are.
pub(crate) fn write_settings(folder: &Path, listen: &str, receiver: SocketAddr) {
    whole::write_workspace(folder, listen, receiver);
    let path = folder.join("bellwire.toml");
    let text = std::fs::read_to_string(&path).unwrap();
    let more = "[sources.shop]\npublic = true\n[retention]\ndays = 3650\nrows = 1000000000\n";
    std::fs::write(path, format!("{text}{more}")).unwrap();
    write_rules(folder);
}

/// The rules whose runs are copied: most end well, some fail, some wait, some events match none.
fn write_rules(folder: &Path) {
    let (missed, _) = whole::MISSED.split_once("tests:").unwrap();
    for rule in 0..RULES {
        let waits: Vec<String> = (0..60 / RULES).map(|part| (5 + rule + part * RULES).to_string()).collect();
        let condition = format!("  event.resolution: missed\n  event.waitingTime: {{ in: [{}] }}\n", waits.join(", "));
        let text = missed.replacen("  event.resolution: missed\n", &condition, 1);
        assert_ne!(text, missed);
        let id = if rule == 0 { "missed".to_owned() } else { format!("missed_{rule}") };
        std::fs::write(folder.join(format!("rules/calls/{id}.yaml")), text).unwrap();
    }
    let failing = "name: A declined call fails\non: gruveo.call\nwhen: { event.resolution: declined }\ndo:\n  - fail: nobody took it\n";
    std::fs::write(folder.join("rules/calls/declined.yaml"), failing).unwrap();
    std::fs::create_dir_all(folder.join("rules/shop")).unwrap();
    let waiting = "name: An order waits for its payment\non: shop.received\nwhen: { event.order: 7 }\ndo:\n  - wait: { for: 60d }\n";
    std::fs::write(folder.join("rules/shop/payment.yaml"), waiting).unwrap();
}

/// Makes them in a new workspace.
pub(super) async fn make(folder: &Path) {
    let receiver = Receiver::start().await;
    write_settings(folder, "127.0.0.1:0", receiver.address);
    let config = config::load(folder, &whole::environment()).unwrap();
    let app = App::start(config, Arc::new(SystemClock)).await.unwrap_or_else(|error| panic!("{error}"));
    assert!(app.held_back().is_empty(), "{:?}", app.held_back());
    let calls: Vec<Vec<u8>> = (0..CALLS).map(|number| client::signed(&kind(number))).collect();
    let again: Vec<Vec<u8>> = calls.iter().take(AGAIN).cloned().collect();
    send_all(app.address(), 8, Arc::new(calls), "HTTP/1.1 202").await;
    send_all(app.address(), 8, Arc::new(again), "HTTP/1.1 200").await;
    let unsigned: Vec<Vec<u8>> = (0..AGAIN).map(|number| posted("gruveo", &kind(number))).collect();
    send_all(app.address(), 8, Arc::new(unsigned), "HTTP/1.1 401").await;
    let order =
        |number| json!({"order": number, "total": number * 3, "note": "two of the blue ones, please"}).to_string();
    let orders: Vec<Vec<u8>> = (0..ORDERS).map(|number| posted("shop", &order(number))).collect();
    send_all(app.address(), 8, Arc::new(orders), "HTTP/1.1 202").await;
    tokio::time::sleep(Duration::from_millis(300)).await;
    app.settled().await.unwrap();
    let change = |number: usize| {
        let set = json!({"plan": "Gold", "calls_missed": number, "last_call": "missed", "last_call_at": "2026-03-01T10:00:00Z"});
        Change { set: set.as_object().cloned().unwrap_or_default(), ..Change::default() }
    };
    let people = (0..PEOPLE).map(|number| (format!("pattern-{number}@example.com"), change(number))).collect();
    let after = app.store().change_attributes(Keeper::Profile, people, By::Import, SystemClock.now()).await.unwrap();
    assert!(after.iter().all(Result::is_ok));
    app.stop().await;
}

/// Of fifty calls forty are missed, five answered, four of another link, one declined.
fn kind(number: usize) -> String {
    let call = client::call(number);
    match number % 50 {
        0 => call.replace("\"missed\"", "\"declined\""),
        1..=5 => call.replace("\"missed\"", "\"answered\""),
        6..=9 => call.replace("@acme.sales", "@acme.support"),
        _ => call,
    }
}

/// A delivery that is not signed.
fn posted(source: &str, body: &str) -> Vec<u8> {
    format!(
        "POST /hooks/{source} HTTP/1.1\r\nHost: bellwire.example\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    )
    .into_bytes()
}
