//! Ways in: which names are sources, what they ask of a sender, and what nobody learns.

use std::collections::BTreeMap;

use bellwire::{model::RunStatus, secret::Secret};

use crate::support::{
    app::{Answer, GRUVEO_KEY, MISSED, TestApp, missed_call, sign, states},
    journal::Journal,
};

const TOKEN: &str = "a-groove-hook-token-0123456789abcdef";

fn with_token() -> BTreeMap<String, String> {
    BTreeMap::from([("BELLWIRE_SECRET_GROOVE_HOOK_TOKEN".to_owned(), TOKEN.to_owned())])
}

async fn app(settings: &str) -> TestApp {
    TestApp::on(Journal::start([]).await, &[("calls/missed", MISSED)], settings, with_token()).await
}

/// What a stranger sees of a refusal: all but the time of day.
fn seen(answer: &Answer) -> (u16, String, Vec<(String, String)>) {
    let mut headers: Vec<_> = answer
        .headers
        .iter()
        .map(|(name, value)| (name.to_string(), value.to_str().unwrap().to_owned()))
        .filter(|(name, _)| name != "date")
        .collect();
    headers.sort();
    (answer.status, answer.body.to_string(), headers)
}

/// I14: whoever has no token cannot tell a source from none.
#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_token_looks_like_an_unknown_source() {
    let app = app("").await;
    let unknown = app.post("/hooks/nobody?token=x", &[("X-Groove-Event", "ticket_started")], "{}").await;
    assert_eq!(unknown.status, 404);
    let short = &TOKEN[..TOKEN.len() - 1];
    for query in [
        String::new(),
        "?token=".to_owned(),
        format!("?token={short}"),
        format!("?token={}", TOKEN.to_uppercase()),
        format!("?token={TOKEN}x"),
        format!("?token={TOKEN}%00"),
        format!("?token={GRUVEO_KEY}"),
        format!("?token=x&token={TOKEN}"),
        format!("?token={TOKEN}&Token={TOKEN}"),
        format!("?tok%65n={short}"),
        format!("?other={TOKEN}"),
        "?token=*".to_owned(),
        "?token[]=x".to_owned(),
    ] {
        for path in ["/hooks/groove", "/hooks/groove/ticket_started"] {
            let answer = app.post(&format!("{path}{query}"), &[("X-Groove-Event", "ticket_started")], "{}").await;
            assert_eq!(seen(&answer), seen(&unknown), "{path}{query}");
        }
    }
    for (name, value) in [("Authorization", format!("Bearer {TOKEN}")), ("Token", TOKEN.to_owned())] {
        assert_eq!(app.post("/hooks/groove", &[(name, &value)], "{}").await.status, 404, "{name}");
    }
    assert!(app.events().await.is_empty());
}

/// I48: the token is in no row, not even in one of a refused delivery that had it in the wrong place.
#[tokio::test(flavor = "multi_thread")]
async fn a_token_is_never_stored() {
    let rule = "name: tell\non: groove.*\ndo:\n  - groove.add_note: { ticket: 1, body: \"{{ trigger.query | json }} {{ trigger.headers | json }}\" }\n";
    let app = TestApp::on(Journal::start([]).await, &[("tell", rule)], "", with_token()).await;
    let path = format!("/hooks/groove/ticket_started?token={TOKEN}&a=b");
    let referer = format!("https://example.com/hooks/groove?token={TOKEN}");
    let answer = app.post(&path, &[("Referer", &referer), ("X-Token", TOKEN)], r#"{"number":7}"#).await;
    assert_eq!(answer.status, 202, "{answer:?}");
    app.settle().await;
    assert_eq!(
        app.journal.requests()[0].json()["body"].as_str().unwrap().split(' ').next(),
        Some("{&quot;a&quot;:&quot;b&quot;}")
    );
    assert_eq!(app.post(&format!("/hooks/groove/ticket_started?Other={TOKEN}"), &[], "{}").await.status, 404);
    assert_eq!(app.post(&format!("/hooks/{TOKEN}"), &[], "{}").await.status, 404);
    assert_eq!(app.post(&format!("/hooks/groove/{TOKEN}?token={TOKEN}"), &[], "{}").await.status, 400);
    let refusals = app.refusals(3).await;
    assert!(!format!("{refusals:?}").contains(TOKEN), "{refusals:?}");
    assert!(!app.is_on_disk(TOKEN), "the token is in the database");
    assert!(app.is_on_disk("ticket_started"), "the search finds what is there");
}

/// Groove names the event in a header or in the path, with any content type, and an event nobody knows is one too.
#[tokio::test(flavor = "multi_thread")]
async fn groove_is_taken_by_header_or_path_whatever_its_content_type() {
    let app = app("").await;
    let with = format!("token={TOKEN}");
    for (n, (path, headers, kind)) in [
        ("", vec![("X-Groove-Event", "ticket_started")], "groove.ticket_started"),
        ("/ticket_closed", vec![], "groove.ticket_closed"),
        ("/ticket_closed", vec![("X-Groove-Event", "note_added")], "groove.note_added"),
        (
            "",
            vec![("X-Groove-Event", "quite_new"), ("Content-Type", "application/x-www-form-urlencoded")],
            "groove.quite_new",
        ),
        ("/customer_added", vec![("Content-Type", "text/plain; charset=utf-16")], "groove.customer_added"),
    ]
    .into_iter()
    .enumerate()
    {
        let answer = app.post(&format!("/hooks/groove{path}?{with}"), &headers, format!("{{\"number\":{n}}}")).await;
        assert_eq!(answer.status, 202, "{path} {answer:?}");
        assert_eq!(app.events().await[n].kind, kind);
    }
    for (path, headers) in [
        ("", vec![]),
        ("", vec![("X-Groove-Event", "Ticket Started")]),
        ("", vec![("X-Groove-Event", "a.b")]),
        ("/UPPER", vec![]),
        ("/..", vec![("X-Groove-Event", "../x")]),
        ("", vec![("X-Groove-Event", "a"), ("X-Groove-Event", "b")]),
    ] {
        let answer = app.post(&format!("/hooks/groove{path}?{with}"), &headers, "{}").await;
        assert!(matches!(answer.status, 400 | 404), "{path} {headers:?} {answer:?}");
    }
    assert_eq!(app.events().await.len(), 5);
}

/// I13: no key, no answer of 2xx, and no 4xx either: the sender is to come again.
#[tokio::test(flavor = "multi_thread")]
async fn a_source_without_its_secret_answers_503() {
    let app = app("[sources.x]\nservice = \"gruveo\"\nsecrets = { gruveo_key = \"never_set\" }\n\n[sources.none]\nservice = \"no-such-pack\"\n").await;
    let body = missed_call("42").to_string();
    let signature = sign(GRUVEO_KEY, body.as_bytes());
    for headers in [vec![], vec![("X-Gruveo-SHA256-HMAC", signature.as_str())]] {
        for path in ["/hooks/x", "/hooks/none"] {
            let answer = app.post(path, &headers, body.clone()).await;
            assert_eq!(answer.status, 503, "{path} {answer:?}");
            assert!(answer.headers.contains_key("retry-after"));
            let message = answer.body["error"]["message"].as_str().unwrap();
            assert!(message.starts_with("this source cannot") && !message.contains("never_set"), "{message}");
        }
    }
    let empty = sign("", body.as_bytes());
    assert_eq!(app.post("/hooks/x", &[("X-Gruveo-SHA256-HMAC", &empty)], body).await.status, 503, "no empty key");
    let refusals = app.refusals(5).await;
    assert!(refusals.iter().any(|refusal| refusal.detail.contains("never_set")), "{refusals:?}");
    assert!(app.events().await.is_empty());
}

/// I13: a secret that was sealed with another key.
#[tokio::test(flavor = "multi_thread")]
async fn a_secret_that_cannot_be_unsealed_answers_503_and_the_rest_goes_on() {
    let settings = "[sources.sealed]\nservice = \"gruveo\"\nsecrets = { gruveo_key = \"sealed_key\" }\n";
    let app = app(settings).await;
    let config = bellwire::config::load(app.folder.path(), &BTreeMap::new()).unwrap();
    let (store, clock) = (app.store().clone(), std::sync::Arc::clone(&app.clock));
    let vault = tokio::task::spawn_blocking(move || bellwire::store::Vault::open(store, &config, clock))
        .await
        .unwrap()
        .unwrap();
    vault.set("sealed_key", Secret::new("a-sealed-signing-key".to_owned()), Vec::new()).await.unwrap();
    let app = app.restart().await;
    let send = async |app: &TestApp, ticket: &str| {
        let body = missed_call(ticket).to_string();
        let signature = sign("a-sealed-signing-key", body.as_bytes());
        app.post("/hooks/sealed", &[("X-Gruveo-SHA256-HMAC", &signature)], body).await.status
    };
    assert_eq!(send(&app, "1").await, 202);
    let key = app.folder.path().join("data/bellwire.key");
    let mut bytes = std::fs::read(&key).unwrap();
    let turned = bytes.iter().position(u8::is_ascii_alphanumeric).unwrap();
    bytes[turned] = if bytes[turned] == b'1' { b'2' } else { b'1' };
    std::fs::write(&key, bytes).unwrap();
    let app = app.restart().await;
    assert_eq!(send(&app, "2").await, 503);
    assert_eq!(app.call(&missed_call("3")).await.status, 202, "a source whose secret is in the environment");
}

/// I16
#[tokio::test(flavor = "multi_thread")]
async fn a_disabled_source_is_not_there() {
    let app = app(
        "[sources.gruveo]\nservice = \"gruveo\"\nenabled = false\n\n[sources.box]\npublic = true\nenabled = false\n",
    )
    .await;
    let unknown = app.post("/hooks/nobody", &[], "{}").await;
    assert_eq!(seen(&app.call(&missed_call("42")).await), seen(&unknown));
    assert_eq!(seen(&app.post("/hooks/box", &[], "{}").await), seen(&unknown));
}

/// A generic source is never one of a service: its events would bear types that a key vouches for.
#[tokio::test(flavor = "multi_thread")]
async fn a_source_named_as_a_service_is_of_that_service() {
    let app = app("[sources.gruveo]\npublic = true\n\n[sources.groove]\nenabled = true\n").await;
    for path in ["/hooks/gruveo", "/hooks/gruveo/call"] {
        assert_eq!(app.post(path, &[], missed_call("42").to_string()).await.status, 503, "{path}");
    }
    assert_eq!(app.post("/hooks/groove/note_added", &[], "{}").await.status, 404);
    assert_eq!(app.post(&format!("/hooks/groove/note_added?token={TOKEN}"), &[], "{}").await.status, 202);
    assert!(app.runs().await.is_empty());
}

/// Generic public source: types, duplicates by the sender's key alone, content types.
#[tokio::test(flavor = "multi_thread")]
async fn a_public_source_takes_json_from_anybody() {
    let rule = "name: box\non: [box.received, box.rung]\ndo:\n  - groove.add_note: { ticket: 1, body: \"{{ trigger.type }} {{ trigger.verified }} {{ event.a }}\" }\n";
    let app =
        TestApp::on(Journal::start([]).await, &[("box", rule)], "[sources.box]\npublic = true\n", with_token()).await;
    assert_eq!(app.post("/hooks/box", &[], r#"{"a":1}"#).await.status, 202);
    assert_eq!(app.post("/hooks/box", &[], r#"{"a":1}"#).await.status, 202, "two rings of a bell");
    assert_eq!(app.post("/hooks/box/rung", &[("Idempotency-Key", "k")], r#"{"a":2}"#).await.status, 202);
    assert_eq!(app.post("/hooks/box/rung", &[("Idempotency-Key", "k")], r#"{"a":2}"#).await.status, 200);
    assert_eq!(app.post("/hooks/box/rung", &[("Idempotency-Key", "k")], r#"{"a":3}"#).await.status, 202, "I18");
    assert_eq!(app.post("/hooks/box", &[("Content-Type", "text/plain")], "{}").await.status, 415);
    assert_eq!(
        app.post("/hooks/box", &[("Content-Type", "application/x-www-form-urlencoded")], "a=1").await.status,
        415
    );
    for path in ["/hooks/box/a.b", "/hooks/box/A", "/hooks/box/%2e%2e", "/hooks/box/a/b"] {
        assert_eq!(app.post(path, &[], "{}").await.status, 404, "{path}");
    }
    app.settle().await;
    let mut notes: Vec<_> =
        app.journal.requests().iter().map(|note| note.json()["body"].as_str().unwrap().to_owned()).collect();
    notes.sort();
    assert_eq!(notes, ["box.received false 1", "box.received false 1", "box.rung false 2", "box.rung false 3"]);
    let flags: Vec<_> = app.events().await.into_iter().map(|event| event.flags).collect();
    assert_eq!(flags.last().unwrap(), &["id_reused"]);
}

/// I44
#[tokio::test(flavor = "multi_thread")]
async fn a_name_that_is_no_source_is_nothing() {
    let app = app("").await;
    let long = "x".repeat(10_000);
    for name in [
        "../gruveo",
        "..%2fgruveo",
        "%2e%2e",
        "%00",
        "gruveo%00",
        "gruveo%0d%0aX: y",
        "a%2fb",
        "gruveo;x",
        "gruveo%20",
        "GRUVEO",
        "gr%75veo%2f",
        "%67ruveo%2e",
        "gr\u{fc}veo",
        "grv%ff",
        ".git",
        "con",
        "-gruveo",
        "gruveo.",
        "gruv%65o%25",
        long.as_str(),
    ] {
        let bytes = crate::support::raw::post(&format!("/hooks/{name}"), "Connection: close\r\n", b"{}");
        let came = crate::support::raw::send(app.app.address(), &bytes, std::time::Duration::from_secs(5)).await;
        assert!(matches!(came.status(), 404 | 400 | 414), "{name}: {came:?}");
    }
    let signed = |path: &'static str| {
        let body = missed_call("42").to_string();
        let signature = sign(GRUVEO_KEY, body.as_bytes());
        let app = &app;
        async move { app.post(path, &[("X-Gruveo-SHA256-HMAC", &signature)], body).await.status }
    };
    assert_eq!(signed("/hooks/gruve%6f").await, 202, "one decoding, and the name is the source's");
    assert_eq!(signed("/hooks/gruve%256f").await, 404, "never two");
    assert_eq!(signed("/hooks/gruveo/").await, 200, "a slash at the end names nothing more");
    assert_eq!(signed("/hooks/gruveo/call").await, 404, "a path that goes on where no event is named");
    let body = std::fs::read_dir(app.folder.path()).unwrap().count();
    assert!(body <= 3, "no name became a file");
    app.settle().await;
    assert_eq!(states(&app.runs().await), [RunStatus::Ok]);
}

/// I53
#[tokio::test(flavor = "multi_thread")]
async fn the_peer_is_what_a_trusted_proxy_says_and_nobody_else() {
    let spoofed = [
        ("X-Forwarded-For", "203.0.113.9, 198.51.100.7"),
        ("Forwarded", "for=203.0.113.9"),
        ("X-Real-IP", "203.0.113.9"),
        ("X-Bellwire-Peer", "203.0.113.9"),
    ];
    let open = app("").await;
    open.post("/hooks/nobody", &spoofed, "{}").await;
    assert_eq!(open.refusals(1).await[0].peer, "127.0.0.1");
    let behind = TestApp::on(
        Journal::start([]).await,
        &[],
        "",
        BTreeMap::from([("BELLWIRE_SERVER_TRUSTED_PROXIES".to_owned(), "127.0.0.1, 198.51.100.0/24".to_owned())]),
    )
    .await;
    behind.post("/hooks/nobody", &spoofed, "{}").await;
    assert_eq!(behind.refusals(1).await[0].peer, "203.0.113.9");
    behind.post("/hooks/nobody", &[("X-Forwarded-For", "evil, 192.0.2.1, ::ffff:198.51.100.7")], "{}").await;
    assert_eq!(behind.refusals(2).await[0].peer, "192.0.2.1", "the right-most that is no proxy");
}
