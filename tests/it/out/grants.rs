//! OAuth 2.0: tokens renewed once, whoever asks; a grant that is lost costs no attempt; no token is kept where it could be read.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use bellwire::{
    clock::{Clock, SharedClock},
    connections::{Connections, Destination},
    egress::Egress,
    model::{AttemptOutcome, RunStatus},
    net::Client,
    secret::Secret,
    services::Registry,
    store::{GrantState, Mode, NewGrant, RunDetail, Store, Vault},
};
use serde_json::json;

use super::kit::BOX;
use crate::support::{
    app::{TestApp, states},
    authority::{Authority, CLIENT_ID, CLIENT_SECRET},
    both::on_both,
    journal::Journal,
};

const SECOND: Duration = Duration::from_secs(1);
const RULE: &str = "name: one step\non: box.received\ndo:\n  - id: add\n    crm.add: { text: x }\n  - vars: { told: \"{{ steps.add.result | json }}\" }\n";

/// An app whose only rule calls the API behind the authority; nobody has logged in.
async fn app_of(authority: &Authority, grant: &str, mut more: BTreeMap<String, String>) -> TestApp {
    let journal = Journal::start([]).await;
    let ports = format!("{},{}", journal.address.port(), authority.address.port());
    more.extend(
        [
            ("BELLWIRE_EGRESS_PORTS", ports.as_str()),
            ("BELLWIRE_SECRET_CRM_ID", CLIENT_ID),
            ("BELLWIRE_SECRET_CRM_SECRET", CLIENT_SECRET),
        ]
        .map(|(name, value)| (name.to_owned(), value.to_owned())),
    );
    let app = TestApp::on(journal, &[], BOX, more).await;
    app.write_pack("crm", &authority.pack(grant));
    app.write_rule("one", RULE);
    app.restart_changed().await
}

async fn vault_of(app: &TestApp) -> Vault {
    let config = bellwire::config::load(app.folder.path(), &BTreeMap::default()).unwrap();
    let (store, clock) = (app.store().clone(), Arc::clone(&app.clock));
    tokio::task::spawn_blocking(move || Vault::open(store, &config, clock)).await.unwrap().unwrap()
}

/// Somebody logs in: tokens that end in an hour.
async fn log_in(app: &TestApp, authority: &Authority) -> Vault {
    let vault = vault_of(app).await;
    let (access, refresh) = authority.issue();
    let grant = NewGrant {
        access: Secret::new(access),
        refresh: Some(Secret::new(refresh)),
        expires_at: Some(app.clock.now().plus(Duration::from_hours(1))),
        scopes: "read write".to_owned(),
    };
    vault.put_grant("crm", &grant).await.unwrap();
    vault
}

async fn ring(app: &TestApp) {
    let answer = app.post("/hooks/box", &[], json!({}).to_string()).await;
    assert_eq!(answer.status, 202, "{answer:?}");
}

fn outcomes(run: &RunDetail) -> Vec<AttemptOutcome> {
    run.attempts.iter().map(|attempt| attempt.outcome).collect()
}

on_both!(a_token_is_renewed_a_minute_before_its_end_and_the_refresh_token_changes, |database| {
    let authority = Authority::start().await;
    let app = app_of(&authority, "authorization_code", database).await;
    let vault = log_in(&app, &authority).await;
    ring(&app).await;
    app.settle().await;
    assert_eq!((authority.asked("refresh_token"), authority.let_in()), (0, 1));
    for round in 1..=3 {
        app.advance(Duration::from_secs(58 * 60)).await;
        ring(&app).await;
        app.settle().await;
        assert_eq!(authority.asked("refresh_token"), round - 1, "not yet");
        app.advance(61 * SECOND).await;
        ring(&app).await;
        app.settle().await;
        assert_eq!(authority.asked("refresh_token"), round);
    }
    assert_eq!(authority.let_in(), 7);
    vault.refresh().await.unwrap();
    let grant = vault.grant("crm").unwrap();
    assert_eq!(grant.refresh.as_ref().map(Secret::expose), authority.state().refresh.as_deref());
    assert_eq!((grant.scopes.as_str(), grant.state), ("read write", GrantState::Ok));
    let app = app.restart().await;
    ring(&app).await;
    app.settle().await;
    assert_eq!((authority.asked("refresh_token"), authority.let_in()), (3, 8), "kept over a restart");
});

on_both!(fifty_runs_at_once_renew_a_token_once, |database| {
    let authority = Authority::start().await;
    let app = app_of(&authority, "authorization_code", database).await;
    log_in(&app, &authority).await;
    app.clock.advance(Duration::from_hours(2));
    authority.state().live.clear();
    authority.state().delay = Duration::from_millis(300);
    for _ in 0..50 {
        ring(&app).await;
    }
    app.settle().await;
    assert_eq!(states(&app.runs().await), vec![RunStatus::Ok; 50]);
    assert_eq!((authority.asked("refresh_token"), authority.let_in()), (1, 50));
});

on_both!(two_processes_at_once_renew_a_token_once, |database| {
    let authority = Authority::start().await;
    let app = app_of(&authority, "authorization_code", database.clone()).await;
    log_in(&app, &authority).await;
    app.clock.advance(Duration::from_hours(2));
    authority.state().delay = Duration::from_millis(500);
    // Another store, vault and connections on the same database, as a command beside the server has them.
    let mut environment = database;
    environment.insert("BELLWIRE_EGRESS_PORTS".to_owned(), authority.address.port().to_string());
    environment.insert("BELLWIRE_SECRET_CRM_ID".to_owned(), CLIENT_ID.to_owned());
    environment.insert("BELLWIRE_SECRET_CRM_SECRET".to_owned(), CLIENT_SECRET.to_owned());
    let config = Arc::new(bellwire::config::load(app.folder.path(), &environment).unwrap());
    let (settings, clock) = (Arc::clone(&config), Arc::clone(&app.clock));
    let beside = tokio::task::spawn_blocking(move || {
        let store =
            Store::open(&settings, Mode::Write, Arc::clone(&clock) as SharedClock, Arc::new(|why| panic!("{why}")))
                .unwrap();
        Vault::open(store, &settings, clock).unwrap()
    });
    let vault = Arc::new(beside.await.unwrap());
    let egress = Arc::new(Egress::new(&config.egress, Vec::new()));
    let client = Client::new(Arc::clone(&egress), 1 << 20).unwrap();
    let clock = Arc::clone(&app.clock);
    let connections = Connections::new(Arc::clone(&config), Arc::clone(&vault), egress, clock);
    let packs = BTreeMap::from([("templates/services/crm.yaml".to_owned(), authority.pack("authorization_code"))]);
    let registry = Registry::load(&packs).unwrap();
    ring(&app).await;
    let to = Destination::Connection { name: "crm", host: None, path: "/me" };
    let (settled, ready) = tokio::join!(app.settle(), connections.ready(&client, &registry, &to, None));
    let () = settled;
    ready.unwrap();
    assert_eq!(app.only_run().await.row.status, RunStatus::Ok);
    assert_eq!(authority.asked("refresh_token"), 1, "{:?}", authority.state().asked);
    assert!(authority.state().refresh.is_some(), "a token that was used twice would have ended the grant");
    let store = vault.store().clone();
    tokio::task::spawn_blocking(move || store.close()).await.unwrap();
});

#[tokio::test(flavor = "multi_thread")]
async fn trouble_where_tokens_are_had_keeps_the_grant_and_the_schedule_goes_on() {
    for (status, body) in
        [(503, ""), (500, "{\"error\":\"invalid_grant\"}"), (429, "{}"), (200, "<html>a page in between</html>")]
    {
        let authority = Authority::start().await;
        let app = app_of(&authority, "authorization_code", BTreeMap::new()).await;
        let vault = log_in(&app, &authority).await;
        app.clock.advance(Duration::from_hours(2));
        authority.state().failures.push_back((status, body.to_owned()));
        ring(&app).await;
        app.settle().await;
        let run = app.only_run().await;
        assert_eq!((run.row.status, outcomes(&run)), (RunStatus::Due, vec![AttemptOutcome::Retry]), "{status}");
        assert_eq!((authority.asked("refresh_token"), authority.let_in()), (1, 0), "{status}");
        vault.refresh().await.unwrap();
        assert_eq!(vault.grant("crm").unwrap().state, GrantState::Ok, "{status}");
        app.advance(7 * SECOND).await;
        let run = app.only_run().await;
        assert_eq!(
            (run.row.status, outcomes(&run)),
            (RunStatus::Ok, vec![AttemptOutcome::Retry, AttemptOutcome::Ok]),
            "{status}"
        );
        assert_eq!((authority.asked("refresh_token"), authority.let_in()), (2, 1), "{status}");
    }
}

on_both!(a_lost_grant_pauses_its_runs_without_an_attempt_until_somebody_logs_in, |database| {
    let authority = Authority::start().await;
    let app = app_of(&authority, "authorization_code", database).await;
    let vault = log_in(&app, &authority).await;
    app.clock.advance(Duration::from_hours(2));
    authority.state().refresh = None;
    for _ in 0..3 {
        ring(&app).await;
    }
    app.settle().await;
    for _ in 0..3 {
        app.advance(Duration::from_hours(2)).await;
    }
    assert_eq!(states(&app.runs().await), vec![RunStatus::Due; 3]);
    for run in app.runs().await {
        let run = app.store().run(run.id).await.unwrap().unwrap();
        assert_eq!(run.attempts.len(), 0, "{run:?}");
        let why = run.row.why.unwrap();
        assert!(why.contains("bellwire connections login crm") && !why.contains("canary"), "{why}");
    }
    assert_eq!((authority.asked("refresh_token"), authority.let_in()), (1, 0), "what is lost is not asked for again");
    assert_eq!(app.store().paused().await.unwrap(), [("crm".to_owned(), 3)]);
    vault.refresh().await.unwrap();
    let grant = vault.grant("crm").unwrap();
    assert_eq!((grant.state, grant.access.is_none(), grant.refresh.is_none()), (GrantState::Lost, true, true));
    log_in(&app, &authority).await;
    app.settle().await;
    assert_eq!(states(&app.runs().await), vec![RunStatus::Ok; 3]);
    assert_eq!(authority.let_in(), 3);
    assert!(app.store().paused().await.unwrap().is_empty());
});

#[tokio::test(flavor = "multi_thread")]
async fn runs_wait_until_somebody_logs_in_for_the_first_time() {
    let authority = Authority::start().await;
    let app = app_of(&authority, "authorization_code", BTreeMap::new()).await;
    ring(&app).await;
    app.settle().await;
    let run = app.only_run().await;
    assert_eq!((run.row.status, run.attempts.len()), (RunStatus::Due, 0), "{run:?}");
    log_in(&app, &authority).await;
    app.settle().await;
    assert_eq!(app.only_run().await.row.status, RunStatus::Ok);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_that_is_refused_is_renewed_once_within_its_attempt() {
    let authority = Authority::start().await;
    let app = app_of(&authority, "authorization_code", BTreeMap::new()).await;
    log_in(&app, &authority).await;
    authority.state().live.clear();
    ring(&app).await;
    app.settle().await;
    let run = app.only_run().await;
    assert_eq!((run.row.status, outcomes(&run)), (RunStatus::Ok, vec![AttemptOutcome::Ok]), "{run:?}");
    assert_eq!((authority.asked("refresh_token"), authority.let_in(), authority.state().calls.len()), (1, 1, 2));

    authority.state().closed = true;
    ring(&app).await;
    app.settle().await;
    let run = app.store().run(app.runs().await[1].id).await.unwrap().unwrap();
    assert_eq!((run.row.status, outcomes(&run)), (RunStatus::Failed, vec![AttemptOutcome::Failed]), "{run:?}");
    assert_eq!(run.row.error.and_then(|error| error.status), Some(401));
    assert_eq!((authority.asked("refresh_token"), authority.state().calls.len()), (2, 4), "once, not for ever");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_grant_that_is_taken_back_while_its_token_is_good_pauses_the_run_too() {
    let authority = Authority::start().await;
    let app = app_of(&authority, "authorization_code", BTreeMap::new()).await;
    log_in(&app, &authority).await;
    authority.state().live.clear();
    authority.state().refresh = None;
    ring(&app).await;
    app.settle().await;
    let run = app.only_run().await;
    assert_eq!((run.row.status, outcomes(&run)), (RunStatus::Due, vec![AttemptOutcome::Retry]), "{run:?}");
    app.advance(Duration::from_hours(3)).await;
    assert_eq!(outcomes(&app.only_run().await).len(), 1);
    log_in(&app, &authority).await;
    app.settle().await;
    assert_eq!(app.only_run().await.row.status, RunStatus::Ok);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_gets_its_tokens_by_itself_needs_nobody() {
    let authority = Authority::start().await;
    let app = app_of(&authority, "client_credentials", BTreeMap::new()).await;
    for hour in 1..=2 {
        for _ in 0..5 {
            ring(&app).await;
        }
        app.settle().await;
        assert_eq!((authority.asked("client_credentials"), authority.let_in()), (hour, 5 * hour));
        app.advance(Duration::from_hours(1)).await;
    }
    // A client that is set wrong: its runs wait, and are no more than a few knocks.
    authority.state().failures.extend(vec![(401, json!({"error": "invalid_client"}).to_string()); 2]);
    ring(&app).await;
    app.settle().await;
    let last = app.runs().await.pop().unwrap();
    assert_eq!(last.status, RunStatus::Due);
    assert!(last.why.as_deref().is_some_and(|why| why.contains("invalid_client")), "{last:?}");
    for _ in 0..3 {
        app.advance(Duration::from_secs(301)).await;
    }
    assert_eq!(app.runs().await.pop().unwrap().status, RunStatus::Ok);
    assert_eq!(authority.asked("client_credentials"), 5);
}

/// O1: what the API and the authority echo, and what is kept of it.
#[tokio::test(flavor = "multi_thread")]
async fn no_token_is_in_what_is_kept() {
    let authority = Authority::start().await;
    let app = app_of(&authority, "authorization_code", BTreeMap::new()).await;
    log_in(&app, &authority).await;
    ring(&app).await;
    app.settle().await;
    app.advance(Duration::from_hours(2)).await;
    ring(&app).await;
    app.settle().await;
    authority.state().live.clear();
    ring(&app).await;
    app.settle().await;
    authority.state().live.clear();
    authority.state().refresh = None;
    ring(&app).await;
    app.settle().await;
    let given = authority.state().given.clone();
    assert!(given.len() >= 6);
    let mut kept = String::new();
    for run in app.runs().await {
        let run = app.store().run(run.id).await.unwrap().unwrap();
        let replies = run.attempts.iter().map(|attempt| attempt.reply.clone().unwrap_or_default());
        let replies: Vec<String> = replies.map(|reply| String::from_utf8(reply).unwrap()).collect();
        kept.push_str(&format!("{run:?} {replies:?}"));
    }
    assert!(kept.contains("token of crm"), "it was masked, not missing: {kept}");
    for token in given.iter().map(String::as_str).chain([CLIENT_SECRET]) {
        assert!(!kept.contains(token), "{token} in {kept}");
        assert!(!app.is_on_disk(token), "{token}");
    }
}

/// A segment of the path, and a whole address.
#[tokio::test(flavor = "multi_thread")]
async fn secrets_in_addresses_go_out_and_are_not_kept() {
    use crate::support::journal::Reply;
    let token = "110201543:canary-telegram-token/1";
    let hook = "canary-hook-token-0123456789";
    let echo = |text: &str| Reply::Status(400, Vec::new(), json!({"error": text}).to_string());
    let journal = Journal::start([
        echo(&format!("no bot {token}")),
        echo(&format!("no hook at /services/T0/{hook}?sig=canary-signature-0123456789")),
    ])
    .await;
    let address = journal.address;
    let whole = format!("http://{address}/services/T0/{hook}?sig=canary-signature-0123456789");
    let more = [("BELLWIRE_SECRET_CHAT_TOKEN", token), ("BELLWIRE_SECRET_HOOK_URL", whole.as_str())];
    let more = more.map(|(name, value)| (name.to_owned(), value.to_owned())).into_iter().collect();
    let app = TestApp::on(journal, &[], BOX, more).await;
    let action = |path: &str| {
        format!(
            "errors: {{ message: body.error }}\nactions:\n  say:\n    title: Say\n    request: {{ method: POST, path: {path}, json: {{ a: 1 }} }}\n    \
             result: body\n    read: false\n    idempotent: false\n    sample: {{ a: 1 }}\n"
        )
    };
    let chat = format!(
        "name: chat\ntitle: Chat\nbase_url: http://{address}\nauth: {{ path: {{ secret: chat_token, prefix: bot }} }}\n{}",
        action("/sendMessage")
    );
    app.write_pack("chat", &chat);
    app.write_pack("hook", &format!("name: hook\ntitle: Hook\nauth: {{ url: hook_url }}\n{}", action("/")));
    app.write_rule(
        "one",
        "name: one\non: box.received\ndo:\n  - chat.say: {}\n    on_error: continue\n  - hook.say: {}\n",
    );
    let app = app.restart_changed().await;
    ring(&app).await;
    app.settle().await;
    let requests = app.journal.requests();
    assert_eq!(requests[0].path, "/bot110201543:canary-telegram-token%2F1/sendMessage");
    assert_eq!(requests[1].path, format!("/services/T0/{hook}?sig=canary-signature-0123456789"));
    let run = app.only_run().await;
    let kept = format!("{run:?}");
    assert!(kept.contains("[secret chat_token]") && kept.contains("[secret hook_url]"), "{kept}");
    for secret in [token, hook, "canary-signature"] {
        assert!(!kept.contains(secret) && !app.is_on_disk(secret), "{secret} in {kept}");
    }
}
