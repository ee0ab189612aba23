//! Answers in pages: gathered over requests of their own, and never past the connection's origin.

use std::{collections::BTreeMap, time::Duration};

use bellwire::model::{AttemptOutcome, ErrorClass, RunStatus};
use serde_json::{Value, json};

use super::kit::{BOX, error_of, ring};
use crate::support::{
    app::TestApp,
    both::on_both,
    journal::{Journal, Reply},
};

const PACK: &str = "name: desk\ntitle: Desk\nbase_url: https://desk.example.com\nauth: { bearer: desk_token }\nactions:\n  list:\n    \
    title: List\n    read: true\n    idempotent: true\n    inputs: {}\n    \
    request: { method: GET, path: /list, query: { per_page: 2 } }\n    result: body.items\n    \
    paging: { items: body.items, next: body.next, keep: [per_page] }\n";

const RULE: &str = "name: all pages\non: box.received\ndo:\n  - id: all\n    desk.list: {}\n    retry: 1\n";

/// An app whose rule asks for all pages of a desk at the receiver.
async fn desk(script: Vec<Reply>, more: &str, environment: BTreeMap<String, String>) -> TestApp {
    let journal = Journal::start(script).await;
    let settings = format!("{BOX}\n[services.desk]\nbase_url = \"http://{}/v1\"\n{more}", journal.address);
    let mut environment = environment;
    environment.insert("BELLWIRE_SECRET_DESK_TOKEN".to_owned(), "a-token-of-the-desk".to_owned());
    TestApp::with_packs(journal, &[("desk", PACK)], &[("all", RULE)], &settings, environment).await
}

fn page(items: Value, next: &Value) -> Reply {
    Reply::Status(200, Vec::new(), json!({"items": items, "next": next}).to_string())
}

fn result(run: &bellwire::store::RunDetail) -> Value {
    run.outputs.first().map(|output| output.result.clone()).unwrap_or_default()
}

on_both!(all_pages_are_the_result, |database| {
    let app = desk(Vec::new(), "", database).await;
    let next = json!(format!("http://{}/v1/list?page=2", app.journal.address));
    app.journal.then([
        page(json!([1, 2]), &next),
        page(json!([3, 4]), &json!("/v1/list?page=3")),
        page(json!([5]), &Value::Null),
    ]);
    ring(&app, &json!({})).await;
    let run = app.only_run().await;
    assert_eq!((run.row.status, result(&run)), (RunStatus::Ok, json!([1, 2, 3, 4, 5])));
    let requests = app.journal.requests();
    let paths: Vec<&str> = requests.iter().map(|request| request.path.as_str()).collect();
    assert_eq!(paths, ["/v1/list?per_page=2", "/v1/list?page=2&per_page=2", "/v1/list?page=3&per_page=2"]);
    assert!(requests.iter().all(|request| request.header("authorization") == Some("Bearer a-token-of-the-desk")));
    assert_eq!(run.attempts.len(), 1, "it is one attempt");
});

on_both!(a_foreign_address_is_not_followed, |database| {
    let foreign = Journal::start([]).await;
    let app = desk(Vec::new(), "", database).await;
    app.journal.then([page(json!([1]), &json!(format!("http://{}/v1/list?page=2", foreign.address)))]);
    ring(&app, &json!({})).await;
    let run = app.only_run().await;
    let (class, message) = error_of(&run);
    assert_eq!((run.row.status, class), (RunStatus::Failed, Some(ErrorClass::SecretOrigin)));
    assert!(message.contains("only http://127.0.0.1"), "{message}");
    assert_eq!(foreign.requests().len(), 0, "the secret never left");
});

on_both!(a_page_that_fails_is_named_and_all_are_asked_for_again, |database| {
    let app = desk(Vec::new(), "", database).await;
    app.journal.then([
        page(json!([1]), &json!("/v1/list?page=2")),
        Reply::status(500),
        page(json!([1]), &json!("/v1/list?page=2")),
        page(json!([2]), &Value::Null),
    ]);
    ring(&app, &json!({})).await;
    let attempts = app.only_run().await.attempts;
    let error = attempts[0].error.clone().unwrap();
    assert_eq!(
        (attempts[0].outcome, error.message.starts_with("page 2: ")),
        (AttemptOutcome::Retry, true),
        "{error:?}"
    );
    app.advance(Duration::from_secs(10)).await;
    let run = app.only_run().await;
    assert_eq!((run.row.status, result(&run), run.attempts.len()), (RunStatus::Ok, json!([1, 2]), 2));
    assert_eq!(app.journal.requests().len(), 4);
});

on_both!(each_page_waits_for_its_turn, |database| {
    let app = desk(Vec::new(), "rate = \"1/min\"\n", database).await;
    app.journal.then([
        page(json!([1]), &json!("/v1/list?page=2")),
        Reply::with(429, "Retry-After", "90"),
        page(json!([2]), &Value::Null),
    ]);
    let answer = app.post("/hooks/box", &[], "{}").await;
    assert_eq!(answer.status, 202);
    app.journal.wait_for(1).await;
    tokio::time::sleep(Duration::from_millis(200)).await;
    assert_eq!(app.journal.requests().len(), 1, "the rate leaves no turn before a minute");
    app.clock.advance(Duration::from_secs(60));
    app.journal.wait_for(2).await;
    tokio::time::sleep(Duration::from_millis(200)).await;
    app.clock.advance(Duration::from_secs(60));
    tokio::time::sleep(Duration::from_millis(200)).await;
    assert_eq!(app.journal.requests().len(), 2, "a throttled page waits as it was told");
    app.clock.advance(Duration::from_secs(31));
    app.journal.wait_for(3).await;
    app.settle().await;
    let run = app.only_run().await;
    assert_eq!((run.row.status, result(&run), run.attempts.len()), (RunStatus::Ok, json!([1, 2]), 1));
});
