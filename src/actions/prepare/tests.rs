//! Steps and the requests that they make.

use std::{collections::BTreeMap, time::Duration};

use serde_json::json;

mod bodies;

use super::*;
use crate::{
    actions::Target,
    clock::Time,
    model::{Place, StepPath},
    rules::{HttpAuth, HttpBody, HttpStep, OnStepError, Retry, RetryWhen},
    services::AuthUse,
    templates::{Files, Leaf, Limits, Tree},
    value::Value,
};

const LIMITS: Limits = Limits { steps: 100_000, bytes: 4 << 20, time: Duration::from_secs(5) };

fn step(kind: StepKind) -> Step {
    Step {
        path: StepPath("do.0".to_owned()),
        id: None,
        place: Place::default(),
        condition: None,
        kind,
        retry: Retry { after: Vec::new(), when: RetryWhen { network: true, statuses: Vec::new() }, unknown: None },
        timeout: Duration::from_secs(30),
        on_error: OnStepError::Stop,
    }
}

fn tree(value: &Value) -> Tree {
    Tree::parse(value, &Files::default(), &|_| Place::default()).unwrap()
}

fn leaf(value: &Value) -> Leaf {
    Leaf::parse(value, &Files::default()).unwrap()
}

fn trees(value: &Value) -> Vec<(String, Tree)> {
    value.as_object().unwrap().iter().map(|(name, value)| (name.clone(), tree(value))).collect()
}

/// Prepares with `event` and `vars` as given.
fn prepared(kind: StepKind, event: &Value) -> Result<Request, StepError> {
    let registry = Registry::load(&BTreeMap::new()).unwrap();
    let vars = json!({"crm": "https://crm.example.com/v2/", "name": "Bell"});
    let mut context = Context::new(Time(1_772_359_200_000), LIMITS);
    context.set("event", event).set("vars", &vars);
    prepare(&step(kind), &context, &registry)
}

fn act(name: &str, inputs: &Value, event: &Value) -> Result<Request, StepError> {
    prepared(StepKind::Action { name: name.to_owned(), inputs: trees(inputs), connection: None }, event)
}

fn path_of(request: &Request) -> &str {
    match &request.target {
        Target::Connection { path, .. } => path,
        Target::Url(url) => url,
    }
}

fn body_of(request: &Request) -> Value {
    serde_json::from_str(request.body.as_deref().unwrap()).unwrap()
}

#[test]
fn a_note_is_posted_to_its_ticket() {
    let inputs = json!({"ticket": "{{ event.tracking.ticket }}", "body": "Missed call from {{ event.location }}"});
    let event = json!({"tracking": {"ticket": "42"}, "location": "Greece"});
    let request = act("groove.add_note", &inputs, &event).unwrap();
    assert_eq!(
        serde_json::to_value(&request).unwrap(),
        json!({
            "method": "POST",
            "target": {"connection": {"name": "groove", "path": "/tickets/42/messages"}},
            "headers": [["Content-Type", "application/json"]],
            "body": r#"{"body":"Missed call from Greece","note":true}"#,
            // A read may have to tell what became of it.
            "inputs": {"ticket": 42, "body": "Missed call from Greece", "author": null, "sent_at": null},
        })
    );
    let again: Request = serde_json::from_value(serde_json::to_value(&request).unwrap()).unwrap();
    assert_eq!(again, request, "it survives the store");
}

#[test]
fn an_author_is_sent_where_one_is_given() {
    let inputs = json!({"ticket": 42, "body": "x", "author": "{{ event.by }}"});
    let with = act("groove.add_note", &inputs, &json!({"by": "matthew@example.com"})).unwrap();
    assert_eq!(body_of(&with), json!({"body": "x", "note": true, "author": "matthew@example.com"}));
    let without = act("groove.add_note", &inputs, &json!({"by": null})).unwrap();
    assert_eq!(body_of(&without), json!({"body": "x", "note": true}));
}

#[test]
fn another_connection_may_be_named() {
    let inputs = trees(&json!({"ticket": 42, "body": "x"}));
    let kind = StepKind::Action { name: "groove.add_note".to_owned(), inputs, connection: Some("second".to_owned()) };
    let Target::Connection { name, .. } = prepared(kind, &json!({})).unwrap().target else { panic!() };
    assert_eq!(name, "second");
}

#[test]
fn html_inputs_escape_values_and_nothing_else() {
    let event = json!({"x": "<script>\"&'</script>", "n": 5});
    for (body, wanted) in [
        ("<b>{{ event.x }}</b>", "<b>&lt;script&gt;&quot;&amp;&#39;&lt;/script&gt;</b>"),
        ("{{ event.x }}", "&lt;script&gt;&quot;&amp;&#39;&lt;/script&gt;"),
        ("{{ event.x | raw }}", "<script>\"&'</script>"),
        ("<b>plain</b>", "<b>plain</b>"),
        ("{{ event.n }}", "5"),
    ] {
        let request = act("groove.add_note", &json!({"ticket": 1, "body": body}), &event).unwrap();
        assert_eq!(body_of(&request)["body"], json!(wanted), "{body}");
    }
}

#[test]
fn a_value_never_changes_the_shape_of_a_json_body() {
    for hostile in ["\",\"note\":false,\"x\":\"", "\\", "\n\r\0", "{{ event.x }}", "</script>", "\u{2028}", "{\"a\":1}"]
    {
        let inputs = json!({"ticket": 1, "body": "{{ event.x | raw }}"});
        let request = act("groove.add_note", &inputs, &json!({"x": hostile})).unwrap();
        assert_eq!(body_of(&request), json!({"body": hostile, "note": true}));
    }
}

#[test]
fn inputs_that_are_missing_or_of_the_wrong_type_fail_as_invalid_input() {
    let event = json!({"tracking": {"ticket": "x/../1", "none": null}, "list": [1]});
    for (inputs, message) in [
        (json!({"body": "x"}), "input `ticket` is required, and null was given"),
        (
            json!({"ticket": "{{ event.tracking.none }}", "body": "x"}),
            "input `ticket` is required, and null was given (from `event.tracking.none`)",
        ),
        (
            json!({"ticket": "{{ event.tracking.ticket }}", "body": "x"}),
            "input `ticket`: a whole number wanted, text seen (from `event.tracking.ticket`)",
        ),
        (
            json!({"ticket": 1, "body": "{{ event.tracking.none }}"}),
            "input `body` is required, and null was given (from `event.tracking.none`)",
        ),
        (json!({"ticket": 1, "body": {"a": 1}}), "input `body`: HTML text wanted, an object seen"),
        (json!({"ticket": 1, "body": "x", "author": "john"}), "input `author`: an e-mail address wanted, text seen"),
        (json!({"ticket": 1, "body": "x", "colour": "red"}), "`groove.add_note` has no input `colour`"),
    ] {
        let error = act("groove.add_note", &inputs, &event).unwrap_err();
        assert_eq!((error.class, error.message.as_str()), (ErrorClass::InvalidInput, message), "{inputs}");
        assert_eq!((error.step.as_str(), error.attempt), ("do.0", 0));
    }
    let listed = act("groove.add_note", &json!({"ticket": 1, "body": "{{ event.list }}"}), &event).unwrap_err();
    assert_eq!(listed.class, ErrorClass::InvalidInput);
}

#[test]
fn a_template_that_fails_names_its_input() {
    let error = act("groove.add_note", &json!({"ticket": 1, "body": "{{ event.nothing }}"}), &json!({})).unwrap_err();
    assert_eq!(error.class, ErrorClass::Template);
    assert!(error.message.starts_with("input `body`: "), "{}", error.message);
    assert!(error.message.contains("event.nothing"), "{}", error.message);
}

#[test]
fn tickets_are_found_by_what_is_given_alone() {
    for (inputs, path) in [
        (json!({}), "/tickets"),
        (json!({"customer": "{{ event.none }}"}), "/tickets"),
        (json!({"customer": "a+b@c.d", "page": "2"}), "/tickets?customer=a%2Bb%40c.d&page=2"),
        (json!({"state": ["unread", "opened"]}), "/tickets?state=unread%2Copened"),
        (json!({"customer": "x&state=closed#"}), "/tickets?customer=x%26state%3Dclosed%23"),
    ] {
        let request = act("groove.find_tickets", &inputs, &json!({"none": null})).unwrap();
        assert_eq!((request.method.as_str(), path_of(&request), &request.body), ("GET", path, &None), "{inputs}");
        assert_eq!(request.headers, []);
    }
}

#[test]
fn a_ticket_is_started_with_what_is_given_alone() {
    let inputs = json!({
        "body": "Hello", "from": "a@example.com", "to": "b@example.com", "state": "opened", "tags": ["call", 1],
        "note": "true", "sent_at": "2026-03-01T10:00:00+02:00",
    });
    let request = act("groove.create_ticket", &inputs, &json!({})).unwrap();
    assert_eq!(path_of(&request), "/tickets");
    assert_eq!(
        body_of(&request),
        json!({
            "body": "Hello", "from": "a@example.com", "to": "b@example.com", "state": "opened", "tags": ["call", 1],
            "note": true, "sent_at": "Sun, 01 Mar 2026 10:00:00 +0200",
        })
    );
    let wrong = act("groove.create_ticket", &json!({"body": "", "from": "a@b", "to": "c@d", "state": "x"}), &json!({}));
    assert_eq!(wrong.unwrap_err().class, ErrorClass::InvalidInput);
}

fn plain(method: http::Method, url: &str) -> HttpStep {
    HttpStep {
        method,
        url: leaf(&json!(url)),
        auth: None,
        headers: Vec::new(),
        query: Vec::new(),
        body: HttpBody::None,
    }
}

fn send(http: HttpStep, event: &Value) -> Result<Request, StepError> {
    prepared(StepKind::Http(Box::new(http)), event)
}

#[test]
fn each_value_in_a_url_is_one_segment_or_one_query_value() {
    let event = json!({"id": "a/b?c#d e", "q": "x&y=z#?", "n": 7});
    for (url, wanted) in [
        ("https://api.example.com/calls/{{ event.n }}", "https://api.example.com/calls/7"),
        ("https://a.example/c/{{ event.id }}", "https://a.example/c/a%2Fb%3Fc%23d%20e"),
        ("https://a.example/c?q={{ event.q }}&n={{ event.n }}", "https://a.example/c?q=x%26y%3Dz%23%3F&n=7"),
        (
            "https://a.example/{{ event.id }}/c?q={{ event.q }}",
            "https://a.example/a%2Fb%3Fc%23d%20e/c?q=x%26y%3Dz%23%3F",
        ),
        ("{{ vars.crm }}/calls/{{ event.n }}", "https://crm.example.com/v2/calls/7"),
        ("{{ vars.crm }}calls/{{ event.id }}", "https://crm.example.com/v2/calls/a%2Fb%3Fc%23d%20e"),
        ("{{ vars.crm }}", "https://crm.example.com/v2/"),
        ("https://{{ vars.name }}.example.com/", "https://Bell.example.com/"),
        ("https://a.example/literal?x=1", "https://a.example/literal?x=1"),
    ] {
        let request = send(plain(http::Method::GET, url), &event).unwrap();
        assert_eq!(request.target, Target::Url(wanted.to_owned()), "{url}");
    }
}

#[test]
fn urls_that_a_value_would_bend_are_refused() {
    let long = "x".repeat(9_000);
    for (url, value) in [
        ("https://a.example/c/{{ event.x }}/d", ".."),
        ("https://a.example/c/{{ event.x }}/d", "."),
        ("https://a.example/c/{{ event.x }}/d", ""),
        ("https://a.example/c/.{{ event.x }}/d", "."),
        ("{{ event.x }}/d", "https://evil.example"),
        ("{{ event.x }}", ""),
        ("ftp://a.example/{{ event.x }}", "x"),
        ("/calls/{{ event.x }}", "x"),
        ("https://a.example/c/{{ event.x }}", long.as_str()),
        ("https://a.example/a b", "x"),
    ] {
        let error = send(plain(http::Method::GET, url), &json!({"x": value})).unwrap_err();
        assert_eq!(error.class, ErrorClass::RenderType, "{url} with {value}: {}", error.message);
    }
}

#[test]
fn query_form_and_json_take_values_as_they_are() {
    let event = json!({"none": null, "text": "a&b=c d", "list": ["x", 2, null], "flag": true});
    let values =
        json!({"a": "{{ event.text }}", "b": "{{ event.none }}", "c": "{{ event.list }}", "d": "{{ event.flag }}"});
    let mut http = plain(http::Method::POST, "https://a.example/c?z=1");
    http.query = trees(&values);
    http.body = HttpBody::Form(trees(&values));
    let request = send(http, &event).unwrap();
    assert_eq!(path_of(&request), "https://a.example/c?z=1&a=a%26b%3Dc%20d&c=x&c=2&d=true");
    assert_eq!(request.body.as_deref(), Some("a=a%26b%3Dc+d&c=x&c=2&d=true"));
    assert_eq!(request.headers, [("Content-Type".to_owned(), "application/x-www-form-urlencoded".to_owned())]);

    let mut http = plain(http::Method::POST, "https://a.example/");
    http.body =
        HttpBody::Json(tree(&json!({"n": "{{ event.none }}", "l": "{{ event.list }}", "t": "<{{ event.text }}>"})));
    let request = send(http, &event).unwrap();
    assert_eq!(body_of(&request), json!({"n": null, "l": ["x", 2, null], "t": "<a&b=c d>"}));
}

#[test]
fn text_goes_out_as_text_with_the_type_that_the_step_names() {
    let mut http = plain(http::Method::PUT, "https://a.example/");
    http.headers = vec![
        ("content-type".to_owned(), leaf(&json!("text/csv"))),
        ("X-Null".to_owned(), leaf(&json!("{{ event.none }}"))),
        ("X-Number".to_owned(), leaf(&json!("{{ event.n }}"))),
    ];
    http.body = HttpBody::Text(leaf(&json!("a,{{ event.n }}")));
    http.auth = Some(HttpAuth::Header { name: "X-Key".to_owned(), secret: "crm_key".to_owned() });
    let request = send(http, &json!({"none": null, "n": 5})).unwrap();
    let headers: Vec<_> = request.headers.iter().map(|(n, v)| (n.as_str(), v.as_str())).collect();
    assert_eq!(headers, [("content-type", "text/csv"), ("X-Number", "5")]);
    assert_eq!(request.body.as_deref(), Some("a,5"));
    let auth = AuthUse::Header { name: "X-Key".to_owned(), secret: "crm_key".to_owned(), prefix: String::new() };
    assert_eq!(request.auth, Some(auth));
}

#[test]
fn headers_never_hold_control_characters_or_what_the_client_makes_itself() {
    for (name, value, given, class) in [
        ("X-A", "{{ event.x }}", json!("a\r\nX-Evil: 1"), ErrorClass::InvalidHeaderValue),
        ("X-A", "a {{ event.x }}", json!("\0"), ErrorClass::InvalidHeaderValue),
        ("X-A", "a\nb", json!(""), ErrorClass::InvalidHeaderValue),
        ("X-A", "{{ event.x }}", json!(["a"]), ErrorClass::RenderType),
        ("X-A", "{{ event.x }}", json!("a".repeat(9_000)), ErrorClass::RenderType),
        ("Content-Length", "{{ event.x }}", json!("5"), ErrorClass::RenderType),
        ("HOST", "{{ event.x }}", json!("evil.example"), ErrorClass::RenderType),
        ("X A", "{{ event.x }}", json!("a"), ErrorClass::RenderType),
    ] {
        let mut http = plain(http::Method::GET, "https://a.example/");
        http.headers = vec![(name.to_owned(), leaf(&json!(value)))];
        let error = send(http, &json!({"x": given})).unwrap_err();
        assert_eq!(error.class, class, "{name}: {value} with {given}");
    }
}

#[test]
fn a_body_that_is_too_large_or_not_allowed_is_refused() {
    let big = "x".repeat(2 * 1024 * 1024);
    let mut http = plain(http::Method::POST, "https://a.example/");
    http.body = HttpBody::Json(tree(&json!({"x": "{{ event.x }}"})));
    assert_eq!(send(http, &json!({"x": big})).unwrap_err().class, ErrorClass::RenderType);
    for method in [http::Method::GET, http::Method::HEAD] {
        let mut http = plain(method, "https://a.example/");
        http.body = HttpBody::Text(leaf(&json!("x")));
        assert_eq!(send(http, &json!({})).unwrap_err().class, ErrorClass::RenderType);
    }
}
