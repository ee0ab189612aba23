//! `/api/v1`: users, filters of runs, rules on stored events, many people at once.

use std::collections::BTreeMap;

use bellwire::model::Scope;
use reqwest::Method;
use serde_json::{Value, json};

use super::api::{Api, code};
use crate::support::{
    app::{event_id, missed_call},
    both::on_both,
};

const FAILS: &str = "name: Fails\non: gruveo.call\ndo:\n  - fail: Nothing else was asked for\n";
const NEVER: &str = "name: Never\non: gruveo.call\nwhen: { event.resolution: answered }\ndo:\n  - stop: went on\n";

on_both!(a_user_is_changed_by_those_who_own_the_place_alone, |database| {
    let api = Api::on(&[], database).await;
    let made = api.send(Method::POST, "/users", json!({"name": "ada", "role": "viewer"})).await;
    let link = made.body["link"].as_str().unwrap().to_owned();
    let changed = api.send(Method::PATCH, "/users/ada", json!({"role": "editor", "disabled": true})).await;
    assert_eq!((changed.status, &changed.body["role"]), (200, &json!("editor")), "{changed:?}");
    assert!(changed.body["disabled_at"].is_string(), "{changed:?}");
    let back = api.send(Method::PATCH, "/users/ada", json!({"disabled": false})).await;
    assert_eq!((&back.body["role"], &back.body["disabled_at"]), (&json!("editor"), &Value::Null), "{back:?}");
    let same = api.send(Method::PATCH, "/users/ada", json!({})).await;
    assert_eq!(same.body, back.body);
    let key = [("Idempotency-Key", "a-link")];
    let other = api.ask(Method::POST, "/users/ada/link", &key, None).await;
    assert!(other.status == 200 && other.body["link"].as_str().is_some_and(|new| new != link), "{other:?}");
    assert_eq!(code(&api.ask(Method::POST, "/users/ada/link", &key, None).await), (409, "shown_once"));
    let out = api.ask(Method::POST, "/users/ada/sign-out", &[], None).await;
    assert_eq!((out.status, &out.body["sessions"]), (200, &json!(0)), "{out:?}");
    assert_eq!(code(&api.ask(Method::POST, "/users/ada/code-off", &[], None).await), (409, "conflict"));
    assert_eq!(api.get("/users/ada").await.body["has_totp"], false);
    for path in ["/users/nobody", "/users/%00"] {
        assert_eq!(code(&api.get(path).await), (404, "not_found"), "{path}");
    }
    // Nobody is left without an owner, and nobody removes itself.
    let me = api.get("/me").await.body["name"].as_str().unwrap().to_owned();
    let least = api.send(Method::PATCH, &format!("/users/{me}"), json!({"role": "viewer"})).await;
    assert_eq!(code(&least), (409, "conflict"), "{least:?}");
    assert_eq!(code(&api.ask(Method::DELETE, &format!("/users/{me}"), &[], None).await), (409, "conflict"));
    // A token does no more than its person may, and makes none of another.
    let other = json!({"name": "ci", "user": "ada", "scopes": ["read"]});
    assert_eq!(code(&api.send(Method::POST, "/tokens", other).await), (403, "forbidden"));
    let editor = api.app.token(bellwire::model::Role::Editor, &Scope::ALL).await;
    for path in ["/api/v1/users", "/api/v1/tokens"] {
        assert_eq!(code(&api.app.api(&editor, "GET", path, None).await), (403, "forbidden"), "{path}");
    }
    let log = api.get("/audit?outcome=done&action=user.").await.body;
    let done: Vec<&str> = log["items"].as_array().unwrap().iter().map(|row| row["action"].as_str().unwrap()).collect();
    assert_eq!(done, ["user.sign_out", "user.link", "user.enable", "user.disable", "user.role", "user.add"], "{log}");
});

on_both!(every_filter_of_runs_narrows_them, |database| {
    let api = Api::on(&[("fails", FAILS)], database).await;
    api.app.call(&missed_call("1")).await;
    api.app.settle().await;
    let problem = api.get("/problems?kind=run").await.body["items"][0]["id"].as_str().unwrap().to_owned();
    let (before, after) = ("2000-01-01T00:00:00Z", "2100-01-01T00:00:00Z");
    for (query, wanted) in [
        ("class=fail".to_owned(), 1),
        ("class=status".to_owned(), 0),
        (format!("problem={problem}"), 1),
        ("problem=prb_0000000000001".to_owned(), 0),
        (format!("from={before}"), 1),
        (format!("from={after}"), 0),
        (format!("until={before}"), 0),
        (format!("until={after}"), 1),
    ] {
        let runs = api.get(&format!("/runs?{query}")).await;
        assert_eq!((runs.status, runs.body["items"].as_array().unwrap().len()), (200, wanted), "{query}: {runs:?}");
    }
});

on_both!(a_rule_runs_on_a_stored_event_that_it_does_not_match, |database| {
    let api = Api::on(&[("never", NEVER)], database).await;
    api.app.call(&missed_call("1")).await;
    api.app.settle().await;
    let event = api.get("/events").await.body["items"][0]["id"].clone();
    let both = json!({"event": event, "inputs": {"a": "b"}});
    assert_eq!(code(&api.send(Method::POST, "/rules/never/run", both).await), (422, "invalid"));
    let ran = api.send(Method::POST, "/rules/never/run", json!({"event": event})).await;
    assert_eq!((ran.status, &ran.body["event"], &ran.body["replay_of"]), (202, &event, &Value::Null), "{ran:?}");
    api.app.settle().await;
    let run = api.get(&format!("/runs/{}", ran.body["id"].as_str().unwrap())).await.body;
    assert_eq!((&run["state"], &run["why"]), (&json!("ok"), &json!("went on")), "{run}");
    let none = api.send(Method::POST, "/rules/never/run", json!({"event": "evt_0000000000001"})).await;
    assert_eq!(code(&none), (404, "not_found"));
    assert_eq!(code(&api.ask(Method::POST, "/rules/never/release", &[], None).await), (409, "conflict"));
});

on_both!(people_are_imported_and_those_that_do_not_fit_are_named, |database| {
    let api = Api::on(&[], database).await;
    let person = |email: &str, attributes: Value| json!({"email": email, "attributes": attributes});
    let sent = json!({"profiles": [
        person("Maria@example.com", json!({"plan": "Pro"})),
        person("nobody", json!({"plan": "Pro"})),
        person("anna@example.com", json!({})),
        person("maria@example.com", json!({"plan": "Free"})),
        person("anna@example.com", json!({"calls": 2})),
    ]});
    let done = api.send(Method::POST, "/profiles/import", sent).await;
    let left: Vec<u64> =
        done.body["faults"].as_array().unwrap().iter().map(|fault| fault["at"].as_u64().unwrap()).collect();
    assert_eq!((done.status, &done.body["imported"], left), (200, &json!(2), vec![1, 2, 3]), "{done:?}");
    let maria = api.get("/profiles/maria@example.com").await.body;
    assert_eq!((&maria["attributes"]["plan"], &maria["from"]["plan"]), (&json!("Pro"), &json!("import")), "{maria}");
    let card = api.get("/profiles/maria@example.com/card?full_name=Maria").await.body;
    assert!(card["html"].as_str().is_some_and(|html| html.contains("Pro")) && card["why"].is_null(), "{card}");
    assert_eq!(code(&api.send(Method::POST, "/profiles/import", json!({"profiles": []})).await), (422, "invalid"));
    let viewer = api.app.token(bellwire::model::Role::Owner, &[Scope::Read]).await;
    let refused = api.app.api(&viewer, "POST", "/api/v1/profiles/import", Some(&json!({"profiles": []}))).await;
    assert_eq!(code(&refused), (403, "forbidden"));
});

on_both!(events_are_searched_as_the_inbox_searches_them, |database| {
    let fails =
        "name: Fails\non: gruveo.call\nwhen: { event.resolution: missed }\ndo:\n  - fail: Nothing else was asked for\n";
    let api = Api::on(&[("fails", fails)], database).await;
    let missed = event_id(&api.app.call(&missed_call("42")).await).to_string();
    api.app.call(&missed_call("42")).await;
    let mut other = missed_call("43");
    other["resolution"] = json!("answered");
    let answered = event_id(&api.app.call(&other).await).to_string();
    api.app.post("/hooks/gruveo", &[], "{}").await;
    api.app.refusals(1).await;
    api.app.settle().await;
    let (missed, answered) = (missed.as_str(), answered.as_str());
    for (filter, wanted) in [
        ("", vec![answered, missed]),
        ("when=event.resolution:+missed", vec![missed]),
        ("when=event.resolution:+answered&state=unmatched", vec![answered]),
        ("q=ANSWERED", vec![answered]),
        ("rule=fails", vec![missed]),
        ("state=failed", vec![missed]),
        ("state=duplicate", vec![missed]),
        ("since=1h&type=gruveo.call&source=gruveo", vec![answered, missed]),
        ("from=2100-01-01", vec![]),
        ("to=2000-01-01T00:00:00Z", vec![]),
    ] {
        let page = api.get(&format!("/events?{filter}")).await;
        assert_eq!(page.status, 200, "{filter}: {page:?}");
        let ids: Vec<&str> =
            page.body["items"].as_array().unwrap().iter().filter_map(|item| item["id"].as_str()).collect();
        assert_eq!(ids, wanted, "{filter}");
        assert_eq!(page.body["is_cut"], false, "{filter}");
    }
    let refused = api.get("/events?state=refused").await.body;
    assert!(refused["items"][0]["id"].as_str().unwrap().starts_with("ref_"), "{refused}");
    assert!(refused["items"][0]["reason"].is_string(), "{refused}");
    assert_eq!(api.get("/events?state=all").await.body["items"].as_array().unwrap().len(), 4);
    for bad in ["when=event.x:+%7Bcontians:+y%7D", "from=yesterday", "since=1y", "state=odd"] {
        assert_eq!(api.get(&format!("/events?{bad}")).await.status, 400, "{bad}");
    }
});

#[tokio::test(flavor = "multi_thread")]
async fn views_settings_and_tries_are_what_the_pages_do() {
    let api = Api::on(&[], BTreeMap::new()).await;
    let path = "/views/Missed%20calls";
    let kept = api.send(Method::PUT, path, json!({"query": "source=gruveo&state=matched&limit=5"})).await;
    assert_eq!((kept.status, &kept.body["query"]), (200, &json!("source=gruveo&state=matched")), "{kept:?}");
    assert_eq!(api.get("/views").await.body["items"][0]["name"], "Missed calls");
    assert_eq!(api.send(Method::PUT, "/views/failed", json!({"query": ""})).await.status, 409);
    assert_eq!(api.send(Method::PUT, path, json!({"query": "state=odd"})).await.status, 400);
    assert_eq!(api.ask(Method::DELETE, path, &[], None).await.status, 204);
    assert_eq!(api.ask(Method::DELETE, path, &[], None).await.status, 404);

    let settings = api.get("/settings?days=1").await;
    assert_eq!((settings.status, &settings.body["retention"]["days"]), (200, &json!(1)), "{settings:?}");
    let keys = settings.body["settings"].as_array().unwrap();
    assert!(keys.iter().any(|key| key["key"] == "retention.days" && key["from"].is_string()), "{settings:?}");
    assert_eq!(api.get("/settings?rows=1").await.status, 400);

    let tested = api.ask(Method::POST, "/connections/groove/test", &[], None).await;
    assert!(tested.status == 200 && tested.body["action"].is_string(), "{tested:?}");
    assert_eq!(api.ask(Method::POST, "/connections/nothing/test", &[], None).await.status, 404);
    let preview = "/services/groove/actions/add_note/preview";
    let body = json!({"inputs": {"ticket": 42, "body": "A note"}});
    let shown = api.send(Method::POST, preview, body.clone()).await;
    assert_eq!((shown.status, &shown.body["method"]), (200, &json!("POST")), "{shown:?}");
    assert!(shown.body["url"].as_str().unwrap().contains("42") && !shown.body.to_string().contains("groove-token"));
    let before = api.app.journal.requests().len();
    let key = [("Idempotency-Key", "a-press")];
    let path = "/services/groove/actions/add_note/send";
    let sent = api.ask(Method::POST, path, &key, Some(body.clone())).await;
    let again = api.ask(Method::POST, path, &key, Some(body)).await;
    assert_eq!((sent.status, &sent.body), (200, &again.body), "{sent:?}");
    assert_eq!(api.app.journal.requests().len(), before + 1, "it went out once");
    assert_eq!(api.send(Method::POST, preview, json!({"inputs": {"tiket": 1}})).await.status, 422);
    assert_eq!(api.send(Method::POST, "/services/groove/actions/nothing/send", json!({})).await.status, 404);
    let other = json!({"connection": "gruveo"});
    assert!(matches!(api.send(Method::POST, preview, other).await.status, 400 | 404));
}
