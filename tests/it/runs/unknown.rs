//! No answer came: the outcome is unknown, never failed, and never repeated blindly.

use std::time::Duration;

use bellwire::{
    model::{AttemptOutcome, RunStatus},
    store::Resolution,
};

use crate::support::{
    app::{MISSED, TestApp, missed_call, states},
    journal::{Journal, Reply},
};

/// The rule with a short timeout, and more beside it.
fn impatient(more: &str) -> String {
    MISSED.replace("tests:", &format!("    timeout: 1s\n{more}tests:"))
}

async fn held() -> TestApp {
    let app = TestApp::with(
        Journal::start([Reply::Silence]).await,
        &[("calls/missed", &impatient("    retry: { unknown: ask }\n"))],
        "",
    )
    .await;
    app.call(&missed_call("42")).await;
    app.settle().await;
    let run = app.only_run().await;
    assert_eq!(run.row.status, RunStatus::Held);
    assert_eq!(run.attempts[0].outcome, AttemptOutcome::Unknown);
    app
}

async fn resolve(app: &TestApp, resolution: Resolution) {
    let run = app.runs().await[0].id;
    assert!(app.store().resolve(run, resolution, app.now()).await.unwrap());
    app.settle().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_note_without_an_answer_is_held_for_a_person() {
    let app = held().await;
    app.advance(Duration::from_secs(86_400)).await;
    assert_eq!(app.journal.requests().len(), 1, "it is not sent again");
    resolve(&app, Resolution::Done).await;
    assert_eq!(states(&app.runs().await), [RunStatus::Ok]);
    assert_eq!(app.journal.requests().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_may_have_it_sent_again() {
    let app = held().await;
    resolve(&app, Resolution::Retry).await;
    assert_eq!(states(&app.runs().await), [RunStatus::Ok]);
    let requests = app.journal.requests();
    assert_eq!(requests.len(), 2);
    assert_eq!(requests[0].header("idempotency-key"), requests[1].header("idempotency-key"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_may_say_that_it_failed() {
    let app = held().await;
    resolve(&app, Resolution::Fail).await;
    assert_eq!(states(&app.runs().await), [RunStatus::Failed]);
}

#[tokio::test(flavor = "multi_thread")]
async fn unknown_retry_sends_the_same_again() {
    let rule = impatient("    retry: { after: [5s], unknown: retry }\n");
    let app = TestApp::with(Journal::start([Reply::Cut]).await, &[("calls/missed", &rule)], "").await;
    app.call(&missed_call("42")).await;
    app.settle().await;
    let run = app.only_run().await;
    assert_eq!((run.row.status, run.attempts[0].outcome), (RunStatus::Due, AttemptOutcome::Unknown));
    app.advance(Duration::from_secs(10)).await;
    let requests = app.journal.requests();
    assert_eq!(requests.len(), 2);
    assert_eq!(requests[0].body, requests[1].body);
    assert_eq!(states(&app.runs().await), [RunStatus::Ok]);
}
