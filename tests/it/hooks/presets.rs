//! Presets, from outside: what each service sends is taken, and each way of getting it wrong is refused.

use std::collections::BTreeMap;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use hmac::{Hmac, KeyInit as _, Mac as _};
use serde_json::{Value, json};
use sha2::Digest as _;

use crate::support::{
    app::{Answer, TestApp},
    journal::Journal,
    raw,
};

const ORIGIN: &str = "https://bellwire.example.com";
/// The second at which the held clock stands.
const NOW: i64 = 1_772_359_200;
const BODY: &str = r#"{"id": "evt_1", "type": "thing.done", "webhookTimestamp": 1772359200000}"#;

/// A service, told anew from its documentation: nothing here is taken from the program's own table.
struct Service {
    name: &'static str,
    /// The secret as a person pastes it.
    secret: &'static str,
    header: &'static str,
    /// What stands before the signature, and the algorithm and encoding: `sha256-hex`.
    prefix: &'static str,
    how: &'static str,
    /// Signed, with `{t}`, `{b}` and `{id}`.
    over: &'static str,
    time: Time,
    /// The header of the delivery's id.
    id: Option<&'static str>,
}

#[derive(PartialEq)]
enum Time {
    None,
    Header(&'static str),
    Entry,
    Rfc3339(&'static str),
}

const fn plain(name: &'static str, header: &'static str, prefix: &'static str, how: &'static str) -> Service {
    Service { name, secret: "a-key-that-both-know", header, prefix, how, over: "{b}", time: Time::None, id: None }
}

const SERVICES: &[Service] = &[
    plain("generic", "X-Signature", "", "sha256-hex"),
    plain("github", "X-Hub-Signature-256", "sha256=", "sha256-hex"),
    plain("shopify", "X-Shopify-Hmac-Sha256", "", "sha256-base64"),
    plain("intercom", "X-Hub-Signature", "sha1=", "sha1-hex"),
    plain("typeform", "Typeform-Signature", "sha256=", "sha256-base64"),
    plain("linear", "Linear-Signature", "", "sha256-hex"),
    plain("sentry", "Sentry-Hook-Signature", "", "sha256-hex"),
    plain("meta", "X-Hub-Signature-256", "sha256=", "sha256-hex"),
    plain("pagerduty", "X-PagerDuty-Signature", "v1=", "sha256-hex"),
    Service {
        over: "{t}.{b}",
        time: Time::Entry,
        secret: "whsec_used-with-its-prefix",
        ..plain("stripe", "Stripe-Signature", "v1=", "sha256-hex")
    },
    Service {
        over: "{t}.{b}",
        time: Time::Entry,
        ..plain("calendly", "Calendly-Webhook-Signature", "v1=", "sha256-hex")
    },
    Service {
        over: "v0:{t}:{b}",
        time: Time::Header("X-Slack-Request-Timestamp"),
        ..plain("slack", "X-Slack-Signature", "v0=", "sha256-hex")
    },
    Service {
        over: "{t}{b}",
        time: Time::Rfc3339("X-Zendesk-Webhook-Signature-Timestamp"),
        ..plain("zendesk", "X-Zendesk-Webhook-Signature", "", "sha256-base64")
    },
    Service {
        over: "{id}.{t}.{b}",
        time: Time::Header("webhook-timestamp"),
        id: Some("webhook-id"),
        secret: "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
        ..plain("standard-webhooks", "webhook-signature", "v1,", "sha256-base64")
    },
    Service { over: "{url}", ..plain("twilio", "X-Twilio-Signature", "", "sha1-base64") },
];

fn mac(how: &str, key: &[u8], message: &[u8]) -> Vec<u8> {
    if how.starts_with("sha1") {
        return Hmac::<sha1::Sha1>::new_from_slice(key).unwrap().chain_update(message).finalize().into_bytes().to_vec();
    }
    Hmac::<sha2::Sha256>::new_from_slice(key).unwrap().chain_update(message).finalize().into_bytes().to_vec()
}

impl Service {
    fn key(secret: &str, name: &str) -> Vec<u8> {
        match name {
            "standard-webhooks" => STANDARD.decode(secret.trim_start_matches("whsec_")).unwrap(),
            _ => secret.as_bytes().to_vec(),
        }
    }

    fn address(&self, body: &str) -> String {
        if self.name != "twilio" {
            return format!("/hooks/hook-{}", self.name);
        }
        format!("/hooks/hook-twilio?bodySHA256={}", hex::encode(sha2::Sha256::digest(body)))
    }

    fn encode(&self, raw: &[u8]) -> String {
        if self.how.ends_with("hex") { hex::encode(raw) } else { STANDARD.encode(raw) }
    }

    fn raw(&self, secret: &str, time: &str, id: &str, body: &str) -> Vec<u8> {
        let url = format!("{ORIGIN}{}", self.address(body));
        let over = self.over.replace("{t}", time).replace("{id}", id).replace("{url}", &url).replace("{b}", body);
        mac(self.how, &Self::key(secret, self.name), over.as_bytes())
    }

    fn now(&self, offset: i64) -> String {
        match self.time {
            Time::Rfc3339(_) => jiff::Timestamp::from_second(NOW + offset).unwrap().to_string(),
            _ => (NOW + offset).to_string(),
        }
    }

    /// The headers of a delivery with this written signature.
    fn headers(&self, signature: &str, time: &str, id: &str) -> Vec<(String, String)> {
        let mut headers = Vec::new();
        let mut value = format!("{}{signature}", self.prefix);
        match self.time {
            Time::Header(name) | Time::Rfc3339(name) => headers.push((name.to_owned(), time.to_owned())),
            Time::Entry => value = format!("t={time},{value}"),
            Time::None => {}
        }
        headers.extend(self.id.map(|name| (name.to_owned(), id.to_owned())));
        headers.push((self.header.to_owned(), value));
        headers
    }

    fn signed(&self, secret: &str, time: &str, id: &str, body: &str) -> Vec<(String, String)> {
        self.headers(&self.encode(&self.raw(secret, time, id, body)), time, id)
    }
}

/// A source of each preset, with its secret in the environment.
async fn app() -> TestApp {
    let mut settings = String::new();
    let mut environment = BTreeMap::from([
        ("BELLWIRE_SERVER_PUBLIC_URL".to_owned(), ORIGIN.to_owned()),
        ("BELLWIRE_SECRET_HOOK_META_VERIFY_TOKEN".to_owned(), "our-own-token".to_owned()),
    ]);
    for service in SERVICES {
        settings.push_str(&format!("[sources.hook-{}]\nverify = \"{0}\"\n\n", service.name));
        let name = service.name.replace('-', "_").to_uppercase();
        environment.insert(format!("BELLWIRE_SECRET_HOOK_{name}_SECRET"), service.secret.to_owned());
    }
    TestApp::on(Journal::start([]).await, &[], &settings, environment).await
}

async fn post(app: &TestApp, service: &Service, headers: &[(String, String)], body: &str) -> Answer {
    let mut headers: Vec<(&str, &str)> = headers.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    headers.push(("Content-Type", "application/json"));
    app.post(&service.address(body), &headers, body).await
}

fn code(answer: &Answer) -> (u16, String) {
    (answer.status, answer.body["error"]["code"].as_str().unwrap_or_default().to_owned())
}

fn is(status: u16, code: &str) -> (u16, String) {
    (status, code.to_owned())
}

/// What a service sends today, and once more the same.
#[tokio::test(flavor = "multi_thread")]
async fn a_delivery_is_taken_once_whatever_signs_it() {
    let app = app().await;
    for (n, service) in SERVICES.iter().enumerate() {
        let headers = service.signed(service.secret, &service.now(0), &format!("msg_{n}"), BODY);
        let first = post(&app, service, &headers, BODY).await;
        assert_eq!(first.status, 202, "{}: {first:?}", service.name);
        let again = post(&app, service, &headers, BODY).await;
        assert_eq!((again.status, &again.body["duplicate"]), (200, &Value::Bool(true)), "I12 {}", service.name);
        let raw = service.raw(service.secret, &service.now(0), "msg_case", BODY);
        let upper = service.headers(&hex::encode_upper(&raw), &service.now(0), "msg_case");
        let wanted = if service.how.ends_with("hex") { 200 } else { 401 };
        assert_eq!(post(&app, service, &upper, BODY).await.status, wanted, "I6 {} in upper case", service.name);
    }
    let events = app.events().await;
    assert_eq!(events.len(), SERVICES.len());
    for event in &events {
        let kept = app.store().event(event.id).await.unwrap().unwrap();
        let text = format!("{:?}", kept.event);
        assert!(!text.to_lowercase().contains("signature\""), "the proof is not kept: {text}");
    }
}

/// I1, I2, I3, I5, I6, I7, I10
#[tokio::test(flavor = "multi_thread")]
async fn a_proof_that_is_missing_or_wrong_is_refused() {
    let app = app().await;
    let mut refused = 0;
    for service in SERVICES {
        let (time, id) = (service.now(0), "msg_1");
        let raw = service.raw(service.secret, &time, id, BODY);
        let good = service.encode(&raw);
        let mut flipped = raw.clone();
        flipped[3] ^= 1;
        let half: String = good.chars().take(good.len() / 2).collect();
        let other_form = if service.how.ends_with("hex") { STANDARD.encode(&raw) } else { hex::encode(&raw) };
        let url_safe = good.replace(['+', '/', '='], "-");
        let another =
            if service.name == "standard-webhooks" { "whsec_AAAAAAAAAAAAAAAAAAAA" } else { "another-key-altogether" };
        let mut wrong: Vec<(&str, Vec<(String, String)>)> = vec![
            ("I2 another key", service.signed(another, &time, id, BODY)),
            ("I2 one bit of the body", service.signed(service.secret, &time, id, &BODY.replace("done", "donf"))),
            ("I2 one bit of the signature", service.headers(&service.encode(&flipped), &time, id)),
            ("I3 empty", service.headers("", &time, id)),
            ("I3 one byte", service.headers(&good[..2], &time, id)),
            ("I3 half", service.headers(&half, &time, id)),
            ("I3 double", service.headers(&format!("{good}{good}"), &time, id)),
            ("I6 the other form", service.headers(&other_form, &time, id)),
            ("I10 written anew", service.signed(service.secret, &time, id, &BODY.replace(": ", ":"))),
        ];
        if service.how.ends_with("base64") {
            wrong.push(("I6 unpadded", service.headers(good.trim_end_matches('='), &time, id)));
            wrong.push(("I6 base64url", service.headers(&url_safe, &time, id)));
        }
        for prefix in ["sha512=", "SHA256=", "v9=", "v2,"] {
            let mut headers = service.headers(&good, &time, id);
            let value = &mut headers.last_mut().unwrap().1;
            *value = match service.prefix {
                "" => format!("{prefix}{value}"),
                own => value.replace(own, prefix),
            };
            wrong.push(("I7", headers));
        }
        for bare in ["", "v1,", "sha256="] {
            let mut headers = service.headers(&good, &time, id);
            if service.time != Time::Entry {
                headers.last_mut().unwrap().1 = bare.to_owned();
                wrong.push(("I3 no signature", headers));
            }
        }
        for (name, headers) in wrong {
            let answer = post(&app, service, &headers, BODY).await;
            let told = if name == "I7" || name.starts_with("I3 no") {
                answer.status == 401 || code(&answer) == is(400, "duplicate_header")
            } else {
                code(&answer) == is(401, "signature_mismatch")
            };
            assert!(told, "{name} {}: {answer:?}", service.name);
            refused += 1;
        }
        let mut without = service.headers(&good, &time, id);
        without.retain(|(name, _)| name != service.header);
        assert_eq!(
            code(&post(&app, service, &without, BODY).await),
            is(401, "signature_missing"),
            "I1 {}",
            service.name
        );
        refused += 1;
    }
    assert!(app.events().await.is_empty());
    // Of a flood a hundred a second and reason are kept.
    let kept = app.store().refusals(1_000).await.unwrap();
    assert!(kept.len() >= 100.min(refused), "{}", kept.len());
    let kept = format!("{kept:?}");
    for service in SERVICES {
        assert!(!kept.contains(service.secret), "{kept}");
        let good = service.encode(&service.raw(service.secret, &service.now(0), "msg_1", BODY));
        assert!(!kept.contains(&good), "the expected value is never told");
    }
}

/// I8, I9
#[tokio::test(flavor = "multi_thread")]
async fn a_signature_header_counts_once_and_under_its_name() {
    let app = app().await;
    for service in SERVICES {
        let (time, id) = (service.now(0), "msg_1");
        let good = service.signed(service.secret, &time, id, BODY);
        let bad = service.headers(&"0".repeat(service.encode(&[0; 32]).len()), &time, id);
        let (good_value, bad_value) = (&good.last().unwrap().1, &bad.last().unwrap().1);
        let rest: String = good
            .iter()
            .filter(|(name, _)| name != service.header)
            .map(|(name, value)| format!("{name}: {value}\r\n"))
            .collect();
        let send = async |lines: &str| {
            let head = format!("Connection: close\r\nContent-Type: application/json\r\n{rest}{lines}");
            let bytes = raw::post(&service.address(BODY), &head, BODY.as_bytes());
            let came = raw::send(app.app.address(), &bytes, std::time::Duration::from_secs(5)).await;
            (came.status(), came.answers[0].code())
        };
        let name = service.header;
        for lines in [
            format!("{name}: {good_value}\r\n{name}: {bad_value}\r\n"),
            format!("{name}: {bad_value}\r\n{name}: {good_value}\r\n"),
            format!("{name}: {good_value}\r\n{}: {good_value}\r\n", name.to_lowercase()),
        ] {
            assert_eq!(send(&lines).await, is(400, "duplicate_header"), "I9 {lines}");
        }
        let underscored = format!("{}: {good_value}\r\n", name.replace('-', "_"));
        assert_eq!(send(&underscored).await, is(401, "signature_missing"), "I8 {underscored}");
        if service.time == Time::None && service.name != "pagerduty" {
            let joined = format!("{name}: {bad_value}, {good_value}\r\n");
            assert_eq!(send(&joined).await, is(400, "duplicate_header"), "I9 {joined}");
        }
        assert_eq!(send(&format!("{}:  {good_value} \r\n", name.to_uppercase())).await.0, 202, "I8 {name}");
    }
}

/// I4
#[tokio::test(flavor = "multi_thread")]
async fn a_list_of_signatures_holds_by_one_of_its_first() {
    let app = app().await;
    for (name, separator) in [("stripe", ","), ("pagerduty", ", "), ("standard-webhooks", " ")] {
        let service = SERVICES.iter().find(|service| service.name == name).unwrap();
        let time = service.now(0);
        let list = |before: usize, id: &str| {
            let good = format!("{}{}", service.prefix, service.encode(&service.raw(service.secret, &time, id, BODY)));
            let bad = format!("{}{}", service.prefix, service.encode(&[7; 32]));
            let mut entries = vec![bad; before];
            entries.push(good);
            let mut headers = service.headers("", &time, id);
            let at = if service.time == Time::Entry { format!("t={time},") } else { String::new() };
            headers.last_mut().unwrap().1 = format!("{at}{}", entries.join(separator));
            headers
        };
        assert_eq!(post(&app, service, &list(1, "msg_1"), BODY).await.status, 202, "{name}");
        assert_eq!(code(&post(&app, service, &list(8, "msg_2"), BODY).await), is(401, "signature_mismatch"), "{name}");
        assert_eq!(code(&post(&app, service, &list(99, "msg_3"), BODY).await), is(401, "signature_mismatch"), "{name}");
    }
}

/// I11, I12, I54
#[tokio::test(flavor = "multi_thread")]
async fn a_time_that_is_off_is_refused_with_the_skew() {
    let app = app().await;
    let mut refused = 0;
    for service in SERVICES.iter().filter(|service| service.time != Time::None) {
        for (n, offset) in [300, -300, 0].into_iter().enumerate() {
            let headers = service.signed(service.secret, &service.now(offset), &format!("msg_{n}"), BODY);
            assert_eq!(post(&app, service, &headers, BODY).await.status, 202, "{} {offset}", service.name);
        }
        let mut times: Vec<String> = [301, -301, 360, -360, 3_600, -3_600].map(|offset| service.now(offset)).into();
        let odd = ["now", "-1772359200", "0", "9223372036854775808", "1772359200000", "1772359200.5", "0x69a", "1e9"];
        times.extend(odd.map(str::to_owned));
        for time in times {
            let headers = service.signed(service.secret, &time, "msg_9", BODY);
            assert_eq!(
                code(&post(&app, service, &headers, BODY).await),
                is(401, "timestamp"),
                "{} {time}",
                service.name
            );
            refused += 1;
        }
        let mut without = service.signed(service.secret, &service.now(0), "msg_9", BODY);
        match service.time {
            Time::Header(name) | Time::Rfc3339(name) => without.retain(|(known, _)| known != name),
            _ => {
                let value = &mut without.last_mut().unwrap().1;
                *value = value.split_once(',').unwrap().1.to_owned();
            }
        }
        assert_eq!(code(&post(&app, service, &without, BODY).await), is(401, "timestamp"), "{}", service.name);
        refused += 1;
    }
    let kept = app.refusals(refused).await;
    assert!(
        kept.iter().any(|refusal| refusal.detail.contains("3600 s behind our clock, 300 s are allowed")),
        "{kept:?}"
    );
    assert!(kept.iter().any(|refusal| refusal.detail.contains("3600 s ahead of our clock")), "{kept:?}");
    // Sent again when its time is over, what was taken once is refused.
    let slack = SERVICES.iter().find(|service| service.name == "slack").unwrap();
    let headers = slack.signed(slack.secret, &slack.now(0), "", BODY);
    assert_eq!(post(&app, slack, &headers, BODY).await.status, 200, "I12 inside");
    app.clock.advance(std::time::Duration::from_secs(301));
    assert_eq!(code(&post(&app, slack, &headers, BODY).await), is(401, "timestamp"), "I12 outside");
}

/// Linear writes the time into the body, in milliseconds, and wants it held within a minute.
#[tokio::test(flavor = "multi_thread")]
async fn a_time_in_the_body_counts_once_the_body_is_proven() {
    let app = app().await;
    let linear = SERVICES.iter().find(|service| service.name == "linear").unwrap();
    for (time, wanted) in [
        (json!(NOW * 1000), is(202, "")),
        (json!(NOW * 1000 - 60_000), is(202, "")),
        (json!(NOW * 1000 - 60_001), is(401, "timestamp")),
        (json!(NOW * 1000 + 61_000), is(401, "timestamp")),
        (json!(NOW), is(401, "timestamp")),
        (json!("soon"), is(401, "timestamp")),
        (json!(-1), is(401, "timestamp")),
    ] {
        let body = json!({"type": "Issue", "webhookTimestamp": time}).to_string();
        let headers = linear.signed(linear.secret, "", "", &body);
        assert_eq!(code(&post(&app, linear, &headers, &body).await), wanted, "{time}");
    }
    for body in [r#"{"type": "Issue"}"#, r#"{"webhookTimestamp": null}"#, "[]", "no JSON"] {
        let headers = linear.signed(linear.secret, "", "", body);
        assert_eq!(code(&post(&app, linear, &headers, body).await), is(401, "timestamp"), "{body}");
    }
}

/// Packs whose services send forms.
#[tokio::test(flavor = "multi_thread")]
async fn a_form_that_a_service_signs_is_taken_by_its_pack() {
    let secrets = ["TWILIO_AUTH_TOKEN", "SLACK_SIGNING_SECRET", "ZENDESK_SIGNING_SECRET", "GITHUB_HOOK_SECRET"];
    let mut environment = BTreeMap::from([("BELLWIRE_SERVER_PUBLIC_URL".to_owned(), ORIGIN.to_owned())]);
    environment.extend(secrets.map(|name| (format!("BELLWIRE_SECRET_{name}"), "a-key-that-both-know".to_owned())));
    let app = TestApp::on(Journal::start([]).await, &[], "", environment).await;
    let send = async |source: &str, headers: Vec<(String, String)>, body: &str| {
        let mut headers: Vec<(&str, &str)> =
            headers.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        headers.push(("Content-Type", "application/x-www-form-urlencoded"));
        app.post(&format!("/hooks/{source}"), &headers, body).await
    };
    let message = format!("{ORIGIN}/hooks/twilioBodyCall me backFrom+15550100");
    let signature = STANDARD.encode(mac("sha1-base64", b"a-key-that-both-know", message.as_bytes()));
    let headers = vec![("X-Twilio-Signature".to_owned(), signature)];
    let answer = send("twilio", headers, "From=%2B15550100&Body=Call+me+back").await;
    assert_eq!(answer.status, 202, "{answer:?}");
    for (name, body, wanted) in [
        ("slack", "command=%2Fweather&text=94070&trigger_id=13345224609.1", is(202, "")),
        ("slack", "payload=%7B%22type%22%3A%22block_actions%22%7D", is(202, "")),
        ("zendesk", "ticket=7", is(202, "")),
        ("github", "payload=%7B%7D", is(415, "content_type")),
    ] {
        let service = SERVICES.iter().find(|service| service.name == name).unwrap();
        let mut headers = service.signed(service.secret, &service.now(0), "", body);
        headers.push(("X-GitHub-Event".to_owned(), "push".to_owned()));
        let answer = send(name, headers, body).await;
        assert_eq!(code(&answer), wanted, "{name} {answer:?}");
        if answer.status == 415 {
            let told = answer.body["error"]["message"].as_str().unwrap_or_default();
            assert!(told.contains("choose application/json"), "{told}");
        }
    }
    let kinds: Vec<String> = app.events().await.iter().map(|event| event.kind.clone()).collect();
    for kind in ["twilio.message", "slack.request", "zendesk.triggered"] {
        assert!(kinds.iter().any(|known| known == kind), "{kind}: {kinds:?}");
    }
}

/// I61
#[tokio::test(flavor = "multi_thread")]
async fn a_challenge_is_answered_where_it_is_declared_and_holds() {
    let app = app().await;
    let slack = SERVICES.iter().find(|service| service.name == "slack").unwrap();
    let ask = async |challenge: Value, key: &str| {
        let body = json!({"token": "x", "challenge": challenge, "type": "url_verification"}).to_string();
        let headers = slack.signed(key, &slack.now(0), "", &body);
        post(&app, slack, &headers, &body).await
    };
    let answer = ask(json!("3eZbrw1aBm2rZgRNFdxV2595E9CY3gmdALWMmHkR2FXqrlFl"), slack.secret).await;
    assert_eq!((answer.status, answer.body), (200, json!("3eZbrw1aBm2rZgRNFdxV2595E9CY3gmdALWMmHkR2FXqrlFl")));
    assert_eq!(answer.headers["content-type"], "text/plain; charset=utf-8");
    assert_eq!(answer.headers["x-content-type-options"], "nosniff");
    assert_eq!(ask(json!("abc"), "not-the-key-of-slack").await.status, 401, "unproven");
    assert!(app.events().await.is_empty(), "a handshake is no event");
    for odd in [json!("<script>alert(1)</script>"), json!("a".repeat(257)), json!(""), json!(["a"])] {
        assert_eq!(ask(odd.clone(), slack.secret).await.status, 202, "{odd} is not sent back");
    }

    let get = async |source: &str, query: &str| {
        let bytes = format!("GET /hooks/{source}?{query} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
        let came = raw::send(app.app.address(), bytes.as_bytes(), std::time::Duration::from_secs(5)).await;
        let answer = came.answers.into_iter().next().unwrap();
        (answer.status, answer.header("allow").to_owned(), String::from_utf8(answer.body).unwrap())
    };
    let query =
        |token: &str, challenge: &str| format!("hub.mode=subscribe&hub.verify_token={token}&hub.challenge={challenge}");
    let fine = get("hook-meta", &query("our-own-token", "1158201444")).await;
    assert_eq!(fine, (200, String::new(), "1158201444".to_owned()));
    let unknown = get("nobody", &query("our-own-token", "1")).await;
    assert_eq!((unknown.0, unknown.1.as_str()), (405, "POST"));
    for (source, query) in [
        ("hook-meta", query("our-own-toke", "1")),
        ("hook-meta", query("", "1")),
        ("hook-meta", query("our-own-token", "%3Cb%3E")),
        ("hook-meta", query("our-own-token", &"1".repeat(257))),
        ("hook-meta", "hub.challenge=1".to_owned()),
        ("hook-github", query("our-own-token", "1")),
        ("hook-slack", "challenge=1".to_owned()),
        ("gruveo", query("our-own-token", "1")),
    ] {
        assert_eq!(get(source, &query).await, unknown, "{source} {query}");
    }
}
