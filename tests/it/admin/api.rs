//! `/api/v1`: what programs read and write.

use std::collections::BTreeMap;

use reqwest::Method;
use serde_json::{Value, json};

use crate::support::{
    app::{Answer, TestApp, missed_call},
    both::on_both,
    journal::Journal,
};

const WAITS: &str = "name: Waits\non: gruveo.call\ndo:\n  - wait: 1d\n";

/// Asks the API as somebody who may do everything.
struct Api {
    app: TestApp,
    http: reqwest::Client,
}

impl Api {
    async fn on(rules: &[(&str, &str)], more: BTreeMap<String, String>) -> Self {
        let app = TestApp::on(Journal::start([]).await, rules, "", more).await;
        Self { app, http: reqwest::Client::builder().no_proxy().build().unwrap() }
    }

    async fn ask(&self, method: Method, path: &str, headers: &[(&str, &str)], body: Option<Value>) -> Answer {
        let body = body.map(|body| body.to_string());
        let json = [("Content-Type", "application/json")];
        let headers: Vec<_> =
            if body.is_some() { json.iter().chain(headers).collect() } else { headers.iter().collect() };
        let url = format!("http://{}/api/v1{path}", self.app.app.address());
        let mut request = self.http.request(method, url).header("X-CSRF", "stub").body(body.unwrap_or_default());
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let response = request.send().await.unwrap();
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        #[expect(clippy::disallowed_methods, reason = "an answer of our own server")]
        let text = response.text().await.unwrap();
        Answer { status, body: serde_json::from_str(&text).unwrap_or(Value::String(text)), headers }
    }

    async fn get(&self, path: &str) -> Answer {
        self.ask(Method::GET, path, &[], None).await
    }

    async fn send(&self, method: Method, path: &str, body: Value) -> Answer {
        self.ask(method, path, &[], Some(body)).await
    }
}

fn code(answer: &Answer) -> (u16, &str) {
    (answer.status, answer.body["error"]["code"].as_str().unwrap_or_default())
}

on_both!(a_list_is_read_in_pages_to_its_end, |database| {
    let api = Api::on(&[("waits", WAITS)], database).await;
    for ticket in 0..5 {
        api.app.call(&missed_call(&ticket.to_string())).await;
    }
    api.app.settle().await;
    for list in ["events", "runs", "calls"] {
        let (mut seen, mut cursor) = (Vec::new(), String::new());
        for _ in 0..4 {
            let page = api.get(&format!("/{list}?limit=2{cursor}")).await;
            assert_eq!(page.status, 200, "{page:?}");
            let key = if list == "calls" { "event" } else { "id" };
            seen.extend(page.body["items"].as_array().unwrap().iter().map(|item| item[key].to_string()));
            let Some(next) = page.body["next"].as_str() else { break };
            cursor = format!("&cursor={next}");
        }
        let mut sorted = seen.clone();
        sorted.sort_by(|left, right| right.cmp(left));
        sorted.dedup();
        assert_eq!((seen.len(), &seen), (5, &sorted), "{list}");
    }
});

on_both!(a_run_is_cancelled_once_and_the_same_key_gets_the_same_answer, |database| {
    let api = Api::on(&[("waits", WAITS)], database).await;
    api.app.call(&missed_call("1")).await;
    api.app.settle().await;
    let run = api.get("/runs?state=waiting").await.body["items"][0]["id"].as_str().unwrap().to_owned();
    let path = format!("/runs/{run}/cancel");
    let key = [("Idempotency-Key", "a-key")];
    let first = api.ask(Method::POST, &path, &key, None).await;
    assert_eq!((first.status, &first.body["state"]), (200, &json!("cancelled")), "{first:?}");
    let again = api.ask(Method::POST, &path, &key, None).await;
    assert_eq!((again.status, &again.body), (200, &first.body));
    assert_eq!(again.headers["Idempotency-Replayed"], "true");
    let other = api.ask(Method::POST, &path, &key, Some(json!({}))).await;
    assert_eq!(code(&other), (422, "key_reused"), "another body is another request");
    assert_eq!(code(&api.ask(Method::POST, &path, &[], None).await), (409, "conflict"));
    assert_eq!(code(&api.ask(Method::POST, &path, &[("Idempotency-Key", "a b")], None).await), (400, "invalid"));
});

on_both!(what_rules_said_to_an_event_is_told_by_what_decided_and_by_a_draft, |database| {
    let api = Api::on(&[("waits", WAITS)], database).await;
    api.app.call(&missed_call("1")).await;
    api.app.settle().await;
    let event = api.get("/events").await.body["items"][0]["id"].as_str().unwrap().to_owned();
    api.app.write_rule("waits", &WAITS.replace("do:", "when: { event.resolution: answered }\ndo:"));
    assert!(api.app.app.reload().await.unwrap());
    let decided = api.get(&format!("/events/{event}/explain")).await.body;
    assert_eq!((&decided["by"], &decided["rules"][0]["verdict"]), (&json!("decided"), &json!("matched")), "{decided}");
    let current = api.get(&format!("/events/{event}/explain?current=true")).await.body;
    assert_eq!((&current["by"], &current["rules"][0]["verdict"]), (&json!("current"), &json!("not_matched")));
    assert_eq!(current["rules"][0]["conditions"][0]["seen"], "missed");
    let text = WAITS.replace("do:", "when: { event.link: nobody }\ndo:");
    let draft = json!({"event": event, "drafts": [{"path": "rules/waits.yaml", "text": text}]});
    let draft = api.send(Method::POST, "/explain", draft).await.body;
    assert_eq!((&draft["by"], &draft["rules"][0]["verdict"]), (&json!("draft"), &json!("not_matched")), "{draft}");
});

on_both!(a_profile_is_set_changed_and_forgotten, |database| {
    let api = Api::on(&[], database).await;
    let path = "/profiles/Maria@Example.com";
    let set = api.send(Method::PUT, path, json!({"attributes": {"plan": "Pro", "old": 1}})).await;
    assert_eq!((set.status, &set.body["email"]), (200, &json!("maria@example.com")), "{set:?}");
    let changed = json!({"add": {"calls": 2}, "append": {"log": "x"}, "remove": ["old"]});
    let changed = api.send(Method::PATCH, path, changed).await.body;
    assert_eq!(changed["attributes"], json!({"plan": "Pro", "calls": 2, "log": ["x"]}));
    assert_eq!(code(&api.send(Method::PUT, path, json!({"attributes": {"email": "x"}})).await), (422, "invalid"));
    let put = api.send(Method::PUT, path, json!({"attributes": {"calls": 1}})).await.body;
    assert_eq!(put["attributes"], json!({"calls": 1}), "others go");
    assert_eq!(api.ask(Method::DELETE, path, &[], None).await.status, 204);
    assert_eq!(code(&api.get(path).await), (404, "not_found"));
});

#[tokio::test(flavor = "multi_thread")]
async fn a_secret_is_set_listed_and_removed_and_never_shown() {
    let api = Api::on(&[], BTreeMap::new()).await;
    let value = "correct horse battery";
    let sent = json!({"value": value, "origins": ["https://api.example.com"], "overlap": "1h"});
    let set = api.send(Method::PUT, "/secrets/shop_token", sent.clone()).await;
    assert_eq!((set.status, &set.body["origins"]), (200, &json!(["https://api.example.com"])), "{set:?}");
    let again = api.send(Method::PUT, "/secrets/shop_token", json!({"value": "another value", "overlap": "1h"})).await;
    assert!(again.body["overlap_until"].is_string(), "{again:?}");
    assert_eq!(api.ask(Method::POST, "/secrets/shop_token/retire", &[], None).await.body["overlap_until"], Value::Null);
    assert!(!api.get("/secrets").await.body.to_string().contains(value));
    assert_eq!(code(&api.send(Method::PUT, "/secrets/shop_token", json!({"value": "short"})).await), (422, "invalid"));
    assert_eq!(code(&api.send(Method::PUT, "/secrets/Shop", sent).await), (404, "not_found"));
    assert_eq!(api.ask(Method::DELETE, "/secrets/shop_token", &[], None).await.status, 204);
    assert_eq!(api.ask(Method::DELETE, "/secrets/shop_token", &[], None).await.status, 404);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rules_id_may_hold_slashes_as_they_are_or_encoded() {
    let api = Api::on(&[("a/b/c", WAITS)], BTreeMap::new()).await;
    for path in ["/rules/a/b/c", "/rules/a%2Fb%2Fc"] {
        let rule = api.get(path).await;
        assert_eq!((rule.status, &rule.body["id"]), (200, &json!("a/b/c")), "{path}: {rule:?}");
        assert_eq!(rule.body["text"], WAITS);
        assert_eq!(rule.headers["ETag"].to_str().unwrap(), format!("\"{}\"", rule.body["digest"].as_str().unwrap()));
    }
    assert_eq!(code(&api.get("/rules/a/b").await), (404, "not_found"));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_does_not_fit_is_refused_in_one_form() {
    let api = Api::on(&[("waits", WAITS)], BTreeMap::new()).await;
    let table = [
        ("/runs/run_0", 404, "not_found"),
        ("/runs/evt_0000000000000", 404, "not_found"),
        ("/runs/run_0000000000000", 404, "not_found"),
        ("/runs/%00", 404, "not_found"),
        ("/rules/%00", 404, "not_found"),
        ("/profiles/%00@example.com", 404, "not_found"),
        ("/profiles/%FF", 404, "not_found"),
        ("/nothing/here", 404, "not_found"),
        ("/runs?stat=ok", 400, "invalid"),
        ("/runs?state=fine", 400, "invalid"),
        ("/runs?limit=0", 400, "invalid"),
        ("/events?cursor=x", 400, "invalid"),
        ("/events?type=%00", 400, "invalid"),
        ("/me?a=1", 400, "invalid"),
    ];
    for (path, status, word) in table {
        assert_eq!(code(&api.get(path).await), (status, word), "{path}");
    }
    let wrong = api.ask(Method::PATCH, "/runs", &[], None).await;
    assert_eq!((code(&wrong), wrong.headers["Allow"].to_str().unwrap()), ((405, "method_not_allowed"), "GET, HEAD"));
    let wrong = api.ask(Method::GET, "/secrets/x", &[], None).await;
    assert_eq!((wrong.status, wrong.headers["Allow"].to_str().unwrap()), (405, "PUT, DELETE"));
    assert_eq!(api.ask(Method::HEAD, "/runs", &[], None).await.status, 200);
    let xml = [("Content-Type", "text/xml")];
    assert_eq!(code(&api.ask(Method::POST, "/check", &xml, None).await), (415, "content_type"));
    assert_eq!(code(&api.ask(Method::POST, "/check", &[], None).await), (400, "invalid"));
    assert_eq!(code(&api.send(Method::POST, "/check", json!([])).await), (422, "invalid"));
    assert_eq!(code(&api.send(Method::POST, "/check", json!({"draft": []})).await), (422, "invalid"));
    let nul = json!({"drafts": [{"path": "rules/x.yaml", "text": "a\0"}]});
    let nul = api.send(Method::POST, "/check", nul).await;
    assert_eq!((code(&nul), &nul.body["error"]["details"]["path"]), ((422, "invalid"), &json!("drafts[0].text")));
    for path in ["../bellwire.toml", "rules/../x", "bellwire.toml", "rules//x.yaml"] {
        let draft = json!({"drafts": [{"path": path, "text": ""}]});
        assert_eq!(code(&api.send(Method::POST, "/check", draft).await), (422, "invalid"), "{path}");
    }
    let large = json!({"drafts": [{"path": "rules/x.yaml", "text": "x".repeat(3 << 20)}]});
    assert_eq!(api.send(Method::POST, "/check", large).await.status, 413);
}
