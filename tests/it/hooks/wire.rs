//! The wire: bytes that are no clean request become no delivery, and never two.

use std::time::Duration;

use crate::support::{
    app::{GRUVEO_KEY, TestApp, missed_call, sign},
    journal::Journal,
    raw::{self, hostile},
};

const SILENCE: Duration = Duration::from_millis(1500);

/// A source with the name that the hostile table uses, open to all, so that whatever gets through is an event; and another where the
/// request that is hidden behind each would arrive.
async fn open() -> TestApp {
    let settings =
        "[sources.x]\npublic = true\n\n[sources.smuggled]\npublic = true\n\n[limits]\nhead_timeout = \"1s\"\n";
    TestApp::with(Journal::start([]).await, &[], settings).await
}

/// I24, I31 to I37 against the whole server.
#[tokio::test(flavor = "multi_thread")]
async fn hostile_requests_are_refused_and_none_becomes_two() {
    let app = open().await;
    let address = app.app.address();
    let tries = hostile().into_iter().map(|hostile| async move {
        let came = raw::send(address, &hostile.bytes, SILENCE).await;
        (hostile, came)
    });
    for (hostile, came) in futures_util::future::join_all(tries).await {
        let first = came.answers.first().map_or(0, |answer| answer.status);
        assert!(hostile.statuses.contains(&first), "{}: {came:?}", hostile.name);
        assert!(came.answers.iter().all(|answer| answer.status >= 400), "{}: {came:?}", hostile.name);
        assert!(came.answers.len() <= 1 || first == 405, "{}: {came:?}", hostile.name);
    }
    assert!(app.events().await.is_empty(), "{:?}", app.events().await);
    assert_eq!(app.call(&missed_call("42")).await.status, 202);
}

/// I37: another method is none, whatever the body says that it is.
#[tokio::test(flavor = "multi_thread")]
async fn only_post_delivers() {
    let app = open().await;
    for method in ["GET", "PUT", "PATCH", "DELETE", "OPTIONS", "HEAD"] {
        for path in ["/hooks/x", "/hooks/x/rung", "/hooks/nobody"] {
            let request = format!(
                "{method} {path}?_method=POST HTTP/1.1\r\nHost: a\r\nConnection: close\r\nX-HTTP-Method-Override: POST\r\n\
                 Content-Type: application/x-www-form-urlencoded\r\nContent-Length: 12\r\n\r\n_method=POST"
            );
            let came = raw::send(app.app.address(), request.as_bytes(), SILENCE).await;
            if method == "HEAD" {
                continue;
            }
            assert_eq!(came.status(), 405, "{method} {path}: {came:?}");
            assert_eq!(came.answers[0].header("allow"), "POST");
        }
    }
    let form = [("Content-Type", "application/x-www-form-urlencoded")];
    assert_eq!(app.post("/healthz", &form, "_method=GET").await.status, 405);
    for method in ["GET", "PUT", "DELETE"] {
        let answer = app.post("/hooks/x", &form, format!("_method={method}")).await;
        assert_eq!(answer.status, 405, "{method}");
    }
    assert_eq!(app.post("/hooks/x", &form, "a=b&_method=GET").await.status, 415);
    assert!(app.events().await.is_empty());
}

/// I33: bytes above 0x7F in a header are kept, escaped, and the delivery goes on.
#[tokio::test(flavor = "multi_thread")]
async fn high_bytes_in_a_header_are_data() {
    let app = TestApp::start(Journal::start([]).await).await;
    let body = missed_call("42").to_string();
    let lines = format!("X-Gruveo-SHA256-HMAC: {}\r\nConnection: close\r\nX-Odd: ", sign(GRUVEO_KEY, body.as_bytes()));
    let request = raw::post("/hooks/gruveo", "@", body.as_bytes());
    let at = request.iter().position(|byte| *byte == b'@').unwrap();
    let bytes =
        [&request[..at], lines.as_bytes(), b"caf\xe9 \xff\xfe \xf0\x9f\x94\x94", b"\r\n", &request[at + 1..]].concat();
    let came = raw::send(app.app.address(), &bytes, SILENCE).await;
    assert_eq!(came.status(), 202, "{came:?}");
    let event = app.events().await.remove(0);
    let kept = app.store().event(event.id).await.unwrap().unwrap().event.meta;
    assert_eq!(kept["headers"]["x-odd"], "caf\\xe9 \\xff\\xfe \u{1f514}");
}

/// Two deliveries on one connection are two, in their order, and the answer to each is its own.
#[tokio::test(flavor = "multi_thread")]
async fn pipelined_deliveries_are_answered_in_order() {
    let app = open().await;
    let mut bytes = Vec::new();
    for n in 0..50 {
        let path = if n % 5 == 0 { "/hooks/nobody" } else { "/hooks/x" };
        bytes.extend(raw::post(path, "", format!("{{\"n\":{n}}}").as_bytes()));
    }
    let came = raw::send(app.app.address(), &bytes, SILENCE).await;
    let statuses: Vec<u16> = came.answers.iter().map(|answer| answer.status).collect();
    let wanted: Vec<u16> = (0..50).map(|n| if n % 5 == 0 { 404 } else { 202 }).collect();
    assert_eq!(statuses, wanted[..statuses.len()], "{statuses:?}");
    assert_eq!(app.events().await.len(), statuses.iter().filter(|status| **status == 202).count());
}

/// A thousand mutations of a good delivery: none panics the server, and whatever is accepted is whole and once.
#[tokio::test(flavor = "multi_thread")]
async fn mutated_deliveries_do_no_harm() {
    let app = TestApp::start(Journal::start([]).await).await;
    let body = missed_call("42").to_string();
    let signature = sign(GRUVEO_KEY, body.as_bytes());
    let good = raw::post(
        "/hooks/gruveo",
        &format!("X-Gruveo-SHA256-HMAC: {signature}\r\nConnection: close\r\n"),
        body.as_bytes(),
    );
    let mut state = 0x9e37_79b9_u64;
    let mut random = move |below: usize| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        usize::try_from(state % u64::try_from(below).unwrap()).unwrap()
    };
    let address = app.app.address();
    for round in 0..25 {
        let batch: Vec<Vec<u8>> = (0..40)
            .map(|_| {
                let mut bytes = good.clone();
                for _ in 0..=random(3) {
                    let at = random(bytes.len());
                    match random(4) {
                        0 => bytes[at] = u8::try_from(random(256)).unwrap(),
                        1 => drop(bytes.remove(at)),
                        2 => bytes.insert(at, [b'\r', b'\n', b':', b' ', 0, b'%', b','][random(7)]),
                        _ => bytes.truncate(at.max(1)),
                    }
                }
                bytes
            })
            .collect();
        let sent = batch.iter().map(|bytes| raw::send_and_end(address, bytes, SILENCE));
        for (came, bytes) in futures_util::future::join_all(sent).await.iter().zip(&batch) {
            for answer in &came.answers {
                assert!(answer.status < 500, "{round}: {answer:?} to {}", String::from_utf8_lossy(bytes));
            }
        }
    }
    // The only body that passes is the one that was signed.
    assert!(app.events().await.len() <= 1);
    let events = app.events().await;
    for event in events {
        let kept = app.store().event(event.id).await.unwrap().unwrap().event.body.unwrap();
        assert_eq!(kept, body.as_bytes());
    }
}
