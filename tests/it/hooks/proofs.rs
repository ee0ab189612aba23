//! Proofs: only the sender who holds the key, over the very bytes that came.

use ::base64::{Engine as _, engine::general_purpose as base64};
use serde_json::Value;

use crate::support::{
    app::{GRUVEO_KEY, TestApp, missed_call, sign},
    journal::Journal,
    raw,
};

const HEADER: &str = "X-Gruveo-SHA256-HMAC";

async fn app() -> TestApp {
    TestApp::start(Journal::start([]).await).await
}

fn body() -> String {
    missed_call("42").to_string()
}

fn bytes_of(hex_text: &str) -> Vec<u8> {
    hex::decode(hex_text).unwrap()
}

async fn code(app: &TestApp, headers: &[(&str, &str)], body: &str) -> (u16, String) {
    let answer = app.post("/hooks/gruveo", headers, body).await;
    (answer.status, answer.body["error"]["code"].as_str().unwrap_or_default().to_owned())
}

/// I1, I2, I3, I5, I7, I10
#[tokio::test(flavor = "multi_thread")]
async fn a_proof_that_is_missing_wrong_short_or_long_is_refused() {
    let app = app().await;
    let body = body();
    let good = sign(GRUVEO_KEY, body.as_bytes());
    let mut flipped = bytes_of(&good);
    flipped[7] ^= 1;
    assert_eq!(code(&app, &[], &body).await, (401, "signature_missing".to_owned()), "I1");
    let mismatch = |name: &'static str, value: String| (name, value);
    for (name, signature) in [
        mismatch("I2 wrong key", sign("another-key-altogether", body.as_bytes())),
        mismatch("I2 one bit of the signature", hex::encode(flipped)),
        mismatch("I3 empty", String::new()),
        mismatch("I3 v1,", "v1".to_owned()),
        mismatch("I3 sha256=", "sha256=".to_owned()),
        mismatch("I3 one byte", good[..2].to_owned()),
        mismatch("I3 half", good[..32].to_owned()),
        mismatch("I3 double", format!("{good}{good}")),
        mismatch("I5 another source's key", sign("a-groove-hook-token", body.as_bytes())),
        mismatch("I7 a prefix", format!("sha1={good}")),
        mismatch("I7 a prefix that others use", format!("SHA256={good}")),
    ] {
        assert_eq!(code(&app, &[(HEADER, &signature)], &body).await.0, 401, "{name}");
    }
    let flipped = body.replacen("Greece", "Greecf", 1);
    assert_eq!(code(&app, &[(HEADER, &good)], &flipped).await, (401, "signature_mismatch".to_owned()), "I2 body");
    let value: Value = serde_json::from_str(&body).unwrap();
    let again = serde_json::to_string_pretty(&value).unwrap();
    assert_eq!(code(&app, &[(HEADER, &good)], &again).await.0, 401, "I10 the same value, written anew");
    assert!(app.events().await.is_empty());
    let refusals = app.refusals(14).await;
    let kept = format!("{refusals:?}");
    assert!(!kept.contains(&good) && !kept.contains(GRUVEO_KEY), "{kept}");
    assert!(refusals.iter().all(|refusal| refusal.bytes > 0 && refusal.peer == "127.0.0.1"), "{kept}");
}

/// I6: the forms that `encoding: auto` knows, and no other.
#[tokio::test(flavor = "multi_thread")]
async fn hex_of_any_case_and_standard_base64_pass_alone() {
    let app = app().await;
    for (n, (name, encode, passes)) in [
        ("lower hex", (|raw: &[u8]| hex::encode(raw)) as fn(&[u8]) -> String, true),
        ("upper hex", |raw| hex::encode_upper(raw), true),
        (
            "mixed hex",
            |raw| {
                hex::encode(raw)
                    .chars()
                    .enumerate()
                    .map(|(n, c)| if n % 2 == 0 { c.to_ascii_uppercase() } else { c })
                    .collect()
            },
            true,
        ),
        ("base64", |raw| base64::STANDARD.encode(raw), true),
        ("unpadded base64", |raw| base64::STANDARD_NO_PAD.encode(raw), false),
        ("base64url", |raw| base64::URL_SAFE.encode(raw).replace('+', "-").replace('/', "_"), false),
        ("base64 of hex", |raw| base64::STANDARD.encode(hex::encode(raw)), false),
        ("blanks inside", |raw| hex::encode(raw).replacen('a', " a", 1), false),
    ]
    .into_iter()
    .enumerate()
    {
        // Bytes whose Base64 has `+` or `/`, so that base64url is another text.
        let (body, raw) = (0..)
            .map(|tries| format!("{{\"n\":{n},\"tries\":{tries}}}"))
            .map(|body| (bytes_of(&sign(GRUVEO_KEY, body.as_bytes())), body))
            .find(|(raw, _)| base64::STANDARD.encode(raw).contains(['+', '/']) && hex::encode(raw).contains('a'))
            .map(|(raw, body)| (body, raw))
            .unwrap();
        let (status, code) = code(&app, &[(HEADER, &encode(&raw))], &body).await;
        assert_eq!(status, if passes { 202 } else { 401 }, "{name}: {code}");
    }
    let events = app.events().await;
    let mut forms = Vec::new();
    for event in &events {
        forms.push(app.store().event(event.id).await.unwrap().unwrap().event.verified);
    }
    assert_eq!(forms, ["hex", "hex", "hex", "base64"], "the event says which form matched");
}

/// I4, I8, I9
#[tokio::test(flavor = "multi_thread")]
async fn a_header_counts_once_and_under_its_name() {
    let app = app().await;
    let body = body();
    let good = sign(GRUVEO_KEY, body.as_bytes());
    let bad = sign("another-key-altogether", body.as_bytes());
    let send = async |lines: &str| {
        let bytes = raw::post("/hooks/gruveo", &format!("Connection: close\r\n{lines}"), body.as_bytes());
        let came = raw::send(app.app.address(), &bytes, std::time::Duration::from_secs(5)).await;
        (came.status(), came.answers[0].code())
    };
    for lines in [
        format!("X-GRUVEO-SHA256-HMAC: {good}\r\nx-gruveo-sha256-hmac: {bad}\r\n"),
        format!("{HEADER}: {bad}\r\n{HEADER}: {good}\r\n"),
        format!("{HEADER}: {bad},{good}\r\n"),
        format!("{HEADER}: {good}, {good}\r\n"),
        (0..80).map(|_| format!("{HEADER}: {good}\r\n")).collect(),
    ] {
        assert_eq!(send(&lines).await, (400, "duplicate_header".to_owned()), "I4, I9 {lines}");
    }
    for lines in [format!("X_Gruveo_SHA256_HMAC: {good}\r\n"), format!("X-Gruveo-SHA256-HMAC_: {good}\r\n")] {
        assert_eq!(send(&lines).await, (401, "signature_missing".to_owned()), "I8 {lines}");
    }
    assert_eq!(send(&format!("X-Gruveo-SHA256-HMAC : {good}\r\n")).await.0, 400, "I8 a blank after the name");
    assert!(app.events().await.is_empty());
    assert_eq!(send(&format!("x-gRUVEO-sha256-hmac:   {good}  \r\n")).await.0, 202, "I8 any case");
}
