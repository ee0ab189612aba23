//! Polls: what is new in an answer becomes an event, each item once.

use std::{collections::BTreeMap, time::Duration};

use bellwire::store::{PollRow, StoredEvent};
use serde_json::{Value, json};

use crate::support::{
    app::TestApp,
    both::on_both,
    journal::{Journal, Reply},
};

const MINUTE: Duration = Duration::from_secs(60);

/// A rule whose poll is asked every minute, at the receiver's `/list`.
fn rule(journal: &Journal, more: &str) -> String {
    format!(
        "name: new items\non: {{ poll: {{ every: 1m, http: {{ url: \"http://{}/list\" }}, key: id, {more} }} }}\ndo:\n- stop: seen\n",
        journal.address
    )
}

async fn app(journal: Journal, more: &str, database: BTreeMap<String, String>) -> TestApp {
    let rule = rule(&journal, more);
    TestApp::on(journal, &[("new", &rule)], "", database).await
}

fn list(ids: &[u32]) -> Reply {
    Reply::Status(200, Vec::new(), Value::from(ids.iter().map(|id| json!({"id": id})).collect::<Vec<_>>()).to_string())
}

/// The payloads of all events, oldest first.
async fn payloads(app: &TestApp) -> Vec<Value> {
    let mut payloads = Vec::new();
    for event in app.events().await {
        let StoredEvent { kind, source, body, meta, .. } = app.store().event(event.id).await.unwrap().unwrap().event;
        assert_eq!((kind.as_str(), source.as_str(), &meta["rule"]), ("poll.item", "poll", &json!("new")));
        payloads.push(serde_json::from_slice(&body.unwrap()).unwrap());
    }
    payloads
}

async fn ids(app: &TestApp) -> Vec<Value> {
    payloads(app).await.into_iter().map(|item| item["id"].clone()).collect()
}

async fn row(app: &TestApp) -> PollRow {
    app.store().polls().await.unwrap().remove(0)
}

on_both!(the_first_answer_is_old_and_what_comes_later_is_an_event_oldest_first, |database| {
    let app = app(Journal::start([list(&[3, 2, 1])]).await, "items: result", database).await;
    app.settle().await;
    assert_eq!(app.journal.requests().len(), 1, "asked at the start");
    assert_eq!(ids(&app).await, Vec::<Value>::new());
    app.journal.then([list(&[5, 4, 3, 2]), list(&[5, 1])]);
    app.advance(Duration::from_secs(59)).await;
    assert_eq!(app.journal.requests().len(), 1, "not before its time");
    app.advance(Duration::from_secs(1)).await;
    assert_eq!(ids(&app).await, [4, 5]);
    app.advance(MINUTE).await;
    assert_eq!(ids(&app).await, [4, 5], "what was seen once is not new again");
    let runs = app.runs().await;
    assert!(runs.len() == 2 && runs.iter().all(|run| run.rule == "new"), "{runs:?}");
    let row = row(&app).await;
    assert_eq!((row.items, row.failures, row.last_at), (2, 0, Some(app.now())));
});

on_both!(a_backfill_takes_the_newest_of_the_first_answer, |database| {
    let journal = Journal::start([list(&[1, 2, 3]), list(&[1, 2, 3, 4])]).await;
    let app = app(journal, "items: result, order: oldest_first, backfill: 2", database).await;
    app.settle().await;
    assert_eq!(ids(&app).await, [2, 3]);
    app.advance(MINUTE).await;
    assert_eq!(ids(&app).await, [2, 3, 4]);
});

on_both!(a_restart_goes_on_where_it_was, |database| {
    let app = app(Journal::start([list(&[1]), list(&[2, 1])]).await, "items: result", database).await;
    app.settle().await;
    app.advance(MINUTE).await;
    let app = app.restart().await;
    app.settle().await;
    assert_eq!(app.journal.requests().len(), 2, "a restart is no reason to ask");
    app.journal.then([list(&[3, 2, 1])]);
    app.advance(MINUTE).await;
    assert_eq!(ids(&app).await, [2, 3]);
    app.clock.advance(10 * MINUTE);
    app.journal.then([list(&[4])]);
    let app = app.restart().await;
    app.settle().await;
    assert_eq!(app.journal.requests().len(), 4, "asked once for all that a stop has cost");
    assert_eq!(ids(&app).await, [2, 3, 4]);
});

on_both!(an_item_is_an_event_once_wherever_the_process_stops, |database| {
    let app = app(Journal::start([list(&[1]), list(&[3, 2, 1])]).await, "items: result", database).await;
    app.settle().await;
    app.advance(MINUTE).await;
    // As a stop between the events and the end of the poll leaves it: what was found is kept, the poll itself is not done.
    let before = row(&app).await;
    let id = before.id.clone();
    app.store().poll_due(id, before.target, before.every, app.now()).await.unwrap();
    app.journal.then([list(&[4, 3, 2, 1])]);
    let app = app.restart().await;
    app.settle().await;
    assert_eq!(ids(&app).await, [2, 3, 4]);
});

on_both!(an_answer_that_has_not_changed_is_not_sent_again, |database| {
    let tagged = |ids: &[u32], etag: &str| match list(ids) {
        Reply::Status(status, _, body) => {
            let headers =
                vec![("ETag", etag.to_owned()), ("Last-Modified", "Sun, 01 Mar 2026 09:00:00 GMT".to_owned())];
            Reply::Status(status, headers, body)
        }
        other => other,
    };
    let unchanged = || Reply::Bytes(b"HTTP/1.1 304 Not Modified\r\nETag: \"a\"\r\n\r\n".to_vec());
    let script = [tagged(&[1], "\"a\""), unchanged(), unchanged(), tagged(&[2, 1], "\"b\""), unchanged()];
    let app = app(Journal::start(script).await, "items: result", database).await;
    app.settle().await;
    for _ in 0..4 {
        app.advance(MINUTE).await;
    }
    let sent: Vec<Option<String>> =
        app.journal.requests().iter().map(|request| request.header("if-none-match").map(str::to_owned)).collect();
    let wanted = [None, Some("\"a\""), Some("\"a\""), Some("\"a\""), Some("\"b\"")];
    assert_eq!(sent, wanted.map(|etag| etag.map(str::to_owned)));
    assert_eq!(app.journal.requests()[1].header("if-modified-since"), Some("Sun, 01 Mar 2026 09:00:00 GMT"));
    assert_eq!(ids(&app).await, [2]);
    assert_eq!((row(&app).await.failures, row(&app).await.error), (0, None));
});

on_both!(failures_put_it_off_and_the_next_answer_solves_them, |database| {
    let script =
        [list(&[1]), Reply::status(500), Reply::with(429, "Retry-After", "1800"), Reply::status(404), list(&[2, 1])];
    let app = app(Journal::start(script).await, "items: result", database).await;
    app.settle().await;
    app.advance(MINUTE).await;
    let failed = row(&app).await;
    assert_eq!((failed.failures, failed.due_at), (1, app.now().plus(2 * MINUTE)));
    assert!(failed.error.as_ref().is_some_and(|why| why.contains("500")), "{failed:?}");
    app.advance(2 * MINUTE).await;
    let throttled = row(&app).await;
    assert_eq!((throttled.failures, throttled.due_at), (2, app.now().plus(30 * MINUTE)), "as long as the service asks");
    app.advance(30 * MINUTE).await;
    assert_eq!((row(&app).await.failures, row(&app).await.due_at), (3, app.now().plus(8 * MINUTE)));
    app.advance(8 * MINUTE).await;
    let well = row(&app).await;
    assert_eq!((well.failures, well.error, well.due_at), (0, None, app.now().plus(MINUTE)));
    assert_eq!(ids(&app).await, [2], "a failure makes nothing old or new");
});

on_both!(an_answer_that_holds_no_list_is_a_failure_and_odd_items_are_told, |database| {
    let odd = Reply::Status(200, Vec::new(), r#"[{"id": 2}, {"name": "x"}, {"id": 2}, 7]"#.to_owned());
    let script = [Reply::Status(200, Vec::new(), r#"{"list": 5}"#.to_owned()), list(&[1]), odd];
    let app = app(Journal::start(script).await, "items: result", database).await;
    app.settle().await;
    let error = row(&app).await.error.unwrap();
    assert!(error.contains("a list is wanted at `result`, object seen"), "{error}");
    app.advance(2 * MINUTE).await;
    assert_eq!(ids(&app).await, Vec::<Value>::new(), "the first answer with a list is the baseline");
    app.advance(MINUTE).await;
    assert_eq!(ids(&app).await, [2]);
    let odd = row(&app).await.odd.unwrap();
    assert!(odd.contains("2 of 4 items have no `id`") && odd.contains("1 of 4 items share `id`"), "{odd}");
});

on_both!(conditions_decide_and_other_rules_hear_nothing, |database| {
    let journal = Journal::start([list(&[]), list(&[2, 1])]).await;
    let when = rule(&journal, "items: result").replace("do:", "when: { event.id: 2 }\ndo:");
    let mut more = database;
    more.insert("BELLWIRE_RUNNER_WORKERS".to_owned(), "2".to_owned());
    let other = "name: other\non: poll.received\ndo:\n- stop: never\n";
    let app = TestApp::on(journal, &[("new", &when), ("other", other)], "[sources.poll]\npublic = true\n", more).await;
    app.settle().await;
    app.advance(MINUTE).await;
    assert_eq!(ids(&app).await, [1, 2]);
    let runs = app.runs().await;
    assert_eq!(runs.iter().map(|run| run.rule.as_str()).collect::<Vec<_>>(), ["new"], "{runs:?}");
});

on_both!(a_cursor_goes_into_the_next_request, |database| {
    let page = |ids: &[u32], next: Value| {
        let items: Vec<Value> = ids.iter().map(|id| json!({"id": id})).collect();
        Reply::Status(200, Vec::new(), json!({"items": items, "next": next}).to_string())
    };
    let journal = Journal::start([page(&[1], json!("c1")), page(&[2], Value::Null), page(&[3], json!("c 3"))]).await;
    let text = rule(&journal, "items: result.items, cursor: result.next")
        .replace("/list\"", "/list\", query: { after: \"{{ poll.cursor }}\", since: \"{{ poll.last_at }}\" }");
    let app = TestApp::on(journal, &[("new", &text)], "", database).await;
    app.settle().await;
    app.advance(MINUTE).await;
    app.advance(MINUTE).await;
    let paths: Vec<String> = app.journal.requests().into_iter().map(|request| request.path).collect();
    assert_eq!(paths[0], "/list", "the first request has none");
    assert_eq!(paths[1], "/list?after=c1&since=2026-03-01T10%3A00%3A00Z");
    assert_eq!(paths[2], "/list?after=c1&since=2026-03-01T10%3A01%3A00Z", "no cursor leaves the one before");
    assert_eq!(row(&app).await.cursor, json!("c 3"));
    assert_eq!(ids(&app).await, [2, 3]);
});

on_both!(another_question_begins_anew_and_another_input_does_not, |database| {
    let app = app(Journal::start([list(&[1])]).await, "items: result", database).await;
    app.settle().await;
    let changed = rule(&app.journal, "items: result").replace("/list\"", "/list?state=open\"");
    app.write_rule("new", &changed);
    let app = app.restart_changed().await;
    app.journal.then([list(&[2, 1])]);
    app.advance(MINUTE).await;
    assert_eq!(ids(&app).await, [2], "the keys that were seen still count");
    app.write_rule("new", &changed.replace("/list?", "/others?"));
    let app = app.restart_changed().await;
    app.journal.then([list(&[9, 8]), list(&[10, 9])]);
    app.advance(MINUTE).await;
    assert_eq!(ids(&app).await, [2], "the first answer of another target is its baseline");
    app.advance(MINUTE).await;
    assert_eq!(ids(&app).await, [2, 10]);
});

on_both!(a_shorter_time_counts_at_once, |database| {
    let journal = Journal::start([list(&[1]), list(&[1])]).await;
    let long = rule(&journal, "items: result").replace("every: 1m", "every: 1d");
    let app = TestApp::on(journal, &[("new", &long)], "", database).await;
    app.settle().await;
    let short = rule(&app.journal, "items: result");
    app.write_rule("new", &short);
    let app = app.restart_changed().await;
    app.settle().await;
    assert_eq!(app.journal.requests().len(), 1, "and not before it has passed");
    app.advance(MINUTE).await;
    assert_eq!(app.journal.requests().len(), 2);
});

on_both!(feeds_are_items, |database| {
    let feed = |ids: &[u32]| {
        let items: String =
            ids.iter().map(|id| format!("<item><title>T{id}</title><guid>g{id}</guid></item>")).collect();
        let body =
            format!("<?xml version=\"1.0\"?><rss version=\"2.0\"><channel><title>News</title>{items}</channel></rss>");
        let head =
            format!("HTTP/1.1 200 OK\r\nContent-Type: application/rss+xml\r\nContent-Length: {}\r\n\r\n", body.len());
        Reply::Bytes(format!("{head}{body}").into_bytes())
    };
    let bomb =
        b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n<!DOCTYPE rss [<!ENTITY a \"aa\">]><rss>&a;</rss>".to_vec();
    let journal = Journal::start([feed(&[1]), feed(&[3, 2, 1]), Reply::Bytes(bomb)]).await;
    let text = rule(&journal, "items: feed").replace("key: id, ", "");
    let app = TestApp::on(journal, &[("new", &text)], "", database).await;
    app.settle().await;
    app.advance(MINUTE).await;
    let titles: Vec<Value> = payloads(&app).await.into_iter().map(|item| item["title"].clone()).collect();
    assert_eq!(titles, ["T2", "T3"]);
    app.advance(MINUTE).await;
    let error = row(&app).await.error.unwrap();
    assert!(error.contains("document type"), "{error}");
});

const PACK: &str = "name: desk\ntitle: Desk\nbase_url: https://desk.example.com\nauth: { bearer: desk_token }\nactions:\n  list:\n    \
    title: List\n    read: true\n    idempotent: true\n    inputs: {}\n    request: { method: GET, path: /list }\n    \
    result: body.items\n    paging: { items: body.items, next: body.next }\n";

on_both!(an_action_is_polled_through_its_connection_and_page_by_page, |database| {
    let journal = Journal::start([]).await;
    let page = |ids: &[u32], next: Value| {
        let items: Vec<Value> = ids.iter().map(|id| json!({"id": id, "by": "a-token-of-the-desk"})).collect();
        Reply::Status(200, vec![("ETag", "\"x\"".to_owned())], json!({"items": items, "next": next}).to_string())
    };
    journal.then([
        page(&[2], json!("/list?page=2")),
        page(&[1], Value::Null),
        page(&[4], json!("/list?page=2")),
        page(&[3, 2, 1], Value::Null),
    ]);
    let settings = format!("[services.desk]\nbase_url = \"http://{}\"\n", journal.address);
    let rule =
        "name: new items\non: { poll: { every: 1m, desk.list: {}, items: result, key: id } }\ndo:\n- stop: seen\n";
    let mut more = database;
    more.insert("BELLWIRE_SECRET_DESK_TOKEN".to_owned(), "a-token-of-the-desk".to_owned());
    let app = TestApp::with_packs(journal, &[("desk", PACK)], &[("new", rule)], &settings, more).await;
    app.settle().await;
    app.advance(MINUTE).await;
    assert_eq!(ids(&app).await, [3, 4]);
    let requests = app.journal.requests();
    assert!(requests.iter().all(|request| request.header("authorization") == Some("Bearer a-token-of-the-desk")));
    assert!(
        requests.iter().all(|request| request.header("if-none-match").is_none()),
        "one page's tag is not the list's"
    );
    assert!(payloads(&app).await.iter().all(|item| item["by"] != "a-token-of-the-desk"), "secrets are masked");
});
