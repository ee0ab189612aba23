//! Each case through the whole engine: a rule with one step, a delivery, the requests that came, and what the step made of the answer.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use bellwire::{
    model::RunStatus,
    secret::Secret,
    services::{AuthUse, Pack, Registry},
    store::{NewGrant, Vault},
};
use serde_json::{Value, json};

use super::{
    case::{self, Answer, Case, Cases, Expect},
    seen::{faults, sorted},
};
use crate::support::{
    app::TestApp,
    journal::{Journal, Received, Reply},
};

/// The packs that are tried, with a comma between them; all where it is not set: `PACKS=slack,discord cargo test packs::`.
const ONLY: Option<&str> = option_env!("PACKS");

#[tokio::test(flavor = "multi_thread")]
async fn every_action_sends_what_its_vendor_documents() {
    let registry = Registry::load(&BTreeMap::new()).unwrap();
    let mut faults = Vec::new();
    for (name, cases) in case::all() {
        if ONLY.is_some_and(|only| !only.split(',').any(|one| one == name)) {
            continue;
        }
        match registry.pack(&name) {
            None => faults.push(format!("tests/data/packs/{name}.yaml: there is no such pack")),
            Some(pack) => faults.extend(tried(pack, &cases).await),
        }
    }
    assert!(faults.is_empty(), "{} faults\n{}", faults.len(), faults.join("\n"));
}

/// Starts one Bellwire for a pack and tries all its cases.
async fn tried(pack: &Pack, cases: &Cases) -> Vec<String> {
    let name = &pack.name;
    let base = base_path(pack);
    if cases.base.as_ref().is_some_and(|given| given.trim_end_matches('/') != base) {
        return vec![format!("{name}: `base` is {:?}, and the pack's own is {base:?}", cases.base)];
    }
    let journal = Journal::start([]).await;
    let origin = format!("http://{}", journal.address);
    let rules: Vec<(String, String)> = cases.list.iter().enumerate().map(|(at, case)| rule(name, at, case)).collect();
    let rules: Vec<(&str, &str)> = rules.iter().map(|(id, text)| (id.as_str(), text.as_str())).collect();
    let secrets: BTreeMap<&String, String> =
        cases.secrets.iter().map(|(secret, value)| (secret, value.replace("RECEIVER", &origin))).collect();
    let environment = secrets
        .iter()
        .map(|(secret, value)| (format!("BELLWIRE_SECRET_{}", secret.to_uppercase()), value.clone()))
        .collect();
    let app = TestApp::on(journal, &rules, &settings(pack, &origin, &base), environment).await;
    if let Some(access) = &cases.granted {
        agreed(&app, name, access).await;
    }
    let mut faults = Vec::new();
    let mut token = cases.token.as_ref();
    for (at, case) in cases.list.iter().enumerate() {
        let before = token.take();
        let answers = before.iter().map(|token| &token.reply).chain(case.reply.all());
        app.journal
            .script(answers.map(|answer: &Answer| Reply::Bytes(answer.bytes(&origin))).chain([Reply::status(599)]));
        let wanted: Vec<&Expect> = before.iter().map(|token| &token.expect).chain(case.expect.all()).collect();
        let found = one(&app, at, case, &wanted, &origin).await;
        faults.extend(found.into_iter().map(|fault| format!("  {name}.{} (case {}): {fault}", case.action, at + 1)));
    }
    let kept = secrets.iter().filter(|(_, value)| app.is_on_disk(value));
    faults.extend(kept.map(|(secret, _)| format!("  {name}: secret `{secret}` stands in the database")));
    app.app.stop().await;
    faults
}

/// Stores what a service would have granted after a person has agreed.
async fn agreed(app: &TestApp, connection: &str, access: &str) {
    let config = bellwire::config::load(app.folder.path(), &BTreeMap::default()).unwrap();
    let (store, clock) = (app.store().clone(), Arc::clone(&app.clock));
    let vault = tokio::task::spawn_blocking(move || Vault::open(store, &config, clock)).await.unwrap().unwrap();
    let grant = NewGrant {
        access: Secret::new(access.to_owned()),
        refresh: None,
        expires_at: Some(app.now().plus(Duration::from_hours(1))),
        scopes: String::new(),
    };
    vault.put_grant(connection, &grant).await.unwrap();
}

/// Delivers the event of a case, and compares what came of it.
async fn one(app: &TestApp, at: usize, case: &Case, wanted: &[&Expect], origin: &str) -> Vec<String> {
    let answer = app.post(&format!("/hooks/box/case_{at}"), &[], json!({"case": at}).to_string()).await;
    assert_eq!(answer.status, 202, "{answer:?}");
    app.settle().await;
    let requests: Vec<Received> = app.journal.take_requests();
    let mut found = Vec::new();
    if requests.len() != wanted.len() {
        let lines: Vec<String> = requests.iter().map(|one| format!("{} {}", one.method, one.path)).collect();
        found.push(format!("{} requests wanted, {} came: {lines:?}", wanted.len(), requests.len()));
    }
    for (request, wanted) in requests.iter().zip(wanted) {
        found.extend(faults(request, wanted, origin));
    }
    let run = app.runs().await.pop().unwrap();
    let run = app.store().run(run.id).await.unwrap().unwrap();
    let message = run.row.error.as_ref().map(|error| error.message.clone()).unwrap_or_default();
    match &case.error {
        Some(error) if run.row.status != RunStatus::Failed || !message.contains(error.as_str()) => {
            found.push(format!("an error with {error:?} wanted, {:?} and {message:?} seen", run.row.status));
        }
        None if run.row.status != RunStatus::Ok => found.push(format!("it is {:?}: {message}", run.row.status)),
        None => {
            let result = run.outputs.first().map_or(&Value::Null, |output| &output.result);
            let (seen, wanted) = (sorted(result), sorted(&case.result).replace("RECEIVER", origin));
            if seen != wanted {
                found.push(format!("result\n      wanted {wanted}\n      seen   {seen}"));
            }
        }
        Some(_) => {}
    }
    found
}

/// A rule whose only step is the case's.
fn rule(service: &str, at: usize, case: &Case) -> (String, String) {
    let step = json!([{"id": "x", (format!("{service}.{}", case.action)): case.inputs, "retry": 0}]);
    (format!("case_{at}"), format!("name: case {at}\non: box.case_{at}\ndo: {step}\n"))
}

/// A connection that leads to the receiver, with the paths of the pack's own addresses.
fn settings(pack: &Pack, origin: &str, base: &str) -> String {
    let name = &pack.name;
    let mut text =
        format!("[sources.box]\npublic = true\n\n[connections.{name}]\nservice = \"{name}\"\nrate = \"unlimited\"\n");
    if !matches!(pack.auth, Some(AuthUse::Url(_))) {
        text.push_str(&format!("base_url = \"{origin}{base}\"\n"));
    }
    let hosts: Vec<String> =
        pack.hosts.iter().map(|(host, url)| format!("{host} = \"{origin}{}\"", path_of(url))).collect();
    if !hosts.is_empty() {
        text.push_str(&format!("hosts = {{ {} }}\n", hosts.join(", ")));
    }
    text
}

/// The path of the pack's base URL or of its example: the receiver's stands below the same.
fn base_path(pack: &Pack) -> String {
    let url = pack.base_url.as_ref().or(pack.base_url_example.as_ref());
    url.map(|url| path_of(url)).unwrap_or_default()
}

fn path_of(url: &str) -> String {
    let url = url::Url::parse(url).unwrap_or_else(|error| panic!("{url}: {error}"));
    url.path().trim_end_matches('/').to_owned()
}
