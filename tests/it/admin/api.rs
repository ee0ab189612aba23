//! `/api/v1`: what programs read and write.

use std::collections::BTreeMap;

use bellwire::model::{Role, Scope};
use reqwest::Method;
use serde_json::{Value, json};

use crate::support::{
    app::{Answer, TestApp, missed_call},
    both::on_both,
    browser::Browser,
    journal::Journal,
};

const FAILS: &str = "name: Fails\non: gruveo.call\ndo:\n  - fail: Nothing else was asked for\n";
const WAITS: &str = "name: Waits\non: gruveo.call\ndo:\n  - wait: 1d\n";

/// Asks the API as somebody who may do everything.
pub(super) struct Api {
    pub(super) app: TestApp,
    token: String,
    http: reqwest::Client,
}

impl Api {
    pub(super) async fn on(rules: &[(&str, &str)], more: BTreeMap<String, String>) -> Self {
        let app = TestApp::on(Journal::start([]).await, rules, "", more).await;
        let token = app.token(Role::Owner, &Scope::ALL).await;
        Self { app, token, http: reqwest::Client::builder().no_proxy().build().unwrap() }
    }

    pub(super) async fn ask(
        &self,
        method: Method,
        path: &str,
        headers: &[(&str, &str)],
        body: Option<Value>,
    ) -> Answer {
        let body = body.map(|body| body.to_string());
        let json = [("Content-Type", "application/json")];
        let headers: Vec<_> =
            if body.is_some() { json.iter().chain(headers).collect() } else { headers.iter().collect() };
        let url = format!("http://{}/api/v1{path}", self.app.app.admin_address());
        let mut request = self.http.request(method, url).bearer_auth(&self.token).body(body.unwrap_or_default());
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let response = request.send().await.unwrap();
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        #[expect(clippy::disallowed_methods, reason = "an answer of our own server")]
        let text = response.text().await.unwrap();
        Answer { status, body: serde_json::from_str(&text).unwrap_or(Value::String(text)), headers }
    }

    pub(super) async fn get(&self, path: &str) -> Answer {
        self.ask(Method::GET, path, &[], None).await
    }

    pub(super) async fn send(&self, method: Method, path: &str, body: Value) -> Answer {
        self.ask(method, path, &[], Some(body)).await
    }
}

pub(super) fn code(answer: &Answer) -> (u16, &str) {
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
    assert_eq!(api.ask(Method::DELETE, path, &[], None).await.status, 202);
    assert_eq!(code(&api.get(path).await), (404, "not_found"));
});

#[tokio::test(flavor = "multi_thread")]
async fn a_secret_is_set_listed_and_removed_and_never_shown() {
    let api = Api::on(&[], BTreeMap::new()).await;
    let value = "correct horse battery";
    let sent = json!({"value": value, "origins": ["https://api.example.com"], "overlap": "1h"});
    let made = api.send(Method::PUT, "/secrets/shop_token", sent.clone()).await;
    assert_eq!((made.status, &made.body["origins"]), (200, &json!(["https://api.example.com"])), "{made:?}");
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

#[tokio::test(flavor = "multi_thread")]
async fn whoever_has_no_token_or_not_the_scope_is_told_so_and_nothing_else() {
    let api = Api::on(&[], BTreeMap::new()).await;
    for path in ["/api/v1/runs", "/api/v1/runs/run_0000000000000", "/api/v1/nothing"] {
        let nobody = api.app.api("bw_no", "GET", path, None).await;
        assert_eq!(code(&nobody), (401, "unauthorized"), "{path}");
        assert!(nobody.headers["WWW-Authenticate"].to_str().unwrap().starts_with("Bearer"));
    }
    let reader = api.app.token(Role::Owner, &[Scope::Read]).await;
    assert_eq!(api.app.api(&reader, "GET", "/api/v1/runs", None).await.status, 200);
    assert_eq!(code(&api.app.api(&reader, "GET", "/api/v1/secrets", None).await), (403, "forbidden"));
    let viewer = api.app.token(Role::Viewer, &Scope::ALL).await;
    let cancel = api.app.api(&viewer, "POST", "/api/v1/runs/run_0000000000000/cancel", None).await;
    assert_eq!(code(&cancel), (403, "forbidden"));
    let document = Browser::new(&api.app).get("/api/openapi.json").await.is(200);
    assert!(document.text.contains("\"3.1.0\""));
}

on_both!(a_token_is_shown_once_and_makes_none_that_may_more_than_itself, |database| {
    let api = Api::on(&[], database).await;
    let added =
        api.send(Method::POST, "/users", json!({"name": "Ada", "role": "editor", "email": "ada@example.com"})).await;
    assert_eq!((added.status, &added.body["name"]), (201, &json!("ada")), "{added:?}");
    assert!(added.body["link"].as_str().unwrap().starts_with("/setup?token="));
    let twice = api.send(Method::POST, "/users", json!({"name": "ada", "role": "viewer"})).await;
    assert_eq!(code(&twice), (409, "conflict"));
    let other = json!({"name": "ci", "user": "ada", "scopes": ["read"]});
    assert_eq!(code(&api.send(Method::POST, "/tokens", other).await), (403, "forbidden"), "it is somebody else's");
    let sent = json!({"name": "ci", "scopes": ["read", "run"], "expires": "90d"});
    let key = [("Idempotency-Key", "one")];
    let made = api.ask(Method::POST, "/tokens", &key, Some(sent.clone())).await;
    let token = made.body["token"].as_str().unwrap().to_owned();
    assert_eq!((made.status, &made.body["scopes"]), (201, &json!(["read", "run"])), "{made:?}");
    let again = api.ask(Method::POST, "/tokens", &key, Some(sent)).await;
    assert_eq!(code(&again), (409, "shown_once"));
    assert!(!api.app.is_on_disk(&token));
    assert_eq!(api.app.api(&token, "GET", "/api/v1/me", None).await.body["role"], "owner");
    let admin = api.app.token(Role::Owner, &[Scope::Admin]).await;
    let more = json!({"name": "more", "scopes": ["admin", "secrets"]});
    assert_eq!(code(&api.app.api(&admin, "POST", "/api/v1/tokens", Some(&more)).await), (403, "forbidden"));
    // What is changed of users, and links for them, may be any right: less than all scopes make none of it.
    let most = [Scope::Read, Scope::Run, Scope::Rules, Scope::People, Scope::Admin];
    for scopes in [&[Scope::Admin][..], &most] {
        let token = api.app.token(Role::Owner, scopes).await;
        let evil = json!({"name": "evil", "role": "viewer"});
        let role = json!({"role": "owner"});
        for (method, path, body) in [
            ("POST", "/api/v1/users", Some(&evil)),
            ("POST", "/api/v1/users/ada/link", None),
            ("PATCH", "/api/v1/users/ada", Some(&role)),
            ("POST", "/api/v1/users/ada/code-off", None),
            ("DELETE", "/api/v1/users/ada", None),
        ] {
            let refused = api.app.api(&token, method, path, body).await;
            assert_eq!(code(&refused), (403, "forbidden"), "{method} {path}: {refused:?}");
        }
        assert_eq!(api.app.api(&token, "GET", "/api/v1/users", None).await.status, 200);
    }
    // Nor does one last longer than what it is made by.
    let short = json!({"name": "short", "scopes": ["read", "admin"], "expires": "1d"});
    let short = api.send(Method::POST, "/tokens", short).await.body["token"].as_str().unwrap().to_owned();
    for (expires, status) in [(json!("2d"), 422), (Value::Null, 422), (json!("1h"), 201)] {
        let child = json!({"name": "child", "scopes": ["read"], "expires": expires});
        let made = api.app.api(&short, "POST", "/api/v1/tokens", Some(&child)).await;
        assert_eq!(made.status, status, "{made:?}");
    }
    let id = made.body["id"].as_str().unwrap();
    assert_eq!(api.ask(Method::DELETE, &format!("/tokens/{id}"), &[], None).await.status, 204);
    assert_eq!(code(&api.app.api(&token, "GET", "/api/v1/me", None).await), (401, "unauthorized"));
    assert_eq!(api.ask(Method::DELETE, "/users/ada", &[], None).await.status, 204);
    let log = api.get("/audit?outcome=done&action=token.").await.body;
    assert_eq!(log["items"][0]["action"], "token.revoke", "{log}");
});

on_both!(events_are_replayed_as_one_job, |database| {
    let api = Api::on(&[("fails", FAILS)], database).await;
    for ticket in 0..3 {
        api.app.call(&missed_call(&ticket.to_string())).await;
    }
    api.app.settle().await;
    let sent = json!({"filter": {"source": "gruveo", "state": "matched"}});
    let begun = api.send(Method::POST, "/events/replay", sent).await;
    assert_eq!(begun.status, 202, "{begun:?}");
    let job = format!("/jobs/{}", begun.body["id"].as_str().unwrap());
    let mut ended = api.get(&job).await.body;
    for _ in 0..200 {
        if ended["state"] != "running" {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        ended = api.get(&job).await.body;
    }
    assert_eq!((&ended["state"], &ended["made"]), (&json!("done"), &json!(3)), "{ended}");
    for wrong in
        [json!({}), json!({"ids": ["evt_0"]}), json!({"filter": {"sorce": "x"}}), json!({"filter": {"state": "x"}})]
    {
        assert_eq!(code(&api.send(Method::POST, "/events/replay", wrong.clone()).await), (422, "invalid"), "{wrong}");
    }
});

on_both!(a_rule_is_saved_over_the_text_that_was_seen_and_no_other, |database| {
    let api = Api::on(&[("waits", WAITS)], database).await;
    let digest = api.get("/rules/waits").await.body["digest"].as_str().unwrap().to_owned();
    let text = WAITS.replace("1d", "2d");
    let put = async |path: &str, matches: &str, text: &str| {
        let headers = [("If-Match", matches)];
        let headers = if matches.is_empty() { &headers[1..] } else { &headers[..] };
        api.ask(Method::PUT, path, headers, Some(json!({"text": text}))).await
    };
    let saved = put("/rules/waits", &format!("\"{digest}\""), &text).await;
    assert_eq!((saved.status, &saved.body["in_force"]), (200, &json!(true)), "{saved:?}");
    assert_eq!(api.get("/rules/waits").await.body["text"], text);
    let late = put("/rules/waits", &digest, WAITS).await;
    assert_eq!(code(&late), (412, "changed"), "{late:?}");
    let details = &late.body["error"]["details"];
    assert_eq!((&details["base"], &details["theirs"], &details["yours"]), (&json!(WAITS), &json!(text), &json!(WAITS)));
    assert_eq!(
        code(&put("/rules/waits", "", WAITS).await),
        (409, "conflict"),
        "a new one is never written over another"
    );
    assert_eq!(code(&put("/rules/waits", "x", WAITS).await), (400, "invalid"));
    assert_eq!(put("/rules/more/waits", "", WAITS).await.status, 200);
    assert_eq!(put("/rules/broken", "", "name: x").await.status, 422);
    assert_eq!(api.ask(Method::POST, "/rules/more/waits/disable", &[], None).await.status, 200);
    assert_eq!(api.get("/rules/more/waits").await.body["enabled"], false);
    assert!(!api.get("/rules/waits/versions").await.body["items"].as_array().unwrap().is_empty());
    assert_eq!(code(&api.ask(Method::DELETE, "/rules/more/waits", &[], None).await), (409, "conflict"), "which text?");
    let there = api.get("/rules/more/waits").await.body["digest"].as_str().unwrap().to_owned();
    let stale = [("If-Match", digest.as_str())];
    assert_eq!(code(&api.ask(Method::DELETE, "/rules/more/waits", &stale, None).await), (412, "changed"));
    let now = [("If-Match", there.as_str())];
    assert_eq!(api.ask(Method::DELETE, "/rules/more/waits", &now, None).await.status, 200);
    assert_eq!(code(&api.ask(Method::DELETE, "/rules/more/waits", &[], None).await), (404, "not_found"));
    assert_eq!(api.get("/rules/more/waits").await.status, 404);
});

#[tokio::test(flavor = "multi_thread")]
async fn rules_are_started_sources_paused_and_drafts_tried() {
    const BY_HAND: &str =
        "name: By hand\non:\n  - manual: {}\n  - schedule: { cron: \"0 9 * * *\" }\ndo:\n  - wait: 1d\n";
    let api = Api::on(&[("by-hand", BY_HAND), ("waits", WAITS)], BTreeMap::new()).await;
    let started = api.send(Method::POST, "/rules/by-hand/run", json!({})).await;
    assert_eq!((started.status, &started.body["rule"]), (202, &json!("by-hand")), "{started:?}");
    assert_eq!(code(&api.send(Method::POST, "/rules/none/run", json!({})).await), (404, "not_found"));
    api.app.settle().await;
    let fired = api.send(Method::POST, "/schedules/run", json!({"rule": "by-hand"})).await;
    assert!(fired.status == 202 && fired.body["run"].is_string(), "{fired:?}");
    assert_eq!(code(&api.send(Method::POST, "/polls/run", json!({"rule": "waits"})).await), (404, "not_found"));
    assert!(api.ask(Method::POST, "/sources/gruveo/pause", &[], None).await.body["paused_at"].is_string());
    assert_eq!(code(&api.ask(Method::POST, "/sources/gruveo/pause", &[], None).await), (409, "conflict"));
    api.app.call(&missed_call("1")).await;
    assert_eq!(api.ask(Method::POST, "/sources/gruveo/resume", &[], None).await.body["runs"], 1);
    let dry = json!({"path": "rules/waits.yaml", "sample": "gruveo.call/missed"});
    let dry = api.send(Method::POST, "/dry-run", dry).await;
    assert_eq!((dry.status, &dry.body["ok"]), (200, &json!(true)), "{dry:?}");
    let text = WAITS.replace("do:", "when: { event.resolution: answered }\ndo:");
    let drafts = json!({"drafts": [{"path": "rules/waits.yaml", "text": text}]});
    let backtest = api.send(Method::POST, "/backtest", drafts).await.body;
    assert_eq!((&backtest["changed"], &backtest["complete"]), (&json!(true), &json!(true)), "{backtest}");
    assert_eq!((&backtest["rules"][0]["rule"], &backtest["rules"][0]["gone"]["count"]), (&json!("waits"), &json!(1)));
    let broken = json!({"drafts": [{"path": "rules/waits.yaml", "text": "name: x"}]});
    assert_eq!(code(&api.send(Method::POST, "/backtest", broken).await), (422, "findings"));
}

on_both!(a_run_that_failed_is_repeated_and_its_problem_answered, |database| {
    let api = Api::on(&[("fails", FAILS)], database).await;
    api.app.call(&missed_call("1")).await;
    api.app.settle().await;
    let failed = api.get("/runs?state=failed&rule=fails&class=fail").await.body["items"][0]["id"].clone();
    let path = format!("/runs/{}", failed.as_str().unwrap());
    let again = api.send(Method::POST, &format!("{path}/replay"), json!({"with": "current"})).await;
    assert_eq!((again.status, &again.body["replay_of"]), (202, &failed), "{again:?}");
    let draft = api.send(Method::POST, &format!("{path}/replay"), json!({"with": "draft"})).await;
    assert_eq!(code(&draft), (422, "invalid"));
    let text = WAITS.replace("Waits", "Fails");
    let draft = api.send(Method::POST, &format!("{path}/replay"), json!({"with": "draft", "draft": text})).await;
    assert_eq!(draft.status, 202, "{draft:?}");
    let log = api.get("/audit?action=run.replay").await.body;
    let digest = hex::encode(<sha2::Sha256 as sha2::Digest>::digest(text.as_bytes()));
    assert_eq!(log["items"][0]["after"]["draft"], digest, "{log}");
    assert_eq!(code(&api.ask(Method::POST, &format!("{path}/retry"), &[], None).await), (409, "conflict"));
    assert_eq!(code(&api.ask(Method::POST, &format!("{path}/cancel"), &[], None).await), (409, "conflict"));
    let resolve = api.send(Method::POST, &format!("{path}/resolve"), json!({"outcome": "done"})).await;
    assert_eq!(code(&resolve), (409, "conflict"));
    let problem = api.get("/problems?kind=run&rule=fails").await.body["items"][0]["id"].as_str().unwrap().to_owned();
    let path = format!("/problems/{problem}");
    let known = api.ask(Method::POST, &format!("{path}/acknowledge"), &[], None).await;
    assert_eq!((known.status, &known.body["state"]), (200, &json!("acknowledged")), "{known:?}");
    let muted = api.send(Method::POST, &format!("{path}/mute"), json!({"until": "2026-03-02T00:00:00Z"})).await;
    assert_eq!(muted.body["muted_until"], "2026-03-02T00:00:00Z", "{muted:?}");
    let solved = api.ask(Method::POST, &format!("{path}/resolve"), &[], None).await;
    assert_eq!(solved.body["state"], "solved");
    assert_eq!(api.get(&path).await.body["state"], "solved");
    assert_eq!(api.get("/problems?state=open&rule=fails").await.body["items"], json!([]));
    // What it makes fails again, and opens the problem: so it comes last.
    let job = api.send(Method::POST, &format!("{path}/replay"), json!({})).await;
    assert!(job.status == 202 && job.body["id"].as_str().is_some_and(|id| id.starts_with("job_")), "{job:?}");
});
