//! One slow target, one flooded rule, one low rate: the others do not feel it.

use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

use bellwire::model::RunStatus;
use serde_json::json;

use crate::support::{
    app::TestApp,
    journal::{Journal, Reply},
};

/// Rules on a public source, each on its own event, over two receivers.
async fn two_lanes(slow: Journal, quick: &Journal, rules: usize, settings: &str) -> TestApp {
    let mut texts = Vec::new();
    for n in 0..rules {
        texts.push((format!("slow{n:02}"), format!("name: slow\non: box.slow{n:02}\ndo:\n  - groove.add_note: {{ ticket: 1, body: \"{{{{ event.n }}}}\" }}\n")));
    }
    texts.push((
        "quick".to_owned(),
        format!("name: quick\non: box.quick\ndo:\n  - http: {{ method: POST, url: \"http://{}/quick\", json: {{ n: \"{{{{ event.n }}}}\" }} }}\n", quick.address),
    ));
    let texts: Vec<(&str, &str)> = texts.iter().map(|(id, text)| (id.as_str(), text.as_str())).collect();
    let more = BTreeMap::from([
        ("BELLWIRE_EGRESS_PORTS".to_owned(), format!("{}, {}", slow.address.port(), quick.address.port())),
        ("BELLWIRE_SERVICES_GROOVE_CONCURRENT".to_owned(), "2".to_owned()),
    ]);
    TestApp::on(slow, &texts, &format!("[sources.box]\npublic = true\n{settings}"), more).await
}

async fn ring(app: &TestApp, event: &str, n: usize) {
    let answer = app.post(&format!("/hooks/box/{event}"), &[], json!({"n": n}).to_string()).await;
    assert_eq!(answer.status, 202, "{answer:?}");
}

/// A38: 300 runs wait for a slow target; the runs of another rule do not.
#[tokio::test(flavor = "multi_thread")]
async fn a_flooded_rule_does_not_hold_up_another() {
    let quick = Journal::start([]).await;
    let app = two_lanes(Journal::slow(Duration::from_millis(200)).await, &quick, 1, "").await;
    for n in 0..300 {
        ring(&app, "slow00", n).await;
    }
    let started = Instant::now();
    for n in 0..50 {
        ring(&app, "quick", n).await;
    }
    quick.wait_for(50).await;
    assert!(started.elapsed() < Duration::from_secs(2), "{:?}", started.elapsed());
    assert!(app.journal.requests().len() < 100, "the slow ones were still under way");
    assert!(app.journal.busiest() <= 2, "{}", app.journal.busiest());
    // The flooded lane is used to the full all the while: two at a time, five a second each.
    let before = app.journal.requests().len();
    tokio::time::sleep(Duration::from_secs(2)).await;
    let done = app.journal.requests().len() - before;
    assert!(done >= 14, "{done} in two seconds, where 20 were possible");
}

/// The same where many rules wait for the slow target: their runs fill no list that the others must get through.
#[tokio::test(flavor = "multi_thread")]
async fn many_flooded_rules_do_not_hold_up_another() {
    let quick = Journal::start([]).await;
    let app = two_lanes(Journal::slow(Duration::from_millis(500)).await, &quick, 24, "").await;
    for rule in 0..24 {
        futures_util::future::join_all((0..70).map(|n| {
            let app = &app;
            async move { ring(app, &format!("slow{rule:02}"), n).await }
        }))
        .await;
    }
    // All of them have found their connection in use by now.
    tokio::time::sleep(Duration::from_secs(2)).await;
    let started = Instant::now();
    for n in 0..20 {
        ring(&app, "quick", n).await;
    }
    quick.wait_for(20).await;
    assert!(started.elapsed() < Duration::from_secs(3), "{:?}", started.elapsed());
    assert!(app.journal.busiest() <= 2, "{}", app.journal.busiest());
}

/// A target that accepts and stays silent takes no more than its places.
#[tokio::test(flavor = "multi_thread")]
async fn a_silent_target_takes_its_places_and_no_more() {
    let quick = Journal::start([]).await;
    let silent = Journal::start((0..100).map(|_| Reply::Silence)).await;
    let app = two_lanes(silent, &quick, 1, "").await;
    for n in 0..100 {
        ring(&app, "slow00", n).await;
    }
    let started = Instant::now();
    for n in 0..20 {
        ring(&app, "quick", n).await;
    }
    quick.wait_for(20).await;
    assert!(started.elapsed() < Duration::from_secs(2), "{:?}", started.elapsed());
    assert_eq!(app.journal.requests().len(), 2, "two places, no more");
}

/// All places of a connection are used, and none twice.
#[tokio::test(flavor = "multi_thread")]
async fn a_connection_is_used_to_its_full() {
    let journal = Journal::slow(Duration::from_millis(50)).await;
    let rule = "name: eight\non: box.received\ndo:\n  - groove.add_note: { ticket: 1, body: \"{{ event.n }}\" }\n";
    let app = TestApp::with(journal, &[("eight", rule)], "[sources.box]\npublic = true\n").await;
    for round in 0..4 {
        futures_util::future::join_all((0..60).map(|n| ring_box(&app, round * 60 + n))).await;
    }
    let started = Instant::now();
    app.settle().await;
    // 240 requests of 50 ms in 8 places take 1.5 s.
    assert!(started.elapsed() < Duration::from_secs(5), "{:?}", started.elapsed());
    assert_eq!(app.journal.requests().len(), 240);
    assert!((6..=8).contains(&app.journal.busiest()), "{}", app.journal.busiest());
    let mut seen: Vec<String> = app.journal.requests().iter().map(|note| note.body.clone()).collect();
    seen.sort_unstable();
    seen.dedup();
    assert_eq!(seen.len(), 240, "each once");
}

/// 24 a minute: a few at once, the rest apart, each with the time at which it is due.
#[tokio::test(flavor = "multi_thread")]
async fn a_rate_spaces_what_goes_out() {
    let rule = "name: paced\non: box.received\ndo:\n  - groove.add_note: { ticket: 1, body: \"{{ event.n }}\" }\n";
    let more = BTreeMap::from([("BELLWIRE_SERVICES_GROOVE_RATE".to_owned(), "24/min".to_owned())]);
    let app = TestApp::on(Journal::start([]).await, &[("paced", rule)], "[sources.box]\npublic = true\n", more).await;
    for n in 0..30 {
        ring_box(&app, n).await;
    }
    app.settle().await;
    let at_once = app.journal.requests().len();
    assert!((1..=4).contains(&at_once), "{at_once}");
    let runs = app.runs().await;
    let mut due: Vec<_> =
        runs.iter().filter(|run| run.status == RunStatus::Due).map(|run| run.due_at.unwrap()).collect();
    due.sort_unstable();
    assert_eq!(due.len(), 30 - at_once);
    assert!(due[0] > app.now());
    for pair in due.windows(2) {
        assert!(pair[1].since(pair[0]) >= Duration::from_millis(2400), "{due:?}");
    }
    // Second by second: never more than 24 in any minute, and all in the end.
    let mut sent = vec![at_once];
    for _ in 0..90 {
        app.advance(Duration::from_secs(1)).await;
        sent.push(app.journal.requests().len());
    }
    for (n, count) in sent.iter().enumerate() {
        let before = n.checked_sub(60).map_or(0, |n| sent[n]);
        assert!(count - before <= 24, "{n}: {sent:?}");
    }
    assert_eq!(sent.last(), Some(&30), "{sent:?}");
}

async fn ring_box(app: &TestApp, n: usize) {
    assert_eq!(app.post("/hooks/box", &[], json!({"n": n}).to_string()).await.status, 202);
}
