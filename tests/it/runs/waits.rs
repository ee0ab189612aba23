//! Steps that wait for a time or an event: across restarts, and whenever the event comes.

use bellwire::model::{RunStatus, StepOutcome};
use serde_json::json;

use super::language::{HOUR, MINUTE, bodies, boxed, boxed_on, post, ring};
use crate::support::{app::states, both::on_both, journal::Reply};

on_both!(a_wait_for_a_time_survives_a_restart, |database| {
    let rule = r"
name: later
on: box.start
timeout: 5m
do:
  - groove.add_note: { ticket: 1, body: first }
  - wait: 10m
  - groove.add_note: { ticket: 1, body: second }
";
    let app = boxed_on(&[("later", rule)], [], database).await;
    ring(&app, "start", json!({})).await;
    assert_eq!(bodies(&app), ["first"]);
    assert_eq!(states(&app.runs().await), [RunStatus::Waiting]);
    app.advance(9 * MINUTE).await;
    assert_eq!(bodies(&app), ["first"]);
    let app = app.restart().await;
    app.settle().await;
    assert_eq!(bodies(&app), ["first"], "the time that is over still counts, and no more than that");
    app.advance(MINUTE).await;
    assert_eq!(bodies(&app), ["first", "second"]);
    let run = app.only_run().await;
    assert_eq!(run.row.status, RunStatus::Ok, "waiting takes none of the run's own time");
    assert_eq!((run.outputs[1].outcome, run.outputs[1].waited), (StepOutcome::Ok, 10 * MINUTE));
});

#[tokio::test(flavor = "multi_thread")]
async fn a_wait_until_a_time_ends_then_and_at_once_where_that_is_over() {
    let rule = r#"
name: until
on: box.start
do:
  - wait: { until: "{{ event.at }}" }
  - groove.add_note: { ticket: 1, body: "{{ event.at }}" }
"#;
    let app = boxed(&[("until", rule)], []).await;
    ring(&app, "start", json!({"at": "2026-03-01T09:00:00Z"})).await;
    assert_eq!(bodies(&app), ["2026-03-01T09:00:00Z"]);
    ring(&app, "start", json!({"at": "2026-03-01T11:00:00Z"})).await;
    assert_eq!(bodies(&app).len(), 1);
    app.advance(HOUR).await;
    assert_eq!(bodies(&app), ["2026-03-01T09:00:00Z", "2026-03-01T11:00:00Z"]);
}

const REPLY: &str = r#"
name: reply
on: box.start
do:
  - id: reply
    wait: { event: box.reply, when: { incoming.id: "{{ event.id }}", incoming.text: { empty: false } }, for: 1h }
  - groove.add_note: { ticket: 1, body: "{{ steps.reply.outcome }} {{ steps.reply.result.text | default: 'none' }}" }
"#;

on_both!(a_wait_for_an_event_ends_with_the_first_that_satisfies_it, |database| {
    let app = boxed_on(&[("reply", REPLY)], [], database).await;
    ring(&app, "start", json!({"id": 7})).await;
    assert_eq!(states(&app.runs().await), [RunStatus::Waiting]);
    ring(&app, "reply", json!({"id": 8, "text": "of another"})).await;
    ring(&app, "reply", json!({"id": 7, "text": ""})).await;
    ring(&app, "other", json!({"id": 7, "text": "of another type"})).await;
    assert!(bodies(&app).is_empty());
    let app = app.restart().await;
    post(&app, "reply", json!({"id": 7, "text": "one"})).await;
    ring(&app, "reply", json!({"id": 7, "text": "two"})).await;
    assert_eq!(bodies(&app), ["ok one"]);
    assert_eq!(states(&app.runs().await), [RunStatus::Ok]);
});

on_both!(a_wait_for_an_event_times_out_and_the_run_goes_on, |database| {
    let app = boxed_on(&[("reply", REPLY)], [], database).await;
    ring(&app, "start", json!({"id": 7})).await;
    app.advance(HOUR).await;
    assert_eq!(bodies(&app), ["timed_out none"]);
    ring(&app, "reply", json!({"id": 7, "text": "too late"})).await;
    assert_eq!(bodies(&app).len(), 1);
    assert_eq!(states(&app.runs().await), [RunStatus::Ok]);
});

#[tokio::test(flavor = "multi_thread")]
async fn an_event_that_comes_when_the_time_is_over_does_not_count() {
    let app = boxed(&[("reply", REPLY)], []).await;
    ring(&app, "start", json!({"id": 7})).await;
    // Nobody has looked at the run yet when the event is stored.
    app.clock.advance(2 * HOUR);
    ring(&app, "reply", json!({"id": 7, "text": "too late"})).await;
    assert_eq!(bodies(&app), ["timed_out none"]);
}

on_both!(an_event_that_comes_between_two_steps_is_not_missed, |database| {
    let rule =
        REPLY.replace("do:\n", "do:\n  - groove.add_note: { ticket: 1, body: first }\n    retry: { after: [10m] }\n");
    let app = boxed_on(&[("reply", &rule)], [Reply::status(500)], database).await;
    ring(&app, "start", json!({"id": 7})).await;
    assert_eq!(states(&app.runs().await), [RunStatus::Due]);
    ring(&app, "reply", json!({"id": 8, "text": "of another"})).await;
    ring(&app, "reply", json!({"id": 7, "text": "early"})).await;
    app.advance(20 * MINUTE).await;
    assert_eq!(bodies(&app), ["first", "first", "ok early"]);
    assert_eq!(states(&app.runs().await), [RunStatus::Ok]);
});

on_both!(no_event_ends_two_waits_of_a_run, |database| {
    let wait = |id: &str| {
        format!(
            "  - id: {id}\n    wait: {{ event: box.reply, when: {{ incoming.id: \"{{{{ event.id }}}}\" }}, for: 1h }}\n"
        )
    };
    let rule = format!(
        "name: twice\non: box.start\ndo:\n{}{}  - groove.add_note: {{ ticket: 1, body: \"{{{{ steps.one.result.n }}}} {{{{ steps.two.result.n }}}}\" }}\n",
        wait("one"),
        wait("two"),
    );
    let app = boxed_on(&[("twice", &rule)], [], database).await;
    ring(&app, "start", json!({"id": "a"})).await;
    ring(&app, "reply", json!({"id": "a", "n": 1})).await;
    assert_eq!(states(&app.runs().await), [RunStatus::Waiting], "the second wait has its own");
    let app = app.restart().await;
    ring(&app, "reply", json!({"id": "a", "n": 2})).await;
    assert_eq!(bodies(&app), ["1 2"]);
});
