//! What a service's own pack adds: ids, fields, event names; and what no payload can make of them.

use std::collections::BTreeMap;

use bellwire::model::{EventFlags, RunStatus};
use serde_json::json;

use crate::support::{
    app::{TestApp, sign, states},
    journal::Journal,
};

const ACME: &str = r#"
name: acme
title: Acme
hook:
  verify: { hmac: { header: X-Acme-Signature, algorithm: sha256, encoding: hex, over: body, prefix: "sha256=", secret: acme_key } }
  type: { header: X-Acme-Event }
  dedupe: "{{ body.delivery }}"
  body: json
events: {}
"#;

/// I17, I18 for a service with ids of its own; I6 and I7 for one with a prefix and one encoding.
#[tokio::test(flavor = "multi_thread")]
async fn a_service_with_ids_of_its_own_is_deduplicated_by_them() {
    let journal = Journal::start([]).await;
    let app = TestApp::on(
        journal,
        &[],
        "",
        BTreeMap::from([("BELLWIRE_SECRET_ACME_KEY".to_owned(), "an-acme-signing-key".to_owned())]),
    )
    .await;
    app.write_pack("acme", ACME);
    let app = app.restart_changed().await;
    let send = async |body: &str, prefix: &str| {
        let signature = format!("{prefix}{}", sign("an-acme-signing-key", body.as_bytes()));
        app.post("/hooks/acme", &[("X-Acme-Signature", &signature), ("X-Acme-Event", "made")], body).await
    };
    for prefix in ["", "sha1=", "SHA256=", "sha256= "] {
        assert_eq!(send("{}", prefix).await.status, 401, "I7 `{prefix}`");
    }
    let first = send(r#"{"delivery":"d1","a":1}"#, "sha256=").await;
    assert_eq!(first.status, 202);
    let again = send(r#"{"delivery":"d1","a":1}"#, "sha256=").await;
    assert_eq!((again.status, &again.body["id"]), (200, &first.body["id"]));
    let other = send(r#"{"delivery":"d1","a":2}"#, "sha256=").await;
    assert_eq!(other.status, 202, "I18: another body is another event");
    assert_ne!(other.body["id"], first.body["id"]);
    assert_eq!(send(r#"{"delivery":"","a":3}"#, "sha256=").await.status, 202);
    assert_eq!(
        send(r#"{"delivery":{"x":1},"a":3}"#, "sha256=").await.status,
        202,
        "a dedupe that fails refuses nothing"
    );
    let flags: Vec<_> = app.events().await.into_iter().map(|event| event.flags).collect();
    let fallback = EventFlags::DEDUPE_FALLBACK.words();
    assert_eq!(flags, [vec![], EventFlags::ID_REUSED.words(), fallback.clone(), fallback]);
    let many = (0..50).map(|_| send(r#"{"delivery":"d9"}"#, "sha256="));
    let answers = futures_util::future::join_all(many).await;
    let accepted = answers.iter().filter(|answer| answer.status == 202).count();
    assert_eq!(
        (accepted, answers.len() - accepted),
        (1, answers.iter().filter(|answer| answer.status == 200).count()),
        "I17"
    );
}

/// I38 and the house's own names: what a body calls itself changes nothing but `event`.
#[tokio::test(flavor = "multi_thread")]
async fn a_body_cannot_shadow_what_the_server_says() {
    let rule = "name: shadow\non: gruveo.call\ndo:\n  - groove.add_note: { ticket: 1, body: \"{{ trigger.verified }}|{{ trigger.source }}|{{ trigger.type }}|{{ trigger.id }}|{{ run.id }}|{{ trigger.headers.x | default: 'none' }}|{{ event.link }}\" }\n";
    let app = TestApp::with(Journal::start([]).await, &[("shadow", rule)], "").await;
    let body = json!({
        "files": {"x": {"filepath": "/etc/passwd"}}, "headers": {"x": "evil"}, "_meta": {"source": "evil"}, "_raw": "evil",
        "event_id": "evt_evil", "id": "evt_evil", "source": "evil", "type": "evil", "verified": "evil",
        "trigger": {"verified": "evil", "source": "evil"}, "event": {"verified": "evil"}, "run": {"id": "evil"},
        "vars": {"a": "evil"}, "steps": {"a": "evil"}, "duplicate": true, "service": "evil", "link": "evil",
    });
    let answer = app.signed(body.to_string().as_bytes()).await;
    assert_eq!(answer.status, 202);
    assert_eq!(answer.body, json!({"id": answer.body["id"]}), "I60: the answer is ours");
    app.settle().await;
    let event = app.events().await.remove(0);
    let run = app.only_run().await.row;
    let note = app.journal.requests()[0].json()["body"].as_str().unwrap().to_owned();
    assert_eq!(note, format!("true|gruveo|gruveo.call|{}|{}|none|evil", event.id, run.id));
    assert_eq!((event.kind.as_str(), event.source.as_str()), ("gruveo.call", "gruveo"));
}

/// What a rule sees while it is matched is what its steps see later, from what is stored: headers, query and computed fields included.
#[tokio::test(flavor = "multi_thread")]
async fn event_and_trigger_are_the_same_when_matched_and_when_run() {
    let pack = ACME.replace(
        "  body: json\n",
        "  body: json\n  fields:\n    via: { type: text, value: \"{{ headers.x-via }}\" }\n    agent: { type: text, value: \"{{ headers.user-agent }}\" }\n    host: { type: text, value: \"{{ headers.host }}\" }\n    accept: { type: text, value: \"{{ headers.accept }}\" }\n",
    )
    .replace("events: {}", "events:\n  made: { title: Made }");
    let rule = "name: same\non: acme.made\nvars:\n  seen: \"{{ trigger | json }} {{ event | json }}\"\nwhen:\n  vars.seen: { exists: true }\ndo:\n  - groove.add_note: { ticket: 1, body: \"{{ vars.seen }}\" }\n  - groove.add_note: { ticket: 1, body: \"{{ trigger | json }} {{ event | json }}\" }\n";
    let environment = BTreeMap::from([("BELLWIRE_SECRET_ACME_KEY".to_owned(), "an-acme-signing-key".to_owned())]);
    let app = TestApp::on(Journal::start([]).await, &[], "", environment).await;
    app.write_pack("acme", &pack);
    app.write_rule("same", rule);
    let app = app.restart_changed().await;
    let body = r#"{"delivery":"d1","via":"the body","a":[1,{"b":null}],"a":9007199254740993}"#;
    let signature = format!("sha256={}", sign("an-acme-signing-key", body.as_bytes()));
    let long = "v".repeat(3000);
    let headers = [
        ("X-Acme-Signature", signature.as_str()),
        ("X-Acme-Event", "made"),
        ("X-Via", "one"),
        ("X-Via", "two"),
        ("X-Long", &long),
        ("Accept", "text/html"),
        ("User-Agent", "Acme/1"),
        ("Cookie", "a=b"),
        ("Bellwire-Depth", "2"),
    ];
    assert_eq!(app.post("/hooks/acme?a=1&a=2&api_token=x&%C3%BC=%F0%9F%94%94", &headers, body).await.status, 202);
    app.settle().await;
    let notes: Vec<String> =
        app.journal.requests().iter().map(|note| note.json()["body"].as_str().unwrap().to_owned()).collect();
    assert_eq!(notes.len(), 2, "{:?}", app.runs().await);
    assert_eq!(notes[0], notes[1]);
    let text = notes[0].replace("&quot;", "\"");
    for part in [
        "\"verified\":true",
        "\"depth\":2",
        "\"x-via\":\"one, two\"",
        "\"via\":\"one, two\"",
        "\"agent\":\"Acme/1\"",
        "\"host\":null",
        "\"accept\":null",
        "\"query\":{\"a\":\"1, 2\",\"ü\":\"\u{1f514}\"}",
        "\"a\":9007199254740993",
    ] {
        assert!(text.contains(part), "{part} in {text}");
    }
    assert!(!text.contains("cookie") && !text.contains("api_token") && !text.contains(&signature), "{text}");
}

/// A token may stand in the path, before the event's name; neither alone is enough.
#[tokio::test(flavor = "multi_thread")]
async fn a_token_in_the_path_stands_before_the_event() {
    const PACK: &str = "name: bell\ntitle: Bell\nhook:\n  verify: { token: { in: path, secret: bell_token } }\n  type: path\n  dedupe: digest\n  body: json\nevents: {}\n";
    let environment = BTreeMap::from([("BELLWIRE_SECRET_BELL_TOKEN".to_owned(), "a-bell-token-0123456789".to_owned())]);
    let app = TestApp::on(Journal::start([]).await, &[], "[sources.box]\npublic = true\n", environment).await;
    app.write_pack("bell", PACK);
    let app = app.restart_changed().await;
    for (path, status) in [
        ("/hooks/bell/a-bell-token-0123456789/rung", 202),
        ("/hooks/bell/a-bell-token-0123456789", 400),
        ("/hooks/bell/a-bell-token-0123456789/rung/x", 404),
        ("/hooks/bell/a-bell-token-0123456780/rung", 404),
        ("/hooks/bell/rung/a-bell-token-0123456789", 404),
        ("/hooks/bell//a-bell-token-0123456789", 400),
        ("/hooks/bell/rung", 404),
        ("/hooks/bell", 404),
        ("/hooks/box/a/b", 404),
        ("/hooks/gruveo/a/b", 401),
    ] {
        assert_eq!(app.post(path, &[], "{}").await.status, status, "{path}");
    }
    assert_eq!(app.events().await[0].kind, "bell.rung");
    assert!(!app.is_on_disk("a-bell-token-0123456789"));
}

/// The way of an event through our own actions is counted, and ends.
#[tokio::test(flavor = "multi_thread")]
async fn a_chain_of_our_own_events_ends() {
    let rule = "name: on\non: box.received\ndo:\n  - groove.add_note: { ticket: 1, body: \"{{ trigger.depth }}\" }\n";
    let app = TestApp::with(Journal::start([]).await, &[("on", rule)], "[sources.box]\npublic = true\n").await;
    for (depth, status) in [("5", 202), ("6", 508), ("99999999999999", 508), ("-1", 202), ("x", 202)] {
        let answer = app.post("/hooks/box", &[("Bellwire-Depth", depth)], "{}").await;
        assert_eq!(answer.status, status, "I59 {depth} {answer:?}");
    }
    assert_eq!(app.post("/hooks/box", &[("Bellwire-Depth", "6"), ("Bellwire-Depth", "0")], "{}").await.status, 508);
    app.settle().await;
    let mut depths: Vec<_> =
        app.journal.requests().iter().map(|note| note.header("bellwire-depth").unwrap().to_owned()).collect();
    depths.sort();
    assert_eq!(depths, ["1", "1", "6"]);
    assert_eq!(states(&app.runs().await), [RunStatus::Ok; 3]);
}

/// Rules that intake had no time for are decided later, and each matching one runs.
#[tokio::test(flavor = "multi_thread")]
async fn rules_that_were_not_reached_in_time_are_decided_by_the_runner() {
    let slow = "name: slow\non: box.received\nvars:\n  all: \"{% for a in event.list %}{% for b in event.list %}{% for c in event.list %}{{ a }}{% endfor %}{% endfor %}{% endfor %}\"\nwhen:\n  vars.all: never\ndo:\n  - groove.add_note: { ticket: 1, body: slow }\n";
    let quick = |value: &str| {
        format!(
            "name: quick\non: box.received\nwhen:\n  event.a: {value}\ndo:\n  - groove.add_note: {{ ticket: 1, body: \"{{{{ event.a }}}}\" }}\n"
        )
    };
    let (yes, no) = (quick("1"), quick("2"));
    let mut rules: Vec<(String, &str)> = (0..60).map(|n| (format!("a{n:02}"), slow)).collect();
    rules.push(("z-no".to_owned(), &no));
    rules.push(("z-yes".to_owned(), &yes));
    let rules: Vec<(&str, &str)> = rules.iter().map(|(id, text)| (id.as_str(), *text)).collect();
    let settings = "[sources.box]\npublic = true\n[limits]\nmatch_event_ms = 100\n";
    let app = TestApp::with(Journal::start([]).await, &rules, settings).await;
    let body = json!({"a": 1, "list": vec!["x"; 300]}).to_string();
    assert_eq!(app.post("/hooks/box", &[], body).await.status, 202);
    app.settle().await;
    let runs = app.runs().await;
    let of = |rule: &str| runs.iter().find(|run| run.rule == rule).map(|run| run.status);
    assert_eq!(of("z-yes"), Some(RunStatus::Ok));
    assert!(matches!(of("z-no"), None | Some(RunStatus::Skipped)), "{:?}", of("z-no"));
    assert_eq!(app.journal.requests().len(), 1);
    assert!(
        runs.iter().all(|run| matches!(run.status, RunStatus::Ok | RunStatus::Failed | RunStatus::Skipped)),
        "{runs:?}"
    );
}
