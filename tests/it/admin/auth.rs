//! Signing in, staying in, and being put out.

use std::time::Duration;

use bellwire::{
    model::{Role, Scope},
    store::AuditFilter,
};

use crate::support::{app::TestApp, both::on_both, browser::Browser, journal::Journal};

const PASSWORD: &str = "correct horse battery";

/// The path of the one-time link.
fn link(app: &TestApp) -> String {
    let link = app.app.setup_link().unwrap();
    link.strip_prefix(&format!("http://{}", app.app.admin_address())).unwrap().to_owned()
}

/// A browser in which the owner `ada` has made herself by the link.
async fn owner(app: &TestApp) -> Browser {
    let browser = Browser::new(app);
    let page = browser.get(&link(app)).await.is(200);
    let token = page.input("token");
    let fields = [("token", token.as_str()), ("name", "Ada"), ("password", PASSWORD), ("again", PASSWORD)];
    assert_eq!(browser.form("/setup", &fields).await.is(303).location, "/");
    browser
}

async fn login(browser: &Browser, name: &str, password: &str) -> crate::support::browser::Shown {
    let token = browser.get("/login").await.is(200).input("token");
    browser.form("/login", &[("token", &token), ("name", name), ("password", password), ("next", "/runs")]).await
}

async fn deeds(app: &TestApp, outcome: &str) -> Vec<String> {
    let filter = AuditFilter { outcome: Some(outcome.to_owned()), ..AuditFilter::default() };
    let rows = app.store().audit(filter).await.unwrap();
    rows.into_iter().rev().map(|row| format!("{} {} {}", row.who, row.action, row.subject)).collect()
}

on_both!(the_first_start_gives_a_link_that_makes_the_owner_once, |database| {
    let app = TestApp::on(Journal::start([]).await, &[], "", database).await;
    let browser = owner(&app).await;
    browser.get("/").await.is(200);
    let used = Browser::new(&app).get(&link(&app)).await.is(404);
    assert!(used.text.contains("bellwire users link"), "{}", used.text);
    assert_eq!(deeds(&app, "done").await, ["ada user.password ada"]);
    assert!(!app.is_on_disk(PASSWORD));
    let app = app.restart().await;
    assert_eq!(app.app.setup_link(), None);
    browser_at(&app, &browser).get("/").await.is(200);
});

on_both!(of_two_browsers_with_the_link_one_becomes_the_owner, |database| {
    let app = TestApp::on(Journal::start([]).await, &[], "", database).await;
    let token = Browser::new(&app).get(&link(&app)).await.is(200).input("token");
    let claim = async |name: &str| {
        let fields = [("token", token.as_str()), ("name", name), ("password", PASSWORD), ("again", PASSWORD)];
        Browser::new(&app).form("/setup", &fields).await.status
    };
    let (one, two) = tokio::join!(claim("ada"), claim("eve"));
    assert!(matches!((one, two), (303, 404 | 409) | (404 | 409, 303)), "{one} {two}");
    assert_eq!(app.store().users().await.unwrap().len(), 1);
});

/// The same cookies at the address of another start.
fn browser_at(app: &TestApp, browser: &Browser) -> Browser {
    let moved = Browser::new(app);
    moved.set_cookie("bellwire", &browser.cookie("bellwire").unwrap());
    moved
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_link_of_an_earlier_start_is_over() {
    let app = TestApp::start(Journal::start([]).await).await;
    let earlier = link(&app);
    let app = app.restart().await;
    assert_ne!(earlier, link(&app));
    Browser::new(&app).get(&earlier).await.is(404);
    Browser::new(&app).get("/setup?token=").await.is(404);
    Browser::new(&app).get(&link(&app)).await.is(200);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_password_leads_in_and_whoever_is_wrong_learns_nothing() {
    let app = TestApp::start(Journal::start([]).await).await;
    let first = owner(&app).await;
    let stranger = Browser::new(&app);
    let nobody = login(&stranger, "nobody", PASSWORD).await.is(401);
    let wrong = login(&stranger, "ada", "wrong wrong wrong").await.is(401);
    assert_eq!(nobody.text, wrong.text.replace("ada", "nobody"), "the same answer");
    for (name, password) in
        [("ada", "x".repeat(1_000_000)), ("ada", format!("{PASSWORD}\0")), ("a\0da", PASSWORD.to_owned())]
    {
        login(&stranger, name, &password).await.is(401);
    }
    // An id that a client brings along is not the one that it is signed in with.
    stranger.set_cookie("bellwire", &"a".repeat(64));
    let welcome = login(&stranger, " ADA ", PASSWORD).await.is(303);
    assert_eq!(welcome.location, "/runs");
    assert_ne!(stranger.cookie("bellwire").unwrap(), "a".repeat(64));
    for cookie in welcome.headers.get_all("set-cookie") {
        let cookie = cookie.to_str().unwrap();
        assert!(cookie.contains("; Path=/; HttpOnly; SameSite=Lax") && !cookie.contains("Secure"), "{cookie}");
    }
    stranger.get("/").await.is(200);
    assert_eq!(stranger.post("/logout", &[]).await.is(303).location, "/login");
    let asked = stranger.get("/account?did=a%20b").await.is(303);
    assert_eq!(asked.location, "/login?next=%2Faccount%3Fdid%3Da%2520b");
    first.get("/").await.is(200);
    let refused = deeds(&app, "refused").await;
    assert_eq!(
        refused[..2],
        [" login ".to_owned(), " login ada".to_owned()],
        "names that are none are not kept: {refused:?}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn guesses_wait_longer_and_longer_and_a_known_device_does_not() {
    let app = TestApp::start(Journal::start([]).await).await;
    let known = owner(&app).await;
    known.post("/logout", &[]).await.is(303);
    let stranger = Browser::new(&app);
    for case in ["ada", "ADA", "Ada", "aDa", "adA"] {
        login(&stranger, case, "wrong wrong wrong").await.is(401);
    }
    let held = login(&Browser::new(&app), "ada", PASSWORD).await.is(429);
    assert_eq!(held.headers["retry-after"], "1");
    let app = app.restart().await;
    login(&Browser::new(&app), "ada", PASSWORD).await.is(429);
    let device = Browser::new(&app);
    device.set_cookie("bellwire-device", &known.cookie("bellwire-device").unwrap());
    login(&device, "ada", PASSWORD).await.is(303);
    // What went well in between forgives nothing.
    login(&Browser::new(&app), "ada", "wrong wrong wrong").await.is(429);
    app.clock.advance(Duration::from_secs(1));
    login(&Browser::new(&app), "ada", "wrong wrong wrong").await.is(401);
    assert_eq!(login(&Browser::new(&app), "ada", PASSWORD).await.is(429).headers["retry-after"], "2");
    app.clock.advance(Duration::from_secs(2));
    login(&Browser::new(&app), "ada", PASSWORD).await.is(303);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_password_over_many_accounts_ends_at_the_network() {
    let app = TestApp::start(Journal::start([]).await).await;
    owner(&app).await;
    for n in 0..30 {
        login(&Browser::new(&app), &format!("user{n}"), "spring summer 2026").await.is(401);
    }
    login(&Browser::new(&app), "user31", "spring summer 2026").await.is(429);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_session_ends_idle_after_twelve_hours_and_after_seven_days_at_all() {
    let app = TestApp::start(Journal::start([]).await).await;
    let idle = app.sign_in(Role::Viewer).await;
    let busy = app.sign_in(Role::Viewer).await;
    for _ in 0..16 {
        app.clock.advance(Duration::from_hours(10));
        busy.get("/").await.is(200);
    }
    let gone = idle.get("/?a=b").await.is(303);
    assert_eq!(gone.location, "/login?next=%2F%3Fa%3Db");
    app.clock.advance(Duration::from_hours(9));
    busy.get("/").await.is(303);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sessions_and_tokens_do_not_stand_for_each_other() {
    let app = TestApp::start(Journal::start([]).await).await;
    let browser = app.sign_in(Role::Owner).await;
    let token = app.token(Role::Owner, &Scope::ALL).await;
    let id = browser.cookie("bellwire").unwrap();
    let nobody = Browser::new(&app);
    let bearer = format!("Bearer {token}");
    assert_eq!(nobody.send("GET", "/", &[("Authorization", &bearer)], None).await.is(303).location, "/login");
    for stolen in [token.as_str(), token.trim_start_matches("bw_"), &browser.csrf()] {
        nobody.set_cookie("bellwire", stolen);
        nobody.get("/").await.is(303);
    }
    // Two cookies of one name: one of them was planted.
    let twice = format!("bellwire={id}; bellwire={id}");
    Browser::new(&app).send("GET", "/", &[("Cookie", &twice)], None).await.is(303);
    Browser::new(&app).send("GET", "/", &[("Cookie", &format!("bellwire={id}"))], None).await.is(200);
    Browser::new(&app).get(&format!("/?bellwire={id}")).await.is(303);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_loses_a_role_or_the_account_is_out_at_once() {
    let app = TestApp::start(Journal::start([]).await).await;
    app.sign_in(Role::Owner).await;
    for change in ["role", "disable", "remove"] {
        let browser = app.sign_in(Role::Editor).await;
        browser.get("/").await.is(200);
        match change {
            "role" => app.store().set_role(browser.user, Role::Viewer, app.now()).await.unwrap(),
            "disable" => app.store().set_disabled(browser.user, true, app.now()).await.unwrap(),
            _ => app.store().remove_user(browser.user).await.unwrap(),
        };
        browser.get("/").await.is(303);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_form_of_elsewhere_signs_nobody_in() {
    let app = TestApp::start(Journal::start([]).await).await;
    owner(&app).await;
    let browser = Browser::new(&app);
    let token = browser.get("/login").await.input("token");
    let fields = [("token", token.as_str()), ("name", "ada"), ("password", PASSWORD)];
    // The attacker's own token in the victim's browser.
    let victim = Browser::new(&app);
    victim.get("/login").await;
    victim.form("/login", &fields).await.is(403);
    Browser::new(&app).form("/login", &fields).await.is(403);
    browser.form("/login", &fields).await.is(303);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn behind_https_the_cookies_are_bound_to_the_host_and_other_hosts_are_refused() {
    let settings = "";
    let more = [("BELLWIRE_SERVER_PUBLIC_URL".to_owned(), "https://bell.example.com".to_owned())];
    let app = TestApp::on(Journal::start([]).await, &[], settings, more.into_iter().collect()).await;
    let browser = Browser::new(&app);
    let page = browser.send("GET", "/login", &[("Host", "bell.example.com")], None).await.is(200);
    let cookie = page.headers["set-cookie"].to_str().unwrap();
    assert!(cookie.starts_with("__Host-bellwire-login=") && cookie.ends_with("; Secure"), "{cookie}");
    assert!(app.app.setup_link().unwrap().starts_with("https://bell.example.com/setup?token="));
    browser.send("GET", "/login", &[("Host", "evil.example")], None).await.is(421);
    let token = page.input("token");
    let body = format!("token={token}&name=ada&password=x");
    for (origin, status) in
        [("https://bell.example.com", 401), ("http://bell.example.com", 403), ("https://evil.example", 403)]
    {
        let headers =
            [("Host", "bell.example.com"), ("Origin", origin), ("Content-Type", crate::support::browser::FORM)];
        browser.send("POST", "/login", &headers, Some(body.clone())).await.is(status);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_page_says_what_browsers_may_do_with_it() {
    let app = TestApp::start(Journal::start([]).await).await;
    let browser = app.sign_in(Role::Viewer).await;
    for path in ["/", "/login", "/setup?token=x", "/nothing/of/that/name"] {
        let page = browser.get(path).await;
        for (name, value) in [
            ("x-content-type-options", "nosniff"),
            ("cache-control", "no-store"),
            ("referrer-policy", "no-referrer"),
            ("x-frame-options", "DENY"),
            ("cross-origin-opener-policy", "same-origin"),
            ("cross-origin-resource-policy", "same-origin"),
        ] {
            assert_eq!(page.headers[name], value, "{path} {name}");
        }
        let policy = page.headers["content-security-policy"].to_str().unwrap();
        assert!(policy.contains("frame-ancestors 'none'") && !policy.contains("unsafe"), "{path}: {policy}");
        assert!(!page.headers.contains_key("server"));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_admin_may_have_an_address_of_its_own() {
    let more = [("BELLWIRE_SERVER_ADMIN_LISTEN".to_owned(), "127.0.0.1:0".to_owned())];
    let app = TestApp::on(Journal::start([]).await, &[], "", more.into_iter().collect()).await;
    assert_ne!(app.app.address(), app.app.admin_address());
    let browser = app.sign_in(Role::Viewer).await;
    browser.get("/").await.is(200);
    let mut main = Browser::new(&app);
    main.base = format!("http://{}", app.app.address());
    for path in ["/", "/login", "/assets/0/app.css", "/setup"] {
        main.get(path).await.is(404);
    }
    assert_eq!(main.send("GET", "/healthz", &[], None).await.status, 200);
    app.app.stop().await;
}
