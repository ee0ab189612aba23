//! Slots: each once, whatever is restarted, changed or set.

use std::{collections::BTreeMap, time::Duration};

use bellwire::clock::Time;

use crate::support::{app::TestApp, both::on_both, journal::Journal};

const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(3600);

/// A rule whose runs say which slot started them, and how many were given up before it.
fn rule(schedule: &str) -> String {
    format!(
        "name: n\non: {{ schedule: {{ {schedule} }} }}\ndo:\n  - stop: \"{{{{ event.slot }}}} {{{{ event.missed }}}}\"\n"
    )
}

async fn start(rules: &[(&str, &str)], database: BTreeMap<String, String>) -> TestApp {
    TestApp::on(Journal::start([]).await, rules, "", database).await
}

/// What the runs of a rule said, in the order of their ids.
async fn said(app: &TestApp, rule: &str) -> Vec<String> {
    let runs = app.runs().await;
    runs.into_iter().filter(|run| run.rule == rule).map(|run| run.why.unwrap_or_default()).collect()
}

fn of_today(clocks: &[&str]) -> Vec<String> {
    clocks.iter().map(|clock| format!("2026-03-01T{clock}:00Z 0")).collect()
}

on_both!(each_slot_is_fired_once_over_restarts, |database| {
    let ten = rule("every: 10m");
    let mut app = start(&[("ten", &ten)], database).await;
    app.settle().await;
    assert!(said(&app, "ten").await.is_empty(), "it counts from now");
    for _ in 0..3 {
        app.advance(10 * MINUTE).await;
        app = app.restart().await;
        app.settle().await;
        app.settle().await;
    }
    app.advance(9 * MINUTE).await;
    assert_eq!(said(&app, "ten").await, of_today(&["10:10", "10:20", "10:30"]));
    let events = app.events().await;
    assert!(events.iter().all(|event| event.kind == "schedule.fired" && event.source == "schedule"), "{events:?}");
});

on_both!(what_nobody_was_there_for_is_made_up_for_as_the_rule_says, |database| {
    let text = |word: &str| rule(&format!("cron: \"*/10 * * * *\", catch_up: {word}"));
    let (none, last, all) = (text("none"), text("last"), text("all"));
    let unset = rule("cron: \"*/20 * * * *\"");
    let app = start(&[("none", &none), ("last", &last), ("all", &all), ("unset", &unset)], database).await;
    app.settle().await;
    app.clock.advance(45 * MINUTE);
    let app = app.restart().await;
    app.settle().await;
    assert!(said(&app, "none").await.is_empty());
    assert_eq!(said(&app, "last").await, ["2026-03-01T10:40:00Z 3"]);
    assert_eq!(said(&app, "all").await, of_today(&["10:10", "10:20", "10:30", "10:40"]));
    assert_eq!(said(&app, "unset").await, ["2026-03-01T10:40:00Z 1"]);
    for _ in 0..15 {
        app.advance(20 * Duration::from_secs(1)).await;
    }
    let now = "2026-03-01T10:50:00Z 0".to_owned();
    for id in ["none", "last", "all"] {
        assert_eq!(said(&app, id).await.last(), Some(&now), "{id} goes on");
    }
    let rows = app.store().schedules().await.unwrap();
    let missed = |id: &str| rows.iter().find(|row| row.id.rule == id).map(|row| row.missed);
    assert_eq!([missed("none"), missed("last"), missed("all"), missed("unset")], [Some(4), Some(3), Some(0), Some(1)]);
});

on_both!(a_slot_of_a_changed_clock_is_fired_once_and_at_its_instant, |database| {
    let night = rule("cron: \"30 3 * * *\", timezone: Europe/Athens");
    let app = start(&[("night", &night)], database).await;
    for (from, hours, wanted) in [
        // 03:00 becomes 04:00 at 01:00 UTC.
        ("2026-03-28T12:00:00Z", 48, ["2026-03-29T01:00:00Z 0", "2026-03-30T00:30:00Z 0"]),
        // 04:00 becomes 03:00 again at 01:00 UTC.
        ("2026-10-24T12:00:00Z", 48, ["2026-10-25T00:30:00Z 0", "2026-10-26T01:30:00Z 0"]),
    ] {
        app.clock.set(Time::parse(from).unwrap());
        app.settle().await;
        let before = said(&app, "night").await.len();
        for _ in 0..hours * 60 {
            app.clock.advance(MINUTE);
            if app.now().0 % (30 * 60_000) == 0 {
                app.settle().await;
            }
        }
        let said = said(&app, "night").await.split_off(before);
        // Half an hour between two looks: the slot is a missed one, and the newest.
        assert_eq!(said, wanted);
    }
});

on_both!(a_schedule_that_is_changed_or_was_off_begins_anew, |database| {
    let ten = rule("every: 10m, catch_up: all");
    let app = start(&[("a", &ten)], database).await;
    app.settle().await;
    app.write_rule("a", &ten.replace("on:", "enabled: false\non:"));
    app.app.reload().await.unwrap();
    app.advance(HOUR).await;
    assert!(said(&app, "a").await.is_empty(), "it is not enabled");
    app.write_rule("a", &ten);
    app.app.reload().await.unwrap();
    app.settle().await;
    app.advance(10 * MINUTE).await;
    assert_eq!(said(&app, "a").await, of_today(&["11:10"]), "what was before is not made up for");

    app.write_rule("a", &rule("cron: \"5 * * * *\", catch_up: all"));
    app.app.reload().await.unwrap();
    app.settle().await;
    app.advance(HOUR).await;
    assert_eq!(said(&app, "a").await, of_today(&["11:10", "12:05"]));
    assert_eq!(app.store().schedules().await.unwrap().len(), 1);

    app.write_rule("a", &ten);
    app.app.reload().await.unwrap();
    app.clock.set(Time::parse("2026-03-01T11:00:00Z").unwrap());
    app.settle().await;
    app.advance(10 * MINUTE).await;
    assert_eq!(said(&app, "a").await.len(), 2, "a slot outlives its schedule");
});

on_both!(a_clock_that_is_set_doubles_nothing, |database| {
    let ten = rule("every: 10m");
    let app = start(&[("ten", &ten)], database).await;
    app.settle().await;
    app.advance(10 * MINUTE).await;
    app.clock.set(Time::parse("2026-03-01T09:55:00Z").unwrap());
    app.settle().await;
    for _ in 0..20 {
        app.advance(MINUTE).await;
    }
    assert_eq!(said(&app, "ten").await, of_today(&["10:10", "10:00"]), "each has one run, also the one shown later");
    app.clock.set(Time::parse("2031-03-01T10:15:00Z").unwrap());
    app.settle().await;
    assert_eq!(said(&app, "ten").await.len(), 3, "the newest of five years");
    app.clock.set(Time::parse("2026-03-01T10:25:00Z").unwrap());
    let app = app.restart().await;
    app.settle().await;
    app.advance(5 * MINUTE).await;
    assert_eq!(said(&app, "ten").await.last().map(String::as_str), Some("2026-03-01T10:30:00Z 0"), "it goes on");
});

#[tokio::test(flavor = "multi_thread")]
async fn conditions_and_gates_stand_before_a_scheduled_run_too() {
    let never = "name: never\non: { schedule: { every: 10m } }\nwhen: { event.missed: { gt: 0 } }\ndo:\n  - stop: x\n";
    let once = "name: once\non: [{ schedule: { every: 10m } }, { schedule: { cron: \"*/10 * * * *\" } }]\nonce: { within: 1h }\ndo:\n  - stop: \"{{ trigger.type }} {{ trigger.source }}\"\n";
    let app = TestApp::with(Journal::start([]).await, &[("never", never), ("once", once)], "").await;
    app.settle().await;
    for _ in 0..20 {
        app.advance(MINUTE).await;
    }
    assert_eq!(said(&app, "once").await, ["schedule.fired schedule"]);
    assert!(said(&app, "never").await.is_empty());
    let events = app.events().await;
    assert_eq!((events.len(), events.iter().filter(|event| event.state == "matched").count()), (6, 4), "{events:?}");
}
