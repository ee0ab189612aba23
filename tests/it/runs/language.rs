//! Loops, effects and what stands around a run: each across whatever may come between.

use std::{collections::BTreeMap, time::Duration};

use bellwire::model::{ErrorClass, RunStatus};
use serde_json::{Value, json};

use crate::support::{
    app::{TestApp, missed_call, states},
    both::on_both,
    journal::{Journal, Reply},
};

pub(super) const MINUTE: Duration = Duration::from_secs(60);
pub(super) const HOUR: Duration = Duration::from_secs(3600);
const BOX: &str = "[sources.box]\npublic = true\n";

/// With a public source `box`, whose events are `box.<name>`.
pub(super) async fn boxed(rules: &[(&str, &str)], script: impl IntoIterator<Item = Reply>) -> TestApp {
    TestApp::with(Journal::start(script).await, rules, BOX).await
}

pub(super) async fn boxed_on(
    rules: &[(&str, &str)],
    script: impl IntoIterator<Item = Reply>,
    database: BTreeMap<String, String>,
) -> TestApp {
    TestApp::on(Journal::start(script).await, rules, BOX, database).await
}

/// An event `box.<event>`, without what follows from it.
pub(super) async fn post(app: &TestApp, event: &str, payload: Value) {
    let answer = app.post(&format!("/hooks/box/{event}"), &[], payload.to_string()).await;
    assert_eq!(answer.status, 202, "{answer:?}");
}

/// The same, with what follows from it.
pub(super) async fn ring(app: &TestApp, event: &str, payload: Value) {
    post(app, event, payload).await;
    app.settle().await;
}

pub(super) fn bodies(app: &TestApp) -> Vec<Value> {
    app.journal.requests().iter().map(|request| request.json()["body"].clone()).collect()
}

/// The state of the newest run of a rule.
pub(super) async fn state_of(app: &TestApp, rule: &str) -> Option<RunStatus> {
    app.runs().await.iter().rev().find(|run| run.rule == rule).map(|run| run.status)
}

const EACH: &str = r#"
name: each
on: box.list
do:
  - for_each: "{{ event.tickets }}"
    as: ticket
    do:
      - groove.add_note: { ticket: "{{ ticket }}", body: note }
        retry: { after: [1m] }
  - groove.add_note: { ticket: 9, body: done }
"#;

on_both!(a_turn_is_tried_again_after_a_restart_and_no_other_is_repeated, |database| {
    let app = boxed_on(&[("each", EACH)], [Reply::created(), Reply::status(500)], database).await;
    ring(&app, "list", json!({"tickets": [1, 2, 3]})).await;
    assert_eq!(app.journal.requests().len(), 2, "the second turn waits for its retry");
    assert_eq!(states(&app.runs().await), [RunStatus::Due]);
    let app = app.restart().await;
    app.settle().await;
    assert_eq!(app.journal.requests().len(), 2, "a restart begins no retry early");
    app.advance(2 * MINUTE).await;
    let requests = app.journal.requests();
    let paths: Vec<&str> = requests.iter().map(|request| request.path.as_str()).collect();
    let path = |ticket: u32| format!("/v1/tickets/{ticket}/messages");
    assert_eq!(paths, [path(1), path(2), path(2), path(3), path(9)]);
    let keys: Vec<_> = requests.iter().map(|request| request.header("idempotency-key").unwrap()).collect();
    assert_eq!(keys[1], keys[2], "a retry is the same effect");
    assert!(keys[0] != keys[1] && keys[1] != keys[3], "each turn is an effect of its own: {keys:?}");
    assert_eq!(states(&app.runs().await), [RunStatus::Ok]);
});

#[tokio::test(flavor = "multi_thread")]
async fn a_list_longer_than_its_limit_fails_before_the_first_turn() {
    let rule = EACH.replace("    as: ticket\n", "    as: ticket\n    limit: 2\n");
    let app = boxed(&[("each", &rule)], []).await;
    ring(&app, "list", json!({"tickets": [1, 2, 3]})).await;
    assert!(app.journal.requests().is_empty());
    assert_eq!(states(&app.runs().await), [RunStatus::Failed]);
}

on_both!(an_emitted_event_starts_another_rule, |database| {
    let first = "name: first\non: box.start\ndo:\n  - id: out\n    emit: { type: calls.escalated, data: { n: \"{{ event.n }}\" } }\n";
    let second = "name: second\non: calls.escalated\ndo:\n  - groove.add_note: { ticket: 1, body: \"{{ event.n }} {{ trigger.source }} {{ trigger.depth }}\" }\n";
    let app = boxed_on(&[("first", first), ("second", second)], [], database).await;
    ring(&app, "start", json!({"n": 42})).await;
    assert_eq!(bodies(&app), ["42 emit 1"]);
    let events = app.events().await;
    assert_eq!(events.iter().map(|event| event.kind.as_str()).collect::<Vec<_>>(), ["box.start", "calls.escalated"]);
    assert_eq!(states(&app.runs().await), [RunStatus::Ok, RunStatus::Ok]);
    let app = app.restart().await;
    app.settle().await;
    assert_eq!(app.events().await.len(), 2, "an event is emitted once");
});

#[tokio::test(flavor = "multi_thread")]
async fn a_chain_of_our_own_events_ends() {
    let rule = "name: ring\non: [box.start, calls.again]\ndo:\n  - emit: { type: calls.again, data: {} }\n";
    let app = TestApp::unchecked(Journal::start([]).await, &[("ring", rule)], BOX).await;
    ring(&app, "start", json!({})).await;
    let runs = app.runs().await;
    assert_eq!((runs.len(), app.events().await.len()), (6, 6), "one from outside and five of our own");
    let last = runs.last().unwrap();
    assert_eq!(last.status, RunStatus::Failed);
    assert_eq!(last.error.as_ref().map(|error| error.class), Some(ErrorClass::Loop));
    assert!(runs[..5].iter().all(|run| run.status == RunStatus::Ok), "{runs:?}");
}

on_both!(a_profile_counts_over_runs_and_restarts, |database| {
    let rule = r#"
name: count
on: box.start
do:
  - id: person
    profile: { email: "{{ event.email }}", add: { missed: 1 }, set: { last: "{{ event.n }}" } }
  - groove.add_note: { ticket: 1, body: "{{ steps.person.result.missed }} {{ steps.person.result.last }}" }
"#;
    let app = boxed_on(&[("count", rule)], [], database).await;
    ring(&app, "start", json!({"email": "a@example.com", "n": "x"})).await;
    ring(&app, "start", json!({"email": "A@Example.com", "n": "y"})).await;
    let app = app.restart().await;
    ring(&app, "start", json!({"email": "b@example.com", "n": "z"})).await;
    assert_eq!(bodies(&app), ["1 x", "2 y", "1 z"]);
});

#[tokio::test(flavor = "multi_thread")]
async fn a_change_that_cannot_be_made_fails_its_step_and_keeps_what_there_was() {
    let rule = r#"
name: count
on: box.start
do:
  - id: known
    record: { key: tally, add: { n: "{{ event.n }}" } }
    on_error: continue
  - id: after
    record: { key: tally }
  - groove.add_note: { ticket: 1, body: "{{ steps.known.outcome }} {{ steps.after.result.n }}" }
"#;
    let app = boxed(&[("count", rule)], []).await;
    ring(&app, "start", json!({"n": 2})).await;
    ring(&app, "start", json!({"n": "many"})).await;
    assert_eq!(bodies(&app), ["ok 2", "failed 2"]);
}

/// A note of ours comes back from Groove: it is not news to us.
#[tokio::test(flavor = "multi_thread")]
async fn an_echo_of_our_own_action_matches_no_rule_unless_it_says_so() {
    let token = "a-groove-hook-token";
    let note = "name: note\non: gruveo.call\ndo:\n  - groove.add_note: { ticket: 1, body: note }\n";
    let deaf = "name: deaf\non: groove.note_added\ndo:\n  - stop: deaf\n";
    let keen = "name: keen\non: { event: groove.note_added, own: true }\ndo:\n  - stop: keen\n";
    let app = TestApp::on(
        Journal::start([]).await,
        &[("note", note), ("deaf", deaf), ("keen", keen)],
        "",
        BTreeMap::from([("BELLWIRE_SECRET_GROOVE_HOOK_TOKEN".to_owned(), token.to_owned())]),
    )
    .await;
    app.call(&missed_call("1")).await;
    app.settle().await;
    let deliver = async |message: u32| {
        let body = json!({"href": format!("https://api.groovehq.com/v1/messages/{message}"), "body": "note"});
        let path = format!("/hooks/groove?token={token}");
        let answer = app.post(&path, &[("X-Groove-Event", "note_added")], body.to_string()).await;
        assert_eq!(answer.status, 202, "{answer:?}");
        app.settle().await;
    };
    deliver(7).await;
    let of = async |rule: &str| app.runs().await.iter().filter(|run| run.rule == rule).count();
    assert_eq!((of("deaf").await, of("keen").await), (0, 1), "the receiver called our note number 7");
    let events = app.events().await;
    assert!(events[1].flags.contains(&"own"), "{events:?}");
    assert_eq!(app.store().event(events[1].id).await.unwrap().unwrap().event.depth, 1);
    deliver(8).await;
    assert_eq!((of("deaf").await, of("keen").await), (1, 2), "another's note is news");
    app.clock.advance(25 * HOUR);
    let body = json!({"href": "https://api.groovehq.com/v1/messages/7", "body": "changed"});
    let path = format!("/hooks/groove?token={token}");
    assert_eq!(app.post(&path, &[("X-Groove-Event", "note_added")], body.to_string()).await.status, 202);
    app.settle().await;
    assert_eq!(of("deaf").await, 2, "after a day nobody remembers");
}

// Intake had no time for a rule with `once`: the key is asked all the same, when the runner decides.
on_both!(a_rule_that_intake_had_no_time_for_passes_its_gates, |database| {
    let slow = "name: slow\non: box.start\nvars:\n  all: \"{% for a in event.list %}{% for b in event.list %}{% for c in event.list %}{{ a }}{% endfor %}{% endfor %}{% endfor %}\"\nwhen:\n  vars.all: never\ndo:\n  - stop: slow\n";
    let once = "name: once\non: box.start\nonce: { per: \"{{ event.a }}\", within: 1h }\ndo:\n  - groove.add_note: { ticket: 1, body: \"{{ event.a }}\" }\n";
    let mut rules: Vec<(String, &str)> = (0..60).map(|n| (format!("a{n:02}"), slow)).collect();
    rules.push(("z-once".to_owned(), once));
    let rules: Vec<(&str, &str)> = rules.iter().map(|(id, text)| (id.as_str(), *text)).collect();
    let settings = format!("{BOX}[limits]\nmatch_event_ms = 100\n");
    let app = TestApp::on(Journal::start([]).await, &rules, &settings, database).await;
    let list = vec!["x"; 300];
    for a in [1, 1, 2] {
        post(&app, "start", json!({"a": a, "list": list, "n": app.now().0})).await;
        app.clock.advance(Duration::from_millis(1));
    }
    app.settle().await;
    let mut said: Vec<String> = bodies(&app).iter().map(ToString::to_string).collect();
    said.sort();
    assert_eq!(said, ["\"1\"", "\"2\""]);
});

on_both!(runs_of_one_key_hold_their_place_to_their_end, |database| {
    let rule = r#"
name: one at a time
on: box.start
concurrency: { per: "{{ event.key }}" }
do:
  - groove.add_note: { ticket: 1, body: "{{ event.n }} begins" }
  - wait: 10m
  - groove.add_note: { ticket: 1, body: "{{ event.n }} ends" }
"#;
    let app = boxed_on(&[("one", rule)], [], database).await;
    ring(&app, "start", json!({"key": "a", "n": 1})).await;
    ring(&app, "start", json!({"key": "a", "n": 2})).await;
    ring(&app, "start", json!({"key": "b", "n": 3})).await;
    assert_eq!(bodies(&app), ["1 begins", "3 begins"]);
    let app = app.restart().await;
    app.settle().await;
    assert_eq!(bodies(&app).len(), 2, "a place is held through a wait and a restart");
    app.advance(10 * MINUTE).await;
    let said = bodies(&app);
    let at = |text: &str| said.iter().position(|body| body == text);
    assert!(at("1 ends").is_some() && at("1 ends") < at("2 begins"), "{said:?}");
    app.advance(10 * MINUTE).await;
    assert_eq!(states(&app.runs().await), [RunStatus::Ok, RunStatus::Ok, RunStatus::Ok]);
});

#[tokio::test(flavor = "multi_thread")]
async fn a_newer_run_may_take_the_place_of_the_oldest() {
    let rule = r#"
name: newest
on: box.start
concurrency: { when_full: cancel_oldest }
do:
  - wait: 10m
  - groove.add_note: { ticket: 1, body: "{{ event.n }}" }
on_error:
  - groove.add_note: { ticket: 1, body: failed }
"#;
    let app = boxed(&[("newest", rule)], []).await;
    for n in 1..=3 {
        ring(&app, "start", json!({"n": n})).await;
    }
    app.advance(10 * MINUTE).await;
    assert_eq!(bodies(&app), ["3"], "a run that is cancelled asks no `on_error`");
    assert_eq!(states(&app.runs().await), [RunStatus::Cancelled, RunStatus::Cancelled, RunStatus::Ok]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_that_finds_no_place_may_be_skipped() {
    let rule = "name: skip\non: box.start\nconcurrency: { when_full: skip }\ndo:\n  - wait: 10m\n";
    let app = boxed(&[("skip", rule)], []).await;
    ring(&app, "start", json!({})).await;
    ring(&app, "start", json!({"n": 2})).await;
    assert_eq!(states(&app.runs().await), [RunStatus::Waiting, RunStatus::Skipped]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_that_is_cancelled_while_its_request_is_open_sends_no_other() {
    let rule = "name: two\non: box.start\ndo:\n  - groove.add_note: { ticket: 1, body: first }\n  - groove.add_note: { ticket: 1, body: second }\n";
    let app = TestApp::with(Journal::slow(Duration::from_millis(500)).await, &[("two", rule)], BOX).await;
    post(&app, "start", json!({})).await;
    app.journal.wait_for(1).await;
    let run = app.runs().await[0].id;
    assert!(app.store().cancel(run, app.now()).await.unwrap());
    app.settle().await;
    assert_eq!(bodies(&app), ["first"]);
    let run = app.only_run().await;
    assert_eq!((run.row.status, run.outputs.len()), (RunStatus::Cancelled, 1), "what the request did is kept");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_digest_runs_once_for_all_that_it_gathered() {
    let rule = r#"
name: digest
on: box.start
digest: { per: "{{ event.key }}", every: 1h }
do:
  - groove.add_note: { ticket: 1, body: "{{ events | map: 'n' | join: ',' }} newest {{ event.n }}" }
"#;
    let app = boxed(&[("digest", rule)], []).await;
    for n in 1..=3 {
        ring(&app, "start", json!({"key": "a", "n": n})).await;
        app.advance(MINUTE).await;
    }
    assert_eq!(state_of(&app, "digest").await, Some(RunStatus::Collecting));
    let app = app.restart().await;
    app.advance(HOUR).await;
    assert_eq!(bodies(&app), ["1,2,3 newest 3"]);
}
