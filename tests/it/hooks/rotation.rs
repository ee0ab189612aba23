//! Secrets that change, sources that check in their own way, and those that check nothing.

use std::collections::BTreeMap;

use bellwire::{model::RefusalReason, secret::Secret, store::Vault};

use crate::support::{
    app::{Answer, TestApp, sign},
    journal::Journal,
    raw,
};

const DAY: std::time::Duration = std::time::Duration::from_hours(24);

async fn app(settings: &str, secrets: &[(&str, &str)]) -> TestApp {
    let environment = secrets.iter().map(|(name, value)| (format!("BELLWIRE_SECRET_{name}"), (*value).to_owned()));
    TestApp::on(Journal::start([]).await, &[], settings, environment.collect()).await
}

async fn vault(app: &TestApp) -> Vault {
    let config = bellwire::config::load(app.folder.path(), &BTreeMap::new()).unwrap();
    let (store, clock) = (app.store().clone(), std::sync::Arc::clone(&app.clock));
    tokio::task::spawn_blocking(move || Vault::open(store, &config, clock)).await.unwrap().unwrap()
}

fn reason(answer: &Answer) -> (u16, String) {
    (answer.status, answer.body["error"]["code"].as_str().unwrap_or_default().to_owned())
}

const MISMATCH: RefusalReason = "signature_mismatch";

/// A sender may go on with the key of yesterday for a day, and no longer.
#[tokio::test(flavor = "multi_thread")]
async fn the_earlier_key_holds_for_as_long_as_it_was_said() {
    let app = app("[sources.door]\nverify = \"generic\"\n", &[]).await;
    let vault = vault(&app).await;
    let mut number = 0;
    let mut send = async |app: &TestApp, key: &str| {
        number += 1;
        let body = format!("{{\"n\":{number}}}");
        reason(&app.post("/hooks/door", &[("X-Signature", &sign(key, body.as_bytes()))], body).await)
    };
    assert_eq!(send(&app, "the-first-key").await, (503, "secret_missing".to_owned()));
    vault.set("door_secret", Secret::new("the-first-key".to_owned()), Vec::new()).await.unwrap();
    vault.rotate("door_secret", Secret::new("the-second-key".to_owned()), Vec::new(), DAY).await.unwrap();
    let app = app.restart().await;
    assert_eq!(send(&app, "the-first-key").await.0, 202);
    assert_eq!(send(&app, "the-second-key").await.0, 202);
    assert_eq!(send(&app, "the-third-key").await, (401, MISMATCH.to_owned()));
    app.clock.advance(DAY);
    assert_eq!(send(&app, "the-first-key").await, (401, MISMATCH.to_owned()), "a day is over");
    assert_eq!(send(&app, "the-second-key").await.0, 202);
}

/// A whole descriptor in the settings, and names of secrets that are mapped.
#[tokio::test(flavor = "multi_thread")]
async fn a_source_says_in_the_settings_how_it_is_checked() {
    let settings = "[sources.shop]\nverify = { hmac = { header = \"X-Sig\", algorithm = \"sha256\", encoding = \"hex\", prefix = \"v1=\", over = [\"timestamp\", { text = \"shop\" }, \"body\"], separator = \"|\", timestamp = { header = \"X-Time\" }, tolerance = \"10s\" } }\nsecrets = { secret = \"key_of_shop\" }\n\n\
        [sources.desk]\nverify = { basic = {} }\n\n\
        [sources.bearer]\nverify = { token = { in = \"header\", name = \"Authorization\", prefix = \"Bearer \" } }\n\n\
        [sources.wrong]\nverify = \"shoppify\"\n";
    let secrets = [
        ("KEY_OF_SHOP", "the-key-of-the-shop"),
        ("DESK_USER", "user-of-the-desk"),
        ("DESK_PASSWORD", "password-of-the-desk"),
        ("BEARER_SECRET", "a-bearer-token-0123456789"),
    ];
    let app = app(settings, &secrets).await;
    let shop = async |time: i64| {
        let signature = format!("v1={}", sign("the-key-of-the-shop", format!("{time}|shop|{{}}").as_bytes()));
        let headers = [("X-Sig", signature.as_str()), ("X-Time", &time.to_string())];
        reason(&app.post("/hooks/shop/order", &headers, "{}").await)
    };
    assert_eq!(shop(1_772_359_200).await.0, 202);
    assert_eq!(shop(1_772_359_200).await.0, 200, "sent again as it was");
    assert_eq!(shop(1_772_359_201).await.0, 202, "the same body at another time is another event");
    assert_eq!(shop(1_772_359_189).await, (401, "timestamp".to_owned()));
    let bad = [("X-Sig", format!("v1={}", "0".repeat(64))), ("X-Time", "1772359200".to_owned())];
    let bad: Vec<(&str, &str)> = bad.iter().map(|(name, value)| (*name, value.as_str())).collect();
    assert_eq!(reason(&app.post("/hooks/shop", &bad, "{}").await), (401, MISMATCH.to_owned()));
    let named = app.refusals(2).await;
    assert!(named.iter().any(|refusal| refusal.detail.contains("under secret `key_of_shop`")), "{named:?}");

    let basic = |pair: &str| {
        use base64::Engine as _;
        format!("Basic {}", base64::engine::general_purpose::STANDARD.encode(pair))
    };
    let desk = async |value: Option<String>| {
        let headers: Vec<(&str, &str)> = value.iter().map(|value| ("Authorization", value.as_str())).collect();
        reason(&app.post("/hooks/desk", &headers, "{}").await)
    };
    assert_eq!(desk(Some(basic("user-of-the-desk:password-of-the-desk"))).await.0, 202);
    for wrong in [
        None,
        Some(String::new()),
        Some("Bearer x".to_owned()),
        Some("Basic %".to_owned()),
        Some(basic("user-of-the-desk")),
        Some(basic("user-of-the-desk:")),
        Some(basic("user-of-the-desk:password-of-the-des")),
        Some(basic("password-of-the-desk:user-of-the-desk")),
        Some(basic(":password-of-the-desk")),
    ] {
        assert_eq!(desk(wrong.clone()).await, (401, "credentials".to_owned()), "{wrong:?}");
    }
    let bearer = [("Authorization", "Bearer a-bearer-token-0123456789")];
    assert_eq!(app.post("/hooks/bearer", &bearer, "{}").await.status, 202);
    assert_eq!(app.post("/hooks/bearer", &[("Authorization", "a-bearer-token-0123456789")], "{}").await.status, 404);
    assert_eq!(app.post("/hooks/wrong", &[], "{}").await.status, 503, "what does not hold together takes nothing");
    let kinds: Vec<String> = app.events().await.into_iter().map(|event| event.kind).collect();
    assert_eq!(kinds, ["shop.order", "shop.order", "desk.received", "bearer.received"]);
    let kept = app.store().event(app.events().await[2].id).await.unwrap().unwrap();
    assert!(!format!("{kept:?}").contains("Basic "), "credentials are not kept");
}

/// A pack that checks nothing is open only where the settings say so.
#[tokio::test(flavor = "multi_thread")]
async fn a_service_that_proves_nothing_is_closed_unless_it_is_public() {
    let app = app("[sources.shut]\nservice = \"crm\"\n\n[sources.open]\nservice = \"crm\"\npublic = true\n", &[]).await;
    app.write_pack("crm", "name: crm\ntitle: CRM\nhook: { verify: none, type: { body: kind }, body: json }\nevents:\n  a_b: { title: An event }\n");
    let app = app.restart().await;
    assert_eq!(app.post("/hooks/crm", &[], r#"{"kind":"a.b"}"#).await.status, 404, "not in the settings");
    assert_eq!(app.post("/hooks/shut", &[], r#"{"kind":"a.b"}"#).await.status, 503);
    assert_eq!(app.post("/hooks/open", &[], r#"{"kind":"A.b"}"#).await.status, 202);
    assert_eq!(app.events().await[0].kind, "crm.a_b");
    assert!(app.refusals(2).await.iter().any(|refusal| refusal.detail.contains("set `public = true`")));
}

/// I61: an `OPTIONS` of `CloudEvents` is answered for the origins that the source declares.
#[tokio::test(flavor = "multi_thread")]
async fn an_origin_that_is_declared_may_send() {
    let verify = "{ token = { in = \"query\", name = \"code\" }, challenge = { origins = [\"events.example.com\"] } }";
    let settings = format!("[sources.grid]\nverify = {verify}\n\n[sources.door]\nverify = \"generic\"\n");
    let app = app(&settings, &[("GRID_SECRET", "a-token-of-the-grid"), ("DOOR_SECRET", "a-key-of-the-door")]).await;
    let ask = async |source: &str, lines: &str| {
        let bytes = format!("OPTIONS /hooks/{source} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n{lines}\r\n");
        let came = raw::send(app.app.address(), bytes.as_bytes(), std::time::Duration::from_secs(5)).await;
        let answer = &came.answers[0];
        (answer.status, answer.header("webhook-allowed-origin").to_owned())
    };
    let origin = "WebHook-Request-Origin: events.example.com\r\n";
    assert_eq!(ask("grid", origin).await, (200, "events.example.com".to_owned()));
    assert_eq!(ask("grid", "WebHook-Request-Origin: elsewhere.example.com\r\n").await, (405, String::new()));
    assert_eq!(ask("grid", "").await, (405, String::new()));
    assert_eq!(ask("door", origin).await, (405, String::new()));
    assert_eq!(app.post("/hooks/grid?code=a-token-of-the-grid", &[], "{}").await.status, 202);
}

/// Packs of services: the event is named by the body, and a handshake is no event.
#[tokio::test(flavor = "multi_thread")]
async fn services_name_their_events_in_the_body() {
    let secrets = [
        ("PAGERDUTY_HOOK_SECRET", "a-secret-of-pagerduty"),
        ("SLACK_SIGNING_SECRET", "a-secret-of-slack"),
        ("GITLAB_HOOK_TOKEN", "a-token-of-gitlab"),
    ];
    let app = app("", &secrets).await;
    let body = include_str!("../../../templates/services/pagerduty/incident_triggered.json");
    let signature = format!("v1={}", sign("a-secret-of-pagerduty", body.as_bytes()));
    assert_eq!(app.post("/hooks/pagerduty", &[("X-PagerDuty-Signature", &signature)], body).await.status, 202);
    let token = [("X-Gitlab-Token", "a-token-of-gitlab"), ("Content-Type", "application/json")];
    assert_eq!(app.post("/hooks/gitlab", &token, r#"{"object_kind":"merge_request"}"#).await.status, 202);
    assert_eq!(app.post("/hooks/gitlab", &[("X-Gitlab-Token", "x")], r#"{"object_kind":"push"}"#).await.status, 404);
    let slack = async |body: &str| {
        let signature = format!("v0={}", sign("a-secret-of-slack", format!("v0:1772359200:{body}").as_bytes()));
        let headers = [
            ("X-Slack-Signature", signature.as_str()),
            ("X-Slack-Request-Timestamp", "1772359200"),
            ("Content-Type", "application/json"),
        ];
        app.post("/hooks/slack", &headers, body).await
    };
    let asked = slack(r#"{"type":"url_verification","challenge":"abc.DEF_1-2"}"#).await;
    assert_eq!((asked.status, asked.body), (200, serde_json::json!("abc.DEF_1-2")));
    assert_eq!(slack(include_str!("../../../templates/services/slack/message.json")).await.status, 202);
    assert_eq!(slack(include_str!("../../../templates/services/slack/message.json")).await.status, 200, "event_id");
    let kinds: Vec<String> = app.events().await.into_iter().map(|event| event.kind).collect();
    assert_eq!(kinds, ["pagerduty.incident_triggered", "gitlab.merge_request", "slack.message"]);
}
