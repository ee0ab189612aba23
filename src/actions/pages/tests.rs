//! Pages of every kind, turned until their end.

use std::{collections::BTreeMap, time::Duration};

use serde_json::{Value, json};

use super::*;
use crate::{
    actions::prepare,
    clock::Time,
    model::{Place, StepPath},
    rules::{OnStepError, Retry, RetryWhen},
    templates::{Context, Files, Limits, Tree},
};

/// A registry whose pack `desk` has one action with this `paging`; and a step that asks for `inputs`.
fn desk(paging: &str, request: &str) -> Registry {
    let pack = format!(
        "name: desk\ntitle: Desk\nbase_url: https://desk.example.com/v1\nactions:\n  list:\n    title: List\n    read: true\n    \
         inputs:\n      page: {{ type: integer }}\n      limit: {{ type: integer }}\n    request: {request}\n    \
         result: body.items\n    paging: {paging}\n"
    );
    let files = BTreeMap::from([("templates/services/desk.yaml".to_owned(), pack)]);
    Registry::load(&files).unwrap_or_else(|findings| panic!("{findings:?}"))
}

const GET: &str = "{ method: GET, path: /list, query: { per_page: 2, page: \"{{ page }}\" } }";

fn step(inputs: &Value) -> Step {
    let tree = |value: &Value| Tree::parse(value, &Files::default(), &|_| Place::default()).unwrap();
    let inputs = inputs.as_object().unwrap().iter().map(|(name, value)| (name.clone(), tree(value))).collect();
    Step {
        path: StepPath("do.0".to_owned()),
        id: None,
        place: Place::default(),
        condition: None,
        kind: StepKind::Action { name: "desk.list".to_owned(), inputs, connection: None },
        retry: Retry { after: Vec::new(), when: RetryWhen { network: true, statuses: Vec::new() }, unknown: None },
        timeout: Duration::from_secs(30),
        on_error: OnStepError::Stop,
    }
}

fn shown(request: &Request) -> String {
    let Target::Connection { path, .. } = &request.target else { panic!("{request:?}") };
    request.body.as_ref().map_or_else(|| path.clone(), |body| format!("{path} {body}"))
}

fn limits() -> Limits {
    Limits { steps: 10_000, bytes: 1 << 20, time: Duration::from_secs(1) }
}

/// What is asked for after each of the answers (headers, body), and the list in the end. An address is followed as it is.
fn turned(registry: &Registry, inputs: &Value, answers: &[(&str, Value)]) -> Result<(Vec<String>, Value), StepError> {
    let step = step(inputs);
    let context = Context::new(Time(0), limits());
    let request = prepare(&step, &context, registry).unwrap();
    let mut pages = Pages::of(&step, registry, &request, 1000).unwrap();
    let mut asked = Vec::new();
    for (link, body) in answers {
        let headers = [("link".to_owned(), (*link).to_owned())];
        let body = body.to_string();
        let answer = Answer::Reply { status: 200, headers: &headers, body: body.as_bytes(), truncated: false };
        let next = match pages.take(&answer)? {
            Turned::End => None,
            Turned::Ask(next) => Some(next),
            Turned::Follow(address) => pages.follow(address),
        };
        let Some(next) = next else { break };
        asked.push(shown(&next));
    }
    Ok((asked, pages.whole().unwrap()))
}

fn page(items: &[u32], more: Value) -> (&'static str, Value) {
    ("", json!({"items": items, "next": more}))
}

#[test]
fn pages_are_followed_by_address_until_there_is_none() {
    let registry = desk("{ items: body.items, next: body.next, keep: [per_page] }", GET);
    let answers = [
        page(&[1, 2], json!("/list?page=2")),
        page(&[3, 4], json!("/list?page=3&per_page=9")),
        page(&[5], Value::Null),
        page(&[6], Value::Null),
    ];
    let (asked, whole) = turned(&registry, &json!({}), &answers).unwrap();
    assert_eq!(asked, ["/list?page=2&per_page=2", "/list?page=3&per_page=9"]);
    assert_eq!(whole, json!({"items": [1, 2, 3, 4, 5], "next": "/list?page=2"}));
}

#[test]
fn a_page_that_was_there_before_ends_it() {
    let registry = desk("{ items: body.items, next: body.next }", GET);
    let circle =
        [page(&[1], json!("/list?page=2")), page(&[2], json!("/list?page=3")), page(&[3], json!("/list?page=2"))];
    let (asked, whole) = turned(&registry, &json!({}), &circle).unwrap();
    assert_eq!((asked.len(), &whole["items"]), (2, &json!([1, 2, 3])), "an address that was asked for");
    let same = [page(&[1, 2], json!("/list?page=2")), page(&[1, 2], json!("/list?page=3")), page(&[9], Value::Null)];
    let (asked, whole) = turned(&registry, &json!({}), &same).unwrap();
    assert_eq!((asked.len(), &whole["items"]), (1, &json!([1, 2])), "a list that was there");
}

#[test]
fn links_cursors_numbers_and_offsets_turn_pages_too() {
    let links = desk("{ items: body.items, link: next }", GET);
    let answers = [
        (r#"<https://desk.example.com/v1/list?page=2>; rel="next""#, json!({"items": [1]})),
        (r#"<https://desk.example.com/v1/list?page=1>; rel="prev""#, json!({"items": [2]})),
    ];
    let (asked, whole) = turned(&links, &json!({}), &answers).unwrap();
    assert_eq!((asked, &whole["items"]), (vec!["https://desk.example.com/v1/list?page=2".to_owned()], &json!([1, 2])));

    let cursors = desk("{ items: body.items, cursor: { from: body.next, query: after } }", GET);
    let answers = [page(&[1], json!("a b")), page(&[2], json!(7)), page(&[3], json!(""))];
    let (asked, _) = turned(&cursors, &json!({}), &answers).unwrap();
    assert_eq!(asked, ["/list?per_page=2&after=a%20b", "/list?per_page=2&after=7"]);

    let post = "{ method: POST, path: /list, json: { size: 2 } }";
    let in_body = desk("{ items: body.items, cursor: { from: body.next, json: page.after } }", post);
    let (asked, _) = turned(&in_body, &json!({}), &[page(&[1], json!("x")), page(&[2], Value::Null)]).unwrap();
    assert_eq!(asked, [r#"/list {"size":2,"page":{"after":"x"}}"#]);

    let numbers = desk("{ items: body.items, page: { query: page, last: body.next } }", GET);
    let answers = [page(&[1], json!(5)), page(&[2], json!("5")), page(&[3], json!(5))];
    let (asked, _) = turned(&numbers, &json!({"page": 3}), &answers).unwrap();
    assert_eq!(asked, ["/list?per_page=2&page=4", "/list?per_page=2&page=5"], "from the page that was asked for");

    let offsets = desk("{ items: body.items, offset: { query: skip } }", GET);
    let answers = [page(&[1, 2], Value::Null), page(&[3], Value::Null), page(&[], Value::Null)];
    let (asked, whole) = turned(&offsets, &json!({}), &answers).unwrap();
    assert_eq!(asked, ["/list?per_page=2&skip=2", "/list?per_page=2&skip=3"]);
    assert_eq!(whole["items"], json!([1, 2, 3]));
}

#[test]
fn limits_of_items_pages_and_bytes_hold() {
    let limited = desk("{ items: body.items, next: body.next, limit: \"{{ limit }}\", pages: 3 }", GET);
    let at = |n: u32| page(&[n * 2, n * 2 + 1], json!(format!("/list?page={n}")));
    let answers = [at(1), at(2), at(3), at(4), at(5)];
    let (asked, whole) = turned(&limited, &json!({"limit": 3}), &answers).unwrap();
    assert_eq!((asked.len(), &whole["items"]), (1, &json!([2, 3, 4])), "the list is cut to the limit");
    let (asked, whole) = turned(&limited, &json!({}), &answers).unwrap();
    assert_eq!((asked.len(), whole["items"].as_array().map(Vec::len)), (2, Some(6)), "three pages");
    for (pages, cut) in [(2, false), (3, true)] {
        let (step, context) = (step(&json!({})), Context::new(Time(0), limits()));
        let request = prepare(&step, &context, &limited).unwrap();
        let mut taken = Pages::of(&step, &limited, &request, 1000).unwrap();
        for (_, body) in answers.iter().take(pages) {
            let body = body.to_string();
            taken.take(&Answer::Reply { status: 200, headers: &[], body: body.as_bytes(), truncated: false }).unwrap();
        }
        assert_eq!(taken.is_cut(), cut, "{pages} pages of five");
    }
    let large = [("", json!({"items": ["x".repeat(600)], "next": "/a"})), ("", json!({"items": ["y".repeat(600)]}))];
    let error = turned(&limited, &json!({}), &large).unwrap_err();
    assert_eq!(error.class, ErrorClass::Limit);
}

#[test]
fn what_is_no_page_says_so() {
    let registry = desk("{ items: body.items, next: body.next }", GET);
    let error = turned(&registry, &json!({}), &[("", json!({"items": 5}))]).unwrap_err();
    assert_eq!((error.class, error.status), (ErrorClass::BadReply, Some(200)));
    let error = turned(&registry, &json!({}), &[page(&[1], json!({"href": "/list"}))]).unwrap_err();
    assert!(error.message.contains("`body.next`"), "{}", error.message);
    let (asked, whole) = turned(&registry, &json!({}), &[("", json!({"next": "/list?page=2"}))]).unwrap();
    assert_eq!((asked.len(), whole), (0, json!({"next": "/list?page=2"})), "no list is an empty one");
}
