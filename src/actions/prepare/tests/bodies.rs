//! Bodies in XML and in parts, of both kinds of step.

use super::*;
use crate::{rules::HttpPart, value::read_multipart};

fn pack() -> Registry {
    let text = "name: depot\ntitle: Depot\nbase_url: https://depot.example.com\nauth: { bearer: depot_token }\nactions:\n  \
                order:\n    title: Order\n    inputs:\n      id: { type: integer, required: true }\n      \
                note: { type: text }\n      items: { type: list }\n    request:\n      method: POST\n      path: /orders\n      \
                xml:\n        o:order:\n          '@xmlns:o': urn:example\n          '@id': '{{ id }}'\n          \
                note: '{{ note }}'\n          item: '{{ items }}'\n    sample: {}\n  \
                upload:\n    title: Upload\n    inputs:\n      text: { type: text, required: true }\n      \
                name: { type: text }\n      ticket: { type: integer }\n    request:\n      method: POST\n      path: /files\n      \
                multipart:\n        ticket: '{{ ticket }}'\n        \
                file: { value: '{{ text }}', filename: '{{ name }}', content_type: text/csv }\n    sample: {}\n";
    Registry::load(&BTreeMap::from([("templates/services/depot.yaml".to_owned(), text.to_owned())])).unwrap()
}

fn act(name: &str, inputs: &Value) -> Result<Request, StepError> {
    let kind = StepKind::Action { name: name.to_owned(), inputs: trees(inputs), connection: None };
    prepare(&step(kind), &Context::new(Time(0), LIMITS), &pack())
}

fn parts_of(request: &Request) -> Vec<(String, Option<String>, Option<String>, String)> {
    let kind = &request.headers.iter().find(|(name, _)| name == "Content-Type").unwrap().1;
    let boundary = kind.strip_prefix("multipart/form-data; boundary=").unwrap();
    let parts = read_multipart(request.body.as_ref().unwrap().as_bytes(), boundary).unwrap();
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    parts.into_iter().map(|part| (part.name, part.filename, part.content_type, text(part.bytes))).collect()
}

#[test]
fn an_action_writes_xml_and_leaves_out_what_was_not_given() {
    let request = act("depot.order", &json!({"id": 7, "items": ["a & b", {"@sku": "<1>"}]})).unwrap();
    assert_eq!(
        request.body.as_deref(),
        Some(
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?><o:order xmlns:o=\"urn:example\" id=\"7\">\
             <item>a &amp; b</item><item sku=\"&lt;1&gt;\"/></o:order>"
        )
    );
    assert_eq!(request.headers, [("Content-Type".to_owned(), "application/xml; charset=utf-8".to_owned())]);
    let error = act("depot.order", &json!({"id": 7, "note": "\u{1}"})).unwrap_err();
    assert_eq!(error.class, ErrorClass::RenderType);
    assert!(error.message.contains("`o:order.note` holds a control character"), "{}", error.message);
}

#[test]
fn an_action_sends_fields_and_files_in_parts() {
    let text = "a,\"b\"\r\n--x\r\n";
    let inputs = json!({"text": text, "name": "../a\"b.csv", "ticket": 42});
    let request = act("depot.upload", &inputs).unwrap();
    assert_eq!(act("depot.upload", &inputs).unwrap(), request, "a retry sends the same bytes");
    let file =
        |name: Option<&str>| ("file".to_owned(), name.map(str::to_owned), Some("text/csv".to_owned()), text.to_owned());
    assert_eq!(parts_of(&request), [("ticket".to_owned(), None, None, "42".to_owned()), file(Some("../a%22b.csv"))]);
    assert_eq!(parts_of(&act("depot.upload", &json!({"text": text})).unwrap()), [file(None)]);
}

#[test]
fn an_http_step_sends_both_too_and_shows_what_it_was_given() {
    let event = json!({"id": 3, "none": null, "list": ["x", "y"], "file": {"filename": "ä.txt", "text": "t"}});
    let mut http = plain(http::Method::POST, "https://a.example/");
    let order = json!({"order": {"@id": "{{ event.id }}", "gone": "{{ event.none }}", "item": "{{ event.list }}"}});
    http.body = HttpBody::Xml(tree(&order));
    let request = send(http, &event).unwrap();
    assert!(request.body.unwrap().ends_with("<order id=\"3\"><item>x</item><item>y</item></order>"));

    let parts = || {
        let part = |name: &str, value: &str, filename: Option<&str>| HttpPart {
            name: name.to_owned(),
            value: tree(&json!(value)),
            filename: filename.map(|name| leaf(&json!(name))),
            content_type: filename.map(|_| leaf(&json!("text/plain"))),
        };
        let mut http = plain(http::Method::POST, "https://a.example/");
        http.headers = vec![("content-type".to_owned(), leaf(&json!("multipart/form-data")))];
        http.body = HttpBody::Multipart(vec![
            part("n", "{{ event.id }}", None),
            part("l", "{{ event.list }}", None),
            part("gone", "{{ event.none }}", None),
            part("f", "{{ event.file.text }}", Some("{{ event.file.filename }}")),
        ]);
        http
    };
    let field = |name: &str, text: &str| (name.to_owned(), None, None, text.to_owned());
    let file = ("f".to_owned(), Some("ä.txt".to_owned()), Some("text/plain".to_owned()), "t".to_owned());
    assert_eq!(
        parts_of(&send(parts(), &event).unwrap()),
        [field("n", "3"), field("l", "x"), field("l", "y"), file],
        "the boundary is in the type, whatever the step says"
    );
    let mut context = Context::new(Time(0), LIMITS);
    context.set("event", &event);
    let registry = Registry::load(&BTreeMap::new()).unwrap();
    let given = inputs(&step(StepKind::Http(Box::new(parts()))), &context, &registry).unwrap();
    assert_eq!(
        given["multipart"],
        json!({"n": 3, "l": ["x", "y"], "f": {"value": "t", "filename": "ä.txt", "content_type": "text/plain"}})
    );
}

#[test]
fn what_no_part_can_hold_is_refused() {
    let mut http = plain(http::Method::POST, "https://a.example/");
    http.body = HttpBody::Multipart(vec![HttpPart {
        name: "f".to_owned(),
        value: tree(&json!({"a": 1})),
        filename: None,
        content_type: None,
    }]);
    assert_eq!(send(http, &json!({})).unwrap_err().class, ErrorClass::RenderType);
    let mut http = plain(http::Method::POST, "https://a.example/");
    http.body = HttpBody::Multipart(vec![HttpPart {
        name: "f".to_owned(),
        value: tree(&json!("x")),
        filename: Some(leaf(&json!("{{ event.name }}"))),
        content_type: Some(leaf(&json!("{{ event.kind }}"))),
    }]);
    let error = send(http, &json!({"name": "a", "kind": "text/plain\r\nX-Evil: 1"})).unwrap_err();
    assert!(error.message.contains("part `f`") && error.message.contains("control character"), "{}", error.message);
}
