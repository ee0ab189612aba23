//! `unknown: verify`: what became of an attempt without an answer is read at the service.

use std::time::Duration;

use bellwire::{
    model::{AttemptKind, AttemptOutcome, ErrorClass, RunStatus},
    store::{Resolution, RunDetail},
};
use serde_json::{Value, json};

use super::kit::BOX;
use crate::support::{
    app::{TestApp, states},
    both::on_both,
    journal::{Journal, Received, Reply},
};

const SECOND: Duration = Duration::from_secs(1);

const NOTE: &str = "name: note\non: box.received\ndo:\n  - id: note\n    groove.add_note: { ticket: 42, body: \"Missed <b>call</b>\" }\n    timeout: 1s\n  - http: { method: POST, url: \"http://JOURNAL/then\", json: { of: \"{{ steps.note.result.id | default: '?' }}\" } }\n";

async fn app_of(journal: Journal, rule: &str, database: std::collections::BTreeMap<String, String>) -> TestApp {
    let rule = rule.replace("JOURNAL", &journal.address.to_string());
    TestApp::on(journal, &[("note", &rule)], BOX, database).await
}

/// The app after one delivery whose note got no answer.
async fn in_doubt(
    then: impl IntoIterator<Item = Reply>,
    database: std::collections::BTreeMap<String, String>,
) -> TestApp {
    let script: Vec<Reply> = [Reply::Cut].into_iter().chain(then).collect();
    let app = app_of(Journal::start(script).await, NOTE, database).await;
    ring(&app).await;
    let run = app.only_run().await;
    assert_eq!((run.row.status, run.attempts[0].outcome), (RunStatus::Due, AttemptOutcome::Unknown), "{run:?}");
    assert_eq!(app.journal.requests().len(), 1);
    app
}

async fn ring(app: &TestApp) {
    assert_eq!(app.post("/hooks/box", &[], "{}").await.status, 202);
    app.settle().await;
}

fn no_more() -> std::collections::BTreeMap<String, String> {
    std::collections::BTreeMap::new()
}

/// A list of messages as Groove gives it, with `next` as the next page.
fn page(messages: &[Value], next: &Value) -> Reply {
    let body = json!({"messages": messages, "meta": {"pagination": {"current_page": 1, "next_page": next}}});
    Reply::Status(200, Vec::new(), body.to_string())
}

fn listed(messages: &[Value]) -> Reply {
    page(messages, &Value::Null)
}

/// Our note as Groove shows it.
fn ours(id: &str) -> Value {
    message(id, "<div>Missed <b>call</b></div>", "2026-03-01T10:00:01Z")
}

fn message(id: &str, body: &str, created_at: &str) -> Value {
    json!({"id": id, "href": format!("https://api.groovehq.com/v1/messages/{id}"), "note": true, "body": body, "created_at": created_at})
}

fn posts(app: &TestApp) -> Vec<Received> {
    app.journal.requests().into_iter().filter(|request| request.path == "/v1/tickets/42/messages").collect()
}

fn reads(app: &TestApp) -> Vec<Received> {
    app.journal.requests().into_iter().filter(|request| request.method == "GET").collect()
}

/// Kind, outcome and reason of every attempt of the note, oldest first.
fn attempts(run: &RunDetail) -> Vec<(AttemptKind, AttemptOutcome, &str)> {
    let of_note = run.attempts.iter().filter(|attempt| attempt.step.0 == "do.0");
    of_note.map(|attempt| (attempt.kind, attempt.outcome, attempt.reason.as_str())).collect()
}

const TRIED: (AttemptKind, AttemptOutcome, &str) = (AttemptKind::Try, AttemptOutcome::Unknown, "verify");
const FOUND: (AttemptKind, AttemptOutcome, &str) = (AttemptKind::Verify, AttemptOutcome::Ok, "found");
const NOTHING: (AttemptKind, AttemptOutcome, &str) = (AttemptKind::Verify, AttemptOutcome::Ok, "not_found");

on_both!(a_note_that_took_effect_without_an_answer_is_found_and_not_sent_again, |database| {
    let other = message("6", "Something else", "2026-03-01T10:00:01Z");
    let app = in_doubt([listed(&[other, ours("7")])], database).await;
    app.advance(4 * SECOND).await;
    assert_eq!(app.journal.requests().len(), 1, "Groove may still be at work on it");
    app.advance(2 * SECOND).await;
    assert_eq!((posts(&app).len(), reads(&app).len()), (1, 1));
    assert_eq!(reads(&app)[0].path, "/v1/tickets/42/messages?per_page=50");
    let run = app.only_run().await;
    assert_eq!((run.row.status, attempts(&run)), (RunStatus::Ok, vec![TRIED, FOUND]), "{run:?}");
    let shown = |at: usize| String::from_utf8(run.attempts[at].request.clone().unwrap()).unwrap();
    assert!(shown(0).contains("\"POST\"") && shown(1).contains("\"GET\""), "{} {}", shown(0), shown(1));
    assert_eq!(run.outputs[0].result["id"], "7", "what was found is the result");
    assert_eq!(app.journal.requests()[2].json()["of"], "7", "and later steps see it");
    let echo = app.store().echo_depth("groove/note_added:7", app.now()).await.unwrap();
    assert_eq!(echo, Some(0), "its webhook is known as our own");
});

on_both!(a_note_that_took_no_effect_is_sent_again_with_the_same_bytes_and_key, |database| {
    let older = message("5", "Missed call", "2026-03-01T09:57:00Z");
    let app = in_doubt([listed(&[older])], database).await;
    app.advance(6 * SECOND).await;
    let run = app.only_run().await;
    assert_eq!((run.row.status, attempts(&run)), (RunStatus::Due, vec![TRIED, NOTHING]));
    assert_eq!(posts(&app).len(), 1, "by its schedule, not at once");
    app.advance(7 * SECOND).await;
    let sent = posts(&app);
    assert_eq!(sent.len(), 2);
    assert_eq!(sent[0].body, sent[1].body);
    assert_eq!(sent[0].header("idempotency-key"), sent[1].header("idempotency-key"));
    let run = app.only_run().await;
    let again = (AttemptKind::Try, AttemptOutcome::Ok, "");
    assert_eq!(attempts(&run), [TRIED, NOTHING, again], "{run:?}");
    assert_eq!(run.attempts[2].number, 2);
});

on_both!(a_restart_between_attempt_and_read_forgets_nothing, |database| {
    let app = in_doubt([listed(&[ours("7")])], database).await;
    let app = app.restart().await;
    app.settle().await;
    assert_eq!(app.journal.requests().len(), 1);
    app.advance(6 * SECOND).await;
    assert_eq!((posts(&app).len(), states(&app.runs().await)), (1, vec![RunStatus::Ok]));
});

#[tokio::test(flavor = "multi_thread")]
async fn an_attempt_that_a_dead_process_left_is_read_back_too() {
    let app = app_of(Journal::start([Reply::Silence, listed(&[ours("7")])]).await, NOTE, no_more()).await;
    assert_eq!(app.post("/hooks/box", &[], "{}").await.status, 202);
    app.journal.wait_for(1).await;
    // As after a kill: the attempt has begun, and nobody saw it end.
    app.store().recover(app.now()).await.unwrap();
    let app = app.restart().await;
    app.settle().await;
    assert_eq!(reads(&app).len(), 0, "five seconds after the process that began it was gone");
    app.advance(6 * SECOND).await;
    assert_eq!((posts(&app).len(), reads(&app).len()), (1, 1));
    assert_eq!(states(&app.runs().await), [RunStatus::Ok]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_read_that_fails_is_tried_again_and_holds_the_run_in_the_end() {
    let failing: Vec<Reply> = std::iter::repeat_with(|| Reply::status(500)).take(9).collect();
    let app = in_doubt(failing, no_more()).await;
    for _ in 0..80 {
        app.advance(Duration::from_mins(30)).await;
    }
    let run = app.only_run().await;
    assert_eq!((run.row.status, reads(&app).len(), posts(&app).len()), (RunStatus::Held, 9, 1), "{run:?}");
    assert_eq!(attempts(&run).last(), Some(&(AttemptKind::Verify, AttemptOutcome::Failed, "")));
    // A person asks again; what the receiver says now is no list of messages, which proves nothing.
    app.store().resolve(run.row.id, Resolution::Verify, app.now()).await.unwrap();
    app.settle().await;
    assert_eq!((reads(&app).len(), posts(&app).len()), (10, 1));
    assert_eq!(states(&app.runs().await), [RunStatus::Held]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_may_have_it_looked_up_again_and_no_time_is_lost() {
    let gone = Reply::Status(404, Vec::new(), r#"{"error":"no such ticket"}"#.to_owned());
    let app = in_doubt([gone, listed(&[ours("7")])], no_more()).await;
    app.advance(6 * SECOND).await;
    let run = app.only_run().await;
    assert_eq!(run.row.status, RunStatus::Held, "{run:?}");
    let error = run.attempts[1].error.clone().unwrap();
    assert!(error.class == ErrorClass::Status && error.message.contains("no such ticket"), "{error:?}");
    assert!(app.store().resolve(run.row.id, Resolution::Verify, app.now()).await.unwrap());
    app.settle().await;
    assert_eq!((states(&app.runs().await), posts(&app).len()), (vec![RunStatus::Ok], 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_may_have_a_run_looked_up_that_was_to_ask() {
    let rule = NOTE.replace("timeout: 1s", "timeout: 1s\n    retry: { after: [5s], unknown: ask }");
    let app = app_of(Journal::start([Reply::Cut, listed(&[])]).await, &rule, no_more()).await;
    ring(&app).await;
    let run = app.only_run().await;
    assert_eq!(run.row.status, RunStatus::Held);
    assert!(app.store().resolve(run.row.id, Resolution::Verify, app.now()).await.unwrap());
    app.settle().await;
    assert_eq!((reads(&app).len(), states(&app.runs().await)), (1, vec![RunStatus::Due]));
    app.advance(7 * SECOND).await;
    assert_eq!((posts(&app).len(), states(&app.runs().await)), (2, vec![RunStatus::Ok]));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_schedule_without_a_delay_left_fails_the_step_once_nothing_is_found() {
    let rule = NOTE.replace("timeout: 1s", "timeout: 1s\n    retry: 0");
    let app = app_of(Journal::start([Reply::Cut, listed(&[])]).await, &rule, no_more()).await;
    ring(&app).await;
    app.advance(6 * SECOND).await;
    let run = app.only_run().await;
    let error = run.row.error.clone().unwrap();
    assert_eq!((run.row.status, error.class, error.attempt), (RunStatus::Failed, ErrorClass::Timeout, 1), "{error:?}");
    assert!(error.message.ends_with("a read has found that it took no effect"), "{}", error.message);
    assert_eq!(posts(&app).len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_note_that_another_run_has_made_is_not_taken_for_ours() {
    let made = Reply::Status(201, Vec::new(), json!({"message": ours("7")}).to_string());
    let script = [made, Reply::created(), Reply::Cut, listed(&[ours("7"), ours("8")])];
    let app = app_of(Journal::start(script).await, NOTE, no_more()).await;
    ring(&app).await;
    assert_eq!(states(&app.runs().await), [RunStatus::Ok]);
    // The second call is the same to the letter; its note took effect, but no answer came.
    app.clock.advance(SECOND);
    assert_eq!(app.post("/hooks/box", &[], r#"{"n":2}"#).await.status, 202);
    app.settle().await;
    app.advance(6 * SECOND).await;
    let runs = app.runs().await;
    assert_eq!(states(&runs), [RunStatus::Ok, RunStatus::Ok]);
    let second = app.store().run(runs[1].id).await.unwrap().unwrap();
    assert_eq!(second.outputs[0].result["id"], "8");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_may_stand_on_a_page_that_was_not_read_is_not_sent_again() {
    let next = json!("https://api.groovehq.com/v1/tickets/42/messages?page=2");
    let app = in_doubt([page(&[message("5", "Hello", "2026-03-01T09:00:00Z")], &next)], no_more()).await;
    for _ in 0..20 {
        app.advance(Duration::from_mins(10)).await;
    }
    assert_eq!(posts(&app).len(), 1, "{:?}", app.only_run().await);
}
