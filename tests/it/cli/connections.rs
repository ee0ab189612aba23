//! `bellwire connections` and `bellwire services test`: logins as people make them, and connections that are asked whether they work.

use std::{
    io::{BufRead, BufReader},
    process::{Child, Stdio},
};

use serde_json::json;

use crate::support::{
    authority::{Authority, CLIENT_ID, CLIENT_SECRET},
    journal::{Journal, Reply},
    program::{PROGRAM, Place, free_address, wait_for},
};

/// A workspace with the pack of an authority, and its client's secrets.
fn place_of(authority: &Authority) -> Place {
    let place = Place::empty()
        .with("BELLWIRE_SERVER_LISTEN", &free_address().to_string())
        .with("BELLWIRE_EGRESS_ALLOW", "127.0.0.1/32")
        .with("BELLWIRE_EGRESS_PORTS", &authority.address.port().to_string())
        .with("BELLWIRE_SECRET_CRM_ID", CLIENT_ID)
        .with("BELLWIRE_SECRET_CRM_SECRET", CLIENT_SECRET);
    place.run(&["init", "."]).fine();
    place.write("templates/services/crm.yaml", &authority.pack("authorization_code"));
    place
}

/// A login that has printed its address.
fn begun(place: &Place, words: &[&str]) -> (Child, String) {
    let mut command = place.command(PROGRAM);
    command.args(["connections", "login", "crm"]).args(words);
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
    let mut seen = Vec::new();
    let url = loop {
        let line = lines.next().unwrap_or_else(|| panic!("no address: {seen:?}")).unwrap();
        if line.trim().starts_with("http") {
            break line.trim().to_owned();
        }
        seen.push(line);
    };
    std::thread::spawn(move || lines.for_each(drop));
    (child, url)
}

fn browser(follows: reqwest::redirect::Policy) -> reqwest::Client {
    // Another test may have been first.
    drop(rustls::crypto::ring::default_provider().install_default());
    reqwest::Client::builder().no_proxy().redirect(follows).build().unwrap()
}

/// A browser, which goes where it is sent.
async fn browse(url: &str) -> (u16, String) {
    let http = browser(reqwest::redirect::Policy::default());
    let answer = http.get(url).send().await.unwrap();
    (answer.status().as_u16(), answer.url().to_string())
}

fn row(place: &Place) -> serde_json::Value {
    let rows = place.run(&["connections", "--json"]).fine().json();
    rows.as_array().unwrap().iter().find(|row| row["name"] == "crm").unwrap().clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_login_by_a_port_of_this_machine_serves_from_then_on() {
    let authority = Authority::start().await;
    let place = place_of(&authority);
    assert!(place.run(&["connections"]).fine().out.contains("not logged in; bellwire connections login crm"));
    let refused = place.run(&["services", "test", "crm"]);
    assert_eq!(refused.code, 1, "{refused:?}");
    assert!(refused.out.contains("bellwire connections login crm"), "{refused:?}");

    let port = free_address().port().to_string();
    let (mut child, url) = begun(&place, &["--port", &port]);
    let other = browse(&format!("http://127.0.0.1:{port}/callback?code=x&state=of-another")).await;
    assert_eq!((other.0, browse(&format!("http://127.0.0.1:{port}/favicon.ico")).await.0), (400, 404));
    assert_eq!(browse(&url).await.0, 200);
    assert!(wait_for(&mut child).success());
    assert_eq!(row(&place)["grant"]["state"], "ok");
    assert_eq!(row(&place)["grant"]["scopes"], "read write");

    let tested = place.run(&["services", "test", "crm"]).fine();
    assert!(
        tested.out.contains("crm.me through crm, for real: GET http://") && tested.out.contains("ok: 200"),
        "{tested:?}"
    );
    assert!(!tested.out.contains("canary"), "{tested:?}");
    assert_eq!(authority.let_in(), 1);

    place.run(&["connections", "logout", "crm"]).fine();
    assert_eq!(row(&place)["grant"]["state"], "none");
    assert_eq!(place.run(&["connections", "logout", "crm"]).code, 1);
    for entry in std::fs::read_dir(place.path().join("data")).unwrap() {
        let bytes = std::fs::read(entry.unwrap().path()).unwrap();
        assert!(!bytes.windows(6).any(|window| window == b"canary"), "tokens are sealed");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_address_at_the_end_can_be_pasted() {
    let authority = Authority::start().await;
    let place = place_of(&authority);
    let (mut child, url) = begun(&place, &["--manual"]);
    let http = browser(reqwest::redirect::Policy::none());
    let sent = http.get(&url).send().await.unwrap();
    let back = sent.headers()["location"].to_str().unwrap().to_owned();
    std::io::Write::write_all(&mut child.stdin.take().unwrap(), format!("{back}\n").as_bytes()).unwrap();
    assert!(wait_for(&mut child).success());
    assert_eq!(row(&place)["grant"]["state"], "ok");
    let wrong =
        place.run_with(&["connections", "login", "crm", "--manual"], "http://127.0.0.1:8765/callback?code=x&state=y\n");
    assert_eq!(wrong.code, 2, "{wrong:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_with_a_public_url_takes_what_comes_back_once() {
    let authority = Authority::start().await;
    let place = place_of(&authority);
    let listen = free_address();
    let place = place.with("BELLWIRE_SERVER_LISTEN", &listen.to_string());
    let place = place.with("BELLWIRE_SERVER_PUBLIC_URL", &format!("http://{listen}"));
    let serving = place.serve();
    let (mut child, url) = begun(&place, &[]);
    let (status, last) = browse(&url).await;
    assert!(status == 200 && last.starts_with(&format!("http://{listen}/oauth/callback?")), "{status} {last}");
    assert!(wait_for(&mut child).success());
    assert_eq!(row(&place)["grant"]["state"], "ok");
    assert_eq!(browse(&last).await.0, 400, "it serves once");
    for query in ["", "?code=x", "?code=x&state=", "?code=x&state=a-guess", "?state=a-guess&error=access_denied"] {
        assert_eq!(browse(&format!("http://{listen}/oauth/callback{query}")).await.0, 400, "{query}");
    }
    assert_eq!(authority.asked("authorization_code"), 1);
    drop(serving);
    let log = place.read("log");
    assert!(!log.contains("canary"), "{log}");
}

/// Commands side by side: each is a process of its own, and one of them asks for the token.
#[tokio::test(flavor = "multi_thread")]
async fn processes_side_by_side_renew_a_token_once() {
    let authority = Authority::start().await;
    authority.state().expires_in = 1;
    let place = place_of(&authority);
    let port = free_address().port().to_string();
    let (mut child, url) = begun(&place, &["--port", &port]);
    assert_eq!(browse(&url).await.0, 200);
    assert!(wait_for(&mut child).success());
    tokio::time::sleep(std::time::Duration::from_millis(1100)).await;
    authority.state().expires_in = 3600;
    authority.state().delay = std::time::Duration::from_millis(700);
    let start = || place.command(PROGRAM).args(["services", "test", "crm"]).stdout(Stdio::null()).spawn().unwrap();
    let mut children = [start(), start(), start()];
    assert!(children.iter_mut().all(|child| wait_for(child).success()));
    assert_eq!((authority.asked("refresh_token"), authority.let_in()), (1, 3), "{:?}", authority.state().asked);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_test_says_what_is_wrong_and_what_to_do() {
    let answer = |status, body: serde_json::Value| Reply::Status(status, Vec::new(), body.to_string());
    let journal = Journal::start([
        answer(200, json!({"mailboxes": [{"id": "1", "name": "Support"}]})),
        answer(401, json!({"error": "the token is wrong"})),
        answer(503, json!({})),
        Reply::Cut,
    ])
    .await;
    let place = Place::workspace(&journal);
    let fine = place.run(&["services", "test", "groove", "--json"]).fine().json();
    assert_eq!(
        (&fine["ok"], &fine["status"], &fine["action"]),
        (&json!(true), &json!(200), &json!("groove.list_mailboxes"))
    );
    assert_eq!(fine["result"], "a list of 1, each with id, name");
    assert_eq!(journal.requests()[0].path, "/v1/mailboxes");
    for says in ["bellwire secrets set groove_token", "try again later", "base_url"] {
        let failed = place.run(&["services", "test", "groove"]);
        assert_eq!(failed.code, 1, "{failed:?}");
        assert!(failed.out.contains("FAILED") && failed.out.contains(says), "{says}: {failed:?}");
    }
    assert_eq!(journal.requests().len(), 4);
    for (name, code, says) in [("gruveo", 1, "names no action"), ("grove", 2, "groove")] {
        let refused = place.run(&["services", "test", name]);
        assert!(refused.code == code && refused.err.contains(says), "{refused:?}");
    }
    let bare = Place::empty();
    bare.run(&["init", "."]).fine();
    let missing = bare.run(&["services", "test", "groove"]);
    assert!(missing.code == 1 && missing.out.contains("bellwire secrets set groove_token"), "{missing:?}");
}
