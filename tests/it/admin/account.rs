//! `/account`: one's own password, address and sessions; and `/reauth`.

use bellwire::{model::Role, store::AuditFilter};

use crate::support::{app::TestApp, browser::Browser, journal::Journal};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_new_password_ends_the_other_sessions_and_gives_this_one_a_new_id() {
    let app = TestApp::start(Journal::start([]).await).await;
    let browser = app.sign_in(Role::Editor).await;
    let (old, new) = ("correct horse battery", "staple battery horse");
    let hash = bellwire::admin::hash_password(old).unwrap();
    let own = bellwire::admin::digest(&browser.cookie("bellwire").unwrap());
    app.store().set_password(browser.user, hash, Some(own), app.now()).await.unwrap();

    let other = Browser::new(&app);
    let token = other.get("/login").await.input("token");
    let fields = [("token", token.as_str()), ("name", browser.name.as_str()), ("password", old)];
    other.form("/login", &fields).await.is(303);
    let page = browser.get("/account").await.is(200);
    assert!(page.text.contains(&browser.name) && page.text.contains("End all others"), "{}", page.text);

    let change = async |current: &str, password: &str, again: &str| {
        browser.post("/account/password", &[("current", current), ("password", password), ("again", again)]).await
    };
    change("wrong wrong wrong", new, new).await.is(401);
    change(old, "short", "short").await.is(422);
    change(old, new, "something else").await.is(422);
    other.get("/").await.is(200);
    let before = browser.cookie("bellwire").unwrap();
    change(old, new, new).await.is(303);
    assert_ne!(browser.cookie("bellwire").unwrap(), before);
    browser.get("/account?did=password").await.is(200);
    other.get("/").await.is(303);
    let stolen = Browser::new(&app);
    stolen.set_cookie("bellwire", &before);
    stolen.get("/").await.is(303);

    // The password again, after a wrong one.
    let shown = browser.get("/reauth?next=%2Fsecrets").await.is(200);
    assert_eq!(shown.input("next"), "/secrets");
    browser.post("/reauth", &[("password", old), ("next", "/secrets")]).await.is(401);
    let before = browser.cookie("bellwire").unwrap();
    let on = browser.post("/reauth", &[("password", new), ("next", "//evil.example")]).await.is(303);
    assert_eq!(on.location, "/");
    assert_ne!(browser.cookie("bellwire").unwrap(), before, "another id with more rights");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_person_ends_own_sessions_and_no_others() {
    let app = TestApp::start(Journal::start([]).await).await;
    let (mine, theirs) = (app.sign_in(Role::Viewer).await, app.sign_in(Role::Viewer).await);
    let id = |browser: &Browser| hex::encode(bellwire::admin::digest(&browser.cookie("bellwire").unwrap()));
    mine.post("/account/sessions/end", &[("session", &id(&theirs))]).await.is(404);
    mine.post("/account/sessions/end", &[("session", "nonsense")]).await.is(404);
    theirs.get("/").await.is(200);
    mine.post("/account/sessions/end", &[("session", "others")]).await.is(303);
    mine.get("/").await.is(200);
    mine.post("/account/sessions/end", &[("session", &id(&mine))]).await.is(303);
    mine.get("/").await.is(303);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_address_is_kept_and_nothing_more_of_what_was_sent() {
    let app = TestApp::start(Journal::start([]).await).await;
    let browser = app.sign_in(Role::Viewer).await;
    let sent = [("email", "ada@example.com"), ("role", "owner"), ("name", "root")];
    browser.post("/account/email", &sent).await.is(303);
    let user = app.store().user(browser.user).await.unwrap().unwrap();
    assert_eq!(
        (user.email.as_deref(), user.role, user.name),
        (Some("ada@example.com"), Role::Viewer, browser.name.clone())
    );
    browser.post("/account/email", &[("email", "<script>")]).await.is(400);
    let rows = app.store().audit(AuditFilter::default()).await.unwrap();
    assert_eq!((rows[0].action.as_str(), rows[0].after.as_deref()), ("user.email", Some("\"ada@example.com\"")));
}
