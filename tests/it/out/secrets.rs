//! Secrets: to their origins alone, in the way that the rule says, and in nothing that is kept.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use bellwire::{
    model::{ErrorClass, RunStatus},
    secret::Secret,
    store::Vault,
};
use serde_json::json;

use super::kit::{app_of, error_of, ring};
use crate::support::{
    app::{GROOVE_TOKEN, TestApp},
    journal::{Journal, Reply},
};

const CRM: &str = "a-crm-token/with+signs&more";

/// Sets a secret as `bellwire secrets set NAME --for ORIGIN` does, and starts again.
async fn with_secret(app: TestApp, name: &'static str, value: &str, origins: Vec<String>) -> TestApp {
    let config = bellwire::config::load(app.folder.path(), &std::collections::BTreeMap::default()).unwrap();
    let (store, clock) = (app.store().clone(), std::sync::Arc::clone(&app.clock));
    let vault = tokio::task::spawn_blocking(move || Vault::open(store, &config, clock)).await.unwrap().unwrap();
    vault.set(name, Secret::new(value.to_owned()), origins).await.unwrap();
    app.restart().await
}

/// The four ways to show a secret, and that none of it is kept.
#[tokio::test(flavor = "multi_thread")]
async fn each_kind_of_auth_sends_its_secret_and_keeps_none() {
    let echo = |text: String| Reply::Status(201, vec![("X-Echo", text.clone())], json!({"said": text}).to_string());
    for auth in [
        "{ bearer: crm }",
        "{ basic: { user: crm_user, password: crm } }",
        "{ header: { name: X-Key, secret: crm } }",
        "{ query: { name: key, secret: crm } }",
    ] {
        let journal = Journal::start([echo(format!(
            "{CRM} {} {}",
            STANDARD.encode(CRM),
            STANDARD.encode(format!("crm-user-name:{CRM}"))
        ))])
        .await;
        let origin = format!("http://{}", journal.address);
        let step = format!(
            "  - id: post\n    http: {{ method: POST, url: \"http://JOURNAL/x\", json: {{}}, auth: {auth} }}\n  - stop: \"{{{{ steps.post.result | json }}}}\""
        );
        let app = app_of(journal, &step, "", &[]).await;
        let app = with_secret(app, "crm", CRM, vec![origin.clone()]).await;
        let app = with_secret(app, "crm_user", "crm-user-name", vec![origin]).await;
        ring(&app, &json!({})).await;
        let run = app.only_run().await;
        assert_eq!(run.row.status, RunStatus::Ok, "{auth} {run:?}");
        let request = &app.journal.requests()[0];
        let shown = match auth {
            _ if auth.contains("bearer") => request.header("authorization") == Some(&*format!("Bearer {CRM}")),
            _ if auth.contains("basic") => {
                request.header("authorization")
                    == Some(&*format!("Basic {}", STANDARD.encode(format!("crm-user-name:{CRM}"))))
            }
            _ if auth.contains("header") => request.header("x-key") == Some(CRM),
            _ => request.path.starts_with("/x?key=a-crm-token%2Fwith%2Bsigns%26more"),
        };
        assert!(shown, "{auth} {request:?}");
        let kept = format!("{run:?} {}", String::from_utf8_lossy(run.attempts[0].reply.as_deref().unwrap()));
        for form in [CRM.to_owned(), STANDARD.encode(CRM)] {
            assert!(!kept.contains(&form), "{auth} {form} in {kept}");
            assert!(!app.is_on_disk(&form), "{auth} {form}");
        }
    }
}

/// A31, A32: exact origin or nothing. The receiver is where the secret must not go.
#[tokio::test(flavor = "multi_thread")]
async fn a_secret_for_another_origin_is_not_sent() {
    let journal = Journal::start([]).await;
    let port = journal.address.port();
    for origin in [
        "https://api.example.com".to_owned(),
        format!("https://127.0.0.1:{port}"),
        format!("http://127.0.0.1:{}", port.wrapping_add(1).max(1)),
        "http://127.0.0.1".to_owned(),
        format!("http://localhost:{port}"),
    ] {
        let step = "  - http: { method: POST, url: \"http://JOURNAL/x\", json: {}, auth: { bearer: crm } }";
        let app = app_of(journal.clone(), step, "", &[]).await;
        let app = with_secret(app, "crm", CRM, vec![origin.clone()]).await;
        ring(&app, &json!({})).await;
        let run = app.only_run().await;
        let (class, message) = error_of(&run);
        assert_eq!(class, Some(ErrorClass::SecretOrigin), "{origin} {message}");
        assert!(!message.contains(CRM), "{message}");
    }
    assert!(journal.requests().is_empty());
}

/// A secret with no origin signs and verifies, and is never sent; that of the environment too.
#[tokio::test(flavor = "multi_thread")]
async fn a_secret_without_an_origin_is_never_sent() {
    for secret in ["gruveo_key", "loose"] {
        let step = format!(
            "  - http: {{ method: POST, url: \"http://JOURNAL/x\", json: {{}}, auth: {{ bearer: {secret} }} }}"
        );
        let app =
            app_of(Journal::start([]).await, &step, "", &[("BELLWIRE_SECRET_LOOSE", "a-loose-secret-value")]).await;
        ring(&app, &json!({})).await;
        let (class, message) = error_of(&app.only_run().await);
        assert_eq!(class, Some(ErrorClass::SecretOrigin), "{secret} {message}");
        assert!(app.journal.requests().is_empty());
    }
}

/// A33: a part of a credential is none, and nothing stands in for it.
#[tokio::test(flavor = "multi_thread")]
async fn a_missing_secret_fails_the_step_and_nothing_stands_in() {
    for auth in [
        "{ bearer: nowhere }",
        "{ basic: { user: groove_token, password: nowhere } }",
        "{ basic: { user: nowhere, password: groove_token } }",
    ] {
        let step =
            format!("  - http: {{ method: POST, url: \"http://JOURNAL/x\", json: {{}}, auth: {auth} }}\n    retry: 3");
        let app =
            app_of(Journal::start([]).await, &step, "", &[("BEARER", "x"), ("NOWHERE", "an-environment-value")]).await;
        ring(&app, &json!({})).await;
        let run = app.only_run().await;
        let (class, message) = error_of(&run);
        assert_eq!(class, Some(ErrorClass::SecretMissing), "{auth} {message}");
        assert_eq!(run.row.status, RunStatus::Failed, "for good");
        assert!(message.contains("nowhere"), "{message}");
        assert!(app.journal.requests().is_empty());
    }
}

/// A35, wherever a cut may fall: a message and a reply are masked before they are cut.
#[tokio::test(flavor = "multi_thread")]
async fn a_secret_at_the_edge_of_a_cut_is_not_kept_in_part() {
    // All but the last letter would be kept.
    let part = &GROOVE_TOKEN[..GROOVE_TOKEN.len() - 1];
    for shift in 0..=GROOVE_TOKEN.len() {
        let message = format!("{}{GROOVE_TOKEN}", "x".repeat(300 - shift));
        let reply = Reply::Status(400, Vec::new(), json!({"error": message}).to_string());
        let app = app_of(Journal::start([reply]).await, "  - groove.add_note: { ticket: 1, body: x }", "", &[]).await;
        ring(&app, &json!({})).await;
        let run = app.only_run().await;
        let kept = format!(
            "{:?} {:?} {}",
            run.row,
            run.outputs,
            String::from_utf8_lossy(run.attempts[0].reply.as_deref().unwrap())
        );
        assert!(!kept.contains(&part[..8]), "{shift} {kept}");
    }
    for shift in [1, 5, GROOVE_TOKEN.len() - 1] {
        let text = format!("{}{GROOVE_TOKEN}{}", "x".repeat(64 * 1024 - shift), "y".repeat(100));
        let reply = Reply::Status(200, vec![("Content-Type", "text/plain".to_owned())], text);
        let app = app_of(
            Journal::start([reply]).await,
            "  - http: { method: POST, url: \"http://JOURNAL/x\", json: {} }",
            "",
            &[],
        )
        .await;
        ring(&app, &json!({})).await;
        let run = app.only_run().await;
        let kept = String::from_utf8(run.attempts[0].reply.clone().unwrap()).unwrap();
        let body = serde_json::from_str::<serde_json::Value>(&kept).unwrap()["body"].as_str().unwrap().to_owned();
        assert!(
            body.trim_start_matches('x').chars().take(3).all(|c| c == '[' || c == 's' || c == 'e'),
            "{shift} {}",
            &body[body.len() - 40..]
        );
    }
}
