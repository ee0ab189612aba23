//! Runs in a browser: lists, traces, and what a person does about them.

use std::{collections::BTreeMap, time::Duration};

use bellwire::model::RunStatus;

use super::browser::{Browser, value_of};
use crate::support::{
    app::{MISSED, TestApp, missed_call, states},
    both::on_both,
    journal::{Journal, Reply},
};

/// One call that was answered so, and all that follows at once.
async fn after(replies: Vec<Reply>, rule: &str, database: BTreeMap<String, String>) -> (TestApp, Browser, String) {
    let app = TestApp::on(Journal::start(replies).await, &[("calls/missed", rule)], "", database).await;
    app.call(&missed_call("42")).await;
    app.settle().await;
    let browser = Browser::of(&app).await;
    let path = format!("/runs/{}", app.runs().await[0].id);
    (app, browser, path)
}

fn refusal() -> Reply {
    Reply::Status(422, Vec::new(), "{\"error\": \"<script>alert(1)</script>\"}".to_owned())
}

on_both!(a_form_that_is_sent_twice_repeats_a_run_once, |database| {
    let (app, browser, path) = after(vec![refusal()], MISSED, database).await;
    let page = browser.page(&path).await;
    let address = app.journal.address;
    let line = format!("POST http://{address}/v1/tickets/42/messages");
    let command = format!("curl -X POST &#39;http://{address}/v1/tickets/42/messages&#39;");
    for wanted in [
        "badge-failed",
        line.as_str(),
        command.as_str(),
        "Bearer $GROOVE_TOKEN",
        "422",
        "groove.add_note",
        "Attempts over",
    ] {
        assert!(page.contains(wanted), "{wanted}: {page}");
    }
    assert!(!page.contains(crate::support::app::GROOVE_TOKEN), "a secret is its name");
    assert!(!page.contains("hx-trigger"), "it is over: nothing is asked for again");
    assert!(!page.contains("<script>alert"), "what came from outside is text");

    let key = value_of(&page, "key");
    let fields = [("key", key.as_str()), ("with", "original"), ("from", "")];
    let first = browser.send(&path, &format!("{path}/replay"), &fields).await;
    let second = browser.send(&path, &format!("{path}/replay"), &fields).await;
    assert_eq!((first.status, second.status), (303, 303), "{first:?} {second:?}");
    assert_eq!(first.location, second.location);
    app.settle().await;
    assert_eq!(states(&app.runs().await), [RunStatus::Failed, RunStatus::Ok]);
    assert_eq!(app.journal.requests().len(), 2);
    let again = browser.page(&first.location).await;
    assert!(again.contains("Repeats") && again.contains(path.trim_start_matches("/runs/")), "{again}");

    let other =
        [("key", &*value_of(&again, "key")), ("with", "original")].map(|(name, value)| (name, value.to_owned()));
    let other: Vec<(&str, &str)> = other.iter().map(|(name, value)| (*name, value.as_str())).collect();
    assert_eq!(browser.send(&path, &format!("{path}/replay"), &other).await.status, 303);
    app.settle().await;
    assert_eq!(app.runs().await.len(), 3, "another form is another wish");
});

on_both!(a_run_that_waits_for_its_next_attempt_is_tried_at_once_or_cancelled, |database| {
    let (app, browser, path) = after(vec![Reply::status(500), Reply::status(500)], MISSED, database).await;
    let page = browser.page(&path).await;
    assert!(page.contains("hx-trigger=\"every 2s\"") && page.contains("Try now"), "{page}");
    assert!(page.contains("attempt 2:") && page.contains("10h"), "the whole schedule stands there: {page}");

    let sent = browser.send(&path, &format!("{path}/retry"), &[]).await;
    assert_eq!((sent.status, sent.location.as_str()), (303, format!("{path}?did=retried").as_str()));
    app.settle().await;
    let run = app.only_run().await;
    assert_eq!((run.attempts.len(), run.row.status), (2, RunStatus::Due));
    assert_eq!(run.attempts[0].planned_at, None, "the first attempt of a step begins when it is reached");
    assert_eq!(run.attempts[1].planned_at, Some(app.now()));

    assert_eq!(browser.send(&path, &format!("{path}/cancel"), &[]).await.status, 303);
    app.settle().await;
    assert_eq!(app.only_run().await.row.status, RunStatus::Cancelled);
    let twice = browser.send(&path, &format!("{path}/cancel"), &[]).await;
    assert!(twice.status == 409 && twice.text.contains("over already"), "{twice:?}");
    assert_eq!(browser.send(&path, &format!("{path}/retry"), &[]).await.status, 409);
});

#[tokio::test(flavor = "multi_thread")]
async fn a_person_says_what_became_of_an_attempt_without_an_answer() {
    let rule = MISSED.replace("tests:", "    timeout: 1s\n    retry: { unknown: ask }\ntests:");
    let (app, browser, path) = after(vec![Reply::Silence], &rule, BTreeMap::new()).await;
    let page = browser.page(&path).await;
    for wanted in ["What became of the attempt", "badge-held", "bytes", "groove.", "Ask the service now"] {
        assert!(page.contains(wanted), "{wanted}: {page}");
    }
    assert_eq!(browser.send(&path, &format!("{path}/resolve"), &[("as", "perhaps")]).await.status, 400);
    assert_eq!(browser.send(&path, &format!("{path}/resolve"), &[("as", "done")]).await.status, 303);
    app.settle().await;
    assert_eq!(states(&app.runs().await), [RunStatus::Ok]);
    assert_eq!(app.journal.requests().len(), 1);
    assert_eq!(browser.send(&path, &format!("{path}/resolve"), &[("as", "done")]).await.status, 409);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_draft_runs_once_and_changes_no_file() {
    let (app, browser, path) = after(vec![refusal()], MISSED, BTreeMap::new()).await;
    let page = browser.page(&path).await;
    assert!(page.contains("Missed call from {{ event.location }}"), "the draft begins with the text in force");
    let typed = [("with", "draft"), ("from", "do.0"), ("new_keys", "on"), ("text", "name: [ <typed>")];
    let bad = browser.send(&path, &format!("{path}/replay"), &typed).await;
    assert!(bad.status == 422 && bad.text.contains("rules/calls/missed.yaml"), "{bad:?}");
    for kept in [
        "name: [ &#60;typed&#62;</textarea>",
        "value=\"draft\" checked",
        "value=\"do.0\" selected",
        "value=\"on\" checked",
        "<details open><summary>Draft",
        "aria-describedby=\"draft-findings\"",
        "Replay for real",
    ] {
        assert!(bad.text.contains(kept), "{kept}: {}", bad.text);
    }
    let odd = browser.send(&path, &format!("{path}/replay"), &[("with", "current"), ("from", "do.99")]).await;
    assert!(
        odd.status == 422 && odd.text.contains("Nothing was run.") && odd.text.contains("current\" checked"),
        "{odd:?}"
    );
    let draft = MISSED.replace("Missed call from", "Drafted\r\n        call from");
    let sent = browser.send(&path, &format!("{path}/replay"), &[("with", "draft"), ("text", &draft)]).await;
    assert_eq!(sent.status, 303, "{sent:?}");
    app.settle().await;
    let requests = app.journal.requests();
    assert!(requests.len() == 2 && requests[1].body.contains("Drafted"), "{requests:?}");
    let new = sent.location.split('?').next().unwrap_or_default().to_owned();
    let texts = browser.page(&format!("{new}?tab=rule")).await;
    assert!(texts.contains("<del>") && texts.contains("<ins>") && texts.contains("Drafted"), "{texts}");
    let old = browser.page(&format!("{path}?tab=rule")).await;
    assert!(old.contains("same as the text in force") && !old.contains("Drafted"), "{old}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_says_which_pause_it_waits_for_and_until_when() {
    let (app, browser, first) = after(vec![Reply::with(429, "Retry-After", "60")], MISSED, BTreeMap::new()).await;
    app.call(&missed_call("43")).await;
    app.settle().await;
    let second = app.runs().await.into_iter().map(|run| format!("/runs/{}", run.id)).find(|path| *path != first);
    let page = browser.page(&second.unwrap()).await;
    for wanted in ["It waits for the pause of groove", "in 1 min", "href=\"/connections/groove\""] {
        assert!(page.contains(wanted), "{wanted}: {page}");
    }
    let sent = browser.send(&first, &format!("{first}/retry"), &[]).await;
    assert_eq!(sent.status, 303, "{sent:?}");
    app.settle().await;
    let page = browser.page(&sent.location).await;
    for wanted in ["It is due now, and not sent yet", "It waits for the pause of groove until 10:01:00 UTC (in 1 min)."]
    {
        assert!(page.contains(wanted), "{wanted}: {page}");
    }
    assert_eq!(app.journal.requests().len(), 1);
    app.advance(Duration::from_secs(61)).await;
    assert_eq!(states(&app.runs().await), [RunStatus::Ok, RunStatus::Ok]);
    assert!(!browser.page(&first).await.contains("the pause of"));
}

on_both!(a_step_that_waits_says_for_what_and_until_when, |database| {
    let rule = "name: later\non: gruveo.call\ndo:\n  - wait: 1h\n  - wait: { event: groove.customer_replied, \
                when: { incoming.ticket_number: \"{{ event.tracking.ticket }}\" }, for: 2d }\n  - stop: done\n";
    let app = TestApp::unchecked_on(Journal::start([]).await, &[("later", rule)], "", database).await;
    app.call(&missed_call("1")).await;
    app.settle().await;
    let browser = Browser::of(&app).await;
    let path = format!("/runs/{}", app.only_run().await.row.id);
    let page = browser.page(&path).await;
    for wanted in ["<li data-state=\"waiting\"", "waits, and goes on <time datetime=\"2026-03-01T11:00:00"] {
        assert!(page.contains(wanted), "{wanted}: {page}");
    }
    assert_eq!(page.matches("not reached").count(), 2, "{page}");
    app.advance(Duration::from_secs(3601)).await;
    let page = browser.page(&path).await;
    assert!(
        page.contains("waits for groove.customer_replied, and goes on without it <time datetime=\"2026-03-03T11:00:01"),
        "{page}"
    );
    assert_eq!(page.matches("not reached").count(), 1, "{page}");
});

on_both!(lists_are_narrowed_by_what_the_url_says, |database| {
    let (app, browser, path) = after(vec![refusal()], MISSED, database).await;
    app.call(&missed_call("43")).await;
    app.settle().await;
    let (failed, id) = (path.trim_start_matches("/runs/"), app.runs().await[1].id.to_string());
    let table = [
        ("", true, true),
        ("?state=failed", true, false),
        ("?state=ok", false, true),
        ("?state=ok&state=failed", true, true),
        ("?state=failed&state=cancelled&rule=calls%2Fmissed", true, false),
        ("?rule=calls/missed", true, true),
        ("?rule=none", false, false),
        ("?class=status", true, false),
        ("?class=timeout", false, false),
        ("?class=status&state=ok", false, false),
        ("?until=2026-03-01T09:00", false, false),
        ("?from=2026-03-01T10:00&until=2026-03-01T10:01", true, true),
    ];
    for (query, has_failed, has_ok) in table {
        let page = browser.page(&format!("/runs{query}")).await;
        assert_eq!((page.contains(failed), page.contains(&id)), (has_failed, has_ok), "{query}");
    }
    let older = browser.page(&format!("/runs?before={id}")).await;
    assert!(older.contains(failed) && !older.contains(&format!("/runs/{id}")), "{older}");
    for wrong in ["?state=none", "?before=1", "?event=evt_", "?from=soon", "?problem=x"] {
        let shown = browser.get(&format!("/runs{wrong}")).await;
        assert_eq!(shown.status, 400, "{wrong}: {}", shown.text);
        assert!(
            shown.text.contains("role=\"alert\"") && shown.text.contains("More filters"),
            "{wrong}: {}",
            shown.text
        );
    }
    let kept = browser.get("/runs?from=soon&rule=calls%2Fmissed&state=failed").await.text;
    for wanted in
        ["value=\"soon\" aria-invalid=\"true\"", "value=\"calls/missed\"", "value=\"failed\" checked", "is no time"]
    {
        assert!(kept.contains(wanted), "{wanted}: {kept}");
    }
    assert_eq!(browser.get("/runs/run_0000000000009").await.status, 404);
    assert_eq!(browser.get("/runs/none").await.status, 404);
});

#[tokio::test(flavor = "multi_thread")]
async fn branches_and_turns_that_were_not_taken_are_shown_as_such() {
    let rule = "name: ways\non: gruveo.call\ndo:\n\
        \x20 - if: { event.resolution: missed }\n    then:\n      - vars: { way: here }\n    else:\n      - vars: { way: there }\n\
        \x20 - for_each: \"{{ event.assignedUsers }}\"\n    as: user\n    do:\n      - vars: { last: \"{{ user.email }}\" }\n\
        \x20 - stop: all done\n  - vars: { never: true }\n";
    let app = TestApp::unchecked(Journal::start([]).await, &[("ways", rule)], "").await;
    assert!(!app.app.held_back().iter().any(bellwire::model::Finding::is_error), "{:?}", app.app.held_back());
    app.call(&missed_call("1")).await;
    app.settle().await;
    let browser = Browser::of(&app).await;
    let run = app.only_run().await;
    let page = browser.page(&format!("/runs/{}", run.row.id)).await;
    for wanted in ["took `then`", "do.1.do.0[0]", "turn 1", "1 turn</p>", "all done", "not reached"] {
        assert!(page.contains(wanted), "{wanted}: {page}");
    }
    let data = browser.page(&format!("/runs/{}?tab=data", run.row.id)).await;
    assert!(data.contains("john@acme.com"), "{data}");
    let event = browser.page(&format!("/runs/{}?tab=event", run.row.id)).await;
    assert!(event.contains("Acme Corp."), "{event}");
    app.advance(Duration::from_secs(1)).await;
}
