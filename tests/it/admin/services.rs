//! `/services` and `/connections`: what is known of them, tests, and actions that are tried.

use std::collections::BTreeMap;

use serde_json::json;

use super::visit::Visit;
use crate::support::{
    app::{GROOVE_TOKEN, MISSED, TestApp},
    authority::{Authority, CLIENT_ID, CLIENT_SECRET},
    both::on_both,
    journal::{Journal, Reply},
};

async fn app(journal: Journal) -> TestApp {
    TestApp::with(journal, &[("calls/missed", MISSED)], "[connections.desk]\nservice = \"groove\"\n").await
}

#[tokio::test(flavor = "multi_thread")]
async fn packs_are_listed_and_shown_with_events_samples_and_actions() {
    let app = app(Journal::start([]).await).await;
    let visit = Visit::owner(&app).await;
    visit.get("/services").await.status(200).with("/services/groove").with("rel=\"noopener noreferrer\"").with("Slack");
    visit
        .get("/services/groove")
        .await
        .with("groove.add_note")
        .with("/services/groove/try/add_note")
        .with("groove.note_added")
        .with("/connections/desk");
    visit.get("/services/gruveo").await.with("event.tracking").with("A stranger can write").with("Sample missed");
    visit.get("/services/nothing").await.status(404).with("There is no service");
    for pack in ["slack", "github", "email", "stripe", "ntfy", "telegram", "google_sheets"] {
        visit.get(&format!("/services/{pack}")).await.status(200);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_action_is_previewed_without_being_sent_and_then_sent_once() {
    let body = format!("{{\"message\":{{\"id\":7,\"said\":\"<b>{GROOVE_TOKEN}</b>\"}}}}");
    let journal = Journal::start([Reply::Status(201, Vec::new(), body)]).await;
    let app = app(journal).await;
    let visit = Visit::owner(&app).await;
    let form = "/services/groove/try/add_note";
    visit.get(form).await.with("name=\"input.ticket\"").with("type=\"number\"").with("It acts for real");
    let inputs = [("connection", "groove"), ("input.ticket", "42"), ("input.body", "<p>a \"note\"</p>")];
    let seen = visit.send(form, &format!("{form}/preview"), &inputs).await.status(200);
    let seen = seen
        .with("Nothing has been sent yet")
        .with("/v1/tickets/42/messages")
        .with("Bearer ‹groove_token›")
        .with("Send for real")
        .without(GROOVE_TOKEN);
    assert!(app.journal.requests().is_empty());
    let key = seen.field("key").unwrap();
    let mut real = inputs.to_vec();
    real.push(("key", &key));
    let came = visit.send(form, &format!("{form}/send"), &real).await.status(200);
    came.with("201").with("[secret groove_token]").with("&#60;b&#62;").without(GROOVE_TOKEN).without("<b>");
    visit.send(form, &format!("{form}/send"), &real).await.status(409).with("pressed twice");
    let requests = app.journal.requests();
    assert_eq!(requests.len(), 1);
    assert_eq!(requests[0].path, "/v1/tickets/42/messages");
    assert_eq!(requests[0].header("authorization"), Some(format!("Bearer {GROOVE_TOKEN}").as_str()));
    assert_eq!(requests[0].json()["body"], json!("<p>a \"note\"</p>"));
}

#[tokio::test(flavor = "multi_thread")]
async fn inputs_that_do_not_fit_are_told_beside_the_form_and_nothing_is_sent() {
    let app = app(Journal::start([]).await).await;
    let visit = Visit::owner(&app).await;
    let form = "/services/groove/try/add_note";
    let wrong = [("connection", "groove"), ("input.ticket", "many"), ("input.body", "")];
    for (to, key) in [("preview", ""), ("send", "k")] {
        let mut fields = wrong.to_vec();
        fields.push(("key", key));
        let seen = visit.send(form, &format!("{form}/{to}"), &fields).await;
        seen.with("input `ticket`: a whole number wanted").with("input `body` is required").with("value=\"many\"");
    }
    let other = [("connection", "slack"), ("input.ticket", "1"), ("input.body", "x")];
    visit.send(form, &format!("{form}/preview"), &other).await.status(400);
    visit.send(form, "/services/groove/try/add_nte/preview", &wrong).await.status(404);
    visit.get("/services/groove/try/nothing").await.status(404);
    assert!(app.journal.requests().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_is_tested_and_says_what_came_back() {
    let mailboxes = Reply::Status(200, Vec::new(), r#"{"mailboxes":[{"id":1,"name":"Sales"}]}"#.to_owned());
    let app = app(Journal::start([mailboxes, Reply::status(401)]).await).await;
    let visit = Visit::owner(&app).await;
    visit.get("/connections").await.with("/connections/groove").with("bearer").with("Not set up");
    visit
        .get("/connections/groove")
        .await
        .with("for real")
        .with("groove_token")
        .with("calls/missed")
        .with("badge-ok")
        .without(GROOVE_TOKEN);
    visit.get("/connections/desk").await.without("calls/missed");
    let test = "/connections/groove/test";
    visit.get("/connections/groove").await.with("none since the server was started");
    visit.send("/connections/groove", test, &[]).await.status(200).with("badge-ok").with("200").with("Sales");
    visit.get("/connections/groove").await.with("it works (200)").with("badge-ok");
    visit.get("/connections").await.with("tested (200)").without("test failed");
    let seen = visit.send("/connections/groove", test, &[]).await.status(200);
    seen.with("badge-failed").with("401").with("bellwire secrets set groove_token").without(GROOVE_TOKEN);
    let page = visit.get("/connections/groove").await.with("test failed").with("The last test failed").with("401");
    page.with("badge-warning").without(GROOVE_TOKEN);
    visit.get("/connections").await.with("badge-warning").with("test failed (401)");
    assert!(app.journal.requests().iter().all(|request| request.method == "GET"));
    assert_eq!(app.journal.requests().len(), 2);
    visit.send("/connections/groove", "/connections/nothing/test", &[]).await.status(404);
    visit.send("/connections/groove", "/connections/groove/login", &[]).await.status(422).with("needs no login");
}

on_both!(somebody_logs_in_and_out, |database| {
    let authority = Authority::start().await;
    let mut more = database;
    let ports = authority.address.port().to_string();
    for (name, value) in [
        ("BELLWIRE_EGRESS_PORTS", ports.as_str()),
        ("BELLWIRE_SECRET_CRM_ID", CLIENT_ID),
        ("BELLWIRE_SECRET_CRM_SECRET", CLIENT_SECRET),
    ] {
        more.insert(name.to_owned(), value.to_owned());
    }
    more.insert("BELLWIRE_SERVER_PUBLIC_URL".to_owned(), "https://bellwire.example.com".to_owned());
    let packs = [("crm", authority.pack("authorization_code"))];
    let packs: Vec<(&str, &str)> = packs.iter().map(|(name, text)| (*name, text.as_str())).collect();
    let app = TestApp::with_packs(Journal::start([]).await, &packs, &[], "", more).await;
    let visit = Visit::owner(&app).await;
    visit.get("/connections/crm").await.with("log in").with("nobody has logged in");
    let seen = visit.send("/connections/crm", "/connections/crm/login", &[]).await.status(200);
    let seen = seen.with("Go to the service").with("https://bellwire.example.com/oauth/callback");
    let url = seen.text.split("href=\"").find(|part| part.contains("code_challenge=")).unwrap();
    let url = url.split('"').next().unwrap().replace("&#38;", "&");
    let agreed = visit.away(&url).await;
    let back = agreed.headers["location"].to_str().unwrap().to_owned();
    let (place, query) = back.split_once('?').unwrap();
    assert_eq!(place, "https://bellwire.example.com/oauth/callback");
    let led = async |query: &str| {
        let seen = visit.get(&format!("/oauth/callback?{query}")).await.status(303);
        seen.headers["location"].to_str().unwrap().to_owned()
    };
    let home = led(query).await;
    assert_eq!(home, "/connections/crm?did=logged-in");
    visit.get(&home).await.status(200).with("It is logged in.");
    let lost = led(query).await;
    assert_eq!(lost, "/connections?did=login-unknown");
    visit.get(&lost).await.status(200).with("The login that came back is not known");
    visit.get("/oauth/callback?code=x&state=nobodys").await.status(400).with("unknown_login");
    let seen = visit.send("/connections/crm", "/connections/crm/login", &[]).await.status(200);
    let state = seen.text.split("state=").nth(1).unwrap().split('&').next().unwrap();
    let refused = led(&format!("error=%3Cb%3Eno&state={state}")).await;
    assert_eq!(refused, "/connections/crm?did=login-refused");
    visit.get(&refused).await.status(200).with("was not agreed to there").without("<b>no");
    let seen = visit.send("/connections/crm", "/connections/crm/login", &[]).await.status(200);
    let state = seen.text.split("state=").nth(1).unwrap().split('&').next().unwrap();
    let failed = led(&format!("code=not-one-of-theirs&state={state}")).await;
    assert_eq!(failed, "/connections/crm?did=login-failed");
    visit.get(&failed).await.status(200).with("gave no tokens");
    let seen = visit.get("/connections/crm").await.with("granted").with("Reconnect").with("Last refresh");
    for token in authority.state().given.clone() {
        assert!(!seen.text.contains(&token), "no token is on the page");
    }
    visit.send("/connections/crm", "/connections/crm/logout", &[]).await.status(303);
    visit.send("/connections/crm", "/connections/crm/logout", &[]).await.status(409).with("not logged in");
});

#[tokio::test(flavor = "multi_thread")]
async fn without_a_public_address_a_login_says_the_way_out() {
    let authority = Authority::start().await;
    let ports = authority.address.port().to_string();
    let more: BTreeMap<String, String> = [
        ("BELLWIRE_EGRESS_PORTS", ports.as_str()),
        ("BELLWIRE_SECRET_CRM_ID", CLIENT_ID),
        ("BELLWIRE_SECRET_CRM_SECRET", CLIENT_SECRET),
    ]
    .map(|(name, value)| (name.to_owned(), value.to_owned()))
    .into();
    let pack = authority.pack("authorization_code");
    let app = TestApp::with_packs(Journal::start([]).await, &[("crm", &pack)], &[], "", more).await;
    let visit = Visit::owner(&app).await;
    let seen = visit.send("/connections/crm", "/connections/crm/login", &[]).await.status(422);
    seen.with("server.public_url").with("bellwire connections login crm");
}
