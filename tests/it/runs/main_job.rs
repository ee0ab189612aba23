//! On a missed Gruveo call, a note is added to the customer's Groove ticket.

use std::collections::BTreeMap;

use bellwire::model::{AttemptOutcome, ErrorClass, RunStatus, StepOutcome};
use serde_json::json;

use crate::support::{
    app::{GROOVE_TOKEN, MISSED, TestApp, event_id, missed_call, states},
    both::on_both,
    journal::Journal,
};

on_both!(a_missed_call_becomes_a_note_on_the_ticket, |database| {
    let journal = Journal::start([]).await;
    let app = TestApp::on(journal, &[("calls/missed", MISSED)], "", database).await;
    let answer = app.call(&missed_call("42")).await;
    assert_eq!(answer.status, 202, "{answer:?}");
    app.settle().await;

    let requests = app.journal.requests();
    assert_eq!(requests.len(), 1);
    let note = &requests[0];
    assert_eq!((note.method.as_str(), note.path.as_str()), ("POST", "/v1/tickets/42/messages"));
    assert_eq!(note.header("authorization"), Some(&*format!("Bearer {GROOVE_TOKEN}")));
    assert_eq!(note.header("content-type"), Some("application/json"));
    assert!(note.header("idempotency-key").is_some_and(|key| key.starts_with("bw_")));
    assert_eq!(
        note.json(),
        json!({"body": "Missed call from Greece on @acme.sales\nafter 35 seconds.\n", "note": true}),
    );

    let run = app.only_run().await;
    assert_eq!((run.row.status, run.row.event), (RunStatus::Ok, event_id(&answer)));
    assert_eq!(run.outputs.len(), 1);
    assert_eq!(run.outputs[0].outcome, StepOutcome::Ok);
    assert_eq!(run.attempts.len(), 1);
    assert_eq!((run.attempts[0].outcome, run.attempts[0].status), (AttemptOutcome::Ok, Some(201)));
});

#[tokio::test(flavor = "multi_thread")]
async fn other_calls_do_nothing_and_are_kept() {
    let app = TestApp::start(Journal::start([]).await).await;
    for (resolution, ticket) in [("answered", "42"), ("declined", "42"), ("missed", "not a number"), ("missed", "4 2")]
    {
        let mut call = missed_call(ticket);
        call["resolution"] = json!(resolution);
        assert_eq!(app.call(&call).await.status, 202);
    }
    let mut call = missed_call("42");
    call["tracking"] = json!(null);
    assert_eq!(app.call(&call).await.status, 202);
    app.settle().await;
    assert!(app.runs().await.is_empty());
    assert!(app.journal.requests().is_empty());
    let events = app.store().events(bellwire::store::EventFilter::default()).await.unwrap();
    assert_eq!(events.len(), 5);
    assert!(events.iter().all(|event| event.state == "unmatched"));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_caller_typed_cannot_leave_its_place() {
    let app = TestApp::start(Journal::start([]).await).await;
    let mut call = missed_call("42");
    call["location"] = json!("<script>alert(1)</script>\",\"note\":false,{{ secrets.groove_token }}");
    app.call(&call).await;
    app.settle().await;
    let body = app.journal.requests()[0].json();
    assert_eq!(
        body.as_object().map(|object| object.keys().cloned().collect::<Vec<_>>()),
        Some(vec!["body".to_owned(), "note".to_owned()])
    );
    assert_eq!(body["note"], json!(true));
    let text = body["body"].as_str().unwrap();
    assert!(text.contains("&lt;script&gt;alert(1)&lt;/script&gt;"), "{text}");
    assert!(text.contains("{{ secrets.groove_token }}"), "{text}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_private_target_that_no_setting_opens_is_denied() {
    let journal = Journal::start([]).await;
    let address = journal.address;
    // The environment wins over the file: another address is open, and the stand-in's is not.
    let closed = BTreeMap::from([
        ("BELLWIRE_EGRESS_ALLOW".to_owned(), "192.0.2.1/32".to_owned()),
        ("BELLWIRE_EGRESS_PORTS".to_owned(), address.port().to_string()),
    ]);
    let app = TestApp::on(journal, &[("calls/missed", MISSED)], "", closed).await;
    app.call(&missed_call("42")).await;
    app.settle().await;
    let run = app.only_run().await;
    assert_eq!(run.row.status, RunStatus::Failed);
    assert_eq!(run.row.error.as_ref().map(|error| error.class), Some(ErrorClass::EgressDenied));
    assert!(app.journal.requests().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_secret_that_the_target_echoes_is_kept_masked() {
    let echo = crate::support::journal::Reply::Status(
        201,
        vec![("X-Echo", format!("Bearer {GROOVE_TOKEN}"))],
        json!({"message": {"body": format!("token was {GROOVE_TOKEN}")}}).to_string(),
    );
    let app = TestApp::start(Journal::start([echo]).await).await;
    app.call(&missed_call("42")).await;
    app.settle().await;
    let run = app.only_run().await;
    assert_eq!(states(&app.runs().await), [RunStatus::Ok]);
    let kept = format!("{run:?} {}", String::from_utf8_lossy(run.attempts[0].reply.as_deref().unwrap()));
    assert!(!kept.contains(GROOVE_TOKEN), "{kept}");
    assert!(kept.contains("[secret groove_token]"), "{kept}");
}
