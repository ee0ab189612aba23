//! Addresses that nothing answers: a page for browsers, JSON for everybody else.

use bellwire::model::Role;

use crate::support::{app::TestApp, browser::Browser, journal::Journal};

#[tokio::test(flavor = "multi_thread")]
async fn a_browser_that_went_astray_gets_a_page_and_a_machine_gets_json() {
    let app = TestApp::start(Journal::start([]).await).await;
    for browser in [Browser::new(&app), app.sign_in(Role::Viewer).await] {
        let html = [("Accept", "text/html,application/xhtml+xml"), ("Sec-Fetch-Mode", "navigate")];
        let page = browser.send("GET", "/no/such", &html, None).await;
        assert_eq!(page.status, 404);
        assert!(
            page.text.contains("There is no page at this address") && page.text.contains("href=\"/\""),
            "{}",
            page.text
        );
        let header = |name: &str| page.headers.get(name).unwrap().to_str().unwrap().to_owned();
        assert!(header("content-type").starts_with("text/html"));
        assert!(header("content-security-policy").contains("default-src 'none'"));
        for (path, accept) in [("/no/such", "*/*"), ("/hooks/no-such", "text/html"), ("/api/v1/no-such", "text/html")] {
            let told = browser.send("GET", path, &[("Accept", accept)], None).await;
            assert!(told.text.starts_with("{\"error\""), "{path} {accept}: {}", told.text);
        }
    }
}
