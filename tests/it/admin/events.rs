//! The inbox, an event's page, and doing it again.

use std::{collections::BTreeMap, time::Duration};

use bellwire::{ids::EventId, model::Role, store::JobState};
use serde_json::json;

use crate::support::{
    app::{GRUVEO_KEY, TestApp, event_id, missed_call, sign},
    both::on_both,
    browser::Shown,
    journal::Journal,
};

/// What a browser got.
struct Got {
    status: u16,
    headers: reqwest::header::HeaderMap,
    text: String,
}

impl Got {
    fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }
}

impl From<Shown> for Got {
    fn from(shown: Shown) -> Self {
        Self { status: shown.status, headers: shown.headers, text: shown.text }
    }
}

async fn get(app: &TestApp, path: &str) -> Got {
    app.sign_in(Role::Owner).await.get(path).await.into()
}

async fn post(app: &TestApp, path: &str, fields: &[(&str, &str)]) -> Got {
    app.sign_in(Role::Owner).await.post(path, fields).await.into()
}

async fn start(database: BTreeMap<String, String>) -> TestApp {
    let rules = [("calls/missed", crate::support::app::MISSED)];
    TestApp::on(Journal::start([]).await, &rules, "", database).await
}

/// A matched event, a duplicate of it, one that no rule matches, and a refused one.
async fn four(app: &TestApp) -> (EventId, EventId) {
    let matched = event_id(&app.call(&missed_call("42")).await);
    app.clock.advance(Duration::from_secs(1));
    assert_eq!(app.call(&missed_call("42")).await.status, 200);
    app.clock.advance(Duration::from_secs(1));
    let mut other = missed_call("43");
    other["resolution"] = json!("answered");
    other["note"] = json!("<script>alert(1)</script> Größe");
    let unmatched = event_id(&app.call(&other).await);
    app.clock.advance(Duration::from_secs(1));
    assert_eq!(app.post("/hooks/gruveo", &[], "{}").await.status, 401);
    app.refusals(1).await;
    app.settle().await;
    (matched, unmatched)
}

/// The end of a job, which works beside the answers.
async fn over(app: &TestApp, page: &Got) -> bellwire::store::JobRow {
    assert_eq!(page.status, 303, "{}", page.text);
    let id = page.header("location").strip_prefix("/jobs/").unwrap().parse().unwrap();
    for _ in 0..500 {
        let job = app.store().job(id).await.unwrap().unwrap();
        if job.state != JobState::Running {
            return job;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("the job does not end");
}

fn states(page: &Got) -> Vec<&str> {
    let rows = page.text.split("<tr data-row").skip(1);
    rows.filter_map(|row| row.split("class=\"badge badge-").nth(1)?.split('"').next()).collect()
}

on_both!(the_inbox_shows_what_was_accepted_repeated_and_refused, |database| {
    let app = start(database).await;
    let empty = get(&app, "/events").await;
    assert!(empty.text.contains("Nothing came in yet") && empty.text.contains("bellwire send"), "{}", empty.text);
    four(&app).await;
    let all = get(&app, "/events").await;
    assert_eq!(all.status, 200);
    assert_eq!(states(&all), ["refused", "unmatched", "duplicate", "matched"]);
    for (query, wanted) in [
        ("state=unmatched", vec!["unmatched"]),
        ("source=gruveo", vec!["refused", "unmatched", "duplicate", "matched"]),
        ("type=gruveo.call&state=matched", vec!["matched"]),
        ("rule=calls/missed", vec!["matched"]),
        ("since=1h&state=refused", vec!["refused"]),
        ("from=2026-03-01T10:00:02Z", vec!["refused", "unmatched"]),
        ("to=2026-03-01T10:00:01Z", vec!["matched"]),
        ("q=gr%C3%96%C3%9Fe", vec!["unmatched"]),
        ("q=%25", vec![]),
        ("when=event.resolution:+missed", vec!["duplicate", "matched"]),
        ("when=event.tracking.ticket:+%7Bin:+%5B%2243%22%5D%7D", vec!["unmatched"]),
        ("when=trigger.source:+gruveo%0Aevent.resolution:+answered", vec!["unmatched"]),
    ] {
        let page = get(&app, &format!("/events?{query}")).await;
        assert_eq!((page.status, states(&page)), (200, wanted), "{query}");
    }
    let bad = get(&app, "/events?from=yesterday&to=2026-03-02&source=gruveo&q=Acme").await;
    assert_eq!(bad.status, 400);
    for kept in [
        "value=\"yesterday\" aria-invalid=\"true\"",
        "id=\"fault-from\"",
        "value=\"gruveo\"",
        "value=\"Acme\"",
        "2026-03-02",
    ] {
        assert!(bad.text.contains(kept), "{kept}: {}", bad.text);
    }
    let first = get(&app, "/events?limit=2").await;
    let older = first.text.split("href=\"").find(|part| part.starts_with("/events?before=")).unwrap();
    let older = older.split('"').next().unwrap().replace("&#38;", "&").replace("&amp;", "&");
    assert_eq!(states(&get(&app, &older).await), ["duplicate", "matched"]);
});

on_both!(what_does_not_fit_a_filter_is_refused_or_told, |database| {
    let app = start(database).await;
    four(&app).await;
    for query in [
        "state=odd",
        "before=17",
        "before=at_zzzzzzzzzzzzz",
        "limit=-1",
        "q=a%00b",
        "q=a&q=b",
        "from=yesterday",
        &format!("q={}", "x".repeat(5000)),
    ] {
        assert_eq!(get(&app, &format!("/events?{query}")).await.status, 400, "{query}");
    }
    assert_eq!(get(&app, &format!("/events?limit={}", "9".repeat(15))).await.status, 200);
    let bad = get(&app, "/events?when=event.x:+%7Bcontians:+y%7D").await;
    assert_eq!(bad.status, 200);
    assert!(bad.text.contains("contians") && bad.text.contains("id=\"findings\""), "{}", bad.text);
    for query in ["q=%27%3B+DROP+TABLE+events", "q=*", "q=(a%2B)%2B%24", "source=%25", "type=%27"] {
        let page = get(&app, &format!("/events?{query}")).await;
        assert_eq!((page.status, states(&page).len()), (200, 0), "{query}");
    }
    assert_eq!(app.events().await.len(), 2);
});

on_both!(new_rows_come_by_themselves_once_they_are_settled, |database| {
    let app = start(database).await;
    let page = get(&app, "/events?live=1").await;
    let poll = page.text.split("hx-get=\"").nth(1).unwrap().split('"').next().unwrap();
    let poll = poll.replace("&#38;", "&").replace("&amp;", "&");
    assert!(poll.starts_with("/events/live?"), "{poll}");
    app.call(&missed_call("42")).await;
    assert_eq!(states(&get(&app, &poll).await).len(), 0, "its millisecond is not over");
    app.clock.advance(Duration::from_secs(1));
    let fragment = get(&app, &poll).await;
    assert_eq!(states(&fragment), ["matched"]);
    assert!(fragment.text.contains("hx-swap-oob=\"afterbegin:#rows\""), "{}", fragment.text);
    let next = fragment.text.split("hx-get=\"").nth(1).unwrap().split('"').next().unwrap();
    let next = next.replace("&#38;", "&").replace("&amp;", "&");
    assert_ne!(next, poll);
    assert_eq!(states(&get(&app, &next).await).len(), 0);
});

on_both!(an_event_s_page_says_what_came_and_what_every_rule_said, |database| {
    let app = start(database).await;
    let (matched, unmatched) = four(&app).await;
    let page = get(&app, &format!("/events/{matched}")).await;
    for part in
        ["The signature held", "calls/missed", "badge-matched", "Received</dt><dd>2 times", "127.0.0.1", "/runs/run_"]
    {
        assert!(page.text.contains(part), "{part}: {}", page.text);
    }
    assert!(page.text.contains("curl -X POST") && page.text.contains("/hooks/gruveo"), "{}", page.text);
    let page = get(&app, &format!("/events/{unmatched}?by=now")).await;
    assert!(page.text.contains("event.resolution is") && page.text.contains("saw &#34;answered&#34;"), "{}", page.text);
    assert!(!page.text.contains("<script>alert"), "what came is text");
    for tab in ["raw", "seen"] {
        let page = get(&app, &format!("/events/{unmatched}?body={tab}")).await;
        assert!(page.text.contains("&#60;script&#62;alert"), "{}", page.text);
    }
    assert_eq!(get(&app, &format!("/events/{matched}?body=odd")).await.status, 400);
    assert_eq!(get(&app, "/events/evt_0000000000001").await.status, 404);
    assert_eq!(get(&app, "/events/..%2f..%2fetc").await.status, 404);
    let saved = get(&app, &format!("/events/{unmatched}/body")).await;
    assert_eq!(saved.header("content-type"), "application/octet-stream");
    assert_eq!(saved.header("content-disposition"), format!("attachment; filename=\"{unmatched}.bin\""));
    assert!(saved.header("content-security-policy").contains("sandbox"));
    assert!(saved.text.contains("<script>"), "the bytes as they came");
    let refusal = &app.store().refusals(1).await.unwrap()[0];
    let page = get(&app, &format!("/refusals/{}", refusal.id)).await;
    assert!(page.text.contains(&refusal.reason) && page.text.contains("127.0.0.1"), "{}", page.text);
    assert_eq!(get(&app, "/refusals/ref_0000000000001").await.status, 404);
});

on_both!(chosen_events_are_replayed_once_by_the_rules_of_then_or_now, |database| {
    let app = start(database).await;
    let owner = app.sign_in(Role::Owner).await;
    let (matched, unmatched) = four(&app).await;
    let (one, other) = (matched.to_string(), unmatched.to_string());
    let ask = get(&app, &format!("/events/replay?id={one}")).await;
    assert!(ask.text.contains("1 event") && ask.text.contains("for real"), "{}", ask.text);
    assert_eq!(app.runs().await.len(), 1, "to look is not to do");
    let fields = [("key", "k1"), ("with", "current"), ("id", &one), ("id", &other)];
    let begun: Got = owner.post("/events/replay", &fields).await.into();
    let job = over(&app, &begun).await;
    assert_eq!((job.state, job.total, job.done, job.failed, job.made), (JobState::Done, Some(2), 1, 1, 1));
    assert!(job.faults[0].contains("no rule matches"), "{:?}", job.faults);
    let again = owner.post("/events/replay", &fields).await;
    assert_eq!(again.location, begun.header("location"), "the same form is one job");
    app.settle().await;
    assert_eq!(app.runs().await.len(), 2);
    let page = get(&app, begun.header("location")).await;
    assert!(page.text.contains("badge-done") && page.text.contains("/runs/run_"), "{}", page.text);
    assert!(!page.text.contains("hx-trigger=\"every"), "what is over is not polled");
    let original = [("key", "k2"), ("with", "original"), ("id", one.as_str())];
    let job = over(&app, &owner.post("/events/replay", &original).await.into()).await;
    let run = app.store().run(job.runs[0]).await.unwrap().unwrap();
    assert!(run.row.replay_of.is_some());
    for bad in [
        vec![("key", "k3"), ("with", "current")],
        vec![("key", "k3"), ("with", "odd"), ("id", one.as_str())],
        vec![("with", "current"), ("id", one.as_str())],
        vec![("key", "k3"), ("with", "current"), ("id", "evt_1")],
    ] {
        assert_eq!(owner.post("/events/replay", &bad).await.status, 400, "{bad:?}");
    }
    let foreign = [("key", "k4"), ("with", "current"), ("id", one.as_str()), ("id", "evt_0000000000001")];
    assert_eq!(owner.post("/events/replay", &foreign).await.status, 404, "all or nothing");
    let ids: Vec<String> = (1..=1001).map(|n| EventId(n).to_string()).collect();
    let mut many = vec![("key", "k5"), ("with", "current")];
    many.extend(ids.iter().map(|id| ("id", id.as_str())));
    assert_eq!(owner.post("/events/replay", &many).await.status, 400);
    app.settle().await;
    assert_eq!(app.runs().await.len(), 3);
});

on_both!(all_that_match_are_replayed_and_a_job_goes_on_after_a_restart, |database| {
    let app = start(database).await;
    for ticket in 0..60 {
        app.call(&missed_call(&ticket.to_string())).await;
    }
    let mut other = missed_call("x");
    other["resolution"] = json!("answered");
    app.call(&other).await;
    app.clock.advance(Duration::from_secs(1));
    app.settle().await;
    let ask = get(&app, "/events/replay?all=1&state=matched").await;
    assert!(ask.text.contains("60 events"), "{}", ask.text);
    let ask = get(&app, "/events/replay?all=1&when=event.resolution:+missed").await;
    assert!(ask.text.contains("<strong>60 events</strong>"), "a search is counted too: {}", ask.text);
    assert!(ask.text.contains("<dt>when</dt><dd class=\"mono\">event.resolution: missed</dd>"), "{}", ask.text);
    let ask = get(&app, "/events/replay?all=1").await;
    assert!(ask.text.contains("<strong>61 events</strong>") && ask.text.contains("There is no filter"), "{}", ask.text);
    let fields = [("key", "k1"), ("with", "current"), ("all", "1"), ("query", "when=event.resolution: missed")];
    let begun = post(&app, "/events/replay", &fields).await;
    let app = app.restart().await;
    let job = over(&app, &begun).await;
    assert_eq!((job.state, job.total, job.done, job.failed, job.made), (JobState::Done, Some(60), 60, 0, 60));
    assert_eq!(app.runs().await.len(), 120, "none twice, none left out");
    app.settle().await;
    let page = get(&app, begun.header("location")).await;
    assert!(page.text.contains("60 ok") && page.text.contains("50 of 60"), "{}", page.text);
    let refused = [("key", "k2"), ("with", "current"), ("all", "1"), ("query", "state=refused")];
    assert_eq!(post(&app, "/events/replay", &refused).await.status, 400);
    let id = begun.header("location");
    assert_eq!(post(&app, &format!("{id}/cancel"), &[]).await.status, 409, "it is over");
    assert!(get(&app, "/jobs").await.text.contains("replay of all events of when=event.resolution"));
    assert_eq!(get(&app, "/jobs/job_0000000000001").await.status, 404);
});

on_both!(a_filter_is_kept_as_a_view, |database| {
    let app = start(database).await;
    let owner = app.sign_in(Role::Owner).await;
    let query = "state=unmatched&source=gruveo&live=1&before=at_0000000000001&evil=1";
    let kept = owner.post("/events/views", &[("name", "Odd <b>calls"), ("query", query)]).await;
    assert_eq!((kept.status, kept.location.as_str()), (303, "/events?source=gruveo&state=unmatched"));
    let page = owner.get("/events").await;
    assert!(page.text.contains("Odd &#60;b&#62;calls"), "{}", page.text);
    assert_eq!(owner.post("/events/views", &[("name", "all"), ("query", "")]).await.status, 409);
    assert_eq!(owner.post("/events/views", &[("name", &"x".repeat(61)), ("query", "")]).await.status, 400);
    assert_eq!(owner.post("/events/views", &[("name", "x"), ("query", "state=odd")]).await.status, 400);
    assert_eq!(owner.post("/events/views/remove", &[("name", "Odd <b>calls")]).await.status, 303);
    assert_eq!(owner.post("/events/views/remove", &[("name", "Odd <b>calls")]).await.status, 404);
});

on_both!(an_event_becomes_a_test_of_a_rule_once, |database| {
    let app = start(database).await;
    let (matched, _) = four(&app).await;
    let before = std::fs::read_to_string(app.folder.path().join("rules/calls/missed.yaml")).unwrap();
    let path = format!("/events/{matched}/test");
    let fields = [("rule", "calls/missed"), ("name", "A call that nobody took")];
    let saved = post(&app, &path, &fields).await;
    assert_eq!(saved.status, 303, "{}", saved.text);
    assert!(get(&app, saved.header("location")).await.text.contains("The test was written"));
    let after = std::fs::read_to_string(app.folder.path().join("rules/calls/missed.yaml")).unwrap();
    assert!(
        after.contains("A call that nobody took") && after.contains("fixture: a-call-that-nobody-took.json"),
        "{after}"
    );
    assert!(before.lines().filter(|line| line.starts_with('#')).all(|line| after.contains(line)));
    assert!(app.folder.path().join("rules/calls/fixtures/a-call-that-nobody-took.json").exists());
    assert_eq!(post(&app, &path, &fields).await.status, 409, "there is such a test");
    assert_eq!(post(&app, &path, &[("rule", "no/such")]).await.status, 404);
    assert!(app.app.held_back().is_empty());
});

on_both!(rows_tell_rules_runs_and_body_and_a_slip_in_a_filter_is_named, |database| {
    let fails =
        "name: Fails\non: gruveo.call\nwhen: { event.resolution: missed }\ndo:\n  - fail: Nothing else was asked for\n";
    let goes = "name: Goes\non: gruveo.call\ndo:\n  - stop: done\n";
    let rules = [("a/fails", fails), ("b/goes", goes), ("c/goes", goes)];
    let app = TestApp::on(Journal::start([]).await, &rules, "", database).await;
    let (failed, well) = four(&app).await;
    let page = get(&app, "/events").await.text;
    let row = |id: EventId| {
        let rows = page.split("<tr data-row").skip(1);
        rows.filter(|row| row.contains(&format!("/events/{id}\"")))
            .last()
            .unwrap()
            .split("</tr>")
            .next()
            .unwrap()
            .to_owned()
    };
    let row_failed = row(failed);
    for part in ["badge-failed", "href=\"/rules/a/fails\"", "href=\"/rules/b/goes\"", "+1", "resolution: missed"] {
        assert!(row_failed.contains(part), "{part}: {row_failed}");
    }
    assert!(!row_failed.contains("c/goes"), "{row_failed}");
    let row_well = row(well);
    assert!(row_well.contains("badge-ok") && row_well.contains("resolution: answered"), "{row_well}");
    for filter in ["state=failed", "state=failed&source=gruveo", "state=failed&rule=a/fails", "state=failed&q=missed"] {
        let page = get(&app, &format!("/events?{filter}")).await;
        assert_eq!(states(&page), ["matched"], "{filter}: {}", page.text);
        assert!(page.text.contains(&failed.to_string()), "{filter}");
    }
    assert!(states(&get(&app, "/events?state=failed&rule=b/goes").await).is_empty());
    assert!(page.contains("<option value=\"gruveo.call\">") && page.contains("<option value=\"a/fails\">"), "{page}");
    for (filter, says) in [
        ("source=gruvo", "There is no source `gruvo`; did you mean `gruveo`?"),
        ("type=gruveo.cal", "There is no type `gruveo.cal`; did you mean `gruveo.call`?"),
        ("rule=calls/nope", "There is no rule `calls/nope`."),
    ] {
        let page = get(&app, &format!("/events?{filter}")).await.text;
        assert!(page.contains(says), "{filter}: {page}");
    }
    let body = missed_call("44").to_string();
    let signature = sign(GRUVEO_KEY, body.as_bytes());
    let headers = [("X-Gruveo-SHA256-HMAC", signature.as_str()), ("Content-Type", "application/json")];
    assert!(app.post("/hooks/gruveo", &headers, body).await.status < 300);
    let found = get(&app, "/events?when=trigger.headers.Content-Type:+application/json").await;
    assert!(!states(&found).is_empty(), "{}", found.text);
});

on_both!(a_page_links_to_the_event_that_took_the_key, |database| {
    let rule =
        "name: once\non: gruveo.call\nonce: { per: \"{{ event.tracking.ticket }}\", within: 10m }\ndo:\n- stop: done\n";
    let app = TestApp::on(Journal::start([]).await, &[("once", rule)], "", database).await;
    let first = event_id(&app.call(&missed_call("1")).await);
    app.settle().await;
    let mut again = missed_call("1");
    again["location"] = json!("Crete");
    let second = event_id(&app.call(&again).await);
    app.settle().await;
    let page = get(&app, &format!("/events/{second}")).await;
    let link = format!("The event that took its key: <a class=\"mono\" href=\"/events/{first}\">");
    assert!(
        page.text.contains(&link) && page.text.contains("its key was taken until <time datetime="),
        "{}",
        page.text
    );
});
