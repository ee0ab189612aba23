//! `/users` and `/tokens`.

use bellwire::{ids::UserId, model::Role};

use crate::support::{app::TestApp, browser::Browser, journal::Journal};

fn id(browser: &Browser) -> String {
    UserId(browser.user).to_string()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_user_is_added_by_a_link_that_works_once() {
    let app = TestApp::start(Journal::start([]).await).await;
    let owner = app.sign_in(Role::Owner).await;
    let fields = [("name", "Ada"), ("email", "ada@example.com"), ("role", "editor")];
    let made = owner.post("/users", &fields).await.is(200).text;
    let path = made.split("/setup?token=").nth(1).and_then(|rest| rest.get(..64)).unwrap_or_else(|| panic!("{made}"));
    let place = format!("/setup?token={path}");
    assert!(!owner.get("/users").await.is(200).text.contains(path), "shown once");
    owner.post("/users", &fields).await.is(409);
    owner.post("/users", &[("name", "x y"), ("email", ""), ("role", "editor")]).await.is(422);
    owner.post("/users", &[("name", "bob"), ("email", ""), ("role", "king")]).await.is(400);

    let ada = Browser::new(&app);
    ada.get(&place).await.is(200);
    let password = "correct horse battery";
    ada.form("/setup", &[("token", path), ("password", password), ("again", password)]).await.is(303);
    ada.get("/rules").await.is(200);
    ada.get("/users").await.is(403);
    ada.get(&place).await.is(404);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_is_shut_out_is_out_at_once_and_the_last_owner_stays() {
    let app = TestApp::start(Journal::start([]).await).await;
    let (owner, other) = (app.sign_in(Role::Owner).await, app.sign_in(Role::Editor).await);
    let act = async |what: &str, of: &Browser, fields: &[(&str, &str)]| {
        owner.post(&format!("/users/{}/{what}", id(of)), fields).await
    };
    for what in ["disable", "remove"] {
        let refused = act(what, &owner, &[]).await.is(409);
        assert!(refused.text.contains("last owner"), "{}", refused.text);
    }
    act("role", &owner, &[("role", "viewer")]).await.is(409);
    act("code-off", &other, &[]).await.is(409);

    other.get("/rules").await.is(200);
    act("role", &other, &[("role", "viewer")]).await.is(303);
    assert!(other.get("/rules").await.is(303).location.starts_with("/login"), "its role is asked anew");
    act("disable", &other, &[]).await.is(303);
    assert!(owner.get("/users?did=disabled").await.is(200).text.contains("disabled"));
    act("enable", &other, &[]).await.is(303);
    act("remove", &other, &[]).await.is(303);
    act("remove", &other, &[]).await.is(404);
    owner.post("/users/nonsense/remove", &[]).await.is(404);

    let log = owner.get("/audit?action=user.").await.is(200).text;
    for action in ["user.role", "user.disable", "user.enable", "user.remove"] {
        assert!(log.contains(action), "{action}: {log}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_token_is_shown_once_does_what_its_person_may_and_is_revoked() {
    let app = TestApp::start(Journal::start([]).await).await;
    let (owner, viewer, other) =
        (app.sign_in(Role::Owner).await, app.sign_in(Role::Viewer).await, app.sign_in(Role::Viewer).await);
    let made = viewer.post("/tokens", &[("name", "backup"), ("scope", "read"), ("days", "7")]).await.is(200).text;
    let at = made.find("bw_").unwrap_or_else(|| panic!("{made}"));
    let token = made.get(at..at + 67).unwrap().to_owned();
    assert_eq!(app.api(&token, "GET", "/api/v1/rules", None).await.status, 200);
    let list = viewer.get("/tokens").await.is(200).text;
    assert!(list.contains("backup") && !list.contains(&token), "{list}");
    assert!(!other.get("/tokens").await.is(200).text.contains("backup"));
    assert!(owner.get("/tokens").await.is(200).text.contains("backup"), "an owner sees all");

    for bad in [
        vec![("name", "x"), ("scope", "rules"), ("days", "7")],
        vec![("name", "x"), ("days", "7")],
        vec![("name", " "), ("scope", "read"), ("days", "7")],
    ] {
        viewer.post("/tokens", &bad).await.is(422);
    }
    viewer.post("/tokens", &[("name", "x"), ("scope", "read"), ("days", "12")]).await.is(400);

    let id =
        list.split("/tokens/").filter_map(|rest| rest.split('/').next()).find(|id| id.starts_with("tok_")).unwrap();
    other.post(&format!("/tokens/{id}/revoke"), &[]).await.is(404);
    assert_eq!(app.api(&token, "GET", "/api/v1/rules", None).await.status, 200);
    owner.post(&format!("/tokens/{id}/revoke"), &[]).await.is(303);
    assert_eq!(app.api(&token, "GET", "/api/v1/rules", None).await.status, 401);
}
