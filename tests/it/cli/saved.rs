//! `bellwire events save`: an event with its run becomes a test that passes, and the rest of the file stays as it was.

use serde_json::{Value, json};

use crate::support::{
    journal::{Journal, Reply},
    program::Place,
};

const RULE: &str = r#"# A comment at the top.
name:   "Odd   spacing"    # and one beside
on: box.start
do:
  - id: find
    groove.find_tickets: { customer: "{{ event.email }}" }
  - for_each: "{{ steps.find.result }}"
    as: ticket
    do:
      - id: note
        groove.add_note: { ticket: "{{ ticket.number }}", body: "Hello {{ event.who }}" }
        retry: { after: [1s] }
tests:
  # A comment among the tests.
  - name: nothing found
    event: { type: box.start, payload: { email: a@example.com, who: Ann } }
    replies: { find: { json: { tickets: [] } } }
    expect: []

on_error:   # behind them
  - emit: { type: tickets.lost, data: {} }
"#;

fn answer(status: u16, body: &Value) -> Reply {
    Reply::Status(status, Vec::new(), body.to_string())
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_with_recorded_replies_becomes_a_test_that_passes() {
    let found = json!({"tickets": [{"number": 5, "api_token": "very-secret-thing"}, {"number": 6}]});
    let note = json!({"message": {"id": 1}});
    let script = [answer(200, &found), answer(503, &json!({})), answer(201, &note), answer(201, &note)];
    let journal = Journal::start(script).await;
    let place = Place::with_rules(&journal, &[("odd", RULE)]);
    let serving = place.serve();
    let event = place.ring("start", &json!({"email": "b@example.com", "who": "Ben", "password": "hunter2hunter2"}));
    place.newest("ok");
    drop(serving);
    place.run(&["test"]).fine();

    let saved = place.run(&["events", "save", &event, "--test", "odd", "--name", "Two tickets"]).fine();
    assert!(saved.out.contains("bellwire test rules/odd.yaml"), "{saved:?}");
    let after = place.read("rules/odd.yaml");
    let (head, tail) = RULE.split_at(RULE.find("\non_error:").unwrap());
    assert!(after.starts_with(head) && after.ends_with(tail), "{after}");
    let added = &after[head.len()..after.len() - tail.len()];
    assert!(added.contains("Two tickets") && !added.contains("very-secret-thing"), "{added}");
    let fixture = place.read("rules/fixtures/two-tickets.json");
    assert!(fixture.contains("Ben") && !fixture.contains("hunter2"), "{fixture}");

    let tested = place.run(&["test", "odd", "--json"]).fine().json();
    assert_eq!((&tested["tests"], &tested["failed"]), (&json!(2), &json!(0)), "{tested}");
    place.run(&["check", "--strict"]).fine();
    // The test can fail: it holds what was sent.
    place.write("rules/odd.yaml", &after.replacen("Hello {{", "Bye {{", 1));
    let failed = place.run(&["test", "odd"]);
    assert!(failed.code == 1 && failed.out.contains("Bye Ben") && failed.out.contains("Hello Ben"), "{failed:?}");
}

const WAITS: &str = r#"
name: waits
on: box.start
do:
  - id: answer
    wait: { event: box.reply, when: { incoming.id: "{{ event.id }}" }, for: 1h }
  - groove.find_tickets: { customer: a@example.com }
  - groove.add_note: { ticket: 1, body: "{{ steps.answer.outcome }} {{ steps.answer.result.text | default: none }}" }
"#;

#[tokio::test(flavor = "multi_thread")]
async fn a_run_that_waited_for_an_event_becomes_a_test_that_passes() {
    let journal = Journal::start([answer(200, &json!({"tickets": []}))]).await;
    let place = Place::with_rules(&journal, &[("waits", &WAITS.replace("default: none", "default: 'none'"))]);
    let serving = place.serve();
    let event = place.ring("start", &json!({"id": 7}));
    place.newest("waiting");
    place.ring("reply", &json!({"id": 7, "text": "here I am"}));
    place.newest("ok");
    drop(serving);
    let saved = place.run(&["events", "save", &event, "--test", "waits", "--name", "Answered"]).fine();
    let text = place.read("rules/waits.yaml");
    assert!(text.contains("here I am"), "{text}");
    let tested = place.run(&["test", "waits"]);
    assert_eq!(tested.code, 0, "{saved:?}\n{tested:?}\n{text}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_that_failed_becomes_a_test_that_expects_it() {
    let journal = Journal::start([answer(404, &json!({"error": "no such ticket"}))]).await;
    let rule = "name: fails\non: box.start\ndo:\n  - id: note\n    groove.add_note: { ticket: 1, body: x }\n";
    let place = Place::with_rules(&journal, &[("fails", rule)]);
    let serving = place.serve();
    let event = place.ring("start", &json!({}));
    place.newest("failed");
    drop(serving);
    place.run(&["events", "save", &event, "--test", "fails", "--name", "gone"]).fine();
    let text = place.read("rules/fails.yaml");
    assert!(text.starts_with(rule) && text.contains("failed"), "{text}");
    place.run(&["test", "fails"]).fine();
}
