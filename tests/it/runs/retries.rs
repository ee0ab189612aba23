//! What is tried again, when, and with which bytes.

use std::time::Duration;

use bellwire::model::{AttemptOutcome, ErrorClass, Role, RunStatus};

use crate::support::{
    app::{MISSED, TestApp, missed_call, states},
    both::on_both,
    journal::{Journal, Reply},
};

const SECOND: Duration = Duration::from_secs(1);

#[tokio::test(flavor = "multi_thread")]
async fn a_503_is_tried_again_after_the_first_delay_with_the_same_bytes_and_key() {
    let app = TestApp::start(Journal::start([Reply::status(500), Reply::created()]).await).await;
    app.call(&missed_call("42")).await;
    app.settle().await;
    assert_eq!(states(&app.runs().await), [RunStatus::Due]);
    assert_eq!(app.journal.requests().len(), 1);
    app.advance(4 * SECOND).await;
    assert_eq!(app.journal.requests().len(), 1, "the first delay is five seconds");
    app.advance(3 * SECOND).await;
    let requests = app.journal.requests();
    assert_eq!(requests.len(), 2);
    assert_eq!(requests[0].body, requests[1].body);
    assert_eq!(requests[0].header("idempotency-key"), requests[1].header("idempotency-key"));
    let run = app.only_run().await;
    assert_eq!(run.row.status, RunStatus::Ok);
    let outcomes: Vec<_> = run.attempts.iter().map(|attempt| attempt.outcome).collect();
    assert_eq!(outcomes, [AttemptOutcome::Retry, AttemptOutcome::Ok]);
}

#[tokio::test(flavor = "multi_thread")]
async fn retry_after_lengthens_the_delay_for_the_whole_connection() {
    let app = TestApp::start(Journal::start([Reply::with(429, "Retry-After", "600"), Reply::created()]).await).await;
    app.call(&missed_call("1")).await;
    app.settle().await;
    app.call(&missed_call("2")).await;
    app.advance(60 * SECOND).await;
    assert_eq!(app.journal.requests().len(), 1, "nobody calls a connection that asked for a pause");
    for _ in 0..4 {
        app.advance(300 * SECOND).await;
    }
    assert_eq!(states(&app.runs().await), [RunStatus::Ok, RunStatus::Ok]);
    assert_eq!(app.journal.requests().len(), 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_late_attempt_that_is_throttled_holds_up_nobody_for_longer_than_the_connection_rests() {
    let journal = Journal::start([Reply::status(503), Reply::created()]).await;
    let rule = MISSED.replace("  - groove.add_note:\n", "  - retry: { after: [5h] }\n    groove.add_note:\n");
    assert_ne!(rule, MISSED);
    let app = TestApp::with(journal, &[("calls/missed", &rule)], "").await;
    app.call(&missed_call("1")).await;
    app.settle().await;
    assert_eq!(app.journal.requests().len(), 1);
    let shown = app.sign_in(Role::Viewer).await.get("/connections/groove").await;
    assert!(shown.text.contains("asked to be called less"), "{}", shown.text);
    app.call(&missed_call("2")).await;
    app.settle().await;
    assert_eq!(app.journal.requests().len(), 1, "the connection rests");
    app.advance(95 * SECOND).await;
    assert_eq!(app.journal.requests().len(), 2, "the other run does not wait for five hours");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_404_is_final_and_says_what_the_target_said() {
    let app = TestApp::start(
        Journal::start([Reply::Status(404, Vec::new(), r#"{"error":"no such ticket"}"#.to_owned())]).await,
    )
    .await;
    app.call(&missed_call("42")).await;
    app.settle().await;
    let run = app.only_run().await;
    assert_eq!(run.row.status, RunStatus::Failed);
    let error = run.row.error.unwrap();
    assert_eq!((error.class, error.status, error.attempt), (ErrorClass::Status, Some(404), 1));
    assert!(error.message.contains("no such ticket"), "{}", error.message);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_schedule_that_runs_out_fails_the_run() {
    let rule = MISSED.replace("tests:", "    retry: 2\ntests:");
    let app = TestApp::with(
        Journal::start([Reply::status(500), Reply::status(502), Reply::status(503)]).await,
        &[("calls/missed", &rule)],
        "",
    )
    .await;
    app.call(&missed_call("42")).await;
    app.settle().await;
    for _ in 0..4 {
        app.advance(40 * SECOND).await;
    }
    let run = app.only_run().await;
    assert_eq!(run.row.status, RunStatus::Failed, "{:?}", run.row);
    assert_eq!(run.attempts.len(), 3);
    assert_eq!(run.row.error.and_then(|error| error.status), Some(503));
}

on_both!(a_retry_that_waits_survives_a_restart, |database| {
    let journal = Journal::start([Reply::status(500)]).await;
    let app = TestApp::on(journal, &[("calls/missed", MISSED)], "", database).await;
    app.call(&missed_call("42")).await;
    app.settle().await;
    let key = app.journal.requests()[0].header("idempotency-key").map(str::to_owned);
    let app = app.restart().await;
    assert_eq!(app.journal.requests().len(), 1);
    app.advance(7 * SECOND).await;
    let requests = app.journal.requests();
    assert_eq!(requests.len(), 2);
    assert_eq!(requests[1].header("idempotency-key").map(str::to_owned), key);
    assert_eq!(requests[0].body, requests[1].body);
    assert_eq!(states(&app.runs().await), [RunStatus::Ok]);
});

#[tokio::test(flavor = "multi_thread")]
async fn a_target_that_is_not_there_is_tried_again() {
    let journal = Journal::start([]).await;
    let nobody = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let ports = std::collections::BTreeMap::from([("BELLWIRE_EGRESS_PORTS".to_owned(), nobody.port().to_string())]);
    let rule = format!(
        "name: bare\non: gruveo.call\ndo:\n  - id: post\n    http: {{ method: POST, url: \"http://127.0.0.1:{}/x\", json: {{}} }}\n    retry: {{ after: [5s] }}\n",
        nobody.port()
    );
    let app = TestApp::on(journal, &[("bare", &rule)], "", ports).await;
    app.call(&missed_call("42")).await;
    app.settle().await;
    let run = app.only_run().await;
    assert_eq!(run.row.status, RunStatus::Due);
    assert_eq!(run.attempts[0].error.as_ref().map(|error| error.class), Some(ErrorClass::Network));
    app.advance(10 * SECOND).await;
    assert_eq!(app.only_run().await.row.status, RunStatus::Failed);
}
