//! A host that fails again and again is left alone, and asked once now and then.

use std::time::Duration;

use bellwire::model::RunStatus;
use serde_json::json;

use super::kit::{BOX, app_of, ring};
use crate::support::{
    app::{TestApp, states},
    both::on_both,
    journal::{Journal, Reply},
};

const SECOND: Duration = Duration::from_secs(1);

const POST: &str =
    "  - http: { method: POST, url: \"http://JOURNAL/x\", json: {} }\n    retry: { after: [1h, 1h, 1h] }";

fn failing(count: usize) -> Vec<Reply> {
    std::iter::repeat_with(|| Reply::status(502)).take(count).collect()
}

async fn app(replies: Vec<Reply>) -> TestApp {
    app_of(Journal::start(replies).await, POST, "", &[]).await
}

on_both!(five_failures_in_a_row_hold_all_further_requests_until_a_probe_is_answered, |database| {
    let journal = Journal::start(failing(6)).await;
    let rule = format!("name: one\non: box.received\ndo:\n{}\n", POST.replace("JOURNAL", &journal.address.to_string()));
    let app = TestApp::on(journal, &[("one", &rule)], BOX, database).await;
    for n in 0..5 {
        ring(&app, &json!({"n": n})).await;
    }
    assert_eq!(app.journal.requests().len(), 5);
    for n in 5..9 {
        ring(&app, &json!({"n": n})).await;
    }
    assert_eq!(app.journal.requests().len(), 5, "nothing goes out any more");
    let waiting = app.store().run(app.runs().await[5].id).await.unwrap().unwrap();
    assert_eq!((waiting.row.status, waiting.attempts.len()), (RunStatus::Due, 0), "and no attempt is spent");
    assert_eq!(waiting.row.due_at, Some(app.now().plus(30 * SECOND)), "the first comes when the pause is over");
    app.advance(29 * SECOND).await;
    assert_eq!(app.journal.requests().len(), 5);
    app.advance(2 * SECOND).await;
    assert_eq!(app.journal.requests().len(), 6, "one probe");
    app.advance(29 * SECOND).await;
    assert_eq!(app.journal.requests().len(), 6, "which failed: twice the pause");
    for _ in 0..130 {
        app.advance(SECOND).await;
    }
    // The second probe is answered, and the others follow. What had failed keeps its own schedule of an hour.
    assert_eq!(app.journal.requests().len(), 9, "{:?}", app.runs().await);
    let ended = states(&app.runs().await);
    assert_eq!(ended.iter().filter(|state| **state == RunStatus::Ok).count(), 3, "{ended:?}");
    app.advance(Duration::from_mins(75)).await;
    let ended = states(&app.runs().await);
    assert!(ended.iter().all(|state| *state == RunStatus::Ok), "{ended:?}");
});

#[tokio::test(flavor = "multi_thread")]
async fn refusals_and_throttles_open_no_circuit() {
    for status in [400, 404, 429] {
        let replies = std::iter::repeat_with(|| Reply::with(status, "Retry-After", "0")).take(12).collect();
        let app = app(replies).await;
        for n in 0..12 {
            ring(&app, &json!({"n": n})).await;
            app.advance(4000 * SECOND).await;
        }
        assert!(app.journal.requests().len() >= 12, "{status}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_host_that_hangs_up_is_left_alone_and_others_are_not() {
    let dead = Journal::start(std::iter::repeat_with(|| Reply::Cut).take(20)).await;
    let alive = Journal::start([]).await;
    let rule = |name: &str, journal: &Journal| {
        format!(
            "name: {name}\non: box.received\ndo:\n  - http: {{ method: PUT, url: \"http://{}/x\", json: {{}} }}\n    retry: {{ after: [1h] }}\n",
            journal.address
        )
    };
    let (one, two) = (rule("one", &dead), rule("two", &alive));
    let ports = [("BELLWIRE_EGRESS_PORTS".to_owned(), format!("{}, {}", dead.address.port(), alive.address.port()))];
    let app = TestApp::on(dead.clone(), &[("one", &one), ("two", &two)], BOX, ports.into()).await;
    for n in 0..12 {
        ring(&app, &json!({"n": n})).await;
    }
    assert_eq!((dead.requests().len(), alive.requests().len()), (5, 12));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_that_waits_for_its_host_ends_with_its_own_time() {
    let journal = Journal::start(failing(50)).await;
    let rule = format!(
        "name: one\non: box.received\ntimeout: 10s\ndo:\n{}\n",
        POST.replace("JOURNAL", &journal.address.to_string())
    );
    let app = TestApp::with(journal, &[("one", &rule)], BOX).await;
    for n in 0..6 {
        ring(&app, &json!({"n": n})).await;
    }
    app.advance(11 * SECOND).await;
    assert_eq!(states(&app.runs().await)[5], RunStatus::Failed);
    assert_eq!(app.journal.requests().len(), 5);
}

#[tokio::test(flavor = "multi_thread")]
async fn many_runs_of_a_dead_host_send_one_probe_a_pause() {
    let app = app(failing(1_000)).await;
    for n in 0..60 {
        assert_eq!(app.post("/hooks/box", &[], json!({"n": n}).to_string()).await.status, 202);
    }
    app.settle().await;
    // Those that were on their way together when it opened.
    let at_first = app.journal.requests().len();
    assert!(at_first < 60, "{at_first}");
    for _ in 0..300 {
        app.advance(SECOND).await;
    }
    // Pauses of 30 s, 1, 2 and 4 minutes: three of them are over.
    let probes = app.journal.requests().len() - at_first;
    assert!((2..=3).contains(&probes), "{probes}");
}
