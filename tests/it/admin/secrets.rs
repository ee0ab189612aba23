//! `/secrets`: values go in and never come out.

use bellwire::{model::Role, store::AuditFilter};

use crate::support::{app::TestApp, browser::Browser, journal::Journal};

const VALUE: &str = "correct-horse-battery-9f3a";

/// None of it, and nothing of it beyond four characters, may turn up anywhere.
async fn nowhere(app: &TestApp, browser: &Browser) {
    for path in ["/secrets", "/secrets?did=set", "/secrets/set?name=gruveo_key", "/audit", "/settings", "/connections"]
    {
        let shown = browser.get(path).await.is(200);
        assert!(!shown.text.contains("horse") && !shown.text.contains("9f3a"), "{path}: {}", shown.text);
    }
    for row in app.store().audit(AuditFilter::default()).await.unwrap() {
        assert!(!format!("{row:?}").contains("horse"), "{row:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_value_is_set_replaced_and_removed_and_never_shown() {
    let app = TestApp::start(Journal::start([]).await).await;
    let owner = app.sign_in(Role::Owner).await;
    let origins = "https://api.example.com\nhttps://other.example.com:8443";
    let fields = [("name", "some_key"), ("value", VALUE), ("origins", origins), ("overlap", "")];
    let set = owner.post("/secrets", &fields).await.is(303);
    assert_eq!(set.location, "/secrets?did=set");
    nowhere(&app, &owner).await;
    let list = owner.get("/secrets").await.is(200).text;
    assert!(list.contains("some_key") && list.contains("https://other.example.com:8443"), "{list}");
    assert!(!list.contains("Retire the earlier value"), "{list}");

    // Refused ones are not sent back either.
    for bad in [
        [("name", "some_key"), ("value", "horse"), ("origins", ""), ("overlap", "")],
        [("name", "Some Key"), ("value", VALUE), ("origins", ""), ("overlap", "")],
        [("name", "some_key"), ("value", VALUE), ("origins", "nonsense"), ("overlap", "")],
    ] {
        let refused = owner.post("/secrets", &bad).await.is(422);
        assert!(!refused.text.contains("horse"), "{}", refused.text);
    }

    let fields = [("name", "some_key"), ("value", "another-horse-entirely"), ("origins", ""), ("overlap", "48h")];
    owner.post("/secrets", &fields).await.is(303);
    assert!(owner.get("/secrets").await.text.contains("Retire the earlier value"));
    owner.post("/secrets/some_key/retire", &[]).await.is(303);
    owner.post("/secrets/some_key/retire", &[]).await.is(409);
    owner.post("/secrets/some_key/remove", &[]).await.is(303);
    owner.post("/secrets/some_key/remove", &[]).await.is(404);
    nowhere(&app, &owner).await;
    let actions: Vec<String> = app
        .store()
        .audit(AuditFilter { action: Some("secret.".to_owned()), ..AuditFilter::default() })
        .await
        .unwrap()
        .into_iter()
        .map(|row| row.action)
        .collect();
    assert_eq!(actions, ["secret.remove", "secret.retire", "secret.set", "secret.set"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_password_is_asked_again_before_a_secret_is_changed() {
    let app = TestApp::start(Journal::start([]).await).await;
    let owner = app.sign_in(Role::Owner).await;
    app.advance(std::time::Duration::from_mins(11)).await;
    let led = owner.get("/secrets/set?name=some_key").await.is(303);
    assert_eq!(led.location, "/reauth?next=%2Fsecrets%2Fset%3Fname%3Dsome_key");
    let fields = [("name", "some_key"), ("value", VALUE), ("origins", ""), ("overlap", "")];
    assert!(owner.post("/secrets", &fields).await.is(303).location.starts_with("/reauth"));
    owner.get("/secrets").await.is(200);
    let editor = app.sign_in(Role::Editor).await;
    editor.get("/secrets").await.is(403);
}
