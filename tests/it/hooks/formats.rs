//! Bodies that are no JSON: what becomes of them, what is refused, and that whoever reads them again reads the same.

use serde_json::{Value, json};

use crate::support::{
    app::{Answer, TestApp, event_id},
    both::on_both,
    journal::Journal,
};

const FORM: &str = "application/x-www-form-urlencoded";
const SETTINGS: &str = "[sources.box]\npublic = true\n[sources.any]\npublic = true\nbody = \"auto\"\n[sources.two]\npublic = true\n\
    body = [\"form\", \"xml\"]\nmax_body = \"2KiB\"\n[sources.files]\npublic = true\nbody = \"multipart\"\nfiles = true\n\
    [sources.large]\npublic = true\nbody = \"text\"\nmax_body = \"3MiB\"\n";

/// Waits, so that what it sends was read again from the store.
const SHOW: &str = "name: show\non: [any.received, files.received]\ndo:\n  - wait: 1m\n  \
    - http: { method: POST, url: \"http://JOURNAL/x\", json: { event: \"{{ event }}\", verified: \"{{ trigger.verified }}\" } }\n";

async fn app_on(database: std::collections::BTreeMap<String, String>) -> TestApp {
    let journal = Journal::start([]).await;
    let rule = SHOW.replace("JOURNAL", &journal.address.to_string());
    TestApp::on(journal, &[("show", &rule)], SETTINGS, database).await
}

async fn send(app: &TestApp, source: &str, kind: &str, body: impl Into<Vec<u8>>) -> Answer {
    app.post(&format!("/hooks/{source}"), &[("Content-Type", kind)], body).await
}

fn code(answer: &Answer) -> (u16, &str) {
    (answer.status, answer.body["error"]["code"].as_str().unwrap_or_default())
}

fn multipart(parts: &[(&str, &str)]) -> String {
    let parts: String = parts
        .iter()
        .map(|(head, body)| format!("--b\r\nContent-Disposition: form-data; {head}\r\n\r\n{body}\r\n"))
        .collect();
    format!("{parts}--b--\r\n")
}

on_both!(every_format_becomes_an_event_and_is_read_again_from_the_store, |database| {
    let app = app_on(database).await;
    let parts = multipart(&[("name=\"a\"", "1"), ("name=\"a\"", "2"), ("name=b", "ä")]);
    let file = multipart(&[
        ("name=\"f\"; filename=\"../../etc/x.csv\"\r\nContent-Type: text/csv", "a,b"),
        ("name=\"n\"", "1"),
    ]);
    let cases: [(&str, &str, &str, Value); 8] = [
        ("any", "application/json", "{\"a\":1}", json!({"a": 1})),
        ("any", FORM, "a=1&b=%C3%A4+x&a=2&c", json!({"a": ["1", "2"], "b": "ä x", "c": ""})),
        (
            "any",
            "text/xml; charset=utf-8",
            "<?xml version=\"1.0\"?><o:order xmlns:o=\"urn:x\" id=\"7\"><item>1</item><item x='y'>2</item></o:order>",
            json!({"o:order": {"@xmlns:o": "urn:x", "@id": "7", "item": ["1", {"@x": "y", "#text": "2"}]}}),
        ),
        ("any", "text/plain", " as it is\r\n", json!(" as it is\r\n")),
        ("any", "text/plain", "", json!("")),
        ("any", "application/cloudevents+json", "[1]", json!([1])),
        ("any", "multipart/form-data; boundary=b", &parts, json!({"a": ["1", "2"], "b": "ä"})),
        (
            "files",
            "multipart/form-data; boundary=\"b\"",
            &file,
            json!({"f": {"filename": "../../etc/x.csv", "content_type": "text/csv", "size": 3, "text": "a,b"}, "n": "1"}),
        ),
    ];
    for (source, kind, body, _) in &cases {
        let answer = send(&app, source, kind, *body).await;
        assert_eq!(answer.status, 202, "{kind}: {answer:?}");
        let stored = app.store().event(event_id(&answer)).await.unwrap().unwrap();
        assert_eq!(stored.event.body.as_deref(), Some(body.as_bytes()), "the raw bytes are kept");
        app.settle().await;
    }
    let app = app.restart().await;
    app.advance(std::time::Duration::from_secs(61)).await;
    let mut seen: Vec<String> =
        app.journal.requests().iter().map(|request| request.json()["event"].to_string()).collect();
    let mut wanted: Vec<String> = cases.iter().map(|(.., event)| event.to_string()).collect();
    seen.sort();
    wanted.sort();
    assert_eq!(seen, wanted);
});

/// I45: what a source does not take is refused by its type, before it is read.
#[tokio::test(flavor = "multi_thread")]
async fn a_source_takes_the_types_that_it_says_and_no_others() {
    let app = app_on(std::collections::BTreeMap::new()).await;
    for (source, kind, status) in [
        ("box", "application/json", 202),
        ("box", "text/plain", 415),
        ("box", FORM, 415),
        ("box", "application/json; charset=utf-16", 415),
        ("box", "multipart/form-data; boundary=b", 415),
        ("box", &format!("application/json; x={}", "y".repeat(1000)), 415),
        ("two", FORM, 202),
        ("two", "application/xml", 400),
        ("two", "application/json", 415),
        ("any", "application/octet-stream", 415),
        ("any", "text/plain; charset=iso-8859-1", 415),
        ("files", "application/json", 415),
    ] {
        let answer = send(&app, source, kind, "{}").await;
        assert_eq!(answer.status, status, "{source}: {kind}: {answer:?}");
        if status == 415 {
            assert_eq!(code(&answer), (415, "content_type"), "{source}: {kind}");
        }
    }
    let two = [("Content-Type", "application/json"), ("Content-Type", "application/json")];
    assert_eq!(code(&app.post("/hooks/any", &two, "{}").await), (415, "content_type"), "two types");
    assert_eq!(app.post("/hooks/box", &[], "{}").await.status, 202, "none is JSON");
    assert_eq!(code(&app.post("/hooks/two", &[], "{}").await), (415, "content_type"), "and JSON is not taken here");
    let told = send(&app, "box", FORM, "a=1").await;
    assert!(told.body["error"]["message"].as_str().unwrap().contains("json"), "{told:?}");
}

/// I29: nothing is decompressed, whatever the source takes.
#[tokio::test(flavor = "multi_thread")]
async fn an_encoded_body_is_refused_and_not_decoded() {
    let app = app_on(std::collections::BTreeMap::new()).await;
    for encoding in ["gzip", "br", "zstd", "odd", "identity, gzip"] {
        let headers = [("Content-Type", FORM), ("Content-Encoding", encoding)];
        let answer = app.post("/hooks/any", &headers, "a=1").await;
        assert_eq!(code(&answer), (415, "content_encoding"), "{encoding}");
    }
    let headers = [("Content-Type", FORM), ("Content-Encoding", "identity")];
    assert_eq!(app.post("/hooks/any", &headers, "a=1").await.status, 202);
}

/// I41, I46, I47, and what XML may not bring.
#[tokio::test(flavor = "multi_thread")]
async fn what_does_not_read_is_refused_with_its_reason() {
    let app = app_on(std::collections::BTreeMap::new()).await;
    let bomb = format!("<!DOCTYPE a [<!ENTITY b \"{}\"><!ENTITY c \"&b;&b;\">]><a>&c;</a>", "x".repeat(1000));
    let deep = format!("{}{}", "<a>".repeat(33), "</a>".repeat(33));
    let many = multipart(&vec![("name=a", "1"); 10_000]);
    let file = multipart(&[("name=f; filename=\"../../x\"", "x")]);
    let nested = multipart(&[("name=a\r\nContent-Type: multipart/mixed; boundary=c", "--c--")]);
    for (kind, body, wanted) in [
        (FORM, "a=%zz", (400, "bad_escape")),
        (FORM, "a=%", (400, "bad_escape")),
        (FORM, "a=%ff", (400, "not_utf8")),
        (FORM, &"a=1&".repeat(100_000), (400, "too_many_pairs")),
        (FORM, &"k".repeat(2000), (400, "long_key")),
        ("text/xml", "", (400, "not_xml")),
        ("text/xml", "<a>", (400, "not_xml")),
        ("text/xml", "<a></b>", (400, "not_xml")),
        ("text/xml", "<a>\0</a>", (400, "not_xml")),
        ("text/xml", &bomb, (400, "xml_doctype")),
        ("text/xml", "<!DOCTYPE a SYSTEM \"file:///etc/passwd\"><a/>", (400, "xml_doctype")),
        ("text/xml", "<a>&nbsp;</a>", (400, "xml_entity")),
        ("text/xml", &deep, (400, "too_deep")),
        ("text/xml", &format!("<a>{}</a>", "<b/>".repeat(10_000)), (400, "too_many_keys")),
        ("text/xml", "<?xml version='1.0' encoding='utf-16'?><a/>", (415, "content_type")),
        ("multipart/form-data", &multipart(&[]), (400, "bad_multipart")),
        ("multipart/form-data; boundary=other", &multipart(&[("name=a", "1")]), (400, "bad_multipart")),
        ("multipart/form-data; boundary=b", "--b\r\n", (400, "bad_multipart")),
        ("multipart/form-data; boundary=b", &nested, (400, "bad_multipart")),
        ("multipart/form-data; boundary=b", &many, (400, "too_many_parts")),
        ("multipart/form-data; boundary=b", &file, (415, "file")),
    ] {
        let answer = send(&app, "any", kind, body).await;
        assert_eq!(code(&answer), wanted, "{kind}: {}", body.chars().take(80).collect::<String>());
    }
    assert_eq!(code(&send(&app, "any", "text/plain", b"\xff".to_vec()).await), (400, "not_utf8"));
    assert_eq!(app.events().await.len(), 0);
    let nul = send(&app, "any", FORM, "a=%00").await;
    assert_eq!(nul.status, 202, "data, as in JSON: {nul:?}");
}

/// I38: names of ours in a body are the sender's data.
#[tokio::test(flavor = "multi_thread")]
async fn a_body_cannot_pose_as_what_the_server_says() {
    let app = app_on(std::collections::BTreeMap::new()).await;
    let json = json!({"files": {"x": {"filepath": "/etc/passwd"}}, "headers": {}, "_meta": 1, "event_id": "evt_1", "source": "gruveo",
        "verified": true, "body": {"as": "xml"}});
    for (kind, body) in
        [("application/json", json.to_string()), (FORM, "verified=true&body=x&files=%2Fetc%2Fpasswd".to_owned())]
    {
        let answer = send(&app, "any", kind, body).await;
        let stored = app.store().event(event_id(&answer)).await.unwrap().unwrap();
        assert_eq!((stored.event.source.as_str(), stored.event.verified.as_str()), ("any", ""));
    }
    app.settle().await;
    app.advance(std::time::Duration::from_secs(61)).await;
    let requests = app.journal.requests();
    assert_eq!(requests.len(), 2);
    for request in requests {
        let sent = request.json();
        assert_eq!(sent["verified"], false, "the server's own word");
        assert!(sent["event"]["verified"].as_bool() == Some(true) || sent["event"]["verified"] == "true", "{sent}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_source_has_a_limit_of_its_own() {
    let app = app_on(std::collections::BTreeMap::new()).await;
    assert_eq!(send(&app, "two", FORM, format!("a={}", "x".repeat(2046))).await.status, 202);
    assert_eq!(code(&send(&app, "two", FORM, format!("a={}", "x".repeat(2047))).await), (413, "body_too_large"));
    assert_eq!(send(&app, "large", "text/plain", "x".repeat(3 << 20)).await.status, 202);
    assert_eq!(code(&send(&app, "large", "text/plain", "x".repeat((3 << 20) + 1)).await), (413, "body_too_large"));
    assert_eq!(code(&send(&app, "box", "application/json", " ".repeat((1 << 20) + 1)).await), (413, "body_too_large"));
}

/// A pack says how its bodies are read, and its fields are computed from what they hold.
#[tokio::test(flavor = "multi_thread")]
async fn a_pack_reads_xml_and_computes_its_fields_from_it() {
    let app = app_on([("BELLWIRE_SECRET_SHOP_TOKEN".to_owned(), "a-shop-token".to_owned())].into()).await;
    app.write_pack(
        "shop",
        "name: shop\ntitle: Shop\nhook:\n  verify: { token: { in: query, name: token, secret: shop_token } }\n  \
         type: { fixed: received }\n  body: xml\n  fields:\n    number: { type: integer, value: '{{ body.order[\"@id\"] }}' }\n\
         events:\n  received: { title: An order }\n",
    );
    app.write_rule("show", &SHOW.replace("JOURNAL", &app.journal.address.to_string()).replace("files.", "shop."));
    let app = app.restart_changed().await;
    let body = "<order id='42'><who>Ann</who></order>";
    let answer = app.post("/hooks/shop?token=a-shop-token", &[("Content-Type", "text/plain")], body).await;
    assert_eq!(answer.status, 202, "the pack says XML, whatever the type says: {answer:?}");
    let again = app.post("/hooks/shop?token=a-shop-token", &[("Content-Type", "text/xml")], body).await;
    assert_eq!((again.status, &again.body["duplicate"]), (200, &json!(true)));
    assert_eq!(code(&app.post("/hooks/shop?token=a-shop-token", &[], "{}").await), (400, "not_xml"));
    app.settle().await;
    app.advance(std::time::Duration::from_secs(61)).await;
    let sent = app.journal.requests()[0].json();
    assert_eq!(sent["event"], json!({"order": {"@id": "42", "who": "Ann"}, "number": 42}));
}
