//! `/settings` and `/audit`.

use bellwire::{model::Role, store::AuditRow};

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
    owner.get("/audit?action=%25").await.is(400);
    owner.get("/audit?before=nonsense").await.is(400);
}
