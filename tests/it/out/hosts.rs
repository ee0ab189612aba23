//! Actions that go to a further host of their service, with its secrets and nobody else's.

use bellwire::model::{ErrorClass, RunStatus};
use serde_json::json;

use super::kit::{BOX, error_of, ring};
use crate::support::{app::TestApp, journal::Journal};

const PACK: &str = "name: desk
title: Desk
base_url: http://MAIN/api
hosts: { uploads: \"http://UPLOADS/up\" }
auth: { bearer: desk_token }
actions:
  upload:
    title: Upload
    inputs: { name: { type: text, required: true } }
    request: { host: uploads, method: POST, path: \"/files/{{ name }}\", json: {} }
    sample: {}
  note:
    title: Note
    request: { method: POST, path: /notes, json: {} }
    sample: {}
";

const RULE: &str = "name: up\non: box.received\ndo:\n  - desk.upload: { name: a b }\n    connection: CONNECTION\n  - desk.note: {}\n    connection: CONNECTION\n";

/// An app with the pack above, both of whose hosts are receivers.
async fn app_of(main: &Journal, uploads: &Journal, connection: &str, settings: &str) -> TestApp {
    let fill = |text: &str| {
        text.replace("MAIN", &main.address.to_string())
            .replace("UPLOADS", &uploads.address.to_string())
            .replace("CONNECTION", connection)
    };
    let more = [
        ("BELLWIRE_EGRESS_PORTS".to_owned(), format!("{}, {}", main.address.port(), uploads.address.port())),
        ("BELLWIRE_SECRET_DESK_TOKEN".to_owned(), "a-token-of-the-desk".to_owned()),
    ];
    let app =
        TestApp::unchecked_on(main.clone(), &[("up", &fill(RULE))], &format!("{BOX}\n{}", fill(settings)), more.into())
            .await;
    app.write_pack("desk", &fill(PACK));
    app.restart_changed().await
}

#[tokio::test(flavor = "multi_thread")]
async fn an_action_goes_to_the_host_that_it_names_with_the_secret_of_its_pack() {
    let (main, uploads) = (Journal::start([]).await, Journal::start([]).await);
    let app = app_of(&main, &uploads, "desk", "").await;
    ring(&app, &json!({})).await;
    let run = app.only_run().await;
    assert_eq!(run.row.status, RunStatus::Ok, "{run:?}");
    let (up, note) = (uploads.requests(), main.requests());
    assert_eq!((up[0].path.as_str(), note[0].path.as_str()), ("/up/files/a%20b", "/api/notes"));
    for request in [&up[0], &note[0]] {
        assert_eq!(request.header("authorization"), Some("Bearer a-token-of-the-desk"));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_moves_its_hosts_one_by_one() {
    let (main, uploads, third) = (Journal::start([]).await, Journal::start([]).await, Journal::start([]).await);
    let moved = format!("[connections.eu]\nservice = \"desk\"\nhosts = {{ uploads = \"http://{}\" }}\n", third.address);
    let app = app_of(&main, &uploads, "eu", &moved).await;
    let app = {
        let mut app = app;
        app.allow(&[main.address.port(), uploads.address.port(), third.address.port()]);
        app.restart_changed().await
    };
    ring(&app, &json!({})).await;
    assert_eq!(app.only_run().await.row.status, RunStatus::Ok, "{:?}", app.only_run().await);
    assert_eq!((third.requests().len(), uploads.requests().len(), main.requests().len()), (1, 0, 1));
    assert_eq!(third.requests()[0].path, "/files/a%20b");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_secret_goes_to_no_host_that_its_pack_does_not_name() {
    let (main, uploads) = (Journal::start([]).await, Journal::start([]).await);
    let elsewhere = format!(
        "name: up\non: box.received\ndo:\n  - http: {{ method: POST, url: \"http://{}/x\", json: {{}}, auth: {{ bearer: desk_token }} }}\n",
        uploads.address
    );
    let app = app_of(&main, &main, "desk", "").await;
    app.write_rule("up", &elsewhere);
    let mut app = app;
    app.allow(&[main.address.port(), uploads.address.port()]);
    let app = app.restart().await;
    ring(&app, &json!({})).await;
    assert_eq!(error_of(&app.only_run().await).0, Some(ErrorClass::SecretOrigin));
    assert!(uploads.requests().is_empty());
}
