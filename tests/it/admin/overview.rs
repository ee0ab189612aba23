//! The overview, through HTTP.

use std::time::Duration;

use bellwire::model::Role;
use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use crate::support::{
    app::{TestApp, missed_call},
    both::on_both,
    journal::Journal,
};

/// A page as a browser sees it.
pub(super) struct Seen {
    pub(super) status: u16,
    pub(super) headers: Vec<(String, String)>,
    pub(super) bytes: Vec<u8>,
    pub(super) text: String,
}

impl Seen {
    /// Empty where there is none.
    pub(super) fn header(&self, name: &str) -> &str {
        self.headers.iter().find(|(known, _)| known == name).map_or("", |(_, value)| value)
    }
}

pub(super) async fn get(app: &TestApp, path: &str) -> Seen {
    get_with(app, path, &[]).await
}

pub(super) async fn get_with(app: &TestApp, path: &str, headers: &[(&str, &str)]) -> Seen {
    let answer = app.sign_in(Role::Owner).await.begin("GET", path, headers, None).await;
    let status = answer.status().as_u16();
    let told = answer.headers().iter();
    let headers = told.map(|(name, value)| (name.to_string(), value.to_str().unwrap().to_owned())).collect();
    #[expect(clippy::disallowed_methods, reason = "an answer of our own server")]
    let bytes = answer.bytes().await.unwrap().to_vec();
    Seen { status, headers, text: String::from_utf8_lossy(&bytes).into_owned(), bytes }
}

/// A path that no client makes tidy on its way.
pub(super) async fn raw(app: &TestApp, path: &str) -> Seen {
    let mut socket = tokio::net::TcpStream::connect(app.app.address()).await.unwrap();
    let request = format!("GET {path} HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n\r\n", app.app.address());
    socket.write_all(request.as_bytes()).await.unwrap();
    let mut bytes = Vec::new();
    socket.read_to_end(&mut bytes).await.unwrap();
    let text = String::from_utf8_lossy(&bytes).into_owned();
    let status = text.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap_or(0);
    Seen { status, headers: Vec::new(), bytes, text }
}

/// The page, once the counts of the last second are written.
async fn counted(app: &TestApp, path: &str, wanted: &str) -> String {
    for _ in 0..200 {
        let page = get(app, path).await;
        assert_eq!(page.status, 200, "{}", page.text);
        if page.text.contains(wanted) {
            return page.text;
        }
        tokio::time::sleep(Duration::from_millis(25)).await;
    }
    panic!("{path} does not say {wanted}");
}

/// The text between two others.
fn between<'t>(text: &'t str, from: &str, to: &str) -> &'t str {
    let rest = text.split_once(from).unwrap_or_else(|| panic!("no {from} in {text}")).1;
    rest.split_once(to).unwrap_or_else(|| panic!("no {to} in {rest}")).0
}

#[tokio::test(flavor = "multi_thread")]
async fn a_fresh_installation_is_told_what_to_do_next() {
    let app = TestApp::start(Journal::start([]).await).await;
    let page = get(&app, "/").await.text;
    let steps = between(&page, "<h2>First steps</h2>", "</ol>");
    let send = "bellwire send gruveo.call --sample missed --set tracking.ticket=42";
    assert!(steps.contains(send), "what a rule runs on: {steps}");
    assert_eq!(steps.matches("is-done").count(), 2, "source and rule are there: {steps}");
    assert!(!app.store().has_runs().await.unwrap());

    app.call(&missed_call("42")).await;
    app.settle().await;
    let page = get(&app, "/").await.text;
    assert!(!page.contains("First steps"), "{page}");
}

on_both!(the_overview_tells_what_came_in_and_what_became_of_it, |database| {
    let rules = [
        ("calls/missed", crate::support::app::MISSED),
        ("nightly", "name: Nightly\non: { schedule: { cron: \"30 6 * * *\" } }\ndo: [{ stop: \"done\" }]\n"),
    ];
    let app = TestApp::on(Journal::start([]).await, &rules, "", database).await;
    app.call(&missed_call("41")).await;
    app.call(&missed_call("42")).await;
    app.call(&missed_call("42")).await;
    app.post("/hooks/gruveo", &[("X-Gruveo-SHA256-HMAC", "00")], "{}").await;
    app.settle().await;

    let page = counted(&app, "/?window=hour", "Events received: 2 accepted, 1 duplicate, 1 refused").await;
    let page = if page.contains("Runs finished: 2 ok") {
        page
    } else {
        counted(&app, "/?window=hour", "Runs finished: 2 ok").await
    };
    assert!(page.contains("<dt>Success</dt><dd>100 %"), "{page}");
    assert!(page.contains("at 06:30") && page.contains("href=\"/rules/nightly\""), "{page}");
    assert!(page.contains("aria-current=\"page\">1 h</a>"), "{page}");
    // The same numbers as a table, of the minute alone in which there was anything.
    let chart = between(&page, "id=\"deliveries-title\"", "</section>");
    assert_eq!(chart.matches("<tr>").count(), 2, "{chart}");
    assert_eq!(chart.matches("<g class=\"bucket\">").count(), 60);
    assert!(chart.contains("<title>2026-03-01 10:00 UTC: 2 accepted, 1 duplicate, 1 refused</title>"), "{chart}");

    app.clock.advance(Duration::from_secs(2 * 3600));
    let later = get(&app, "/?window=hour").await.text;
    assert!(later.contains("Events received: 0 accepted"), "{later}");
    let day = get(&app, "/?window=nonsense").await.text;
    assert!(day.contains("Events received: 2 accepted") && day.contains("aria-current=\"page\">24 h</a>"), "{day}");
    let digest = app.store().set_digest(app.store().in_force().await.unwrap().unwrap()).await.unwrap().unwrap();
    assert!(page.contains(&digest[..12]), "{page}");
});

#[tokio::test(flavor = "multi_thread")]
async fn what_failed_is_named_with_a_way_to_it_and_what_is_foreign_is_text() {
    let rule = "name: Broken\non: gruveo.call\ndo: [{ fail: \"<script>alert(1)</script>\" }]\n";
    let app = TestApp::with(Journal::start([]).await, &[("broken", rule)], "").await;
    app.call(&missed_call("42")).await;
    app.settle().await;
    let problem = bellwire::model::Problem {
        fingerprint: "test:1".to_owned(),
        kind: "silence",
        subject: "<img src=x>".to_owned(),
        message: "\"><script>alert(2)</script>".to_owned(),
    };
    app.store().raise(problem, app.now()).await.unwrap();
    let run = app.only_run().await.row.id;
    let page = counted(&app, "/", "1 failed").await;
    assert!(page.contains(&format!("<a href=\"/runs/{run}\">broken</a>")), "{page}");
    assert!(page.contains("&#60;img src=x&#62;"), "{page}");
    assert!(!page.contains("<script>") && !page.contains("<img src=x>"), "{page}");
    assert!(page.contains("<dt>Success</dt><dd>0 %"), "{page}");
    assert!(!page.contains("style=") && !page.contains("onclick"), "{page}");
}

#[tokio::test(flavor = "multi_thread")]
async fn files_that_are_held_back_are_told_of_on_every_page() {
    let app = TestApp::unchecked(
        Journal::start([]).await,
        &[("calls/missed", crate::support::app::MISSED), ("bad", "on: 5\n")],
        "",
    )
    .await;
    let page = get(&app, "/").await.text;
    assert!(page.contains("1 file is held back."), "{page}");
    let body = json!({"not": "signed"}).to_string();
    assert_eq!(app.post("/hooks/gruveo", &[], body).await.status, 401);
}
