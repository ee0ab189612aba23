//! `if`, `stop`, `fail`, `on_error` and `timeout`: how a run goes its way and ends.

use std::time::Duration;

use bellwire::model::{ErrorClass, RunStatus, StepOutcome};
use serde_json::json;

use crate::support::{
    app::{TestApp, missed_call},
    journal::{Journal, Reply},
};

async fn run_rule(rule: &str, script: impl IntoIterator<Item = Reply>) -> TestApp {
    let app = TestApp::with(Journal::start(script).await, &[("rule", rule)], "").await;
    app.call(&missed_call("42")).await;
    app.settle().await;
    app
}

fn bodies(app: &TestApp) -> Vec<serde_json::Value> {
    app.journal.requests().iter().map(|request| request.json()["body"].clone()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_rules_on_error_runs_once_and_sees_the_error() {
    let rule = r#"
name: alert
on: gruveo.call
do:
  - id: note
    groove.add_note: { ticket: 1, body: note }
on_error:
  - groove.add_note: { ticket: 9, body: "{{ error.step }} {{ error.class }} {{ error.status }}" }
  - groove.add_note: { ticket: 9, body: "{{ steps.note.outcome }}" }
"#;
    let app = run_rule(rule, [Reply::status(404), Reply::created(), Reply::status(404)]).await;
    assert_eq!(bodies(&app), ["note", "note status 404", "failed"]);
    let run = app.only_run().await;
    assert_eq!(run.row.status, RunStatus::Failed);
    assert_eq!(run.row.error.map(|error| error.step), Some("note".to_owned()), "the first failure is the run's");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_step_goes_on_after_its_error_where_it_says_so() {
    let rule = r#"
name: go on
on: gruveo.call
do:
  - id: one
    groove.add_note: { ticket: 1, body: one }
    on_error: continue
  - id: two
    groove.add_note: { ticket: 2, body: two }
    on_error:
      - groove.add_note: { ticket: 3, body: "after {{ steps.two.error.status }}" }
  - groove.add_note: { ticket: 4, body: "{{ steps.one.outcome }}" }
"#;
    let app = run_rule(rule, [Reply::status(404), Reply::status(422)]).await;
    assert_eq!(bodies(&app), ["one", "two", "after 422", "failed"]);
    assert_eq!(app.only_run().await.row.status, RunStatus::Ok);
}

#[tokio::test(flavor = "multi_thread")]
async fn branches_are_chosen_by_what_a_step_found() {
    let rule = r#"
name: find
on: gruveo.call
do:
  - id: find
    groove.find_tickets: { customer: "a@example.com", state: [unread, opened] }
  - if: { steps.find.result: { empty: false } }
    then:
      - id: note
        groove.add_note: { ticket: "{{ steps.find.result[0].number }}", body: found }
    else:
      - id: create
        groove.create_ticket: { body: "missed", from: "a@example.com", to: "support@example.com" }
  - stop: "{{ steps.note.outcome }} {{ steps.create.outcome }}"
  - fail: never reached
"#;
    let found = Reply::Status(200, Vec::new(), json!({"tickets": [{"number": 7}]}).to_string());
    let app = run_rule(rule, [found]).await;
    let requests = app.journal.requests();
    assert_eq!(requests[0].path, "/v1/tickets?customer=a%40example.com&state=unread%2Copened");
    assert_eq!(requests[1].path, "/v1/tickets/7/messages");
    let run = app.only_run().await;
    assert_eq!((run.row.status, run.row.why.as_deref()), (RunStatus::Ok, Some("ok skipped")));

    let none = Reply::Status(200, Vec::new(), json!({"tickets": []}).to_string());
    let app = run_rule(rule, [none]).await;
    let requests = app.journal.requests();
    assert_eq!((requests[1].method.as_str(), requests[1].path.as_str()), ("POST", "/v1/tickets"));
    assert_eq!(app.only_run().await.row.why.as_deref(), Some("skipped ok"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_false_if_skips_its_step_and_fail_ends_the_run() {
    let rule = r#"
name: skip
on: gruveo.call
vars: { agent: "{{ event.assignedUsers[0].email }}" }
do:
  - groove.add_note: { ticket: 1, body: never }
    if: { event.resolution: answered }
  - fail: "no one but {{ vars.agent }}"
  - groove.add_note: { ticket: 1, body: never }
"#;
    let app = run_rule(rule, []).await;
    assert!(bodies(&app).is_empty());
    let run = app.only_run().await;
    assert_eq!(run.outputs[0].outcome, StepOutcome::Skipped);
    let error = run.row.error.unwrap();
    assert_eq!((error.class, error.message.as_str()), (ErrorClass::Fail, "no one but john@acme.com"));
    assert_eq!(run.vars.get("agent"), Some(&json!("john@acme.com")));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_that_outlives_its_timeout_fails() {
    let rule = r"
name: slow
on: gruveo.call
timeout: 1m
do:
  - groove.add_note: { ticket: 1, body: note }
";
    let app = run_rule(rule, (0..9).map(|_| Reply::status(500))).await;
    for _ in 0..20 {
        app.advance(Duration::from_secs(10)).await;
    }
    let run = app.only_run().await;
    assert_eq!(run.row.status, RunStatus::Failed);
    assert_eq!(run.row.error.map(|error| error.class), Some(ErrorClass::RunTimeout));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_input_of_the_wrong_type_fails_the_step_without_a_request() {
    let rule =
        "name: wrong\non: gruveo.call\ndo:\n  - groove.add_note: { ticket: \"{{ event.location }}\", body: x }\n";
    let app = run_rule(rule, []).await;
    let run = app.only_run().await;
    assert_eq!(run.row.error.map(|error| error.class), Some(ErrorClass::InvalidInput));
    assert!(run.attempts.is_empty() && app.journal.requests().is_empty());
}
