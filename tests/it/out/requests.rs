//! What a request may hold: of the right kind, of a bounded size, and no header that a payload has broken open.

use bellwire::model::{ErrorClass, RunStatus};
use serde_json::json;

use super::kit::{app_of, error_of, ring};
use crate::support::journal::{Journal, Received};

/// A30 and R's rule for headers: what cannot be sent fails for good, without an attempt.
#[tokio::test(flavor = "multi_thread")]
async fn a_part_that_cannot_be_sent_fails_its_step_for_good() {
    let huge = "x".repeat(300_000);
    let http = |rest: &str| {
        format!(
            "  - http: {{ method: POST, url: \"http://JOURNAL/x/{{{{ event.segment | default: 's' }}}}\", {rest} }}"
        )
    };
    for (name, step, payload, class) in [
        (
            "CR LF in a header",
            http("headers: { X-A: \"{{ event.x }}\" }"),
            json!({"x": "a\r\nX-Evil: 1"}),
            ErrorClass::InvalidHeaderValue,
        ),
        (
            "LF in a header",
            http("headers: { X-A: \"v {{ event.x }}\" }"),
            json!({"x": "a\nb"}),
            ErrorClass::InvalidHeaderValue,
        ),
        (
            "NUL in a header",
            http("headers: { X-A: \"{{ event.x }}\" }"),
            json!({"x": "a\u{0}"}),
            ErrorClass::InvalidHeaderValue,
        ),
        (
            "an object in a header",
            http("headers: { X-A: \"{{ event.x }}\" }"),
            json!({"x": {"a": 1}}),
            ErrorClass::RenderType,
        ),
        (
            "an empty segment",
            "  - http: { method: GET, url: \"http://JOURNAL/x/{{ event.x }}/y\" }".to_owned(),
            json!({"x": ""}),
            ErrorClass::RenderType,
        ),
        (
            "an object in a query",
            http("query: { q: \"{{ event.x }}\" }"),
            json!({"x": {"a": 1}}),
            ErrorClass::RenderType,
        ),
        (
            "a form value that is an object",
            http("form: { f: \"{{ event.x }}\" }"),
            json!({"x": {"a": 1}}),
            ErrorClass::RenderType,
        ),
        (
            "2 MiB of body",
            http(
                "text: \"{{ event.x }}{{ event.x }}{{ event.x }}{{ event.x }}{{ event.x }}{{ event.x }}{{ event.x }}\"",
            ),
            json!({"x": huge}),
            ErrorClass::Template,
        ),
        (
            "a missing path",
            http("json: { a: \"{{ event.nothing | upcase }}{{ event.nothing.x }}\" }"),
            json!({"x": 1}),
            ErrorClass::Template,
        ),
        (
            "no number",
            "  - groove.add_note: { ticket: \"{{ event.x }}\", body: b }".to_owned(),
            json!({"x": "4 2"}),
            ErrorClass::InvalidInput,
        ),
        (
            "a fraction",
            "  - groove.add_note: { ticket: \"{{ event.x }}\", body: b }".to_owned(),
            json!({"x": 4.5}),
            ErrorClass::InvalidInput,
        ),
        (
            "two addresses",
            "  - groove.add_note: { ticket: 1, body: b, author: \"{{ event.x }}\" }".to_owned(),
            json!({"x": "a@b.c,d@e.f"}),
            ErrorClass::InvalidInput,
        ),
        (
            "an address with CR LF",
            "  - groove.add_note: { ticket: 1, body: b, author: \"{{ event.x }}\" }".to_owned(),
            json!({"x": "a@b.c\r\nBcc: x@y.z"}),
            ErrorClass::InvalidInput,
        ),
    ] {
        let app = app_of(Journal::start([]).await, &step, "", &[]).await;
        ring(&app, &payload).await;
        let run = app.only_run().await;
        let (seen, message) = error_of(&run);
        assert_eq!(run.row.status, RunStatus::Failed, "{name} {:?}", app.journal.requests());
        let is_right = seen == Some(class) || (class == ErrorClass::Template && seen == Some(ErrorClass::RenderType));
        assert!(is_right, "{name}: {seen:?} {message}");
        assert!(run.attempts.is_empty() && app.journal.requests().is_empty(), "{name}");
        assert!(message.len() < 2000, "{name}: the message does not repeat the payload");
    }
}

/// A property: whatever the payload holds, the shape of body, query and headers is the rule's.
#[tokio::test(flavor = "multi_thread")]
async fn values_never_change_the_shape_of_a_request() {
    let step = "  - http: { method: POST, url: \"http://JOURNAL/x\", headers: { X-A: \"a{{ event.h }}\" }, query: { q: \"{{ event.x }}\" }, json: { a: \"{{ event.x }}\", b: [\"<{{ event.x }}>\"], \"k\": { \"c\": \"{{ event.any }}\" } } }";
    let app = app_of(Journal::start([]).await, step, "", &[]).await;
    let mut sent = Vec::new();
    for (n, text) in
        ["\"", "\\", "\\\"}", "\u{0}", "\u{2028}", "{{ x }}", "]]>", "a&b=c", "\r\n", "'", "", "null", "1e5", " "]
            .into_iter()
            .enumerate()
    {
        let payload = json!({"x": format!("{text}{n}"), "h": n, "any": {"x": text, "y": [text, null, 1.5]}});
        assert_eq!(app.post("/hooks/box", &[], payload.to_string()).await.status, 202);
        sent.push(payload);
    }
    app.settle().await;
    let mut seen: Vec<_> = app.journal.requests().iter().map(Received::json).collect();
    assert_eq!(seen.len(), sent.len(), "{:?}", app.runs().await);
    for payload in sent {
        let wanted = json!({"a": payload["x"], "b": [format!("<{}>", payload["x"].as_str().unwrap())], "k": {"c": payload["any"]}});
        let at = seen.iter().position(|body| *body == wanted).unwrap_or_else(|| panic!("{wanted} is not in {seen:?}"));
        seen.remove(at);
    }
}
