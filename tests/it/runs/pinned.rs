//! A run keeps to the rule set that started it.

use std::time::Duration;

use bellwire::model::RunStatus;

use crate::support::{
    app::{MISSED, TestApp, missed_call, states},
    journal::{Journal, Reply},
};

/// Two steps: the second one is rendered after the rule was edited.
const TWO: &str = "name: two\non: gruveo.call\ndo:\n  - groove.add_note: { ticket: 1, body: first }\n  - groove.add_note: { ticket: 2, body: second }\n";

#[tokio::test(flavor = "multi_thread")]
async fn a_rule_edited_while_a_run_waits_changes_new_runs_alone() {
    let app = TestApp::with(Journal::start([Reply::status(500)]).await, &[("two", TWO)], "").await;
    app.call(&missed_call("42")).await;
    app.settle().await;
    app.write_rule("two", &TWO.replace("second", "edited"));
    assert!(app.app.reload().await.unwrap(), "the edited set comes into force");
    app.advance(Duration::from_secs(7)).await;
    let bodies: Vec<_> = app.journal.requests().iter().map(|request| request.json()["body"].clone()).collect();
    assert_eq!(bodies, ["first", "first", "second"]);

    let mut call = missed_call("43");
    call["timestamp"] = serde_json::json!(1_598_615_831_999_i64);
    app.call(&call).await;
    app.settle().await;
    let last = app.journal.requests().last().unwrap().json();
    assert_eq!(last["body"], "edited");
    assert_eq!(states(&app.runs().await), [RunStatus::Ok, RunStatus::Ok]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bad_change_never_takes_the_running_set_away() {
    let app = TestApp::start(Journal::start([]).await).await;
    app.write_rule("calls/missed", &MISSED.replace("groove.add_note", "groove.add_nte"));
    assert!(!app.app.reload().await.unwrap());
    let held_back = app.app.held_back();
    assert!(
        held_back
            .iter()
            .any(|finding| finding.message.contains("groove.add_nte") && finding.help.contains("groove.add_note")),
        "{held_back:?}"
    );
    app.call(&missed_call("42")).await;
    app.settle().await;
    assert_eq!(states(&app.runs().await), [RunStatus::Ok]);

    let app = app.restart().await;
    app.call(&missed_call("43")).await;
    app.settle().await;
    assert_eq!(states(&app.runs().await), [RunStatus::Ok, RunStatus::Ok], "also after a restart");
}

#[tokio::test(flavor = "multi_thread")]
async fn in_a_fresh_database_the_good_files_run() {
    let bad = "name: bad\non: gruveo.call\ndo:\n  - groove.add_nte: { ticket: 1 }\n";
    let app = TestApp::unchecked(Journal::start([]).await, &[("calls/missed", MISSED), ("bad", bad)], "").await;
    assert_eq!(app.app.held_back().iter().filter(|finding| finding.is_error()).count(), 1);
    app.call(&missed_call("42")).await;
    app.settle().await;
    assert_eq!(states(&app.runs().await), [RunStatus::Ok]);
}

#[tokio::test(flavor = "multi_thread")]
async fn two_reloads_at_once_put_a_change_in_force_once() {
    let app = TestApp::with(Journal::start([]).await, &[("two", TWO)], "").await;
    // The later of two that read at once could put what it read earlier over what is newer.
    app.write_rule("two", &TWO.replace("second", "edited"));
    let (one, other) = tokio::join!(app.app.reload(), app.app.reload());
    assert!(!(one.unwrap() && other.unwrap()), "both put it in force");
}
