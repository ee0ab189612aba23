//! `/sources`: what is shown of the ways in, and what pausing one does.

use std::time::Duration;

use bellwire::{model::RunStatus, store::Resolution};
use serde_json::json;

use super::visit::Visit;
use crate::support::{
    app::{MISSED, TestApp, missed_call, states},
    both::on_both,
    journal::Journal,
};

on_both!(runs_of_a_paused_source_wait_and_go_on_in_their_order, |database| {
    let settings = "[runner]\nworkers = 1\n";
    let app = TestApp::on(Journal::start([]).await, &[("calls/missed", MISSED)], settings, database).await;
    let visit = Visit::owner(&app).await;
    assert_eq!(visit.send("/sources/gruveo", "/sources/gruveo/pause", &[]).await.status, 303);
    visit.send("/sources/gruveo", "/sources/gruveo/pause", &[]).await.status(409).with("paused already");
    for ticket in ["1", "2", "3"] {
        assert_eq!(app.call(&missed_call(ticket)).await.status, 202);
    }
    app.advance(Duration::from_hours(2)).await;
    assert_eq!(states(&app.runs().await), [RunStatus::Held; 3]);
    assert!(app.journal.requests().is_empty());
    let waiting = app.runs().await[0].clone();
    assert_eq!(waiting.why.as_deref(), Some("its source is paused"));
    assert!(!app.store().resolve(waiting.id, Resolution::Done, app.now()).await.unwrap());
    assert!(app.store().cancel(app.runs().await[1].id, app.now()).await.unwrap());
    visit.get("/sources").await.with("badge-paused").with("; 3 runs wait");
    let path = format!("/runs/{}", waiting.id);
    let page = visit.get(&path).await.with("was paused by").with("href=\"/sources/gruveo\"");
    page.without("blown fuse").without("Release all").without("What became of");
    visit.send(&path, &format!("{path}/resolve"), &[("as", "done")]).await.status(409).with("source is resumed");
    let event = format!("/events/{}", app.runs().await[0].event);
    for path in ["/", "/problems", &event] {
        visit.get(path).await.with("The source <a href=\"/sources/gruveo\">").with("3 runs wait for it");
    }
    visit.get("/").await.with("3 wait for a paused source");
    visit.get("/sources/gruveo").await.with(" has paused it").with("Resume");

    let app = app.restart().await;
    let visit = Visit::owner(&app).await;
    app.call(&missed_call("4")).await;
    app.settle().await;
    assert!(app.journal.requests().is_empty(), "it is paused after a restart too");
    assert_eq!(visit.send("/sources/gruveo", "/sources/gruveo/resume", &[]).await.status, 303);
    app.settle().await;
    let sent: Vec<String> = app.journal.requests().iter().map(|request| request.path.clone()).collect();
    assert_eq!(sent.len(), 3, "{sent:?}");
    for (path, ticket) in sent.iter().zip(["1", "3", "4"]) {
        assert!(path.contains(&format!("/tickets/{ticket}/")), "{sent:?}");
    }
    let mut ended = states(&app.runs().await);
    ended.sort_by_key(|status| status.code());
    assert_eq!(ended, [RunStatus::Ok, RunStatus::Ok, RunStatus::Ok, RunStatus::Cancelled]);
    app.call(&missed_call("5")).await;
    app.settle().await;
    assert_eq!(app.journal.requests().len(), 4);
    visit.send("/sources/gruveo", "/sources/gruveo/resume", &[]).await.status(409).with("not paused");
    visit.get("/sources/gruveo").await.without("badge-paused").with("gruveo.call");
});

const GATED: &str = "name: gathered\non: gruveo.call\ndigest: { every: 10m }\ndo:\n- stop: done\n";
const COUNTED: &str = "name: counted\non: gruveo.call\nthreshold: { count: 2, within: 1h }\nfuse: { count: 1, within: 1h }\ndo:\n- stop: done\n";

on_both!(gates_count_while_a_source_is_paused_and_what_they_let_through_waits, |database| {
    let rules = [("gathered", GATED), ("counted", COUNTED)];
    let app = TestApp::on(Journal::start([]).await, &rules, "", database).await;
    app.store().pause_source("gruveo".to_owned(), "anna".to_owned(), app.now()).await.unwrap();
    for ticket in 0..4 {
        app.call(&missed_call(&ticket.to_string())).await;
    }
    app.settle().await;
    let of = |runs: &[bellwire::store::RunRow], rule: &str| {
        runs.iter().filter(|run| run.rule == rule).map(|run| run.status).collect::<Vec<_>>()
    };
    let runs = app.runs().await;
    assert_eq!(of(&runs, "gathered"), [RunStatus::Collecting]);
    assert_eq!(of(&runs, "counted"), [RunStatus::Held, RunStatus::Held]);
    app.advance(Duration::from_mins(11)).await;
    assert_eq!(of(&app.runs().await, "gathered"), [RunStatus::Held], "its window is over, and it does not begin");
    // The fuse holds the second one too: neither who mends it nor who resumes the source lets it go alone.
    assert_eq!(app.store().resume_source("gruveo".to_owned(), app.now()).await.unwrap(), Some(3));
    app.advance(Duration::from_secs(1)).await;
    let runs = app.runs().await;
    assert_eq!(of(&runs, "gathered"), [RunStatus::Ok]);
    assert_eq!(of(&runs, "counted"), [RunStatus::Held, RunStatus::Held], "{runs:?}");
    assert!(runs.iter().all(|run| run.status == RunStatus::Ok || run.why.as_ref().unwrap().contains("fuse")));
    app.store().release("counted".to_owned(), app.now()).await.unwrap();
    app.settle().await;
    assert_eq!(of(&app.runs().await, "counted"), [RunStatus::Ok, RunStatus::Ok]);
});

#[tokio::test(flavor = "multi_thread")]
async fn sources_are_shown_with_address_proof_and_what_is_missing() {
    let settings = "[sources.door]\npublic = true\n\n[sources.shop]\nservice = \"github\"\nexpect = \"1h\"\n\n\
                    [sources.odd]\n";
    let app = TestApp::unchecked(Journal::start([]).await, &[("calls/missed", MISSED)], settings).await;
    let visit = Visit::owner(&app).await;
    app.call(&missed_call("7")).await;
    app.post("/hooks/gruveo", &[], "{}").await;
    app.refusals(1).await;
    app.post("/hooks/door", &[("Content-Type", "application/json")], json!({"a": 1}).to_string()).await;
    let address = app.app.address();
    visit
        .get("/sources")
        .await
        .status(200)
        .with(&format!("http://{address}/hooks/gruveo"))
        .with("nothing: public")
        .with("github_hook_secret")
        .with("expected every 1h")
        .with("nothing says how its deliveries are proven");
    visit
        .get("/sources/gruveo")
        .await
        .with("openssl dgst -sha256")
        .with("bellwire send gruveo.call --sample missed --set tracking.ticket=42")
        .with("$(date +%s)000")
        .with("&#34;ticket&#34;:&#34;42&#34;")
        .with("Refused lately")
        .with("gruveo")
        .with("gruveo.call");
    visit.get("/sources/door").await.with("This source is public").with("door.received");
    visit.get("/sources/nothing").await.status(404);
    visit.get("/sources/%3Cscript%3E").await.status(404).without("<script>");
}
