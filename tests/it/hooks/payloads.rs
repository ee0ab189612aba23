//! Payloads: any JSON within its limits is kept byte for byte, the rest is refused, and nothing in one breaks what follows.

use std::collections::BTreeMap;

use bellwire::model::RunStatus;

use crate::support::{
    app::{MISSED, TestApp, missed_call},
    both::on_both,
    journal::Journal,
};

/// Shows what a payload holds in every place that a rule can put it.
const SHOW: &str = r#"
name: show
on: gruveo.call
do:
  - groove.add_note: { ticket: 1, body: "{{ event | json }}" }
    if: { event: { exists: true } }
"#;

async fn answers(app: &TestApp, body: &[u8], status: u16, code: &str) {
    let answer = app.signed(body).await;
    let shown = String::from_utf8_lossy(&body[..body.len().min(60)]).into_owned();
    assert_eq!(answer.status, status, "{shown}: {answer:?}");
    if status >= 400 {
        assert_eq!(answer.body["error"]["code"], code, "{shown}");
    }
}

on_both!(json_is_taken_within_its_limits_and_kept_byte_for_byte, |database| {
    let app = TestApp::on(Journal::start([]).await, &[("show", SHOW)], "", database).await;
    let nested = |levels: usize| format!("{}1{}", "[".repeat(levels), "]".repeat(levels)).into_bytes();
    let keys = |count: usize| {
        let pairs: Vec<String> = (0..count).map(|n| format!("\"k{n}\":0")).collect();
        format!("{{{}}}", pairs.join(",")).into_bytes()
    };
    let good: Vec<Vec<u8>> = vec![
        nested(64),
        br#"{"a":1,"a":2}"#.to_vec(),
        br#"{"a":1,"\u0061":2}"#.to_vec(),
        br#"{"a":"x\u0000y"}"#.to_vec(),
        "{\"a\":\"\u{feff}\u{202e}\u{10ffff}\"}".as_bytes().to_vec(),
        br#"{"a":0.1000000000000000055511151231257827021181583404541015625}"#.to_vec(),
        br#"{"a":9007199254740993,"b":-9223372036854775808,"c":18446744073709551615,"d":-0}"#.to_vec(),
        b"null".to_vec(),
        br#""""#.to_vec(),
        b"[]".to_vec(),
        b"7".to_vec(),
        b" \r\n\t{ } ".to_vec(),
        keys(10_000),
        format!("{{\"a\":\"{}\"}}", "x".repeat(1_000_000)).into_bytes(),
        format!("{{\"{}\":1}}", "k".repeat(1024)).into_bytes(),
    ];
    for body in &good {
        answers(&app, body, 202, "").await;
    }
    for (body, code) in [
        (nested(65), "too_deep"),
        (nested(128), "too_deep"),
        (nested(129), "too_deep"),
        ("[".repeat(100_000).into_bytes(), "too_deep"),
        (r#"{"a":"#.repeat(100_000).into_bytes(), "too_deep"),
        (br#"{"a":"\ud800"}"#.to_vec(), "not_json"),
        (b"{\"a\":\"\xc0\x80\"}".to_vec(), "not_json"),
        (b"{\"a\":\"\xff\"}".to_vec(), "not_json"),
        (b"\xef\xbb\xbf{}".to_vec(), "not_json"),
        ("{\"a\":1}".encode_utf16().flat_map(u16::to_le_bytes).collect(), "not_json"),
        (br#"{"a":1e400}"#.to_vec(), "number"),
        (br#"{"a":18446744073709551616}"#.to_vec(), "number"),
        (br#"{"a":NaN}"#.to_vec(), "not_json"),
        (br#"{"a":Infinity}"#.to_vec(), "not_json"),
        (br#"{"a":+1}"#.to_vec(), "not_json"),
        (br#"{"a":01}"#.to_vec(), "not_json"),
        (b"".to_vec(), "not_json"),
        (b"{} {}".to_vec(), "not_json"),
        (br#"{"a":1,}"#.to_vec(), "not_json"),
        (b"{\"a\":\"\n\"}".to_vec(), "not_json"),
    ] {
        answers(&app, &body, 400, code).await;
    }
    for body in [keys(80_000), keys(10_001), format!("{{\"{}\":1}}", "k".repeat(1025)).into_bytes()] {
        let answer = app.signed(&body).await;
        assert_eq!(answer.status, 400, "I43 {answer:?}");
    }
    let events = app.events().await;
    assert_eq!(events.len(), good.len());
    for (event, body) in events.iter().zip(&good) {
        let kept = app.store().event(event.id).await.unwrap().unwrap().event.body.unwrap();
        assert_eq!(&kept, body, "kept as it came");
    }
    assert_eq!((&events[1].flags, &events[2].flags), (&vec!["duplicate_keys"], &vec!["duplicate_keys"]), "I40");
    app.settle().await;
    // Whatever came of each run, it has ended, and what was sent is JSON of the shape that the pack gives it.
    for run in app.runs().await {
        assert!(matches!(run.status, RunStatus::Ok | RunStatus::Failed), "{run:?}");
    }
    for note in app.journal.requests() {
        assert_eq!(note.json().as_object().unwrap().keys().collect::<Vec<_>>(), ["body", "note"]);
    }
});

/// I42: what a sender wrote as a whole number goes out digit for digit.
#[tokio::test(flavor = "multi_thread")]
async fn large_numbers_go_out_digit_for_digit() {
    let rule = "name: numbers\non: box.received\ndo:\n  - groove.add_note: { ticket: \"{{ event.t }}\", body: \"{{ event.a }} {{ event.b }} {{ event.c }} {{ event | json }}\" }\n";
    let app = TestApp::with(Journal::start([]).await, &[("numbers", rule)], "[sources.box]\npublic = true\n").await;
    let body = r#"{"t":9007199254740993,"a":18446744073709551615,"b":-9223372036854775808,"c":9007199254740993}"#;
    assert_eq!(app.post("/hooks/box", &[], body).await.status, 202);
    app.settle().await;
    let note = &app.journal.requests()[0];
    assert_eq!(note.path, "/v1/tickets/9007199254740993/messages");
    let text = note.json()["body"].as_str().unwrap().to_owned();
    assert!(text.starts_with("18446744073709551615 -9223372036854775808 9007199254740993 "), "{text}");
    assert!(text.contains("18446744073709551615") && !text.contains('e'), "{text}");
}

/// Texts that would be something else if anybody read them as such.
const NASTY: [&str; 22] = [
    "{{ secrets.groove_token }}",
    "{% raw %}{{ x }}{% endraw %}",
    "{% include 'notes/missed_call' %}",
    "{% for i in (1..1000000000) %}x{% endfor %}",
    "{{ '' | append: event.location }}",
    "</script><script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "\",\"note\":false,\"x\":\"",
    "\\\",\\\"note\\\":false",
    "../../../etc/passwd",
    "42/../../admin?x=1#y",
    "%2e%2e%2f",
    "a\r\nX-Evil: 1\r\n\r\nGET / HTTP/1.1",
    "\u{0}\u{1}\u{7f}",
    "\u{202e}\u{2066}gnp.exe",
    "'; DROP TABLE events; --",
    "${jndi:ldap://x}",
    "=cmd|' /C calc'!A0",
    "evt_1",
    "true",
    "null",
    "1e999",
];

/// Every text, in every field that the rule uses, and as a name: one note each, or none, and never another request.
#[tokio::test(flavor = "multi_thread")]
async fn what_a_caller_typed_never_becomes_anything_else() {
    let rule = r#"
name: everywhere
on: gruveo.call
vars: { where: "{{ event.location }}" }
when:
  event.location: { exists: true }
do:
  - groove.add_note: { ticket: "{{ event.tracking.ticket | default: 7 }}", body: "{{ vars.where }} {{ event.location | upcase }} {{ event | json }}" }
  - http:
      method: POST
      url: "http://JOURNAL/v1/x/{{ event.location }}/y"
      query: { q: "{{ event.location }}" }
      json: { a: "{{ event.location }}", b: { c: ["{{ vars.where }}"] } }
"#;
    let journal = Journal::start([]).await;
    let rule = rule.replace("JOURNAL", &journal.address.to_string());
    let app = TestApp::with(journal, &[("everywhere", &rule), ("calls/missed", MISSED)], "").await;
    for nasty in NASTY {
        let mut call = missed_call("42");
        call["location"] = nasty.into();
        call["link"] = nasty.into();
        call[nasty] = nasty.into();
        assert_eq!(app.call(&call).await.status, 202, "{nasty:?}");
        let mut call = missed_call(nasty);
        call["resolution"] = "missed".into();
        assert_eq!(app.call(&call).await.status, 202, "{nasty:?}");
    }
    app.settle().await;
    let requests = app.journal.requests();
    for request in &requests {
        assert_eq!(request.method, "POST");
        let path = request.path.split('?').next().unwrap();
        let parts: Vec<&str> = path.split('/').collect();
        let is_note = parts.len() == 5
            && parts[1..3] == ["v1", "tickets"]
            && parts[4] == "messages"
            && parts[3].bytes().all(|b| b.is_ascii_digit());
        let is_post = parts.len() == 5 && parts[1..3] == ["v1", "x"] && parts[4] == "y";
        assert!(is_note || is_post, "{}", request.path);
        assert!(request.header("x-evil").is_none());
        let body = request.json();
        let body = body.as_object().unwrap();
        let shape: Vec<&str> = body.keys().map(String::as_str).collect();
        assert_eq!(shape, if is_note { vec!["body", "note"] } else { vec!["a", "b"] });
        if is_note {
            assert_eq!(body["note"], true);
            let text = body["body"].as_str().unwrap();
            assert!(!text.contains('<') || text.contains("&lt;"), "{text}");
            assert!(!text.contains("<script") && !text.contains("<img"), "{text}");
        }
    }
    for run in app.runs().await {
        let is_ended = matches!(run.status, RunStatus::Ok | RunStatus::Failed);
        assert!(is_ended, "{run:?}");
    }
    assert!(!app.is_on_disk("a-groove-api-token"), "no secret is stored in the clear");
}

/// A rule that works on a large payload is bounded, and the deliveries after it are not held up.
#[tokio::test(flavor = "multi_thread")]
async fn a_payload_made_to_be_slow_delays_nobody() {
    let rule = r#"
name: slow
on: box.received
vars:
  all: "{% for a in event.list %}{% for b in event.list %}{{ a }}{{ b }}{% endfor %}{% endfor %}"
when:
  vars.all: { matches: "(x+x+)+y" }
do:
  - groove.add_note: { ticket: 1, body: "{{ vars.all }}" }
"#;
    let app = TestApp::with(
        Journal::start([]).await,
        &[("slow", rule), ("calls/missed", &MISSED.replace("on: gruveo.call", "on: [gruveo.call, box.received]"))],
        "[sources.box]\npublic = true\n",
    )
    .await;
    let mut call = missed_call("42");
    call["list"] = serde_json::json!(vec!["xxxxxxxxxx"; 5000]);
    let started = std::time::Instant::now();
    let answers = futures_util::future::join_all((0..10).map(|n| {
        let mut call = call.clone();
        call["n"] = n.into();
        let app = &app;
        async move { app.post("/hooks/box", &[], call.to_string()).await.status }
    }))
    .await;
    assert_eq!(answers, [202; 10]);
    assert!(started.elapsed() < std::time::Duration::from_secs(8), "{:?}", started.elapsed());
    app.settle().await;
    let runs = app.runs().await;
    let by_rule = runs.iter().fold(BTreeMap::<&str, Vec<RunStatus>>::new(), |mut all, run| {
        all.entry(run.rule.as_str()).or_default().push(run.status);
        all
    });
    assert_eq!(by_rule["calls/missed"], [RunStatus::Ok; 10]);
    assert_eq!(by_rule["slow"], [RunStatus::Failed; 10], "a rule that cannot be decided is shown, not lost");
}
