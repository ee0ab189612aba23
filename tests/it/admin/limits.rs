//! What nobody may do so often or so large that others are held up, and what is kept of it.

use std::time::Duration;

use bellwire::{
    model::{Role, Scope},
    store::AuditFilter,
};
use serde_json::{Value, json};

use crate::support::{
    app::{TestApp, missed_call},
    browser::{Browser, FORM},
    journal::Journal,
};

const PASSWORD: &str = "correct horse battery";

/// A user with a password; its name.
async fn user(app: &TestApp, role: Role) -> (i64, String) {
    let (id, name) = app.user(role).await;
    let hash = bellwire::admin::hash_password(PASSWORD).unwrap();
    app.store().set_password(id, hash, None, app.now()).await.unwrap();
    (id, name)
}

/// What was refused, newest first: action, subject and reason.
async fn refused(app: &TestApp) -> Vec<String> {
    let filter = AuditFilter { outcome: Some("refused".to_owned()), limit: Some(500), ..AuditFilter::default() };
    let rows = app.store().audit(filter).await.unwrap();
    let told = |after: Option<String>| serde_json::from_str::<Value>(&after.unwrap_or_default()).unwrap_or_default();
    rows.into_iter().map(|row| format!("{} {} {}", row.action, row.subject, told(row.after)["reason"])).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn strangers_do_not_keep_the_refusals_of_users_out_of_the_audit_log() {
    let app = TestApp::start(Journal::start([]).await).await;
    let (_, name) = user(&app, Role::Editor).await;
    let stranger = Browser::new(&app);
    for _ in 0..130 {
        let headers = [("Sec-Fetch-Site", "cross-site"), ("Content-Type", FORM)];
        stranger.send("POST", "/login", &headers, Some("name=x".to_owned())).await.is(403);
    }
    let token = stranger.get("/login").await.is(200).input("token");
    let fields = [("token", token.as_str()), ("name", name.as_str()), ("password", "wrong wrong wrong")];
    stranger.form("/login", &fields).await.is(401);
    let kept = refused(&app).await;
    assert_eq!(kept[0], format!("login {name} \"wrong name or password\""));
    assert_eq!(kept.len(), 31, "those of one network are kept by a small number: {kept:?}");
    app.clock.advance(Duration::from_secs(60));
    stranger.form("/login", &fields).await.is(401);
    let kept = refused(&app).await;
    assert!(kept.iter().any(|row| row == "refusals.more 100 more refusals were not kept null"), "{kept:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_forged_form_is_in_the_audit_log() {
    let app = TestApp::start(Journal::start([]).await).await;
    let owner = app.sign_in(Role::Owner).await;
    let origin = owner.base.clone();
    for csrf in ["", "forged"] {
        let headers = [("Origin", origin.as_str()), ("X-CSRF", csrf), ("Content-Type", FORM)];
        owner.send("POST", "/users", &headers, Some("name=eve&email=&role=owner".to_owned())).await.is(403);
    }
    let kept = refused(&app).await;
    assert_eq!(kept, vec!["request POST /users \"the token against forgery is missing or wrong\"".to_owned(); 2]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_link_ends_once_its_user_has_chosen_a_password_elsewhere() {
    let app = TestApp::start(Journal::start([]).await).await;
    let owner = app.sign_in(Role::Owner).await;
    let (id, _) = user(&app, Role::Viewer).await;
    let made = owner.post(&format!("/users/{}/link", bellwire::ids::UserId(id)), &[]).await.is(200).text;
    let token = made.split("/setup?token=").nth(1).and_then(|rest| rest.get(..64)).unwrap().to_owned();
    let link = format!("/setup?token={token}");
    Browser::new(&app).get(&link).await.is(200);
    let hash = bellwire::admin::hash_password("staple battery horse").unwrap();
    app.store().set_password(id, hash, None, app.now()).await.unwrap();
    Browser::new(&app).get(&link).await.is(404);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_login_of_a_connection_asks_for_the_password_again() {
    let app = TestApp::start(Journal::start([]).await).await;
    let owner = app.sign_in(Role::Owner).await;
    app.clock.advance(Duration::from_mins(11));
    for what in ["login", "logout"] {
        let asked = owner.post(&format!("/connections/groove/{what}"), &[]).await.is(303);
        assert_eq!(asked.location, "/reauth?next=%2Fconnections");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_open_page_that_asks_by_itself_keeps_no_session_open() {
    let app = TestApp::start(Journal::start([]).await).await;
    let browser = app.sign_in(Role::Viewer).await;
    let seen = async || app.store().sessions_of(browser.user).await.unwrap()[0].seen_at;
    let begun = seen().await;
    app.clock.advance(Duration::from_mins(5));
    for path in ["/events/live", "/events/more?q=x", "/jobs/job_0000000000001/progress", "/runs/run_0000000000001/live"]
    {
        browser.get(path).await;
        assert_eq!(seen().await, begun, "{path}");
    }
    let headers = [("HX-Request", "true"), ("HX-Target", "now"), ("Sec-Fetch-Site", "same-origin")];
    browser.send("GET", "/?window=24h", &headers, None).await.is(200);
    assert_eq!(seen().await, begun, "the overview, for itself");
    browser.get("/events").await.is(200);
    assert_ne!(seen().await, begun, "a person");
}

/// A rule that takes long to compile.
fn heavy(conditions: usize) -> String {
    let lines: Vec<String> =
        (0..conditions).map(|n| format!("  - event.f{n}: {{ matches: \"(a+)+K{n}[a-z]{{1,100}}\" }}\n")).collect();
    format!("name: Heavy\non: gruveo.call\nwhen:\n{}do:\n  - wait: 1d\n", lines.concat())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn drafts_are_checked_in_turn_and_not_beyond_a_size() {
    let app = TestApp::start(Journal::start([]).await).await;
    let token = app.token(Role::Viewer, &[Scope::Read]).await;
    let ask = async |path: &str, body: Value| app.api(&token, "POST", path, Some(&body)).await;
    let half = |n: usize| json!({"path": format!("rules/x{n}.yaml"), "text": "#".repeat(262_200)});
    let large = json!({"drafts": [half(1), half(2)]});
    for path in ["/api/v1/check", "/api/v1/backtest"] {
        assert_eq!(ask(path, large.clone()).await.status, 413, "{path}");
    }
    let dry = json!({"path": "rules/x.yaml", "text": "#".repeat(524_289)});
    assert_eq!(ask("/api/v1/dry-run", dry).await.status, 413);

    let drafts = json!({"drafts": [{"path": "rules/x.yaml", "text": heavy(200)}]});
    let begun = std::time::Instant::now();
    let alone = ask("/api/v1/check", drafts.clone()).await;
    assert_eq!(alone.status, 200, "{alone:?}");
    let one = begun.elapsed();
    let all = futures_util::future::join_all((0..40).map(|_| ask("/api/v1/check", drafts.clone()))).await;
    let refused: Vec<_> = all.iter().filter(|answer| answer.status == 429).collect();
    assert!(!refused.is_empty() && all.iter().all(|answer| matches!(answer.status, 200 | 429)), "{one:?} {all:?}");
    assert!(refused.iter().all(|answer| answer.headers["retry-after"] == "5"));
    assert!(all.iter().any(|answer| answer.status == 200));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn one_person_searches_bodies_in_turn() {
    let app = TestApp::start(Journal::start([]).await).await;
    for n in 0..6 {
        let mut call = missed_call(&n.to_string());
        call["text"] = json!("x".repeat(300_000));
        assert_eq!(app.call(&call).await.status, 202);
    }
    let browser = app.sign_in(Role::Viewer).await;
    let path = "/events?when=event.text%3A%20%7Bmatches%3A%20%22(.*)%7B1%2C30%7Dz%22%7D";
    browser.get(path).await.is(200);
    let all = futures_util::future::join_all((0..60).map(|_| browser.get(path))).await;
    assert!(all.iter().all(|shown| matches!(shown.status, 200 | 429)));
    assert!(all.iter().any(|shown| shown.status == 429), "nobody was told to come back");
    assert!(all.iter().any(|shown| shown.status == 200));
    browser.get("/events").await.is(200);
}
