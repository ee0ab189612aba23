//! Whatever a target answers: bounded, read, and never taken for more than it is.

use std::time::Duration;

use bellwire::model::{AttemptOutcome, ErrorClass, RunStatus};
use serde_json::json;
use tokio::io::AsyncWriteExt as _;

use super::kit::{app_of, error_of, ring};
use crate::support::journal::{Journal, Reply};

const NOTE: &str = "  - id: note\n    groove.add_note: { ticket: 1, body: x }\n    retry: { unknown: ask }";

fn bytes(text: &str) -> Reply {
    Reply::Bytes(text.as_bytes().to_vec())
}

/// A16, A17, A21: none of these hangs, panics or counts as done, and each leaves the run in a state that says what is known.
#[tokio::test(flavor = "multi_thread")]
async fn broken_answers_are_unknown_and_a_wrong_status_is_final() {
    let many: String = (0..5000).map(|n| format!("X-{n}: {}\r\n", "y".repeat(20))).collect();
    for (name, reply, status, class) in [
        ("no HTTP", bytes("hello\r\n\r\n"), RunStatus::Held, ErrorClass::BadReply),
        (
            "a status of letters",
            bytes("HTTP/1.1 abc\r\nContent-Length: 0\r\n\r\n"),
            RunStatus::Held,
            ErrorClass::BadReply,
        ),
        ("a head without an end", bytes("HTTP/1.1 200 OK\r\nX: "), RunStatus::Held, ErrorClass::Timeout),
        ("too many headers", bytes(&format!("HTTP/1.1 200 OK\r\n{many}\r\n")), RunStatus::Held, ErrorClass::BadReply),
        (
            "two lengths",
            bytes("HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\n{}"),
            RunStatus::Held,
            ErrorClass::BadReply,
        ),
        (
            "shorter than it says",
            bytes("HTTP/1.1 201 Created\r\nContent-Length: 100\r\n\r\n{\"message\":"),
            RunStatus::Held,
            ErrorClass::BadReply,
        ),
        (
            "a bad chunk",
            bytes("HTTP/1.1 201 Created\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n"),
            RunStatus::Held,
            ErrorClass::BadReply,
        ),
        (
            "a page instead of data",
            bytes("HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 13\r\n\r\n<html></html>"),
            RunStatus::Failed,
            ErrorClass::BadReply,
        ),
        (
            "no JSON",
            bytes("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 1\r\n\r\n{"),
            RunStatus::Failed,
            ErrorClass::BadReply,
        ),
        ("999", bytes("HTTP/1.1 999 Odd\r\nContent-Length: 2\r\n\r\n{}"), RunStatus::Failed, ErrorClass::BadReply),
        ("410", bytes("HTTP/1.1 410 Gone\r\nContent-Length: 2\r\n\r\n{}"), RunStatus::Failed, ErrorClass::Status),
        ("304", bytes("HTTP/1.1 304 Not Modified\r\n\r\n"), RunStatus::Failed, ErrorClass::Redirect),
    ] {
        let app = app_of(Journal::start([reply]).await, NOTE, "", &[]).await;
        ring(&app, &json!({})).await;
        let run = app.only_run().await;
        let error = run.attempts[0].error.clone().or(run.row.error.clone()).unwrap_or_else(|| panic!("{name} {run:?}"));
        assert_eq!((run.row.status, error.class), (status, class), "{name} {error:?}");
        assert_eq!(app.journal.requests().len(), 1, "{name}");
    }
}

/// A16: bodies without an end are cut, and the status counts.
#[tokio::test(flavor = "multi_thread")]
async fn an_endless_body_is_cut() {
    for head in [
        "HTTP/1.1 201 Created\r\nContent-Length: 1000000000000\r\n\r\n",
        "HTTP/1.1 201 Created\r\n\r\n",
        "HTTP/1.1 404 Not Found\r\n\r\n",
    ] {
        let step = "  - http: { method: POST, url: \"http://JOURNAL/x\", json: {} }";
        let app = app_of(Journal::start([Reply::Endless(head)]).await, step, "", &[]).await;
        let started = std::time::Instant::now();
        ring(&app, &json!({})).await;
        assert!(started.elapsed() < Duration::from_secs(5));
        let run = app.only_run().await;
        let wanted = if head.contains("404") { RunStatus::Failed } else { RunStatus::Ok };
        assert_eq!(run.row.status, wanted, "{head} {run:?}");
        let kept = run.attempts[0].reply.clone().unwrap();
        assert!(kept.len() < 80 * 1024, "{}", kept.len());
    }
}

/// A15: no first byte, a byte now and then, a stall after the head: the step's own time ends it, and it may have taken effect.
#[tokio::test(flavor = "multi_thread")]
async fn a_target_that_is_too_slow_is_unknown() {
    for reply in [
        Reply::Silence,
        Reply::Trickle("HTTP/1.1 201 Created\r\nX: "),
        Reply::Trickle("HTTP/1.1 201 Created\r\nContent-Length: 1000000\r\n\r\n"),
        Reply::Trickle("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 10"),
    ] {
        let step = format!("{NOTE}\n    timeout: 1s");
        let app = app_of(Journal::start([reply.clone()]).await, &step, "", &[]).await;
        let started = std::time::Instant::now();
        ring(&app, &json!({})).await;
        assert!(started.elapsed() < Duration::from_secs(5), "{reply:?} {:?}", started.elapsed());
        let run = app.only_run().await;
        assert_eq!((run.row.status, run.attempts[0].outcome), (RunStatus::Held, AttemptOutcome::Unknown), "{reply:?}");
        assert_eq!(app.journal.requests().len(), 1);
    }
}

/// A22: the forms of Retry-After; what cannot be read is no wait, and none is longer than an hour.
#[tokio::test(flavor = "multi_thread")]
async fn retry_after_is_read_clamped_or_ignored() {
    for (values, wait) in [
        (vec!["0"], 5),
        (vec!["3"], 5),
        (vec!["60"], 60),
        (vec!["120.5"], 121),
        (vec!["1000000000"], 3600),
        (vec!["99999999999999999999999999"], 3600),
        (vec!["-1"], 5),
        (vec!["soon"], 5),
        (vec![""], 5),
        (vec!["10", "30"], 30),
        (vec!["Sun, 01 Mar 2026 10:01:40 GMT"], 100),
        (vec!["Sun, 01 Mar 2026 09:00:00 GMT"], 5),
        (vec!["Thu, 01 Jan 2099 00:00:00 GMT"], 3600),
        (vec!["Mon, 01 Jan 0001 00:00:00 +2359"], 5),
        (vec!["Sun, 01 Mar 26 10:01:40 GMT"], 100),
    ] {
        let headers = values.iter().map(|value| ("Retry-After", (*value).to_owned())).collect();
        let journal = Journal::start([Reply::Status(503, headers, "{}".to_owned())]).await;
        let step = "  - http: { method: POST, url: \"http://JOURNAL/x\", json: {} }\n    retry: { after: [5s] }";
        let app = app_of(journal, step, "", &[]).await;
        ring(&app, &json!({})).await;
        let run = app.only_run().await;
        assert_eq!(run.row.status, RunStatus::Due, "{values:?} {:?}", run.row);
        let due = run.row.due_at.unwrap().since(app.now());
        // Jitter adds a fifth of the step's own delay at most.
        let seconds = due.as_secs();
        let latest = if wait == 5 { 6 } else { wait };
        assert!((wait..=latest).contains(&seconds), "{values:?}: {due:?}");
        for _ in 0..40 {
            app.advance(Duration::from_secs(100)).await;
        }
        assert_eq!(app.only_run().await.row.status, RunStatus::Ok, "{values:?}");
        assert_eq!(app.journal.requests().len(), 2);
    }
}

/// A18: no TLS where TLS was asked for.
#[tokio::test(flavor = "multi_thread")]
async fn a_plain_port_is_no_tls() {
    let plain = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = plain.local_addr().unwrap().port().to_string();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = plain.accept().await {
            drop(stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}").await);
        }
    });
    let step = format!(
        "  - http: {{ method: POST, url: \"https://127.0.0.1:{port}/x\", json: {{}} }}\n    retry: {{ after: [5s] }}"
    );
    let app = app_of(Journal::start([]).await, &step, "", &[("BELLWIRE_EGRESS_PORTS", &port)]).await;
    ring(&app, &json!({})).await;
    let run = app.only_run().await;
    assert_eq!(run.attempts[0].error.as_ref().unwrap().class, ErrorClass::Tls, "{run:?}");
    assert_eq!((run.row.status, run.attempts[0].outcome), (RunStatus::Due, AttemptOutcome::Retry), "as the network's");
}

/// A37 in brief: an answer that a later step uses has the limits of a delivery.
#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_is_used_has_the_limits_of_a_delivery() {
    let deep = format!("{}{}", "[".repeat(100), "]".repeat(100));
    let long = json!({"message": {"body": "x".repeat(1_100_000)}}).to_string();
    let many = format!("{{{}}}", (0..20_000).map(|n| format!("\"k{n}\":1")).collect::<Vec<_>>().join(","));
    let step = format!("{NOTE}\n  - groove.add_note: {{ ticket: 1, body: \"{{{{ steps.note.result | json }}}}\" }}");
    for (name, body) in [("deep", deep), ("long", long), ("many", many), ("number", "{\"message\":1e999}".to_owned())] {
        let app = app_of(Journal::start([Reply::Status(200, Vec::new(), body)]).await, &step, "", &[]).await;
        ring(&app, &json!({})).await;
        let (class, message) = error_of(&app.only_run().await);
        assert_eq!(class, Some(ErrorClass::BadReply), "{name} {message}");
        assert_eq!(app.journal.requests().len(), 1, "{name}");
    }
    let body = "{\"message\":{\"a\":\"\\u0000<b>\",\"n\":9007199254740993}}".to_owned();
    let app = app_of(Journal::start([Reply::Status(200, Vec::new(), body)]).await, &step, "", &[]).await;
    ring(&app, &json!({})).await;
    let second = app.journal.requests()[1].json()["body"].as_str().unwrap().to_owned();
    assert!(second.contains("9007199254740993") && !second.contains("<b>"), "{second}");
}

/// A27: one key a step, the same on every attempt; another step and another run have others.
#[tokio::test(flavor = "multi_thread")]
async fn every_attempt_of_a_step_bears_the_same_key() {
    let step = "  - groove.add_note: { ticket: 1, body: a }\n    retry: { after: [1s, 1s] }\n  - groove.add_note: { ticket: 2, body: b }";
    let app = app_of(Journal::start([Reply::status(500), Reply::status(429)]).await, step, "", &[]).await;
    ring(&app, &json!({})).await;
    for _ in 0..100 {
        app.advance(Duration::from_secs(2)).await;
    }
    ring(&app, &json!({})).await;
    let requests = app.journal.requests();
    assert_eq!(requests.len(), 6, "{:?}", app.runs().await);
    let keys: Vec<&str> = requests.iter().map(|request| request.header("idempotency-key").unwrap()).collect();
    assert!(keys[0] == keys[1] && keys[1] == keys[2], "{keys:?}");
    let mut others = vec![keys[0], keys[3], keys[4], keys[5]];
    others.sort_unstable();
    others.dedup();
    assert_eq!(others.len(), 4, "{keys:?}");
}
