//! Deliveries, read by the built-in packs and by made ones.

use std::{collections::BTreeMap, sync::Arc};

use serde_json::json;

use super::*;
use crate::services::Registry;

const NOW: Time = Time(1_772_359_200_000);

fn pack(name: &str) -> Arc<Pack> {
    Arc::clone(Registry::load(&BTreeMap::new()).unwrap().pack(name).unwrap())
}

fn made(hook: &str) -> Arc<Pack> {
    let text = format!("name: crm\ntitle: CRM\nhook:\n  verify: none\n{hook}");
    let files = BTreeMap::from([("templates/services/crm.yaml".to_owned(), text)]);
    Arc::clone(Registry::load(&files).unwrap().pack("crm").unwrap())
}

#[derive(Default)]
struct Delivery<'d> {
    headers: &'d [(&'d str, &'d str)],
    query: &'d [(&'d str, &'d str)],
    path: &'d [&'d str],
    body: &'d str,
}

impl Delivery<'_> {
    fn read(&self, pack: &Pack) -> Result<Read, Refused> {
        let headers: Vec<_> = self.headers.iter().map(|(n, v)| ((*n).to_owned(), v.as_bytes().to_vec())).collect();
        let query: Vec<_> = self.query.iter().map(|(n, v)| ((*n).to_owned(), (*v).to_owned())).collect();
        let path: Vec<_> = self.path.iter().map(|p| (*p).to_owned()).collect();
        let kept = self.headers.iter().map(|(name, value)| ((*name).to_owned(), json!(value))).collect();
        let request = Request { headers: &headers, query: &query, path: &path, body: self.body.as_bytes() };
        pack.hook.as_ref().unwrap().read(pack, &pack.name, &request, &kept, NOW)
    }

    fn refused(&self, pack: &Pack) -> (u16, &'static str) {
        let refused = self.read(pack).unwrap_err();
        (refused.status, refused.reason)
    }
}

fn groove(event: &str, body: &Value) -> Read {
    let text = body.to_string();
    Delivery { headers: &[("x-groove-event", event)], body: &text, ..Delivery::default() }
        .read(&pack("groove"))
        .unwrap()
}

#[test]
fn a_call_is_read_whatever_its_content_type() {
    let pack = pack("gruveo");
    for content_type in ["application/json", "text/plain", "application/x-www-form-urlencoded"] {
        let headers = [("content-type", content_type)];
        let read =
            Delivery { headers: &headers, body: r#"{"link": "@acme.sales"}"#, ..Delivery::default() }.read(&pack);
        let read = read.unwrap();
        assert_eq!((read.event.as_str(), read.body), ("call", json!({"link": "@acme.sales"})));
        assert_eq!((read.fields, read.echo, read.flags), (Object::new(), None, EventFlags::default()));
        assert_eq!(read.dedupe, read.digest);
    }
    let more = Delivery { path: &["call"], body: "{}", ..Delivery::default() };
    assert_eq!(more.refused(&pack), (404, "not_found"));
}

#[test]
fn the_same_bytes_have_the_same_key_and_no_others() {
    let pack = pack("gruveo");
    let key = |body: &str| Delivery { body, ..Delivery::default() }.read(&pack).unwrap().dedupe;
    assert_eq!(key("{}"), key("{}"));
    assert_ne!(key("{}"), key("{} "));
    let note = json!({"id": "1"});
    assert_ne!(groove("note_added", &note).dedupe, groove("agent_replied", &note).dedupe);
}

#[test]
fn bodies_that_are_not_json_are_refused_with_the_reason() {
    let pack = pack("gruveo");
    let deep = "[".repeat(100_000);
    let long = format!("{{\"{}\": 1}}", "k".repeat(1025));
    for (body, reason) in [
        ("", "not_json"),
        ("{", "not_json"),
        ("a=b", "not_json"),
        ("\u{feff}{}", "not_json"),
        ("NaN", "not_json"),
        ("1e400", "number"),
        ("18446744073709551616", "number"),
        (deep.as_str(), "too_deep"),
        (long.as_str(), "long_key"),
    ] {
        assert_eq!(Delivery { body, ..Delivery::default() }.refused(&pack), (400, reason), "{reason}");
    }
    for body in ["null", "\"\"", "[]", "5", "{\"files\": 1, \"headers\": 2, \"verified\": true}"] {
        assert!(Delivery { body, ..Delivery::default() }.read(&pack).is_ok(), "{body}");
    }
}

#[test]
fn a_name_that_stands_twice_is_flagged() {
    let read = Delivery { body: r#"{"a": 1, "a": 2}"#, ..Delivery::default() }.read(&pack("gruveo")).unwrap();
    assert_eq!(read.body, json!({"a": 2}));
    assert!(read.flags.has(EventFlags::DUPLICATE_KEYS));
}

#[test]
fn the_event_is_named_by_header_or_path() {
    let pack = pack("groove");
    let named = |headers: &[(&str, &str)], path: &[&str]| {
        let read = Delivery { headers, path, body: "{}", ..Delivery::default() }.read(&pack);
        read.map(|read| read.event).map_err(|refused| (refused.status, refused.reason))
    };
    let header = |value| [("x-groove-event", value)];
    assert_eq!(named(&header("note_added"), &[]), Ok("note_added".to_owned()));
    assert_eq!(named(&[], &["note_added"]), Ok("note_added".to_owned()));
    assert_eq!(named(&header("note_added"), &["ticket_started"]), Ok("note_added".to_owned()));
    assert_eq!(named(&header(""), &["ticket_started"]), Ok("ticket_started".to_owned()));
    assert_eq!(named(&header("something_new"), &[]), Ok("something_new".to_owned()));
    assert_eq!(named(&[], &[]), Err((400, "event_type")));
    assert_eq!(named(&[], &["a", "b"]), Err((404, "not_found")));
    let long = "a".repeat(65);
    for bad in ["Note_Added", "note added", "note.added", "../x", "note\u{e9}", long.as_str()] {
        assert_eq!(named(&header(bad), &[]), Err((400, "event_type")), "{bad}");
        assert_eq!(named(&[], &[bad]), Err((400, "event_type")), "{bad}");
    }
    let twice = [("x-groove-event", "note_added"), ("x-groove-event", "note_added")];
    assert_eq!(named(&twice, &[]), Err((400, "duplicate_header")));
    let refused = Delivery { body: "{}", ..Delivery::default() }.read(&pack).unwrap_err();
    assert_eq!(
        refused.detail,
        "the event is not named; name it in the header `X-Groove-Event`, or post to /hooks/groove/<event>"
    );
}

#[test]
fn what_groove_leaves_in_addresses_becomes_fields() {
    let number = |event, body| groove(event, &body).fields["ticket_number"].clone();
    let api = "https://api.groovehq.com/v1";
    let message =
        |author: &str| json!({"links": {"ticket": {"href": format!("{api}/tickets/776")}, "author": {"href": author}}});
    assert_eq!(number("ticket_started", json!({"number": 42})), json!(42));
    assert_eq!(number("ticket_state_changed", json!({"ticket_number": 776})), json!(776));
    assert_eq!(number("note_added", message("x")), json!(776));
    assert_eq!(number("customer_added", json!({"email": "a@b.c"})), json!(null));
    assert_eq!(number("ticket_started", json!({"number": "x"})), json!(null));
    assert_eq!(number("note_added", json!([])), json!(null));

    let read = groove("customer_replied", &message(&format!("{api}/customers/John+x@example.com")));
    assert_eq!(read.fields["author_email"], json!("John+x@example.com"));
    assert_eq!(read.fields["customer_email"], json!("John+x@example.com"));
    let read = groove("note_added", &message(&format!("{api}/customers/0070883940")));
    assert_eq!(read.fields["author_email"], json!(null), "an id is no e-mail");
    let read = groove("customer_added", &json!({"email": "a@b.c"}));
    assert_eq!(read.fields["customer_email"], json!("a@b.c"));
    let ticket = json!({"links": {"customer": {"href": "http://api.groovehq.com/v1/customers/a@b.c", "id": "1"}}});
    assert_eq!(groove("ticket_started", &ticket).fields["customer_email"], json!("a@b.c"));
    let changed = json!({"ticket_number": 1, "ticket": ticket});
    assert_eq!(groove("ticket_state_changed", &changed).fields["customer_email"], json!("a@b.c"));
    assert_eq!(read.fields.keys().collect::<Vec<_>>(), ["ticket_number", "author_email", "customer_email"]);
}

#[test]
fn fields_of_a_stored_delivery_are_the_same() {
    let pack = pack("groove");
    for (event, kind) in &pack.events {
        for (_, sample) in &kind.samples {
            let read = groove(event, sample);
            let hook = pack.hook.as_ref().unwrap();
            assert_eq!(hook.fields(event, sample, &Object::new(), NOW), read.fields, "{event}");
        }
    }
}

#[test]
fn an_echo_names_what_we_made_or_is_none() {
    let echo = |event, body| groove(event, &body).echo;
    assert_eq!(echo("note_added", json!({"id": "0196842162"})).as_deref(), Some("note_added:0196842162"));
    assert_eq!(echo("note_added", json!({"href": "http://x/v1/messages/017"})).as_deref(), Some("note_added:017"));
    assert_eq!(echo("ticket_started", json!({"number": 42, "id": "1"})).as_deref(), Some("ticket_started:42"));
    for empty in [json!({}), json!({"id": null}), json!({"href": null}), json!({"href": ""}), json!([])] {
        assert_eq!(echo("note_added", empty), None);
    }
}

#[test]
fn a_dedupe_template_that_fails_falls_back_and_says_so() {
    let pack = made("  type: { fixed: call }\n  body: json\n  dedupe: \"{{ headers['x-id'] }}\"\n");
    let read = |headers: &[(&str, &str)], body: &str| {
        let read = Delivery { headers, body, ..Delivery::default() }.read(&pack).unwrap();
        (read.dedupe, read.digest, read.flags.has(EventFlags::DEDUPE_FALLBACK))
    };
    let (first, digest, fallback) = read(&[("x-id", "7")], "{}");
    assert!(first != digest && !fallback);
    assert_eq!(read(&[("x-id", "7")], "[]").0, first, "the id counts, not the body");
    assert_ne!(read(&[("x-id", "8")], "{}").0, first);
    for headers in [&[][..], &[("x-id", "")]] {
        let (key, digest, fallback) = read(headers, "{}");
        assert!(key == digest && fallback, "{headers:?}");
    }
}

#[test]
fn packs_without_body_json_look_at_the_content_type() {
    let pack = made("  type: { fixed: call }\n");
    let with = |content_type| {
        Delivery { headers: &[("content-type", content_type)], body: "{}", ..Delivery::default() }
            .read(&pack)
            .map(|_| ())
            .map_err(|r| (r.status, r.reason))
    };
    assert_eq!(with("application/json"), Ok(()));
    assert_eq!(with("text/plain"), Err((415, "content_type")));
    assert!(Delivery { body: "{}", ..Delivery::default() }.read(&pack).is_ok());
}

#[test]
fn proofs_are_never_shown_to_templates() {
    let pack = made("  type: { fixed: call }\n  dedupe: \"{{ headers.authorization }}{{ headers.cookie }}\"\n");
    let headers = [("authorization", "Bearer x"), ("cookie", "a=b")];
    let read = Delivery { headers: &headers, body: "{}", ..Delivery::default() }.read(&pack).unwrap();
    assert!(read.flags.has(EventFlags::DEDUPE_FALLBACK));
    assert_eq!(self::pack("groove").hook.as_ref().unwrap().hidden(), ["token"]);
    assert_eq!(self::pack("gruveo").hook.as_ref().unwrap().hidden(), ["x-gruveo-sha256-hmac"]);
}

#[test]
fn a_generic_source_names_its_event_in_the_path() {
    let pack = Pack::generic("alarm-box", true);
    let event = |path: &[&str]| Delivery { path, body: "{}", ..Delivery::default() }.read(&pack).unwrap().event;
    assert_eq!(event(&[]), "received");
    assert_eq!(event(&["fire"]), "fire");
    assert_eq!(Pack::generic("x", false).hook.unwrap().secret_names(), ["token"]);
}

#[test]
fn the_event_is_named_by_the_body_in_words_of_ours() {
    let pack = made("  type: { body: [kind, action], strip: \"zen:\", fixed: other }\n");
    let event = |body: &str| Delivery { body, ..Delivery::default() }.read(&pack).map(|read| read.event);
    for (body, name) in [
        (r#"{"kind":"invoice.paid"}"#, "invoice_paid"),
        (r#"{"kind":"Issue","action":"create"}"#, "issue_create"),
        (r#"{"kind":"zen:ticket.created"}"#, "ticket_created"),
        (r#"{"kind":"Merge Request -- Hook "}"#, "merge_request_hook"),
        (r#"{"kind":"..."}"#, "other"),
        (r#"{"kind":5}"#, "other"),
        ("[1]", "other"),
    ] {
        assert_eq!(event(body).as_deref(), Ok(name), "{body}");
    }
    let long = format!(r#"{{"kind":"{}"}}"#, "x".repeat(65));
    assert_eq!(event(&long).unwrap_err().reason, "event_type");
    let pack = made("  type: { body: event.type }\n");
    let refused = Delivery { body: "{}", ..Delivery::default() }.read(&pack).unwrap_err();
    assert_eq!(refused.detail, "the event is not named; name it in `event.type` of the body");
    let pack = made("  type: { header: X-Topic, fit: true }\n");
    let headers = [("x-topic", "orders/create")];
    assert_eq!(
        Delivery { headers: &headers, body: "{}", ..Delivery::default() }.read(&pack).unwrap().event,
        "orders_create"
    );
}

#[test]
fn every_sample_of_a_built_in_pack_is_read_as_its_event() {
    let registry = Registry::load(&BTreeMap::new()).unwrap();
    for pack in registry.packs.values().filter(|pack| pack.hook.as_ref().is_some_and(|hook| !hook.name.body.is_empty()))
    {
        for (event, kind) in &pack.events {
            for (name, sample) in &kind.samples {
                let read = Delivery { body: &sample.to_string(), ..Delivery::default() }.read(pack).unwrap();
                assert_eq!(read.event, *event, "{}: {name}", pack.name);
            }
        }
    }
}
