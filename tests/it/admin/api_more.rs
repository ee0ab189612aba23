//! `/api/v1`: users, filters of runs, rules on stored events, many people at once.

use bellwire::model::Scope;
use reqwest::Method;
use serde_json::{Value, json};

use super::api::{Api, code};
use crate::support::{app::missed_call, both::on_both};

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
