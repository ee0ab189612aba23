//! The page of the editor: which files it opens, what it shows without scripts, and what it is told of an event.

use bellwire::model::Role;
use serde_json::{Value, json};

use crate::support::{
    app::{TestApp, event_id, missed_call},
    journal::Journal,
};

async fn get(app: &TestApp, path: &str) -> (u16, String) {
    let headers = [("Accept", "application/json"), ("Sec-Fetch-Site", "same-origin")];
    let shown = app.sign_in(Role::Owner).await.send("GET", path, &headers, None).await;
    (shown.status, shown.text)
}

#[tokio::test(flavor = "multi_thread")]
async fn the_editor_shows_a_rule_as_text_also_where_no_script_runs() {
    let hostile = "name: x\non: gruveo.call # </textarea><script>alert(1)</script>\ndo: [{ stop: done }]\n";
    let app = TestApp::with(Journal::start([]).await, &[("hostile", hostile)], "").await;
    let (status, page) = get(&app, "/rules/edit?path=rules/hostile.yaml&event=%22%3E%3Cscript%3E").await;
    assert_eq!(status, 200, "{page}");
    assert!(page.contains("&#60;script&#62;alert(1)"), "{page}");
    assert!(!page.contains("<script>") && !page.contains("style="), "{page}");
    assert!(page.contains("in force") && page.contains("data-may-edit=\"true\""), "{page}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_editor_opens_files_of_rules_alone() {
    let app = TestApp::start(Journal::start([]).await).await;
    for path in ["bellwire.toml", "rules/../bellwire.toml", "rules/%2e%2e/x.yaml", "rules/.git.yaml", "/etc/passwd"] {
        assert_eq!(get(&app, &format!("/rules/edit?path={path}")).await.0, 400, "{path}");
    }
    let (status, page) = get(&app, "/rules/edit?path=rules/new/one.yaml").await;
    assert_eq!(status, 200);
    assert!(page.contains("New rule new/one") && page.contains("not a file yet"), "{page}");
    assert_eq!(get(&app, "/rules/edit").await.0, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_and_a_sample_are_told_as_rules_see_them() {
    let app = TestApp::start(Journal::start([]).await).await;
    let id = event_id(&app.call(&missed_call("42")).await);
    app.settle().await;
    let (status, stored) = get(&app, &format!("/rules/edit/event?event={id}")).await;
    let stored: Value = serde_json::from_str(&stored).unwrap();
    assert_eq!((status, &stored["event"]["tracking"]["ticket"]), (200, &json!("42")), "{stored}");
    assert_eq!((&stored["type"], &stored["trigger"]["id"]), (&json!("gruveo.call"), &json!(id.to_string())));
    let (status, sample) = get(&app, "/rules/edit/event?sample=gruveo.call/missed").await;
    let sample: Value = serde_json::from_str(&sample).unwrap();
    assert_eq!((status, &sample["event"]["resolution"]), (200, &json!("missed")), "{sample}");
    for (wrong, status) in [
        ("", 400),
        ("?event=evt_", 400),
        ("?sample=no.such", 400),
        ("?event=evt_00000000000000", 400),
        ("?event=evt_01hf3y8a9d000", 404),
    ] {
        let (seen, body) = get(&app, &format!("/rules/edit/event{wrong}")).await;
        let body: Value = serde_json::from_str(&body).unwrap();
        assert!(seen == status && body["error"]["message"].is_string(), "{wrong} {seen} {body}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_code_has_a_page_that_says_what_it_means() {
    let app = TestApp::start(Journal::start([]).await).await;
    let (status, page) = get(&app, "/rules/codes/r001").await;
    assert_eq!(status, 200);
    assert!(page.contains("<h1>R001</h1>") && page.contains("<strong>The file is not YAML</strong>"), "{page}");
    assert_eq!(get(&app, "/rules/codes/R999").await.0, 404);
}
