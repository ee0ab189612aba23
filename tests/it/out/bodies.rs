//! XML and multipart on their way out, against a receiver that reads them strictly.

use bellwire::value::{read_multipart, read_xml};
use serde_json::json;

use super::kit::{app_of, ring};
use crate::support::journal::{Journal, Received, Reply};

fn parts(request: &Received) -> Vec<(String, Option<String>, Option<String>, String)> {
    let kind = request.header("content-type").unwrap();
    let boundary = kind.strip_prefix("multipart/form-data; boundary=").unwrap();
    let read = read_multipart(request.body.as_bytes(), boundary).unwrap();
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    read.into_iter().map(|part| (part.name, part.filename, part.content_type, text(part.bytes))).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_xml_body_arrives_as_it_was_meant() {
    let step = "  - http:\n      method: POST\n      url: http://JOURNAL/x\n      xml:\n        order:\n          \"@id\": \"{{ event.id }}\"\n          \
        note: \"{{ event.note }}\"\n          item: \"{{ event.items }}\"\n          gone: \"{{ event.none }}\"\n";
    let app = app_of(Journal::start([]).await, step, "", &[]).await;
    ring(&app, &json!({"id": 7, "note": "<b>&\"' ä ]]>", "items": ["a", {"@sku": "x", "#text": "b"}], "none": null}))
        .await;
    let requests = app.journal.requests();
    let request = &requests[0];
    assert_eq!(request.header("content-type"), Some("application/xml; charset=utf-8"));
    assert_eq!(
        read_xml(request.body.as_bytes()).unwrap(),
        json!({"order": {"@id": "7", "note": "<b>&\"' ä ]]>", "item": ["a", {"@sku": "x", "#text": "b"}]}})
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_retry_sends_the_same_parts_in_the_same_bytes() {
    let step = "  - http:\n      method: PUT\n      url: http://JOURNAL/x\n      multipart:\n        id: \"{{ event.id }}\"\n        tags: \"{{ event.tags }}\"\n        \
        report: { value: \"{{ event.text }}\", filename: \"{{ event.name }}\", content_type: text/csv }\n    retry: { after: [1s] }\n";
    let app = app_of(Journal::start([Reply::status(503)]).await, step, "", &[]).await;
    let text = "a,b\r\n--bellwire-00\r\n";
    ring(&app, &json!({"id": 1, "tags": ["x", "y"], "text": text, "name": "a\"\r\nX: y/../b.csv"})).await;
    app.advance(std::time::Duration::from_secs(5)).await;
    let requests = app.journal.requests();
    assert_eq!(requests.len(), 2);
    assert_eq!(requests[0].body, requests[1].body);
    assert_eq!(requests[0].header("content-type"), requests[1].header("content-type"));
    let field = |name: &str, value: &str| (name.to_owned(), None, None, value.to_owned());
    let file =
        ("report".to_owned(), Some("a%22%0D%0AX: y/../b.csv".to_owned()), Some("text/csv".to_owned()), text.to_owned());
    assert_eq!(parts(&requests[1]), [field("id", "1"), field("tags", "x"), field("tags", "y"), file]);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_xml_cannot_hold_fails_its_step_without_an_attempt() {
    let step = "  - http: { method: POST, url: \"http://JOURNAL/x\", xml: { a: \"{{ event.x }}\" } }\n";
    let app = app_of(Journal::start([]).await, step, "", &[]).await;
    ring(&app, &json!({"x": "a\u{1}b"})).await;
    let run = app.only_run().await;
    let message = run.row.error.map(|error| error.message).unwrap_or_default();
    assert!(message.contains("control character"), "{message}");
    assert_eq!(app.journal.requests().len(), 0);
}
