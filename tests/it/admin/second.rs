//! A code as second factor, at `/account/code` and `/login/code`.

use std::time::Duration;

use bellwire::{model::Role, store::AuditFilter};
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha1::Sha1;

use crate::support::{
    app::TestApp,
    browser::{Browser, Shown},
    journal::Journal,
};

const PASSWORD: &str = "correct horse battery";

/// What an authenticator shows at a time (RFC 6238), so many steps away.
fn code(app: &TestApp, key: &str, away: i64) -> String {
    let letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
    let bits: String = key.chars().filter(|c| *c != ' ').map(|c| format!("{:05b}", letters.find(c).unwrap())).collect();
    let key: Vec<u8> = bits
        .as_bytes()
        .chunks_exact(8)
        .map(|byte| u8::from_str_radix(std::str::from_utf8(byte).unwrap(), 2).unwrap())
        .collect();
    let step = app.now().0 / 30_000 + away;
    let mut mac = Hmac::<Sha1>::new_from_slice(&key).unwrap();
    mac.update(&step.to_be_bytes());
    let hash = mac.finalize().into_bytes();
    let at = usize::from(hash[19] & 15);
    let number = u32::from_be_bytes(hash[at..at + 4].try_into().unwrap()) & 0x7fff_ffff;
    format!("{:06}", number % 1_000_000)
}

fn between<'t>(text: &'t str, from: &str, to: &str) -> &'t str {
    text.split(from).nth(1).and_then(|rest| rest.split(to).next()).unwrap_or_else(|| panic!("{from}: {text}"))
}

/// A person with a second factor: the browser, its key, its recovery codes.
async fn with_code(app: &TestApp) -> (Browser, String, Vec<String>) {
    let browser = app.sign_in(Role::Editor).await;
    let hash = bellwire::admin::hash_password(PASSWORD).unwrap();
    let own = bellwire::admin::digest(&browser.cookie("bellwire").unwrap());
    app.store().set_password(browser.user, hash, Some(own), app.now()).await.unwrap();
    let page = browser.post("/account/code", &[]).await.is(200).text;
    let key = between(&page, "<code id=\"key\" tabindex=\"0\">", "<").to_owned();
    assert!(page.contains(&key.replace(' ', "")), "the link: {page}");
    assert!(page.contains("<svg class=\"qr\"") && !page.contains("style="), "the picture: {page}");
    browser.post("/account/code/confirm", &[("code", "000000")]).await.is(401);
    let page = browser.post("/account/code/confirm", &[("code", &code(app, &key, 0))]).await.is(200).text;
    let codes: Vec<String> = between(&page, "<pre class=\"code\" id=\"codes\" tabindex=\"0\">", "</pre>")
        .split_whitespace()
        .map(str::to_owned)
        .collect();
    assert_eq!(codes.len(), 10, "{page}");
    (browser, key, codes)
}

/// A new browser after the right password.
async fn half(app: &TestApp, name: &str) -> Browser {
    let browser = Browser::new(app);
    half_again(&browser, name).await;
    browser
}

/// This browser after the right password.
async fn half_again(browser: &Browser, name: &str) {
    let token = browser.get("/login").await.input("token");
    let fields = [("token", token.as_str()), ("name", name), ("password", PASSWORD), ("next", "/runs")];
    assert_eq!(browser.form("/login", &fields).await.is(303).location, "/login/code?next=%2Fruns");
}

async fn give(browser: &Browser, code: &str) -> Shown {
    let token = browser.get("/login/code").await.is(200).input("token");
    browser.form("/login/code", &[("token", &token), ("code", code), ("next", "/runs")]).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_password_alone_lets_nobody_in_and_a_code_counts_once() {
    let app = TestApp::start(Journal::start([]).await).await;
    let (owner, key, _) = with_code(&app).await;
    let browser = half(&app, &owner.name).await;
    for path in ["/", "/account", "/account/code"] {
        assert!(browser.get(path).await.is(303).location.starts_with("/login"), "{path}");
    }
    browser.form("/login/code", &[("token", "0"), ("code", &code(&app, &key, 0))]).await.is(403);
    give(&browser, &code(&app, &key, 0)).await.is(401); // The one that turned it on.
    for away in [-2, 2] {
        give(&browser, &code(&app, &key, away)).await.is(401);
    }
    app.advance(Duration::from_secs(3600)).await;
    let browser = half(&app, &owner.name).await;
    let late = half(&app, &owner.name).await;
    let before = browser.cookie("bellwire").unwrap();
    let now = code(&app, &key, 0);
    assert_eq!(give(&browser, &now).await.is(303).location, "/runs");
    assert_ne!(browser.cookie("bellwire").unwrap(), before, "another id with more rights");
    browser.get("/account").await.is(200);
    give(&late, &now).await.is(401);
    give(&late, &code(&app, &key, -1)).await.is(401);
    give(&late, &code(&app, &key, 1)).await.is(303);

    // What lies open for too long is over.
    let late = half(&app, &owner.name).await;
    app.advance(Duration::from_mins(11)).await;
    assert!(late.get("/login/code").await.is(303).location.starts_with("/login"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn guesses_are_counted_whatever_sign_ins_lie_between() {
    let app = TestApp::start(Journal::start([]).await).await;
    let (owner, key, _) = with_code(&app).await;
    let mut refused = 0;
    for _ in 0..12 {
        let browser = half(&app, &owner.name).await;
        let shown = give(&browser, "12345x").await;
        refused += usize::from(shown.status == 429);
    }
    assert!(refused >= 6, "{refused}");
    let browser = half(&app, &owner.name).await;
    app.advance(Duration::from_secs(5)).await;
    give(&browser, &code(&app, &key, 0)).await.is(429);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_has_the_password_cannot_lock_its_owner_out() {
    let app = TestApp::start(Journal::start([]).await).await;
    let (owner, key, codes) = with_code(&app).await;
    app.advance(Duration::from_mins(1)).await;
    let known = half(&app, &owner.name).await;
    give(&known, &code(&app, &key, 0)).await.is(303);
    for _ in 0..12 {
        let thief = half(&app, &owner.name).await;
        give(&thief, "123456").await;
    }
    app.advance(Duration::from_secs(5)).await;
    let new = half(&app, &owner.name).await;
    give(&new, &code(&app, &key, 0)).await.is(429);

    // A device that was used before has tries of its own, and they end too.
    half_again(&known, &owner.name).await;
    give(&known, &code(&app, &key, 1)).await.is(303);
    half_again(&known, &owner.name).await;
    let guesses = [give(&known, "123456").await.status, give(&known, "123456").await.status];
    assert_eq!(guesses, [401, 401]);
    for _ in 0..4 {
        give(&known, "123456").await;
    }
    give(&known, "123456").await.is(429);

    // Wrong recovery codes are counted on their network; the right one lets its owner in all the same.
    let thief = half(&app, &owner.name).await;
    let mut refused = 0;
    for n in 0..14 {
        refused += usize::from(give(&thief, &format!("{n:020}")).await.status == 429);
    }
    assert!(refused >= 3, "{refused}");
    give(&new, &codes[0]).await.is(303);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn devices_that_signed_in_before_there_was_a_code_give_no_more_tries() {
    let app = TestApp::start(Journal::start([]).await).await;
    let owner = app.sign_in(Role::Owner).await;
    let hash = bellwire::admin::hash_password(PASSWORD).unwrap();
    let own = bellwire::admin::digest(&owner.cookie("bellwire").unwrap());
    app.store().set_password(owner.user, hash, Some(own), app.now()).await.unwrap();
    let mut thieves = Vec::new();
    for _ in 0..4 {
        let thief = Browser::new(&app);
        let token = thief.get("/login").await.input("token");
        let fields = [("token", token.as_str()), ("name", &owner.name), ("password", PASSWORD)];
        thief.form("/login", &fields).await.is(303);
        thieves.push(thief);
    }
    let page = owner.post("/account/code", &[]).await.is(200).text;
    let key = between(&page, "<code id=\"key\" tabindex=\"0\">", "<").to_owned();
    owner.post("/account/code/confirm", &[("code", &code(&app, &key, 0))]).await.is(200);
    let mut looked_at = 0;
    for thief in &thieves {
        half_again(thief, &owner.name).await;
        for _ in 0..6 {
            looked_at += usize::from(give(thief, "123456").await.status == 401);
        }
    }
    assert_eq!(looked_at, 5, "all of them together");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_recovery_code_counts_once_and_turning_it_off_asks_the_password() {
    let app = TestApp::start(Journal::start([]).await).await;
    let (owner, _, codes) = with_code(&app).await;
    let browser = half(&app, &owner.name).await;
    give(&browser, &codes[0].to_uppercase().replace('-', " ")).await.is(303);
    let browser = half(&app, &owner.name).await;
    give(&browser, &codes[0]).await.is(401);
    give(&browser, &codes[1]).await.is(303);
    assert!(browser.get("/account/code").await.is(200).text.contains("8 recovery codes are left"));

    browser.post("/account/code/off", &[("password", "wrong wrong wrong")]).await.is(422);
    assert_eq!(
        browser.post("/account/code/off", &[("password", PASSWORD)]).await.is(303).location,
        "/account?did=code-off"
    );
    let alone = Browser::new(&app);
    let token = alone.get("/login").await.input("token");
    let fields = [("token", token.as_str()), ("name", owner.name.as_str()), ("password", PASSWORD)];
    assert_eq!(alone.form("/login", &fields).await.is(303).location, "/");
    for row in app.store().audit(AuditFilter::default()).await.unwrap() {
        assert!(codes.iter().all(|code| !format!("{row:?}").contains(code.as_str())), "{row:?}");
    }
}
