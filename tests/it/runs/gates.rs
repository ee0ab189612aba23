//! What stands before a run and around it, as it is seen from outside: deliveries go in over HTTP, requests and runs come out.

use std::{collections::BTreeSet, time::Duration};

use bellwire::model::{ErrorClass, RunStatus};
use serde_json::json;

use super::language::{HOUR, MINUTE, bodies, boxed, boxed_on, post, ring};
use crate::support::{
    app::{TestApp, states},
    both::on_both,
    journal::{Journal, Reply},
};

/// What `stop` said in each run of a rule, oldest run first; of one that has not ended, nothing.
async fn said(app: &TestApp, rule: &str) -> Vec<String> {
    let runs = app.runs().await;
    runs.into_iter().filter(|run| run.rule == rule).map(|run| run.why.unwrap_or_default()).collect()
}

const STORM: usize = 50;
const COUNT: usize = 7;
const MAX: usize = 8;

on_both!(fifty_deliveries_at_once_break_no_gate, |database| {
    let list = "{{ events | map: 'n' | join: ',' }}";
    let once = "name: once\non: box.start\nonce: { per: \"{{ event.key }}\", within: 1h }\ndo:\n  - stop: passed\n";
    let threshold = format!(
        "name: threshold\non: box.start\nthreshold: {{ per: \"{{{{ event.key }}}}\", count: {COUNT}, within: 1h }}\ndo:\n  - stop: \"{list}\"\n"
    );
    let digest = format!(
        "name: digest\non: box.start\ndigest: {{ per: \"{{{{ event.key }}}}\", every: 1h, max: {MAX} }}\ndo:\n  - stop: \"{list}\"\n"
    );
    let single = "name: one\non: box.start\nconcurrency: { per: \"{{ event.key }}\" }\ndo:\n  - groove.add_note: { ticket: 1, body: \"{{ trigger.id }}\" }\n";
    let rules = [("once", once), ("threshold", &threshold), ("digest", &digest), ("one", single)];
    let journal = Journal::slow(Duration::from_millis(5)).await;
    let app = TestApp::on(journal, &rules, "[sources.box]\npublic = true\n", database).await;

    let deliveries = (0..STORM).map(|n| post(&app, "start", json!({"key": "a", "n": n})));
    futures_util::future::join_all(deliveries).await;
    app.settle().await;

    assert_eq!(said(&app, "once").await, ["passed"], "the key lets one event through");
    let numbers = |list: &str| -> Vec<usize> { list.split(',').map(|n| n.parse().unwrap()).collect() };
    let threshold = said(&app, "threshold").await;
    assert_eq!(threshold.len(), STORM / COUNT, "{threshold:?}");
    let tallied: Vec<usize> = threshold.iter().flat_map(|list| numbers(list)).collect();
    assert!(threshold.iter().all(|list| numbers(list).len() == COUNT), "{threshold:?}");
    assert_eq!(tallied.iter().collect::<BTreeSet<_>>().len(), tallied.len(), "no event counts twice: {threshold:?}");

    let full = said(&app, "digest").await;
    assert_eq!(full.iter().filter(|list| !list.is_empty()).count(), STORM / MAX, "{full:?}");
    app.advance(HOUR).await;
    let digest = said(&app, "digest").await;
    let lengths: Vec<usize> = digest.iter().map(|list| numbers(list).len()).collect();
    assert_eq!(lengths, [vec![MAX; STORM / MAX], vec![STORM % MAX]].concat(), "{digest:?}");
    let in_digests: BTreeSet<usize> = digest.iter().flat_map(|list| numbers(list)).collect();
    assert_eq!(in_digests, (0..STORM).collect(), "every event is in one digest");

    assert_eq!(app.journal.busiest(), 1, "two runs of one key never act at once");
    let sent: BTreeSet<String> = bodies(&app).iter().map(ToString::to_string).collect();
    assert_eq!((bodies(&app).len(), sent.len()), (STORM, STORM), "each acts once");
    let open = app.runs().await.iter().filter(|run| run.status != RunStatus::Ok).count();
    assert_eq!(open, 0);
});

on_both!(a_threshold_counts_over_a_restart_and_forgets_what_is_too_old, |database| {
    let rule = "name: often\non: box.start\nthreshold: { per: \"{{ event.key }}\", count: 3, within: 1h }\ndo:\n  - stop: \"{{ events | map: 'n' | join: ',' }} newest {{ event.n }}\"\n";
    let app = boxed_on(&[("often", rule)], [], database).await;
    ring(&app, "start", json!({"key": "a", "n": 1})).await;
    app.advance(HOUR).await;
    for (key, n) in [("a", 2), ("b", 3), ("a", 4)] {
        ring(&app, "start", json!({"key": key, "n": n})).await;
        app.advance(MINUTE).await;
    }
    ring(&app, "start", json!({"key": null, "n": 5})).await;
    assert!(app.runs().await.is_empty(), "the first is over, and two are not three");
    let app = app.restart().await;
    ring(&app, "start", json!({"key": "a", "n": 6})).await;
    assert_eq!(said(&app, "often").await, ["2,4,6 newest 6"]);
    ring(&app, "start", json!({"key": "a", "n": 7})).await;
    ring(&app, "start", json!({"key": "a", "n": 8})).await;
    assert_eq!(app.runs().await.len(), 1, "the count began at zero");
    ring(&app, "start", json!({"key": "a", "n": 9})).await;
    assert_eq!(said(&app, "often").await, ["2,4,6 newest 6", "7,8,9 newest 9"]);
});

on_both!(a_key_of_once_is_taken_over_a_restart_and_by_a_run_that_fails, |database| {
    let rule =
        "name: once\non: box.start\nonce: { per: \"{{ event.key }}\", within: 1h }\ndo:\n  - fail: \"{{ event.n }}\"\n";
    let app = boxed_on(&[("once", rule)], [], database).await;
    ring(&app, "start", json!({"key": "a", "n": 1})).await;
    assert_eq!(states(&app.runs().await), [RunStatus::Failed]);
    let app = app.restart().await;
    app.clock.advance(Duration::from_millis(3_599_999));
    ring(&app, "start", json!({"key": "a", "n": 2})).await;
    assert_eq!(app.runs().await.len(), 1, "the key is not given back");
    let event = app.events().await.pop().unwrap();
    let suppressed = app.store().suppressed(event.id).await.unwrap();
    assert!(suppressed.len() == 1 && suppressed[0].by.to_string().starts_with("once: "), "{suppressed:?}");
    app.clock.advance(Duration::from_millis(1));
    ring(&app, "start", json!({"key": "a", "n": 3})).await;
    ring(&app, "start", json!({"key": "", "n": 4})).await;
    ring(&app, "start", json!({"n": 5})).await;
    assert_eq!(app.runs().await.len(), 4, "the time is over, and what is no key holds nothing back");
});

on_both!(a_blown_fuse_holds_its_rule_until_somebody_releases_it, |database| {
    let rule = "name: hot\non: box.start\nfuse: { count: 2, within: 10m }\ndo:\n  - groove.add_note: { ticket: 1, body: \"{{ event.n }}\" }\n";
    let calm = "name: calm\non: box.start\ndo:\n  - stop: calm\n";
    let app = boxed_on(&[("hot", rule), ("calm", calm)], [], database).await;
    for n in 1..=4 {
        ring(&app, "start", json!({"n": n})).await;
    }
    assert_eq!(bodies(&app), ["1", "2"]);
    let app = app.restart().await;
    app.advance(HOUR).await;
    ring(&app, "start", json!({"n": 5})).await;
    assert_eq!(bodies(&app).len(), 2, "neither time nor a restart mends a fuse");
    assert_eq!(said(&app, "calm").await.len(), 5, "another rule has its own");
    let held = app.runs().await.into_iter().filter(|run| run.status == RunStatus::Held).count();
    assert_eq!(held, 3);
    assert_eq!(app.store().release("hot".to_owned(), app.now()).await.unwrap(), 3);
    app.settle().await;
    let sent: BTreeSet<String> = bodies(&app).iter().map(ToString::to_string).collect();
    assert_eq!((bodies(&app).len(), sent.len()), (5, 5), "each was let go once");
    ring(&app, "start", json!({"n": 6})).await;
    assert_eq!(bodies(&app).len(), 6, "what was released counts no more");
});

#[tokio::test(flavor = "multi_thread")]
async fn a_digest_ends_at_the_next_time_of_its_cron() {
    let rule = "name: daily\non: box.start\ndigest: { cron: \"0 18 * * *\", timezone: Europe/Athens }\ndo:\n  - stop: \"{{ events | map: 'n' | join: ',' }}\"\n";
    let app = boxed(&[("daily", rule)], []).await;
    ring(&app, "start", json!({"n": 1})).await;
    app.advance(5 * HOUR).await;
    ring(&app, "start", json!({"n": 2})).await;
    // 18:00 in Athens is 16:00 in UTC: six hours after the first.
    app.advance(Duration::from_millis(3_599_999)).await;
    assert_eq!(said(&app, "daily").await, [""]);
    app.advance(Duration::from_millis(1)).await;
    ring(&app, "start", json!({"n": 3})).await;
    assert_eq!(said(&app, "daily").await, ["1,2", ""]);
}

// A restart or a release makes many due at once, and workers race for the place.
on_both!(runs_that_become_due_together_start_in_the_order_in_which_they_came, |database| {
    let rule = "name: one\non: box.start\nfuse: { count: 1, within: 10m }\nconcurrency: { per: \"{{ event.key }}\" }\ndo:\n  - groove.add_note: { ticket: 1, body: \"{{ event.n }}\" }\n";
    let app = boxed_on(&[("one", rule)], [], database).await;
    ring(&app, "start", json!({"key": "a", "n": 0})).await;
    for n in 1..=30 {
        post(&app, "start", json!({"key": "a", "n": n})).await;
    }
    app.settle().await;
    assert_eq!(app.store().release("one".to_owned(), app.now()).await.unwrap(), 30);
    app.settle().await;
    let sent: Vec<usize> = bodies(&app).iter().map(|body| body.as_str().unwrap().parse().unwrap()).collect();
    assert_eq!(sent, (0..=30).collect::<Vec<_>>());
});

on_both!(a_place_is_given_back_however_its_run_ends, |database| {
    let rule = r#"
name: one
on: box.start
concurrency: { per: "{{ event.key }}", limit: 1 }
do:
  - groove.add_note: { ticket: 1, body: "{{ event.n }}" }
    retry: { after: [10m] }
"#;
    let script = [Reply::status(500), Reply::status(404), Reply::created(), Reply::status(404)];
    let app = boxed_on(&[("one", rule)], script, database).await;
    for n in 1..=4 {
        ring(&app, "start", json!({"key": "a", "n": n})).await;
    }
    assert_eq!(bodies(&app), ["1"], "a retry that waits holds its place");
    let runs = app.runs().await;
    assert!(app.store().cancel(runs[2].id, app.now()).await.unwrap());
    let app = app.restart().await;
    app.advance(20 * MINUTE).await;
    assert_eq!(bodies(&app), ["1", "1", "2", "4"]);
    let ended = [RunStatus::Failed, RunStatus::Ok, RunStatus::Cancelled, RunStatus::Failed];
    assert_eq!(states(&app.runs().await), ended);
});

#[tokio::test(flavor = "multi_thread")]
async fn a_run_ends_for_a_newer_one_only_after_its_open_request() {
    let rule = "name: newest\non: box.start\nconcurrency: { when_full: cancel_oldest }\ndo:\n  - groove.add_note: { ticket: 1, body: \"{{ event.n }} one\" }\n  - groove.add_note: { ticket: 1, body: \"{{ event.n }} two\" }\n";
    let journal = Journal::slow(Duration::from_millis(300)).await;
    let app = TestApp::with(journal, &[("newest", rule)], "[sources.box]\npublic = true\n").await;
    post(&app, "start", json!({"n": 1})).await;
    app.journal.wait_for(1).await;
    post(&app, "start", json!({"n": 2})).await;
    app.settle().await;
    assert_eq!(bodies(&app), ["1 one", "2 one", "2 two"]);
    assert_eq!(app.journal.busiest(), 1);
    assert_eq!(states(&app.runs().await), [RunStatus::Cancelled, RunStatus::Ok]);
    assert_eq!(app.store().run(app.runs().await[0].id).await.unwrap().unwrap().outputs.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_list_of_on_error_may_end_the_run_either_way() {
    let rule = |ends: &str| {
        format!(
            "name: list\non: box.start\ndo:\n  - id: note\n    groove.add_note: {{ ticket: 1, body: note }}\n    on_error:\n      - groove.add_note: {{ ticket: 2, body: \"{{{{ error.class }}}} {{{{ error.status }}}}\" }}\n      - {ends}\n  - groove.add_note: {{ ticket: 3, body: after }}\non_error:\n  - groove.add_note: {{ ticket: 4, body: \"{{{{ error.step }}}} {{{{ error.message }}}}\" }}\n"
        )
    };
    let app = boxed(&[("list", &rule("stop: enough"))], [Reply::status(404)]).await;
    ring(&app, "start", json!({})).await;
    assert_eq!(bodies(&app), ["note", "status 404"]);
    let run = app.only_run().await;
    assert_eq!((run.row.status, run.row.why.as_deref()), (RunStatus::Ok, Some("enough")));

    let app = boxed(&[("list", &rule("fail: too bad"))], [Reply::status(404)]).await;
    ring(&app, "start", json!({})).await;
    assert_eq!(bodies(&app), ["note", "status 404", "do.0.on_error.1 too bad"]);
    let run = app.only_run().await;
    assert_eq!(run.row.error.map(|error| error.class), Some(ErrorClass::Fail));
}

on_both!(vars_that_a_step_wrote_outlive_a_restart, |database| {
    let rule = r#"
name: vars
on: box.start
vars: { total: "{{ event.n }}" }
do:
  - for_each: "{{ event.list }}"
    as: n
    do:
      - vars: { total: "{{ vars.total | plus: n }}", last: "{{ n }}" }
  - wait: 10m
  - groove.add_note: { ticket: 1, body: "{{ vars.total }} {{ vars.last }} {{ vars.total | plus: 1 }}" }
"#;
    let app = boxed_on(&[("vars", rule)], [], database).await;
    ring(&app, "start", json!({"n": 1, "list": [2, 3, 4]})).await;
    let app = app.restart().await;
    app.advance(10 * MINUTE).await;
    assert_eq!(bodies(&app), ["10 4 11"]);
});

on_both!(a_record_keeps_what_is_set_added_appended_and_removed, |database| {
    let rule = r#"
name: record
on: box.start
do:
  - record: { key: "issue:{{ event.id }}", set: { state: "{{ event.state }}" }, add: { seen: 1 }, append: { log: "{{ event.state }}" }, remove: [gone] }
  - wait: 1m
  - id: read
    record: { key: "issue:{{ event.id }}" }
  - groove.add_note: { ticket: 1, body: "{{ steps.read.result | json | raw }}" }
"#;
    let app = boxed_on(&[("record", rule)], [], database).await;
    ring(&app, "start", json!({"id": 7, "state": "open"})).await;
    let app = app.restart().await;
    ring(&app, "start", json!({"id": 7, "state": "shut"})).await;
    app.advance(MINUTE).await;
    let kept: Vec<serde_json::Value> =
        bodies(&app).iter().map(|body| serde_json::from_str(body.as_str().unwrap()).unwrap()).collect();
    let whole = json!({"state": "shut", "seen": 2, "log": ["open", "shut"]});
    assert_eq!(kept, [whole.clone(), whole], "a change is made once, and seen by who reads after it");
});

/// The clock stands on a Sunday.
#[tokio::test(flavor = "multi_thread")]
async fn a_wait_within_hours_counts_open_hours_alone() {
    let settings = "[sources.box]\npublic = true\n[hours.office]\ntimezone = \"UTC\"\nmon-fri = [\"09:00-17:00\"]\n";
    let rule = "name: hours\non: box.start\ndo:\n  - wait: { for: 10h, hours: office }\n  - groove.add_note: { ticket: 1, body: \"{{ now }}\" }\n";
    let event = "name: event\non: box.start\ndo:\n  - id: reply\n    wait: { event: box.reply, when: { incoming.id: 1 }, for: 4h, hours: office }\n  - groove.add_note: { ticket: 2, body: \"{{ steps.reply.outcome }} {{ now }}\" }\n";
    let app = TestApp::with(Journal::start([]).await, &[("hours", rule), ("event", event)], settings).await;
    ring(&app, "start", json!({})).await;
    // Monday, one minute before 13:00.
    app.advance(26 * HOUR + 59 * MINUTE).await;
    assert!(bodies(&app).is_empty());
    app.advance(MINUTE).await;
    assert_eq!(bodies(&app), ["timed_out 2026-03-02T13:00:00Z"]);
    app.advance(21 * HOUR).await;
    assert_eq!(bodies(&app).len(), 1, "Tuesday, 10:00: nine hours are over and the tenth ends at 11:00");
    app.advance(HOUR).await;
    assert_eq!(bodies(&app)[1], "2026-03-03T11:00:00Z");
}
