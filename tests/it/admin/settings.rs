//! `/settings` and `/audit`.

use std::collections::BTreeMap;

use bellwire::{clock::Time, ids::first_at, model::Role, store::AuditRow};

use crate::support::{app::TestApp, journal::Journal};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn settings_tell_what_is_in_force_and_what_retention_would_delete() {
    let app = TestApp::start(Journal::start([]).await).await;
    let owner = app.sign_in(Role::Owner).await;
    let page = owner.get("/settings").await.is(200).text;
    for told in ["[retention]", "[server]", "public_url", "SQLite", env!("CARGO_PKG_VERSION")] {
        assert!(told == "public_url" || page.contains(told), "{told}: {page}");
    }
    let page = owner.get("/settings?days=1&rows=1000").await.is(200).text;
    assert!(page.contains("Would be deleted") && page.contains("nothing"), "{page}");
    for bad in ["days=0", "days=x", "rows=1", "days=99999999999"] {
        let page = owner.get(&format!("/settings?{bad}")).await;
        assert!(page.status == 400 || page.text.contains("wanted"), "{bad}: {}", page.text);
    }
    app.sign_in(Role::Editor).await.get("/settings").await.is(403);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_secret_tells_what_uses_it_also_the_server_itself() {
    let settings = "[sources.shop]\nverify = \"generic\"\n\
        [oidc]\nissuer = \"https://id.example.com\"\nclient_id = \"bellwire\"\nclient_secret = \"oidc_key\"\n";
    let url = ("BELLWIRE_SERVER_PUBLIC_URL".to_owned(), "https://bellwire.example.com".to_owned());
    let app = TestApp::on(Journal::start([]).await, &[], settings, BTreeMap::from([url])).await;
    let owner = app.sign_in(Role::Owner).await;
    owner
        .post("/secrets", &[("name", "groove_profile_token"), ("value", "profile-token-1"), ("origins", "")])
        .await
        .is(303);
    let page = owner.get("/secrets").await.is(200).text;
    for used in ["readers of /profile/groove", "sign-in through [oidc]", "deliveries to /hooks/shop"] {
        assert!(page.contains(used), "{used}: {page}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_audit_log_is_read_page_by_page_and_filtered() {
    let app = TestApp::start(Journal::start([]).await).await;
    let owner = app.sign_in(Role::Owner).await;
    for n in 0..120 {
        let row = AuditRow {
            id: 1_000_000 + n,
            at: app.now(),
            who: if n % 2 == 0 { "ada" } else { "<b>bob</b>" }.to_owned(),
            user: None,
            token: None,
            action: if n == 7 { "rule.save" } else { "run.cancel" }.to_owned(),
            subject: format!("thing-{n}."),
            before: Some(r#"{"enabled":true}"#.to_owned()),
            after: Some(r#"{"enabled":false}"#.to_owned()),
            peer: String::new(),
            outcome: "done".to_owned(),
        };
        app.store().keep_audit(row).await.unwrap();
    }
    let mut place = "/audit?action=run.".to_owned();
    let mut seen = 0;
    for _ in 0..5 {
        let page = owner.get(&place).await.is(200).text;
        assert!(!page.contains("<b>bob") && !page.contains("rule.save</span>"), "{page}");
        seen += page.matches("thing-").count();
        let Some(next) =
            page.split("href=\"").filter_map(|rest| rest.split('"').next()).find(|href| href.contains("before="))
        else {
            break;
        };
        place = next.replace("&#38;", "&").replace("&amp;", "&");
    }
    assert_eq!(seen, 119, "every row once");
    let page = owner.get("/audit?who=ada&subject=thing-4.").await.is(200).text;
    assert_eq!(page.matches(">thing-").count(), 1, "{page}");
    assert!(page.contains("<del>  &#34;enabled&#34;: true</del>"), "{page}");
    // Rows of two days, and the borders between them: from one instant on, and up to another.
    let day = |text: &str| Time::parse(text).unwrap();
    for (n, at) in ["2026-03-02T00:00:00Z", "2026-03-02T23:59:59Z", "2026-03-03T00:00:00Z"].into_iter().enumerate() {
        let row = AuditRow {
            id: first_at(day(at)),
            at: day(at),
            who: "carl".to_owned(),
            user: None,
            token: None,
            action: "run.cancel".to_owned(),
            subject: format!("late-{n}."),
            before: None,
            after: None,
            peer: String::new(),
            outcome: "done".to_owned(),
        };
        app.store().keep_audit(row).await.unwrap();
    }
    for (query, wanted) in [
        ("from=2026-03-02&until=2026-03-03", vec!["late-1.", "late-0."]),
        ("from=2026-03-02T00:01", vec!["late-2.", "late-1."]),
        ("until=2026-03-02T00:00:01Z&who=carl", vec!["late-0."]),
        ("from=2026-03-04", vec![]),
    ] {
        let page = owner.get(&format!("/audit?{query}")).await.is(200).text;
        let seen: Vec<&str> =
            page.split(">late-").skip(1).map(|rest| rest.split('<').next().unwrap_or_default()).collect();
        let wanted: Vec<&str> = wanted.iter().map(|subject| subject.trim_start_matches("late-")).collect();
        assert_eq!(seen, wanted, "{query}");
    }
    owner.get("/audit?from=yesterday").await.is(400);
    owner.get("/audit?action=%25").await.is(400);
    owner.get("/audit?before=nonsense").await.is(400);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn risky_settings_are_one_line_on_the_overview_and_among_the_settings_alone() {
    let settings = "[sources.box]\npublic = true\n[sources.shed]\npublic = true\n";
    let app = TestApp::with(Journal::start([]).await, &[], settings).await;
    let owner = app.sign_in(Role::Owner).await;
    for path in ["/", "/settings"] {
        let page = owner.get(path).await.is(200).text;
        let line = "<summary>2 settings are risky: sources.box.public, sources.shed.public</summary>";
        assert!(page.contains(line) && page.contains("whoever knows the address of /hooks/shed"), "{path}: {page}");
    }
    for path in ["/events", "/rules", "/problems", "/sources"] {
        let page = owner.get(path).await.is(200).text;
        assert!(!page.contains("risky") && !page.contains("whoever knows the address of"), "{path}: {page}");
    }
    let page = app.sign_in(Role::Viewer).await.get("/").await.is(200).text;
    assert!(!page.contains("risky"), "{page}");
}
