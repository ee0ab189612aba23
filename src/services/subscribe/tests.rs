use std::collections::BTreeMap;

use super::*;
use crate::services::Registry;

fn hook(verify: &str, kind: &str) -> Hook {
    let pack = format!(
        "name: desk\ntitle: Desk\nhook:\n  verify: {verify}\n  type: {kind}\n  subscribe:\n    each: event\n    \
         create: {{ method: POST, path: /hooks, json: {{ url: '{{{{ url }}}}' }} }}\n    result: body\n    \
         names: {{ invoice_paid: invoice.paid }}\n"
    );
    let files = BTreeMap::from([("templates/services/desk.yaml".to_owned(), pack)]);
    let mut packs = Registry::load(&files).unwrap().packs;
    std::sync::Arc::into_inner(packs.remove("desk").unwrap()).unwrap().hook.unwrap()
}

#[test]
fn an_address_holds_the_event_and_the_token_where_the_pack_takes_them_from() {
    let query = "{ token: { in: query, name: key, secret: a } }";
    let path = "{ token: { in: path, secret: a } }";
    let signed = "{ preset: github, secret: a }";
    for (verify, kind, wanted) in [
        (query, "path", "https://a.example/hooks/desk/note?key=to%2Fken"),
        (path, "path", "https://a.example/hooks/desk/to%2Fken/note"),
        (path, "{ fixed: note }", "https://a.example/hooks/desk/to%2Fken"),
        (signed, "{ header: X-Event }", "https://a.example/hooks/desk"),
    ] {
        let hook = hook(verify, kind);
        assert_eq!(hook.address("https://a.example", "desk", Some("note"), Some("to/ken")), wanted, "{verify} {kind}");
    }
}

#[test]
fn an_event_is_known_by_our_name_and_by_the_services() {
    let hook = hook("none", "path");
    let subscribe = hook.subscribe.unwrap();
    assert_eq!(subscribe.theirs("invoice_paid"), "invoice.paid");
    assert_eq!(subscribe.theirs("note"), "note");
    for (written, ours) in [
        ("invoice.paid", Some("invoice_paid")),
        ("desk.invoice_paid", Some("invoice_paid")),
        ("invoice.voided", Some("invoice_voided")),
        ("note", Some("note")),
        ("no te", None),
        ("", None),
    ] {
        assert_eq!(subscribe.ours("desk", written).as_deref(), ours, "{written}");
    }
}

#[test]
fn what_does_not_hold_together_is_found() {
    let find = |subscribe: &str| {
        let pack = format!("name: desk\ntitle: Desk\nhook:\n  verify: none\n  type: path\n  subscribe: {subscribe}\n");
        let files = BTreeMap::from([("templates/services/desk.yaml".to_owned(), pack)]);
        let findings = Registry::load(&files).unwrap_err();
        findings.iter().map(|finding| format!("{} {}", finding.code, finding.message)).collect::<Vec<_>>().join("; ")
    };
    let create = "create: { method: POST, path: /hooks }";
    for (subscribe, says) in [
        ("{ each: event, result: body }".to_owned(), "`create` is missing"),
        (format!("{{ each: some, result: body, {create} }}"), "`some` is not known"),
        (format!("{{ each: all, result: answer, {create} }}"), "`answer` does not start"),
        (
            format!("{{ each: all, result: body, {create}, remove: {{ method: DELETE, path: '/{{{{ it }}}}' }} }}"),
            "`it` is not seen",
        ),
        (format!("{{ each: all, result: body, {create}, inputs: {{ url: {{ type: text }} }} }}"), "`url` cannot be"),
    ] {
        let found = find(&subscribe);
        assert!(found.contains(says), "{subscribe}: {found}");
    }
}
