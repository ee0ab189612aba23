//! `/schedules`: what starts rules by the clock, started now.

use std::time::Duration;

use super::visit::Visit;
use crate::support::{
    app::TestApp,
    both::on_both,
    journal::{Journal, Reply},
};

const DAILY: &str = "name: Daily\non: { schedule: { cron: \"0 9 * * *\", timezone: Europe/Athens } }\ndo:\n- stop: \"{{ event.slot }}\"\n";
const POLL: &str =
    "name: Ask\non: { poll: { every: 1h, groove.list_mailboxes: {}, items: result, key: id } }\ndo:\n- stop: done\n";
const OFF: &str = "name: Off\nenabled: false\non: { schedule: { every: 10m } }\ndo:\n- stop: done\n";

on_both!(a_slot_is_fired_once_however_often_the_button_is_pressed, |database| {
    let rules = [("daily", DAILY), ("off", OFF)];
    let app = TestApp::on(Journal::start([]).await, &rules, "", database).await;
    app.settle().await;
    let visit = Visit::owner(&app).await;
    let seen = visit.get("/schedules").await.status(200);
    let seen = seen
        .with("at 09:00, every day, Europe/Athens")
        .with(">2026-03-02 09:00 Europe/Athens</time>")
        .with("2026-03-02T07:00:00Z")
        .with("Run for real")
        .with("badge-disabled");
    let key = seen.field("key").unwrap();
    let fields = [("rule", "daily"), ("place", "0"), ("key", key.as_str())];
    let done = visit.send("/schedules", "/schedules/run", &fields).await.status(303);
    let place = done.headers["location"].to_str().unwrap().to_owned();
    visit.send("/schedules", "/schedules/run", &fields).await.status(303);
    app.settle().await;
    let run = app.only_run().await;
    assert_eq!((run.row.rule.as_str(), run.row.why.as_deref()), ("daily", Some("2026-03-01T10:00:00Z")));
    let seen = visit.get(&place).await.with("Fired, for real");
    seen.with(&format!("/events/{}", run.row.event));
    visit.send("/schedules", "/schedules/run", &[("rule", "off"), ("place", "0"), ("key", "k")]).await.status(409);
    visit.send("/schedules", "/schedules/run", &[("rule", "daily"), ("place", "1"), ("key", "k")]).await.status(404);
    visit.send("/schedules", "/schedules/run", &[("rule", "daily"), ("place", "x"), ("key", "k")]).await.status(400);
});

#[tokio::test(flavor = "multi_thread")]
async fn polls_are_shown_and_asked_now() {
    let empty = || Reply::Status(200, Vec::new(), r#"{"mailboxes":[]}"#.to_owned());
    let app = TestApp::with(Journal::start([empty(), empty()]).await, &[("ask", POLL)], "").await;
    app.advance(Duration::from_secs(1)).await;
    let asked = app.journal.requests().len();
    assert_eq!(asked, 1);
    let visit = Visit::owner(&app).await;
    visit.get("/schedules").await.with("groove.list_mailboxes").with("every 1h").with("badge-ok").with("Ask for real");
    visit.send("/schedules", "/schedules/poll", &[("rule", "ask")]).await.status(303);
    app.advance(Duration::from_secs(2)).await;
    assert_eq!(app.journal.requests().len(), 2);
    visit.send("/schedules", "/schedules/poll", &[("rule", "nothing")]).await.status(404);
}
