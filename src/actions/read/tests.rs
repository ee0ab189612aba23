//! Answers and what they mean.

use std::{collections::BTreeMap, sync::Arc};

use serde_json::json;

use super::*;
use crate::{
    model::{Place, StepPath},
    rules::{HttpBody, HttpStep, OnStepError, Retry},
    services::Body,
    templates::Leaf,
};

const NOW: Time = Time(1_772_359_200_000);

fn retry(statuses: &[(u16, u16)]) -> Retry {
    Retry {
        after: vec![Duration::from_secs(5)],
        when: RetryWhen { network: true, statuses: statuses.to_vec() },
        unknown: None,
    }
}

fn standard() -> Retry {
    retry(&[(429, 429), (500, 599)])
}

fn step(kind: StepKind, id: Option<&str>, retry: Retry) -> Step {
    Step {
        path: StepPath("do.0".to_owned()),
        id: id.map(str::to_owned),
        place: Place::default(),
        condition: None,
        kind,
        retry,
        timeout: Duration::from_secs(30),
        on_error: OnStepError::Stop,
    }
}

fn http(method: http::Method) -> StepKind {
    StepKind::Http(Box::new(HttpStep {
        method,
        url: Leaf::Literal(json!("https://api.example.com")),
        auth: None,
        headers: Vec::new(),
        query: Vec::new(),
        body: HttpBody::None,
    }))
}

fn action(name: &str) -> StepKind {
    StepKind::Action { name: name.to_owned(), inputs: Vec::new(), connection: None }
}

/// A service with a write `note` and a read `find`, as Groove's.
fn registry() -> Registry {
    let one = |name: &str, result: &str, read: bool| Action {
        name: name.to_owned(),
        title: name.to_owned(),
        inputs: Vec::new(),
        host: None,
        method: http::Method::POST,
        path: Leaf::Literal(json!("/x")),
        path_keeps: String::new(),
        query: Vec::new(),
        headers: Vec::new(),
        body: Body::None,
        result: Some(result.parse().unwrap()),
        read,
        idempotent: false,
        errors: None,
        paging: None,
        verify: None,
        echo: None,
        sample: None,
    };
    let mut pack = Pack::generic("desk", true);
    "Desk".clone_into(&mut pack.title);
    pack.errors.message = vec!["body.error".parse().unwrap()];
    pack.errors.throttled = vec![429, 503];
    pack.actions.insert("note".to_owned(), one("note", "body.message", false));
    pack.actions.insert("find".to_owned(), one("find", "body.tickets", true));
    Registry { packs: BTreeMap::from([("desk".to_owned(), Arc::new(pack))]) }
}

fn reply<'a>(status: u16, headers: &'a [(String, String)], body: &'a str) -> Answer<'a> {
    Answer::Reply { status, headers, body: body.as_bytes(), truncated: false }
}

fn header(name: &str, value: &str) -> Vec<(String, String)> {
    vec![(name.to_owned(), value.to_owned())]
}

fn word(reading: &Reading) -> (&'static str, Option<ErrorClass>) {
    match reading {
        Reading::Ok { .. } => ("ok", None),
        Reading::Retry { error, throttled: false, .. } => ("retry", Some(error.class)),
        Reading::Retry { error, throttled: true, .. } => ("throttled", Some(error.class)),
        Reading::Failed { error, .. } => ("failed", Some(error.class)),
        Reading::Unknown { error, policy: Unknown::Retry } => ("unknown: retry", Some(error.class)),
        Reading::Unknown { error, .. } => ("unknown: ask", Some(error.class)),
    }
}

#[test]
fn a_status_decides_with_what_the_step_retries() {
    use ErrorClass::{BadReply, Redirect, Status};
    let only_network = || retry(&[]);
    let never = || Retry { when: RetryWhen { network: false, statuses: Vec::new() }, ..standard() };
    let registry = registry();
    for (kind, retry, status, wanted) in [
        (action("desk.note"), standard(), 200, ("ok", None)),
        (action("desk.note"), standard(), 201, ("ok", None)),
        (action("desk.note"), standard(), 299, ("ok", None)),
        (action("desk.note"), standard(), 304, ("failed", Some(Redirect))),
        (action("desk.note"), standard(), 308, ("failed", Some(Redirect))),
        (action("desk.note"), standard(), 400, ("failed", Some(Status))),
        (action("desk.note"), standard(), 401, ("failed", Some(Status))),
        (action("desk.note"), standard(), 404, ("failed", Some(Status))),
        (action("desk.note"), standard(), 409, ("failed", Some(Status))),
        (action("desk.note"), standard(), 410, ("failed", Some(Status))),
        (action("desk.note"), standard(), 422, ("failed", Some(Status))),
        (action("desk.note"), standard(), 408, ("retry", Some(Status))),
        (action("desk.note"), standard(), 425, ("retry", Some(Status))),
        (action("desk.note"), never(), 408, ("failed", Some(Status))),
        (action("desk.note"), standard(), 429, ("throttled", Some(Status))),
        (action("desk.note"), only_network(), 429, ("failed", Some(Status))),
        (action("desk.note"), standard(), 500, ("retry", Some(Status))),
        (action("desk.note"), standard(), 503, ("throttled", Some(Status))),
        (action("desk.note"), retry_of_429(), 503, ("throttled", Some(Status))),
        (action("desk.note"), retry_of_429(), 500, ("failed", Some(Status))),
        (action("desk.note"), retry_of_404(), 404, ("retry", Some(Status))),
        (action("desk.note"), standard(), 999, ("failed", Some(BadReply))),
        (http(http::Method::POST), standard(), 503, ("retry", Some(Status))),
        (http(http::Method::POST), standard(), 429, ("throttled", Some(Status))),
        (http(http::Method::POST), standard(), 204, ("ok", None)),
    ] {
        let step = step(kind, Some("x"), retry);
        let got = read(&step, &registry, &reply(status, &[], ""), 1, NOW);
        assert_eq!(word(&got), wanted, "{status} {:?}", step.kind);
    }
}

fn retry_of_429() -> Retry {
    retry(&[(429, 429)])
}

fn retry_of_404() -> Retry {
    retry(&[(404, 404)])
}

#[test]
fn no_answer_means_network_or_unknown() {
    use ErrorClass::{BadReply, EgressDenied, Network, SecretMissing, Timeout, Tls};
    let registry = registry();
    let asked = |unknown| Retry { unknown, ..standard() };
    let never = Retry { when: RetryWhen { network: false, statuses: Vec::new() }, ..standard() };
    for (kind, retry, class, maybe_executed, wanted) in [
        (action("desk.note"), standard(), Network, false, "retry"),
        (action("desk.note"), standard(), Tls, false, "retry"),
        (action("desk.note"), never.clone(), Network, false, "failed"),
        (action("desk.note"), standard(), EgressDenied, false, "failed"),
        (action("desk.note"), standard(), SecretMissing, false, "failed"),
        (action("desk.note"), standard(), Timeout, true, "unknown: ask"),
        (action("desk.note"), standard(), BadReply, true, "unknown: ask"),
        (action("desk.note"), asked(Some(Unknown::Retry)), Timeout, true, "unknown: retry"),
        (action("desk.note"), asked(Some(Unknown::Verify)), Timeout, true, "unknown: ask"),
        (action("desk.find"), standard(), Timeout, true, "unknown: retry"),
        (action("desk.find"), asked(Some(Unknown::Ask)), Timeout, true, "unknown: ask"),
        (http(http::Method::GET), standard(), Timeout, true, "unknown: retry"),
        (http(http::Method::HEAD), standard(), Timeout, true, "unknown: retry"),
        (http(http::Method::PUT), standard(), Timeout, true, "unknown: retry"),
        (http(http::Method::DELETE), standard(), Timeout, true, "unknown: retry"),
        (http(http::Method::POST), standard(), Timeout, true, "unknown: ask"),
        (http(http::Method::PATCH), never, Timeout, true, "unknown: ask"),
    ] {
        let step = step(kind, None, retry);
        let answer = Answer::None { class, maybe_executed, message: "no answer" };
        let got = read(&step, &registry, &answer, 1, NOW);
        assert_eq!(word(&got), (wanted, Some(class)), "{:?}", step.kind);
    }
}

#[test]
fn the_result_is_what_the_pack_says() {
    let step = step(action("desk.note"), None, standard());
    let json_type = header("Content-Type", "application/json; charset=utf-8");
    let ok = |body: &str| match read(&step, &registry(), &reply(201, &json_type, body), 1, NOW) {
        Reading::Ok { result, response, echo: None } => (result, response),
        other => panic!("{other:?}"),
    };
    let (result, response) = ok(r#"{"message": {"id": "007", "id": "008"}}"#);
    assert_eq!(result, json!({"id": "008"}));
    assert_eq!(response, json!({"status": 201, "headers": {"content-type": "application/json; charset=utf-8"}}));
    assert_eq!(ok("{}").0, json!(null), "a result that is not there is null");
    assert_eq!(ok("").0, json!(null));
}

#[test]
fn an_answer_that_is_not_what_was_promised_is_a_bad_reply() {
    let deep = format!("{}{}", "[".repeat(100), "]".repeat(100));
    for (body, content_type, kind, truncated, wanted) in [
        (&b"{\"message\": 1}"[..], "text/plain", "desk.note", false, "ok"),
        (b"<html>log in</html>", "text/html", "desk.note", false, "failed"),
        (b"{\"message\": ", "application/json", "desk.note", true, "failed"),
        (b"{\"message\": ", "application/json", "desk.note", false, "failed"),
        (b"\xff\xfe", "", "desk.note", false, "failed"),
        (deep.as_bytes(), "application/json", "desk.note", false, "failed"),
    ] {
        let headers = header("content-type", content_type);
        let answer = Answer::Reply { status: 200, headers: &headers, body, truncated };
        let got = read(&step(action(kind), None, standard()), &registry(), &answer, 1, NOW);
        assert_eq!(word(&got).0, wanted, "{}", String::from_utf8_lossy(body));
        if wanted == "failed" {
            assert_eq!(word(&got).1, Some(ErrorClass::BadReply));
        }
    }
}

#[test]
fn an_http_step_takes_json_text_or_nothing() {
    let result = |id: Option<&str>, content_type: &str, body: &[u8], truncated: bool| {
        let headers = header("content-type", content_type);
        let answer = Answer::Reply { status: 200, headers: &headers, body, truncated };
        match read(&step(http(http::Method::POST), id, standard()), &registry(), &answer, 1, NOW) {
            Reading::Ok { result, .. } => Ok(result),
            Reading::Failed { error, .. } => Err(error.class),
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(result(Some("x"), "application/json", b"{\"a\":\"\\u0000\"}", false), Ok(json!({"a": "\0"})));
    assert_eq!(result(Some("x"), "text/plain", b"[1]", false), Ok(json!([1])));
    assert_eq!(result(Some("x"), "text/html", b"<p>ok</p>", false), Ok(json!("<p>ok</p>")));
    assert_eq!(result(Some("x"), "", b"", false), Ok(json!(null)));
    assert_eq!(result(Some("x"), "application/json", b"<p>", false), Err(ErrorClass::BadReply));
    assert_eq!(result(Some("x"), "text/plain", b"\xff", false), Err(ErrorClass::BadReply));
    assert_eq!(result(Some("x"), "text/plain", b"long", true), Err(ErrorClass::BadReply));
    assert_eq!(result(None, "text/plain", b"long", true), Ok(json!(null)), "nobody can look at it");
}

#[test]
fn a_refusal_tells_the_services_own_words_in_one_short_line() {
    let message = |status: u16, headers: &[(String, String)], body: &str| {
        let step = step(action("desk.note"), Some("note"), standard());
        match read(&step, &registry(), &reply(status, headers, body), 3, NOW) {
            Reading::Failed { error, .. } | Reading::Retry { error, .. } => {
                assert_eq!((error.step.as_str(), error.status, error.attempt), ("note", Some(status), 3));
                error.message
            }
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(message(404, &[], "<html>"), "Desk answered 404 Not Found");
    assert_eq!(
        message(422, &[], "{\"error\": \"Body\\ncan't be\\u001b[31m blank\"}"),
        "Desk answered 422 Unprocessable Entity: Body can't be[31m blank"
    );
    assert_eq!(message(400, &[], r#"{"error": ["a", 1]}"#), r#"Desk answered 400 Bad Request: ["a",1]"#);
    let long = message(400, &[], &format!(r#"{{"error": "{}"}}"#, "é".repeat(5000)));
    assert_eq!(long.chars().count(), "Desk answered 400 Bad Request: ".len() + 5000, "masked and cut by who keeps it");
    assert_eq!(
        message(302, &header("Location", "https://evil.example/login?next=secret"), ""),
        "Desk answered 302 Found: it redirects to `evil.example`, and redirects are not followed"
    );
    assert_eq!(
        message(307, &header("location", "/login"), ""),
        "Desk answered 307 Temporary Redirect: it redirects to elsewhere on the same host, and redirects are not followed"
    );
}

#[test]
fn what_the_target_asks_to_wait_is_passed_on() {
    let step = step(action("desk.note"), None, standard());
    for (value, wanted) in [("90", Some(90)), ("-1", None), ("1000000000", Some(3600))] {
        let got = read(&step, &registry(), &reply(429, &header("Retry-After", value), ""), 1, NOW);
        let Reading::Retry { retry_after, throttled: true, .. } = got else { panic!("{got:?}") };
        assert_eq!(retry_after, wanted.map(Duration::from_secs), "{value}");
    }
}

#[test]
fn a_note_of_ours_is_known_again_when_it_comes_back() {
    let registry = Registry::load(&BTreeMap::new()).unwrap();
    let step = step(action("groove.add_note"), None, standard());
    let echo = |body: &str| match read(&step, &registry, &reply(201, &[], body), 1, NOW) {
        Reading::Ok { echo, .. } => echo,
        other => panic!("{other:?}"),
    };
    let href = r#"{"message": {"href": "https://api.groovehq.com/v1/messages/0196842162", "note": true}}"#;
    let groove = registry.pack("groove").unwrap();
    let hook = groove.hook.as_ref().unwrap();
    let (_, note) = groove.events["note_added"].samples.first().unwrap();
    let (body, path) = (note.to_string(), ["note_added".to_owned()]);
    let request = crate::services::Request { headers: &[], query: &[], path: &path, body: body.as_bytes() };
    let back = hook.read(groove, "groove", &request, &serde_json::Map::new(), NOW).unwrap().echo;
    assert_eq!(back.as_deref(), Some("note_added:0196842162"));
    assert_eq!(echo(href), back);
    assert_eq!(echo(r#"{"message": {"id": "0196842162", "href": "x"}}"#), back);
    for nothing in ["{}", "", r#"{"message": {}}"#, r#"{"message": {"href": null}}"#] {
        assert_eq!(echo(nothing), None, "{nothing}");
    }
}

/// A service as Slack and Telegram are: it refuses within a 200, throttles by words, and says in the body for how long.
fn chat() -> Registry {
    let mut pack = Pack::generic("chat", true);
    "Chat".clone_into(&mut pack.title);
    let leaf = |text: &str| Some(Leaf::parse(&json!(text), &crate::templates::Files::default()).unwrap());
    pack.errors = Errors {
        message: vec!["body.description".parse().unwrap()],
        throttled: Vec::new(),
        throttled_when: leaf("{% if body.error == 'ratelimited' %}slow down{% endif %}"),
        retry_after: vec!["body.parameters.retry_after".parse().unwrap(), "headers.x-reset-in".parse().unwrap()],
        failed: leaf("{% if body.ok != true %}{{ body.error | default: 'no reason' }}{% endif %}"),
    };
    let mut registry = registry();
    let note = Arc::into_inner(registry.packs.remove("desk").unwrap()).unwrap().actions.remove("note").unwrap();
    pack.actions.insert("send".to_owned(), Action { result: None, ..note });
    registry.packs.insert("chat".to_owned(), Arc::new(pack));
    registry
}

#[test]
fn a_service_may_refuse_within_a_success() {
    let registry = chat();
    for (body, wanted, says) in [
        (r#"{"ok":true,"ts":"1.2"}"#, ("ok", None), ""),
        (
            r#"{"ok":false,"error":"channel_not_found"}"#,
            ("failed", Some(ErrorClass::Refused)),
            "Chat answered 200 OK and refused: channel_not_found",
        ),
        (r#"{"ok":false}"#, ("failed", Some(ErrorClass::Refused)), "no reason"),
        (r#"{"ok":false,"error":"ratelimited"}"#, ("throttled", Some(ErrorClass::Refused)), "ratelimited"),
        ("<html>a login page</html>", ("failed", Some(ErrorClass::BadReply)), "whether Chat has refused"),
        // Nothing was said either way: it must not pass for a success.
        ("", ("failed", Some(ErrorClass::BadReply)), "whether Chat has refused"),
    ] {
        let step = step(action("chat.send"), None, standard());
        let got = read(&step, &registry, &reply(200, &[], body), 1, NOW);
        assert_eq!(word(&got), wanted, "{body} {got:?}");
        if let Reading::Failed { error, .. } | Reading::Retry { error, .. } = got {
            assert!(error.message.contains(says) && error.status == Some(200), "{body}: {}", error.message);
        }
    }
}

#[test]
fn a_refusal_within_a_success_is_tried_again_only_where_the_step_names_its_status() {
    let body = r#"{"ok":false,"error":"internal_error"}"#;
    for (retry, wanted) in [(standard(), "failed"), (retry(&[(200, 299)]), "retry")] {
        let step = step(action("chat.send"), None, retry);
        assert_eq!(word(&read(&step, &chat(), &reply(200, &[], body), 1, NOW)).0, wanted);
    }
}

#[test]
fn a_throttled_answer_may_say_in_its_body_for_how_long() {
    let asked = |status: u16, headers: &[(String, String)], body: &str| {
        let step = step(action("chat.send"), None, standard());
        match read(&step, &chat(), &reply(status, headers, body), 1, NOW) {
            Reading::Retry { retry_after, throttled, .. } => (throttled, retry_after.map(|wait| wait.as_secs())),
            other => panic!("{other:?}"),
        }
    };
    let telegram = r#"{"ok":false,"error_code":429,"description":"Too Many Requests","parameters":{"retry_after":35}}"#;
    assert_eq!(asked(429, &[], telegram), (true, Some(35)));
    assert_eq!(asked(429, &header("Retry-After", "60"), telegram), (true, Some(60)), "the longer one counts");
    assert_eq!(asked(429, &header("X-Reset-In", "9"), "{}"), (true, Some(9)), "the first that is a number");
    assert_eq!(asked(200, &[], r#"{"ok":false,"error":"ratelimited"}"#), (true, None));
    assert_eq!(asked(500, &[], telegram), (false, None), "only of a throttled answer");
}

#[test]
fn github_and_linear_say_slow_down_in_their_own_ways() {
    let registry = Registry::load(&BTreeMap::new()).unwrap();
    let limited = r#"{"errors":[{"message":"Too many","extensions":{"code":"RATELIMITED","type":"ratelimited"}}]}"#;
    let typed = r#"{"errors":[{"message":"Too many","extensions":{"type":"ratelimited"}}]}"#;
    let invalid = r#"{"errors":[{"message":"Bad","extensions":{"code":"INVALID_INPUT","type":"invalid input"}}]}"#;
    let no = r#"{"message":"Resource not accessible"}"#;
    for (name, status, headers, body, wanted) in [
        ("linear.whoami", 400, [("x-a", "b")], limited, "throttled"),
        ("linear.whoami", 400, [("x-a", "b")], typed, "throttled"),
        ("linear.whoami", 400, [("x-a", "b")], invalid, "failed"),
        ("linear.whoami", 400, [("x-a", "b")], "no JSON", "failed"),
        ("github.whoami", 403, [("X-RateLimit-Remaining", "0")], no, "throttled"),
        ("github.whoami", 403, [("Retry-After", "60")], no, "throttled"),
        ("github.whoami", 403, [("X-RateLimit-Remaining", "4999")], no, "failed"),
        ("github.whoami", 404, [("X-RateLimit-Remaining", "0")], no, "failed"),
    ] {
        let headers = headers.map(|(name, value)| (name.to_owned(), value.to_owned()));
        let got = read(&step(action(name), None, standard()), &registry, &reply(status, &headers, body), 1, NOW);
        assert_eq!(word(&got).0, wanted, "{name} {status} {headers:?} {body} {got:?}");
    }
}

#[test]
fn a_mail_servers_no_has_its_own_code() {
    let registry = registry();
    let said = r#"{"error": "No such user"}"#;
    let code = [(crate::model::SMTP_CODE.to_owned(), "550".to_owned())];
    let got = read(&step(action("desk.note"), None, standard()), &registry, &reply(422, &code, said), 1, NOW);
    let Reading::Failed { error, .. } = got else { panic!("{got:?}") };
    assert!(error.message.starts_with("Desk answered 550"), "{}", error.message);
}
