//! Problems that the clock raises and solves: an overdue schedule, a silent source.

use std::{collections::BTreeMap, time::Duration};

use bellwire::store::ProblemRow;
use serde_json::json;

use crate::support::{app::TestApp, both::on_both, journal::Journal};

const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(3600);
const TEN: &str =
    "name: ten\non: { schedule: { every: 10m } }\ndo:\n  - stop: \"{{ event.slot }} {{ event.missed }}\"\n";

async fn open(app: &TestApp) -> Vec<ProblemRow> {
    app.store().problems(true, 100).await.unwrap()
}

async fn start(settings: &str, database: BTreeMap<String, String>) -> TestApp {
    let app = TestApp::on(Journal::start([]).await, &[("ten", TEN)], settings, database).await;
    app.settle().await;
    app
}

/// Changes the settings of the next start.
fn set(app: &TestApp, from: &str, to: &str) {
    let file = app.folder.path().join("bellwire.toml");
    let text = std::fs::read_to_string(&file).unwrap();
    assert!(text.contains(from), "{text}");
    std::fs::write(file, text.replace(from, to)).unwrap();
}

on_both!(an_overdue_schedule_is_one_problem_until_its_slot_is_fired, |database| {
    let app = start("[runner]\nenabled = false\n", database).await;
    app.advance(10 * MINUTE + MINUTE / 2).await;
    assert!(open(&app).await.is_empty(), "half a minute is not overdue");
    app.advance(MINUTE).await;
    app.settle().await;
    let problems = open(&app).await;
    assert_eq!(problems.len(), 1, "{problems:?}");
    assert_eq!((problems[0].kind.as_str(), problems[0].subject.as_str(), problems[0].count), ("schedule", "ten", 1));
    assert!(problems[0].message.contains("runner.enabled is false"), "{problems:?}");
    app.advance(20 * MINUTE).await;
    let first = problems[0].first_at;
    let problems = open(&app).await;
    assert!(problems.len() == 1 && problems[0].count == 2 && problems[0].first_at == first, "{problems:?}");

    let app = app.restart().await;
    app.settle().await;
    assert_eq!(open(&app).await.first().map(|problem| problem.count), Some(2), "a restart is no new sight of it");
    assert!(app.runs().await.is_empty());

    set(&app, "enabled = false", "enabled = true");
    let app = app.restart().await;
    app.settle().await;
    assert!(open(&app).await.is_empty());
    let all = app.store().problems(false, 100).await.unwrap();
    assert!(all.len() == 1 && all[0].solved_at == Some(app.now()), "{all:?}");
    assert_eq!(app.only_run().await.row.why.as_deref(), Some("2026-03-01T10:30:00Z 2"));
});

on_both!(a_silent_source_is_a_problem_until_a_delivery_comes, |database| {
    let app = start("[sources.box]\npublic = true\nexpect = \"every 1h\"\n", database).await;
    let ring = async |app: &TestApp, n: u32| {
        let answer = app.post("/hooks/box/start", &[], json!({"n": n}).to_string()).await;
        assert_eq!(answer.status, 202, "{answer:?}");
        app.settle().await;
    };
    let silence = async |app: &TestApp| {
        let problems = open(app).await;
        problems.into_iter().find(|problem| problem.kind == "silence").map(|problem| (problem.subject, problem.count))
    };
    app.advance(59 * MINUTE).await;
    assert_eq!(silence(&app).await, None, "from its configuration on it has an hour");
    ring(&app, 1).await;
    app.advance(59 * MINUTE).await;
    assert_eq!(silence(&app).await, None);
    app.advance(MINUTE).await;
    assert_eq!(silence(&app).await, Some(("box".to_owned(), 1)));
    app.advance(59 * MINUTE).await;
    assert_eq!(silence(&app).await, Some(("box".to_owned(), 1)), "once an hour");
    app.advance(HOUR).await;
    assert_eq!(silence(&app).await, Some(("box".to_owned(), 2)));
    let app = app.restart().await;
    app.settle().await;
    assert_eq!(silence(&app).await, Some(("box".to_owned(), 2)), "a restart is no new sight of it");
    ring(&app, 2).await;
    assert_eq!(silence(&app).await, None, "solved by itself");
    app.clock.advance(HOUR + MINUTE);
    let app = app.restart().await;
    app.settle().await;
    app.advance(HOUR).await;
    assert_eq!(silence(&app).await, Some(("box".to_owned(), 1)), "opened anew, it is counted anew");
    set(&app, "expect = \"every 1h\"\n", "");
    let app = app.restart().await;
    app.settle().await;
    assert_eq!(silence(&app).await, None, "nobody expects it any more");
});
