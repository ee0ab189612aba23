//! What a run's page and the inbox tell of runs that are about several events, and of attempts that nobody saw end.

use std::{collections::BTreeMap, time::Duration};

use bellwire::{
    ids::{EventId, RunId},
    model::{Role, RunStatus, Scope},
};
use serde_json::{Value, json};

use super::browser::Browser;
use crate::support::{
    app::{MISSED, TestApp, event_id, missed_call, states},
    both::on_both,
    journal::{Journal, Reply},
};

const BOX: &str = "[sources.box]\npublic = true\n";
const DIGEST: &str =
    "name: digest\non: box.received\ndigest: { per: \"{{ event.key }}\", every: 1h }\ndo:\n  - stop: done\n";
const THRESHOLD: &str = "name: threshold\non: box.received\nthreshold: { per: \"{{ event.key }}\", count: 3, within: 1h }\ndo:\n  - stop: done\n";
const ONCE: &str =
    "name: once\non: box.received\nonce: { per: \"{{ event.key }}\", within: 1h }\ndo:\n  - stop: done\n";

/// A run whose attempt got no answer, held for a person; what comes is answered so.
async fn held(then: Vec<Reply>, database: BTreeMap<String, String>) -> (TestApp, Browser, RunId) {
    let rule = MISSED.replace("tests:", "    retry: { unknown: ask }\ntests:");
    let script: Vec<Reply> = [Reply::Cut].into_iter().chain(then).collect();
    let app = TestApp::on(Journal::start(script).await, &[("calls/missed", &rule)], "", database).await;
    app.call(&missed_call("42")).await;
    app.settle().await;
    let run = app.only_run().await.row;
    assert_eq!(run.status, RunStatus::Held);
    let browser = Browser::of(&app).await;
    (app, browser, run.id)
}

async fn say(app: &TestApp, browser: &Browser, run: RunId, word: &str) {
    let path = format!("/runs/{run}");
    let sent = browser.send(&path, &format!("{path}/resolve"), &[("as", word)]).await;
    assert_eq!(sent.status, 303, "{word}: {sent:?}");
    app.settle().await;
}

fn posts(app: &TestApp) -> usize {
    app.journal.requests().iter().filter(|request| request.method == "POST").count()
}

async fn ring(app: &TestApp, n: u32) -> EventId {
    app.clock.advance(Duration::from_secs(1));
    let answer = app.post("/hooks/box", &[], json!({"key": "a", "n": n}).to_string()).await;
    assert_eq!(answer.status, 202, "{answer:?}");
    app.settle().await;
    event_id(&answer)
}

/// The row of an event in the inbox.
fn row_of(page: &str, event: EventId) -> &str {
    let start = format!("<tr data-row=\"/events/{event}\">");
    let (_, rest) = page.split_once(&start).unwrap_or_else(|| panic!("no {event}: {page}"));
    rest.split("</tr>").next().unwrap_or_default()
}

async fn whole(app: &TestApp, run: RunId) -> Value {
    let token = app.token(Role::Owner, &Scope::ALL).await;
    app.api(&token, "GET", &format!("/api/v1/runs/{run}"), None).await.body
}

on_both!(a_read_that_is_not_answered_leaves_the_choice_to_the_person, |database| {
    let (app, browser, run) = held(vec![Reply::status(503)], database).await;
    say(&app, &browser, run, "verify").await;
    assert_eq!(app.only_run().await.row.status, RunStatus::Due);
    let page = browser.page(&format!("/runs/{run}")).await;
    for wanted in [
        "What became of the attempt",
        "the service could not be asked: ",
        "503",
        "the read, not the attempt",
        "What comes next is a read",
        "Next read",
        "Ask the service now",
        "It was done: go on",
        "It was not done: try again",
        "It was not done: let it fail",
    ] {
        assert!(page.contains(wanted), "{wanted}: {page}");
    }
    for other in ["Try now", "Tried again after", "The next attempt"] {
        assert!(!page.contains(other), "{other}: {page}");
    }
    let token = app.token(Role::Owner, &Scope::ALL).await;
    let path = format!("/api/v1/runs/{run}/resolve");
    let done = app.api(&token, "POST", &path, Some(&json!({"outcome": "done"}))).await;
    assert_eq!(done.status, 200, "{done:?}");
    app.settle().await;
    assert_eq!((states(&app.runs().await), posts(&app)), (vec![RunStatus::Ok], 1));
    assert_eq!(app.api(&token, "POST", &path, Some(&json!({"outcome": "done"}))).await.status, 409);
});

on_both!(a_person_may_have_it_sent_again_although_the_read_waits_for_a_pause, |database| {
    let (app, browser, run) = held(vec![Reply::with(429, "Retry-After", "60")], database).await;
    say(&app, &browser, run, "verify").await;
    assert!(browser.page(&format!("/runs/{run}")).await.contains("could not be asked"));
    // The word is kept while its turn is still to come.
    say(&app, &browser, run, "retry").await;
    assert_eq!((posts(&app), states(&app.runs().await)), (1, vec![RunStatus::Due]));
    app.advance(Duration::from_secs(61)).await;
    assert_eq!((posts(&app), states(&app.runs().await)), (2, vec![RunStatus::Ok]));
});

on_both!(a_run_tells_who_said_that_it_was_done, |database| {
    let (app, browser, run) = held(Vec::new(), database).await;
    say(&app, &browser, run, "done").await;
    assert_eq!(app.only_run().await.row.status, RunStatus::Ok);
    let log = app.store().audit(bellwire::store::AuditFilter::default()).await.unwrap();
    let who = &log.iter().find(|row| row.action == "run.resolve").unwrap().who;
    let page = browser.page(&format!("/runs/{run}")).await;
    let said = format!("{who} said <time");
    assert_eq!((page.matches(&said).count(), page.matches(": it was done").count()), (2, 2), "{page}");
    let whole = whole(&app, run).await;
    assert_eq!((&whole["said"][0]["who"], &whole["said"][0]["outcome"]), (&json!(who), &json!("done")), "{whole}");
});

on_both!(a_run_of_a_digest_shows_all_its_events_and_they_show_it, |database| {
    let app = TestApp::on(Journal::start([]).await, &[("digest", DIGEST)], BOX, database).await;
    let events = [ring(&app, 1).await, ring(&app, 2).await, ring(&app, 3).await];
    let run = app.only_run().await.row.id;
    let browser = Browser::of(&app).await;
    for state in ["collecting", "ok"] {
        let page = browser.page(&format!("/runs/{run}?tab=event")).await;
        assert!(page.contains("Events (3)"), "{page}");
        for event in events {
            assert!(page.contains(&format!("href=\"/events/{event}\"")), "{event}: {page}");
        }
        let inbox = browser.page("/events").await;
        let first = row_of(&inbox, events[0]);
        assert!(first.contains("1 run: <a href=\"/rules/digest\">") && !first.contains("joined"), "{first}");
        assert!(first.contains(&format!("badge-{state}")), "{first}");
        for event in &events[1..] {
            let row = row_of(&inbox, *event);
            let joined = format!(
                "joined <a href=\"/runs/{run}\">{run}</a> of <a href=\"/rules/digest\">digest</a>: <span class=\"badge badge-{state}\">"
            );
            assert!(row.contains(&joined) && !row.contains("no run of its own"), "{joined}: {row}");
        }
        app.advance(Duration::from_hours(1)).await;
    }
    let whole = whole(&app, run).await;
    let ids: Vec<String> = events.iter().map(ToString::to_string).collect();
    assert_eq!(whole["events"], json!(ids), "{whole}");
});

on_both!(what_held_a_rule_back_stands_in_the_inbox, |database| {
    let rules = [("threshold", THRESHOLD), ("once", ONCE)];
    let app = TestApp::on(Journal::start([]).await, &rules, BOX, database).await;
    let browser = Browser::of(&app).await;
    let events = [ring(&app, 1).await, ring(&app, 2).await];
    let inbox = browser.page("/events").await;
    let (first, second) = (row_of(&inbox, events[0]), row_of(&inbox, events[1]));
    assert!(first.contains("threshold 1 of 3: <a href=\"/rules/threshold\">"), "{first}");
    assert!(second.contains("threshold 2 of 3: <a href=\"/rules/threshold\">"), "{second}");
    assert!(second.contains("once, its key is taken: <a href=\"/rules/once\">"), "{second}");
    let third = ring(&app, 3).await;
    let run = app.runs().await.into_iter().find(|run| run.rule == "threshold").unwrap().id;
    let inbox = browser.page("/events").await;
    for event in events {
        let row = row_of(&inbox, event);
        assert!(row.contains(&format!("joined <a href=\"/runs/{run}\">")) && !row.contains("of 3"), "{row}");
    }
    assert!(row_of(&inbox, third).contains("1 run: <a href=\"/rules/threshold\">"), "{inbox}");
    assert!(browser.page(&format!("/runs/{run}")).await.contains("Events (3)"));
});
