//! Sign-in through a provider of `OpenID` Connect, and what others would make of it. `tests/browser/oidc.test.mjs` goes the same way with a
//! certified provider.

use std::{collections::BTreeMap, time::Duration};

use bellwire::{
    model::Role,
    store::{AuditFilter, NewUser, UserRow},
};
use serde_json::{Value, json};

use crate::support::{
    app::TestApp,
    both::on_both,
    browser::{Browser, Shown},
    journal::Journal,
    provider::{CLIENT_SECRET, Provider, Signing},
};

/// Where browsers reach the server: not where it listens, so that the way back is told by this alone.
const URL: &str = "http://localhost:8000";

async fn start(provider: &Provider, settings: &str) -> TestApp {
    start_on(provider, settings, BTreeMap::new()).await
}

async fn start_on(provider: &Provider, settings: &str, mut more: BTreeMap<String, String>) -> TestApp {
    let port = provider.address.port().to_string();
    for (name, value) in [
        ("BELLWIRE_SERVER_PUBLIC_URL", URL),
        ("BELLWIRE_EGRESS_PORTS", port.as_str()),
        ("BELLWIRE_SECRET_OIDC_CLIENT", CLIENT_SECRET),
    ] {
        more.insert(name.to_owned(), value.to_owned());
    }
    let settings = format!(
        "[oidc]\nissuer = \"{}\"\nclient_id = \"bellwire\"\nclient_secret = \"oidc_client\"\nlabel = \"Example\"\n{settings}",
        provider.issuer()
    );
    let app = TestApp::on(Journal::start([]).await, &[], &settings, more).await;
    provider.state().now = app.now().0 / 1000;
    app
}

/// Somebody whom an owner has added with an address, and who has never signed in.
async fn invite(app: &TestApp, name: &str, email: &str, role: Role) -> i64 {
    let id = app.now().0
        + i64::try_from(name.len()).unwrap()
        + i64::try_from(app.store().users().await.unwrap().len()).unwrap() * 100;
    let email = Some(email.to_owned());
    let user = NewUser { id, name: name.to_owned(), email, role, password: None, remote: None, at: app.now() };
    assert!(app.store().add_user(user).await.unwrap());
    id
}

async fn user(app: &TestApp, name: &str) -> UserRow {
    app.store().user_by_name(name).await.unwrap().unwrap_or_else(|| panic!("no {name}"))
}

/// The provider is asked as a browser would; the path that it sends back to.
async fn agreed(place: &str) -> String {
    let http = reqwest::Client::builder().no_proxy().redirect(reqwest::redirect::Policy::none()).build().unwrap();
    let answer = http.get(place).send().await.unwrap();
    assert_eq!(answer.status().as_u16(), 302, "{place}");
    let back = answer.headers()["location"].to_str().unwrap();
    back.strip_prefix(URL).unwrap_or_else(|| panic!("{back}")).to_owned()
}

/// There and back; the answer to the way back.
async fn through(browser: &Browser, begin: &str) -> Shown {
    let away = browser.get(begin).await.is(303);
    arrive(browser, &agreed(&away.location).await).await
}

/// As a browser comes from elsewhere.
async fn arrive(browser: &Browser, back: &str) -> Shown {
    browser.send("GET", back, &[("Sec-Fetch-Site", "cross-site"), ("Sec-Fetch-Mode", "navigate")], None).await
}

/// Nobody is signed in, the page says so without a word of the provider, and the log of audits holds the reason.
async fn is_refused(app: &TestApp, browser: &Browser, shown: Shown, status: u16, reason: &str) {
    let shown = shown.is(status);
    assert!(browser.cookie("bellwire").is_none(), "{shown:?}");
    assert!(shown.text.contains("data-refusal") && !shown.text.contains("<script>alert"), "{}", shown.text);
    browser.get("/account").await.is(303);
    let filter = AuditFilter { outcome: Some("refused".to_owned()), limit: Some(1), ..AuditFilter::default() };
    let row = app.store().audit(filter).await.unwrap().remove(0);
    assert_eq!(row.action, "login");
    assert_eq!(row.after.unwrap(), json!({ "reason": reason }).to_string());
}

async fn deeds(app: &TestApp) -> Vec<String> {
    let filter = AuditFilter { outcome: Some("done".to_owned()), ..AuditFilter::default() };
    let rows = app.store().audit(filter).await.unwrap();
    rows.into_iter().rev().map(|row| format!("{} {} {}", row.who, row.action, row.subject)).collect()
}

on_both!(whom_an_owner_has_invited_signs_in_and_is_known_from_then_on, |database| {
    let provider = Provider::start().await;
    let app = start_on(&provider, "", database).await;
    invite(&app, "grace", "Grace@example.com", Role::Editor).await;
    let browser = Browser::new(&app);
    let login = browser.get("/login?next=/runs").await.is(200);
    assert!(login.text.contains("href=\"/login/oidc?next=%2Fruns\">Sign in with Example</a>"), "{}", login.text);
    let away = browser.get("/login/oidc?next=/runs").await.is(303);
    let cookie = away.headers["set-cookie"].to_str().unwrap().to_owned();
    assert!(
        cookie.starts_with("bellwire-oidc=") && cookie.ends_with("; Path=/; HttpOnly; SameSite=Lax; Max-Age=600"),
        "{cookie}"
    );
    let back = agreed(&away.location).await;
    assert!(back.starts_with("/login/oidc/back?code="), "{back}");
    {
        let state = provider.state();
        assert!(!state.question.contains_key("prompt") && !state.question.contains_key("max_age"));
        assert!(!cookie.contains(&state.question["state"]) && !cookie.contains(&state.question["nonce"]));
    }
    assert_eq!(arrive(&browser, &back).await.is(303).location, "/runs");
    assert!(browser.cookie("bellwire-oidc").is_none());
    browser.get("/account").await.is(200);
    assert_eq!(user(&app, "grace").await.remote, Some((provider.issuer(), "248289761001".to_owned())));
    assert_eq!(deeds(&app).await, ["grace user.connect grace", "grace login grace"]);

    // From now on the person counts, whatever the address says.
    provider.state().person = json!({"sub": "248289761001"});
    provider.state().signing = Signing::Es256;
    let browser = Browser::new(&app);
    assert_eq!(through(&browser, "/login/oidc").await.is(303).location, "/");
    assert!(browser.get("/account").await.is(200).text.contains("grace"));
    app.store().set_disabled(user(&app, "grace").await.id, true, app.now()).await.unwrap();
    browser.get("/account").await.is(303);
    let browser = Browser::new(&app);
    let shown = through(&browser, "/login/oidc").await;
    is_refused(&app, &browser, shown, 403, "disabled").await;
    for secret in [CLIENT_SECRET, "canary-code", "canary-access"] {
        assert!(!app.is_on_disk(secret), "{secret}");
    }
});

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whom_nobody_has_invited_is_refused() {
    let provider = Provider::start().await;
    let app = start(&provider, "").await;
    let known = app.sign_in(Role::Owner).await;
    let owner = format!("{}@example.com", known.name);
    let hash = bellwire::admin::hash_password("correct horse battery").unwrap();
    app.store().set_password(known.user, hash, None, app.now()).await.unwrap();
    invite(&app, "grace", "grace@example.com", Role::Owner).await;
    invite(&app, "two", "two@example.com", Role::Owner).await;
    invite(&app, "three", "two@example.com", Role::Owner).await;
    let shut = invite(&app, "shut", "shut@example.com", Role::Viewer).await;
    app.store().set_disabled(shut, true, app.now()).await.unwrap();
    for person in [
        json!({"sub": "1", "email": "grace@example.com", "email_verified": false}),
        json!({"sub": "1", "email": "grace@example.com"}),
        json!({"sub": "1", "email": "eve@example.com", "email_verified": true}),
        // Somebody who has signed in before may have chosen that address alone.
        json!({"sub": "1", "email": owner, "email_verified": true}),
        json!({"sub": "1", "email": "two@example.com", "email_verified": true}),
        json!({"sub": "1", "email": "shut@example.com", "email_verified": true}),
        json!({"sub": "grace", "preferred_username": "grace"}),
    ] {
        provider.state().person = person.clone();
        let browser = Browser::new(&app);
        let shown = through(&browser, "/login/oidc").await;
        is_refused(&app, &browser, shown, 403, "unknown person").await;
    }
    assert!(app.store().users().await.unwrap().iter().all(|user| user.remote.is_none()));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn new_people_get_the_role_of_the_settings_and_only_with_an_address_of_a_domain_that_is_let_in() {
    let provider = Provider::start().await;
    let app = start(&provider, "role = \"viewer\"\nallowed_domains = [\"Example.com\"]\n").await;
    let browser = Browser::new(&app);
    let shown = through(&browser, "/login/oidc").await;
    is_refused(&app, &browser, shown, 403, "unknown person").await;
    assert!(app.store().users().await.unwrap().is_empty(), "the first one is an owner, by the link");

    app.sign_in(Role::Owner).await;
    for (email, verified) in [
        ("eve@evil.example", true),
        ("eve@sub.example.com", true),
        ("eve@example.com.evil.example", true),
        ("eve@example.com", false),
        ("example.com", true),
    ] {
        provider.state().person = json!({"sub": "eve", "email": email, "email_verified": verified});
        let browser = Browser::new(&app);
        let shown = through(&browser, "/login/oidc").await;
        is_refused(&app, &browser, shown, 403, "no verified address of an allowed domain").await;
    }
    let names = ["grace", "grace-2"];
    for (sub, name) in [("1", names[0]), ("2", names[1]), ("1", names[0])] {
        provider.state().person =
            json!({"sub": sub, "email": "grace@EXAMPLE.com", "email_verified": true, "preferred_username": "Grace"});
        let browser = Browser::new(&app);
        assert_eq!(through(&browser, "/login/oidc").await.is(303).location, "/");
        let user = user(&app, name).await;
        assert_eq!((user.role, user.remote.unwrap().1.as_str()), (Role::Viewer, sub));
        browser.get("/users").await.is(403);
    }
    // What somebody is called elsewhere is a text here.
    provider.state().person = json!({"sub": "3", "email": "x@example.com", "email_verified": true, "preferred_username": "<img src=x onerror=alert(1)>"});
    through(&Browser::new(&app), "/login/oidc").await.is(303);
    user(&app, "img-src-x-onerror-alert-1--").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_token_that_is_not_the_providers_word_for_this_sign_in_lets_nobody_in() {
    let provider = Provider::start().await;
    let app = start(&provider, "").await;
    invite(&app, "grace", "grace@example.com", Role::Owner).await;
    let now = app.now().0 / 1000;
    let believed = "the ID token is not believed";
    let time = "the ID token is of another time";
    let lies: Vec<(Value, &str)> = vec![
        (json!({"nonce": "another"}), believed),
        (json!({"nonce": null}), believed),
        (json!({"aud": "another"}), believed),
        (json!({"aud": ["bellwire", "another"]}), believed),
        (json!({"azp": "another"}), believed),
        (json!({"iss": "http://127.0.0.1:1"}), believed),
        (json!({"iss": format!("{}/", provider.issuer())}), believed),
        (json!({"sub": null}), believed),
        (json!({"sub": ""}), believed),
        (json!({"exp": now - 61}), time),
        (json!({"exp": null}), time),
        (json!({"iat": now - 3600}), time),
        (json!({"iat": now + 3600}), time),
        (json!({"nbf": now + 3600}), time),
    ];
    for (lie, reason) in lies {
        provider.state().lies = lie.clone();
        let browser = Browser::new(&app);
        let shown = through(&browser, "/login/oidc").await;
        is_refused(&app, &browser, shown, 403, reason).await;
    }
    provider.state().lies = json!({});
    for signing in [Signing::None, Signing::Hs256, Signing::Stolen] {
        provider.state().signing = signing;
        let browser = Browser::new(&app);
        let shown = through(&browser, "/login/oidc").await;
        is_refused(&app, &browser, shown, 403, believed).await;
    }
    assert_eq!(user(&app, "grace").await.remote, None);
    provider.state().signing = Signing::Rs256;
    through(&Browser::new(&app), "/login/oidc").await.is(303);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_way_back_counts_once_for_ten_minutes_and_in_the_browser_that_began_it() {
    let provider = Provider::start().await;
    let app = start(&provider, "").await;
    invite(&app, "grace", "grace@example.com", Role::Owner).await;
    let unknown = "an unknown way back from the provider";
    let browser = Browser::new(&app);
    let back = agreed(&browser.get("/login/oidc").await.is(303).location).await;

    // Somebody leads another browser to the way back of his own: it must not be signed in as him.
    let other = Browser::new(&app);
    let shown = arrive(&other, &back).await;
    is_refused(&app, &other, shown, 400, unknown).await;
    agreed(&other.get("/login/oidc").await.is(303).location).await;
    let shown = arrive(&other, &back).await;
    is_refused(&app, &other, shown, 400, unknown).await;
    assert_eq!(provider.asked("/token"), 0);

    arrive(&browser, &back).await.is(303);
    let cookie = browser.cookie("bellwire").unwrap();
    arrive(&browser, &back).await.is(400);
    assert_eq!(browser.cookie("bellwire").unwrap(), cookie, "who is signed in stays so");
    assert_eq!(provider.asked("/token"), 1);

    let late = Browser::new(&app);
    let back = agreed(&late.get("/login/oidc").await.is(303).location).await;
    app.clock.advance(Duration::from_secs(601));
    let shown = arrive(&late, &back).await;
    is_refused(&app, &late, shown, 400, unknown).await;

    for bad in ["", "?code=x", "?state=", "?code=x&state=0", &format!("?code=x&state={}", "0".repeat(64))] {
        arrive(&late, &format!("/login/oidc/back{bad}")).await.is(400);
    }
    // Two pages of login in one browser do not disturb each other.
    provider.state().now = app.now().0 / 1000;
    let two = Browser::new(&app);
    let first = agreed(&two.get("/login/oidc?next=/runs").await.is(303).location).await;
    let second = agreed(&two.get("/login/oidc?next=/rules").await.is(303).location).await;
    assert_ne!(first, second);
    assert_eq!(arrive(&two, &first).await.is(303).location, "/runs");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_answer_of_another_provider_is_refused() {
    let provider = Provider::start().await;
    provider.state().named = Some(provider.issuer());
    let app = start(&provider, "").await;
    invite(&app, "grace", "grace@example.com", Role::Owner).await;
    let another = "another provider has answered";
    for named in ["https://evil.example", ""] {
        provider.state().named = Some(named.to_owned());
        let browser = Browser::new(&app);
        let shown = through(&browser, "/login/oidc").await;
        is_refused(&app, &browser, shown, 403, another).await;
    }
    // It says that it names itself, and does not.
    provider.state().named = None;
    let browser = Browser::new(&app);
    let shown = through(&browser, "/login/oidc").await;
    is_refused(&app, &browser, shown, 403, another).await;
    assert_eq!(provider.asked("/token"), 0);
    provider.state().named = Some(provider.issuer());
    through(&Browser::new(&app), "/login/oidc").await.is(303);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_provider_that_refuses_or_fails_is_told_in_words_of_ours() {
    let provider = Provider::start().await;
    let app = start(&provider, "").await;
    invite(&app, "grace", "grace@example.com", Role::Owner).await;
    provider.state().broken = true;
    let browser = Browser::new(&app);
    let shown = browser.get("/login/oidc").await;
    is_refused(&app, &browser, shown, 502, "the provider was not reached").await;
    browser.get("/login/oidc").await.is(502);
    assert_eq!(provider.asked("/.well-known/openid-configuration"), 1, "it is left alone for a moment");
    provider.state().broken = false;
    provider.state().issuer = Some(format!("{}/", provider.issuer()));
    app.clock.advance(Duration::from_secs(5));
    browser.get("/login/oidc").await.is(502);
    provider.state().issuer = None;
    app.clock.advance(Duration::from_secs(5));
    provider.state().now = app.now().0 / 1000;

    for (error, status) in [("access_denied", 403), ("<script>alert(1)</script>", 502), ("server_error", 502)] {
        let browser = Browser::new(&app);
        let back = agreed(&browser.get("/login/oidc").await.is(303).location).await;
        let state = back.split("state=").nth(1).unwrap();
        let error: String = url::form_urlencoded::byte_serialize(error.as_bytes()).collect();
        let shown =
            arrive(&browser, &format!("/login/oidc/back?error={error}&error_description={error}&state={state}")).await;
        is_refused(&app, &browser, shown, status, "the provider sent no code").await;
    }
    let browser = Browser::new(&app);
    let back = agreed(&browser.get("/login/oidc").await.is(303).location).await;
    let shown = arrive(&browser, &back.replace("canary-code", "wrong-code")).await;
    is_refused(&app, &browser, shown, 403, "the provider refused the code").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn new_keys_of_the_provider_are_asked_for_once_a_minute_at_most() {
    let provider = Provider::start().await;
    let app = start(&provider, "").await;
    invite(&app, "grace", "grace@example.com", Role::Owner).await;
    through(&Browser::new(&app), "/login/oidc").await.is(303);
    assert_eq!(provider.asked("/keys"), 1);
    provider.state().kid = "second".to_owned();
    through(&Browser::new(&app), "/login/oidc").await.is(403);
    assert_eq!(provider.asked("/keys"), 1);
    app.clock.advance(Duration::from_secs(60));
    provider.state().now = app.now().0 / 1000;
    through(&Browser::new(&app), "/login/oidc").await.is(303);
    provider.state().published = Some("second".to_owned());
    provider.state().kid = "unheard".to_owned();
    for _ in 0..3 {
        through(&Browser::new(&app), "/login/oidc").await.is(403);
    }
    assert_eq!(provider.asked("/keys"), 2);
    assert_eq!(provider.asked("/.well-known/openid-configuration"), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_address_may_stand_apart_from_the_token() {
    let provider = Provider::start().await;
    let app = start(&provider, "").await;
    invite(&app, "grace", "grace@example.com", Role::Owner).await;
    provider.state().apart = true;
    provider.state().lies = json!({"sub": "somebody else"});
    through(&Browser::new(&app), "/login/oidc").await.is(502);
    provider.state().lies = json!({});
    through(&Browser::new(&app), "/login/oidc").await.is(303);
    assert_eq!(provider.asked("/userinfo"), 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_sign_in_leads_to_a_page_of_ours_alone() {
    let provider = Provider::start().await;
    let app = start(&provider, "").await;
    invite(&app, "grace", "grace@example.com", Role::Owner).await;
    for bad in [
        "//evil.example",
        "/%5Cevil.example",
        "https:evil.example",
        "javascript:alert(1)",
        "%0d%0aSet-Cookie:a=b",
        "/login/oidc",
        "@x",
    ] {
        assert_eq!(
            through(&Browser::new(&app), &format!("/login/oidc?next={bad}")).await.is(303).location,
            "/",
            "{bad}"
        );
    }
    // A picture on a page elsewhere begins nothing, and whoever begins too often waits.
    let browser = Browser::new(&app);
    let picture = [("Sec-Fetch-Site", "cross-site"), ("Sec-Fetch-Mode", "no-cors")];
    browser.send("GET", "/login/oidc", &picture, None).await.is(403);
    let mut waits = 0;
    for _ in 0..70 {
        waits += usize::from(browser.get("/login/oidc").await.status == 429);
    }
    assert!((5..20).contains(&waits), "{waits}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_asks_for_a_password_asks_the_provider_for_whom_it_knows() {
    let provider = Provider::start().await;
    let app = start(&provider, "").await;
    invite(&app, "grace", "grace@example.com", Role::Owner).await;
    let browser = Browser::new(&app);
    through(&browser, "/login/oidc").await.is(303);
    // The provider may have asked nothing for days.
    assert_eq!(browser.get("/users/new").await.is(303).location, "/reauth?next=%2Fusers%2Fnew");
    let page = browser.get("/reauth?next=%2Fusers%2Fnew").await.is(200).text;
    assert!(
        page.contains("href=\"/reauth/oidc?next=%2Fusers%2Fnew\">Confirm with Example</a>")
            && !page.contains("type=\"password\""),
        "{page}"
    );

    let again = "/reauth/oidc?next=%2Fusers%2Fnew";
    for lie in [json!({"auth_time": provider.state().now - 600}), json!({"auth_time": null})] {
        provider.state().lies = lie;
        through(&browser, again).await.is(403);
        browser.get("/users/new").await.is(303);
    }
    provider.state().lies = json!({"sub": "somebody else"});
    through(&browser, again).await.is(403);
    provider.state().lies = json!({});
    let before = browser.cookie("bellwire").unwrap();
    assert_eq!(through(&browser, again).await.is(303).location, "/users/new");
    assert_ne!(browser.cookie("bellwire").unwrap(), before, "another id with more rights");
    {
        let state = provider.state();
        assert_eq!((state.question["prompt"].as_str(), state.question["max_age"].as_str()), ("login", "0"));
    }
    browser.get("/users/new").await.is(200);
    app.clock.advance(Duration::from_mins(10));
    browser.get("/users/new").await.is(303);
    assert_eq!(deeds(&app).await.last().unwrap(), "grace reauth grace");

    // A way back to be asked anew proves nothing in another session.
    provider.state().now = app.now().0 / 1000;
    let back = agreed(&browser.get(again).await.is(303).location).await;
    browser.post("/logout", &[]).await.is(303);
    let shown = arrive(&browser, &back).await;
    is_refused(&app, &browser, shown, 403, "another session came back").await;

    // And whoever is not of the provider gives a password.
    let other = app.sign_in(Role::Owner).await;
    assert_eq!(other.get(again).await.is(303).location, "/reauth?next=%2Fusers%2Fnew");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_has_a_password_connects_an_account_and_ends_that_again() {
    let provider = Provider::start().await;
    let app = start(&provider, "").await;
    let browser = app.sign_in(Role::Editor).await;
    browser.form("/account/oidc", &[]).await.is(403);
    let page = browser.post("/account/oidc", &[]).await.is(200).text;
    let place =
        page.split("href=\"").find(|part| part.starts_with(&provider.issuer())).unwrap().split('"').next().unwrap();
    let back = agreed(&place.replace("&#38;", "&").replace("&amp;", "&")).await;
    assert_eq!(arrive(&browser, &back).await.is(303).location, "/account?did=connected");
    let alone = Browser::new(&app);
    through(&alone, "/login/oidc").await.is(303);
    assert!(alone.get("/account").await.is(200).text.contains(&browser.name));

    // One person there is one here.
    let second = app.sign_in(Role::Owner).await;
    let page = second.post("/account/oidc", &[]).await.is(200).text;
    let place =
        page.split("href=\"").find(|part| part.starts_with(&provider.issuer())).unwrap().split('"').next().unwrap();
    let back = agreed(&place.replace("&#38;", "&").replace("&amp;", "&")).await;
    arrive(&second, &back).await.is(409);

    assert!(browser.post("/account/oidc/off", &[]).await.is(409).text.contains("no password"));
    let hash = bellwire::admin::hash_password("correct horse battery").unwrap();
    let own = bellwire::admin::digest(&browser.cookie("bellwire").unwrap());
    app.store().set_password(browser.user, hash, Some(own), app.now()).await.unwrap();
    assert_eq!(browser.post("/account/oidc/off", &[]).await.is(303).location, "/account?did=disconnected");
    let alone = Browser::new(&app);
    through(&alone, "/login/oidc").await.is(403);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_a_provider_there_is_no_button_and_no_way() {
    let app = TestApp::start(Journal::start([]).await).await;
    let browser = Browser::new(&app);
    assert!(!browser.get("/login").await.is(200).text.contains("oidc"));
    browser.get("/login/oidc").await.is(404);
    browser.get("/login/oidc/back?code=x&state=y").await.is(404);
    let known = app.sign_in(Role::Viewer).await;
    known.post("/account/oidc", &[]).await.is(404);
}
