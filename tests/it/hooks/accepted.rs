//! Accepted deliveries: once, whatever the sender repeats.

use bellwire::store::EventFilter;
use serde_json::json;

use crate::support::{
    app::{GRUVEO_KEY, MISSED, TestApp, event_id, missed_call, sign},
    both::on_both,
    journal::Journal,
};

on_both!(a_delivery_that_comes_again_starts_nothing, |database| {
    let app = TestApp::on(Journal::start([]).await, &[("calls/missed", MISSED)], "", database).await;
    let first = app.call(&missed_call("42")).await;
    app.settle().await;
    let second = app.call(&missed_call("42")).await;
    assert_eq!((first.status, second.status), (202, 200));
    assert_eq!(second.body, json!({"duplicate": true, "id": event_id(&first).to_string()}));
    app.settle().await;
    assert_eq!(app.journal.requests().len(), 1);
    let events = app.store().events(EventFilter::default()).await.unwrap();
    assert_eq!(events.iter().map(|event| event.seen).collect::<Vec<_>>(), [2]);
});

on_both!(of_fifty_equal_deliveries_at_once_exactly_one_is_new, |database| {
    let app = TestApp::on(Journal::start([]).await, &[("calls/missed", MISSED)], "", database).await;
    let call = missed_call("42");
    let answers = futures_util::future::join_all((0..50).map(|_| app.call(&call))).await;
    let accepted = answers.iter().filter(|answer| answer.status == 202).count();
    let duplicates = answers.iter().filter(|answer| answer.status == 200).count();
    assert_eq!((accepted, duplicates), (1, 49), "{answers:?}");
    app.settle().await;
    assert_eq!(app.journal.requests().len(), 1);
});

#[tokio::test(flavor = "multi_thread")]
async fn the_signature_is_over_the_raw_bytes() {
    let app = TestApp::start(Journal::start([]).await).await;
    let body = missed_call("42").to_string();
    let signature = sign(GRUVEO_KEY, body.as_bytes());
    let spaced = body.replacen(':', ": ", 1);
    for (sent, headers, wanted) in [
        (&body, vec![("X-Gruveo-SHA256-HMAC", signature.to_uppercase())], 202),
        (&spaced, vec![("X-Gruveo-SHA256-HMAC", signature.clone())], 401),
        (&body, vec![], 401),
        (&body, vec![("X-Gruveo-SHA256-HMAC", String::new())], 401),
        (&body, vec![("X-Gruveo-SHA256-HMAC", sign("another-key-altogether", body.as_bytes()))], 401),
        (&body, vec![("X-Gruveo-SHA256-HMAC", signature.clone()), ("X-Gruveo-SHA256-HMAC", signature.clone())], 400),
    ] {
        let headers: Vec<(&str, &str)> = headers.iter().map(|(name, value)| (*name, value.as_str())).collect();
        let answer = app.post("/hooks/gruveo", &headers, sent.clone()).await;
        assert_eq!(answer.status, wanted, "{headers:?} {answer:?}");
    }
    let refusals = app.refusals(5).await;
    assert!(refusals.iter().all(|refusal| refusal.source.as_deref() == Some("gruveo")));
}

#[tokio::test(flavor = "multi_thread")]
async fn unknown_sources_and_methods_are_refused_alike() {
    let app = TestApp::start(Journal::start([]).await).await;
    for path in [
        "/hooks/nobody",
        "/hooks/groove",
        "/hooks/groove?token=wrong",
        "/hooks/..%2fgruveo",
        "/hooks/Gruveo",
        "/nothing",
    ] {
        assert_eq!(app.post(path, &[], "{}".to_owned()).await.status, 404, "{path}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_json_is_refused_after_its_signature() {
    let app = TestApp::start(Journal::start([]).await).await;
    for (body, code) in [("{", "not_json"), ("{\"a\":1e400}", "number"), ("{\"a\":18446744073709551616}", "number")] {
        let signature = sign(GRUVEO_KEY, body.as_bytes());
        let answer = app.post("/hooks/gruveo", &[("X-Gruveo-SHA256-HMAC", &signature)], body.to_owned()).await;
        assert_eq!((answer.status, answer.body["error"]["code"].as_str()), (400, Some(code)), "{answer:?}");
    }
}
