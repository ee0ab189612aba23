//! Groove's Custom Profile: what the help desk is answered, and who is answered at all.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::support::{
    app::{GROOVE_TOKEN, TestApp},
    both::on_both,
    journal::Journal,
};

const CALLS: &str = include_str!("../../../rules/calls.yaml");

async fn ask(app: &TestApp, query: &str) -> (u16, Value) {
    let url = format!("http://{}/profile/groove?{query}", app.app.address());
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let response = client.get(url).send().await.unwrap();
    let status = response.status().as_u16();
    #[expect(clippy::disallowed_methods, reason = "an answer of our own server")]
    let text = response.text().await.unwrap();
    (status, serde_json::from_str(&text).unwrap_or(Value::String(text)))
}

fn call(resolution: &str, email: &str, second: i64, duration: i64) -> Value {
    json!({
        "timestamp": 1_598_615_831_000_i64 + second * 1000, "maxParticipants": 1, "duration": duration, "link": "@acme.sales",
        "location": "Greece", "resolution": resolution, "tracking": { "email": email }, "waitingTime": 5,
        "account": { "id": "9cf7336a-e40e-4628-bdac-4370298ccf14", "organization": "Acme Corp." }, "assignedUsers": [],
    })
}

on_both!(the_help_desk_sees_what_the_rules_have_learned, |database| {
    let app = TestApp::on(Journal::start([]).await, &[("calls", CALLS)], "", database).await;
    let own = format!("api_token={GROOVE_TOKEN}");
    assert_eq!(ask(&app, &format!("email=maria%40example.com&{own}")).await, (200, json!({ "known": "no" })));
    for (second, (resolution, duration)) in [("missed", 0), ("answered", 183), ("missed", 0)].into_iter().enumerate() {
        let sent = app.call(&call(resolution, "Maria@Example.com", i64::try_from(second).unwrap(), duration)).await;
        assert_eq!(sent.status, 202);
        app.settle().await;
    }
    let known = json!({
        "last_call": "missed", "last_call_at": "2020-08-28T11:57:13Z", "last_call_link": "@acme.sales", "calls_seconds": 183,
        "calls_missed": 2, "calls_answered": 1,
    });
    for email in ["maria%40example.com", "maria@example.com", "MARIA%40EXAMPLE.COM"] {
        assert_eq!(ask(&app, &format!("email={email}&{own}")).await, (200, known.clone()), "{email}");
    }
});

#[tokio::test(flavor = "multi_thread")]
async fn who_has_not_the_token_learns_nothing() {
    let app = TestApp::with(Journal::start([]).await, &[("calls", CALLS)], "").await;
    app.call(&call("missed", "maria@example.com", 0, 0)).await;
    app.settle().await;
    let short = GROOVE_TOKEN.strip_suffix('n').unwrap();
    for token in ["", "x", short, &GROOVE_TOKEN.to_uppercase(), &format!("{GROOVE_TOKEN}x")] {
        let (status, body) = ask(&app, &format!("email=maria@example.com&api_token={token}")).await;
        assert_eq!((status, &body["error"]["code"]), (401, &json!("token")), "{token}");
        assert!(!body.to_string().contains("missed"));
    }
    assert_eq!(ask(&app, "email=maria@example.com").await.0, 401);
    let own = format!("api_token={GROOVE_TOKEN}");
    for query in [
        own.clone(),
        format!("email=&{own}"),
        format!("email=a@b.c&email=maria@example.com&{own}"),
        format!("email=a@b.c&{own}&{own}"),
    ] {
        assert_eq!(ask(&app, &query).await.0, 400, "{query}");
    }
    for hostile in ["%22%3Cscript%3E@x.com", "a%0Ab@x.com", "a%00b@x.com", &format!("{}@x.com", "x".repeat(300))] {
        assert_eq!(ask(&app, &format!("email={hostile}&{own}")).await, (200, json!({ "known": "no" })), "{hostile}");
    }
    assert!(!app.is_on_disk(GROOVE_TOKEN), "the token is nowhere in the database");
    let post = app.post(&format!("/profile/groove?email=maria@example.com&{own}"), &[], "").await;
    assert_eq!(post.status, 405);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_of_its_own_wins_over_that_of_the_api() {
    let more = BTreeMap::from([("BELLWIRE_SECRET_GROOVE_PROFILE_TOKEN".to_owned(), "a-token-for-profiles".to_owned())]);
    let app = TestApp::on(Journal::start([]).await, &[("calls", CALLS)], "", more).await;
    assert_eq!(ask(&app, "email=a@b.c&api_token=a-token-for-profiles").await.0, 200);
    assert_eq!(ask(&app, &format!("email=a@b.c&api_token={GROOVE_TOKEN}")).await.0, 401);
}

#[tokio::test(flavor = "multi_thread")]
async fn guessing_is_slowed_down_and_a_known_customer_is_not() {
    let app = TestApp::with(Journal::start([]).await, &[("calls", CALLS)], "").await;
    app.call(&call("missed", "maria@example.com", 0, 0)).await;
    app.settle().await;
    let own = format!("api_token={GROOVE_TOKEN}");
    let mut statuses: BTreeMap<u16, usize> = BTreeMap::new();
    for number in 0..620 {
        let query = if number % 2 == 0 {
            format!("email=n{number}@x.com&{own}")
        } else {
            "email=a@b.c&api_token=no".to_owned()
        };
        *statuses.entry(ask(&app, &query).await.0).or_default() += 1;
    }
    assert_eq!(statuses.get(&429), Some(&20), "{statuses:?}");
    assert_eq!(ask(&app, &format!("email=maria@example.com&{own}")).await.0, 200);
}
