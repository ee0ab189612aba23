//! A whole Bellwire in this process: a real store in a temporary workspace, real HTTP, and a clock that the test holds.

use std::{collections::BTreeMap, path::Path, sync::Arc, time::Duration};

use bellwire::{
    app::App,
    clock::{Clock, HeldClock, Time},
    config,
    ids::EventId,
    model::{Refusal, RunStatus},
    store::{EventFilter, EventRow, RunDetail, RunFilter, RunRow, Store},
};
use hmac::{Hmac, KeyInit, Mac};
use serde_json::{Value, json};
use tempfile::TempDir;

use super::journal::Journal;

pub const GRUVEO_KEY: &str = "a-gruveo-signing-key";
pub const GROOVE_TOKEN: &str = "a-groove-api-token";

/// The rule that every check starts from.
pub const MISSED: &str = include_str!("../../../rules/calls/missed.yaml");

pub struct TestApp {
    pub app: App,
    pub clock: Arc<HeldClock>,
    pub journal: Journal,
    pub folder: TempDir,
    settings: String,
    environment: BTreeMap<String, String>,
    http: reqwest::Client,
}

/// What an answer of a hook says.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub body: Value,
    pub headers: reqwest::header::HeaderMap,
}

impl TestApp {
    /// One with the rule `calls/missed` alone.
    pub async fn start(journal: Journal) -> Self {
        Self::with(journal, &[("calls/missed", MISSED)], "").await
    }

    /// One with these rules (id, text) and more settings, on SQLite.
    pub async fn with(journal: Journal, rules: &[(&str, &str)], settings: &str) -> Self {
        Self::on(journal, rules, settings, BTreeMap::new()).await
    }

    /// The same, whatever findings its rules have.
    pub async fn unchecked(journal: Journal, rules: &[(&str, &str)], settings: &str) -> Self {
        Self::launched(journal, rules, settings, BTreeMap::new()).await
    }

    /// Both of the above.
    pub async fn unchecked_on(
        journal: Journal,
        rules: &[(&str, &str)],
        settings: &str,
        more: BTreeMap<String, String>,
    ) -> Self {
        Self::launched(journal, rules, settings, more).await
    }

    /// Ports that rules may call from the next start on.
    pub fn allow(&mut self, ports: &[u16]) {
        let list: Vec<String> = ports.iter().map(u16::to_string).collect();
        self.environment.insert("BELLWIRE_EGRESS_PORTS".to_owned(), list.join(", "));
    }

    /// One with packs (name, text) and rules of the workspace's own, and more of the environment.
    pub async fn with_packs(
        journal: Journal,
        packs: &[(&str, &str)],
        rules: &[(&str, &str)],
        settings: &str,
        more: BTreeMap<String, String>,
    ) -> Self {
        let app = Self::launched(journal, &[], settings, more).await;
        for (name, text) in packs {
            app.write_pack(name, text);
        }
        for (id, text) in rules {
            app.write_rule(id, text);
        }
        app.restart_changed().await
    }

    /// The same with more of the environment, such as `BELLWIRE_DATABASE_URL`.
    pub async fn on(journal: Journal, rules: &[(&str, &str)], settings: &str, more: BTreeMap<String, String>) -> Self {
        let app = Self::launched(journal, rules, settings, more).await;
        assert!(app.app.held_back().is_empty(), "{:?}", app.app.held_back());
        app
    }

    async fn launched(
        journal: Journal,
        rules: &[(&str, &str)],
        settings: &str,
        more: BTreeMap<String, String>,
    ) -> Self {
        let folder = tempfile::tempdir().unwrap();
        for (id, text) in rules {
            write_rule(folder.path(), id, text);
        }
        let settings = format!(
            "[server]\nlisten = \"127.0.0.1:0\"\n\n[egress]\nallow = [\"127.0.0.1/32\"]\nports = [{port}]\n\n\
             [services.groove]\nbase_url = \"http://{address}/v1\"\nrate = \"unlimited\"\nconcurrent = 8\n\n{settings}",
            port = journal.address.port(),
            address = journal.address,
        );
        std::fs::write(folder.path().join("bellwire.toml"), &settings).unwrap();
        let mut environment: BTreeMap<String, String> =
            [("BELLWIRE_SECRET_GRUVEO_KEY", GRUVEO_KEY), ("BELLWIRE_SECRET_GROOVE_TOKEN", GROOVE_TOKEN)]
                .into_iter()
                .map(|(name, value)| (name.to_owned(), value.to_owned()))
                .collect();
        environment.extend(more);
        let clock = HeldClock::at(Time::parse("2026-03-01T10:00:00Z").unwrap());
        let app = launch(folder.path(), &environment, &clock).await;
        let http = reqwest::Client::builder().no_proxy().build().unwrap();
        Self { app, clock, journal, folder, settings, environment, http }
    }

    /// Stops it and starts it again on the same workspace.
    pub async fn restart(self) -> Self {
        let Self { app, clock, journal, folder, settings, environment, http } = self;
        app.stop().await;
        let app = launch(folder.path(), &environment, &clock).await;
        Self { app, clock, journal, folder, settings, environment, http }
    }

    /// The same, once its workspace was written to: all of it must hold.
    pub async fn restart_changed(self) -> Self {
        let app = self.restart().await;
        assert!(app.app.held_back().is_empty(), "{:?}", app.app.held_back());
        app
    }

    pub fn store(&self) -> &Store {
        self.app.store()
    }

    /// Moves the clock, and lets everything that is due happen.
    pub async fn advance(&self, span: Duration) {
        self.clock.advance(span);
        self.settle().await;
    }

    /// Lets everything that is due happen.
    pub async fn settle(&self) {
        tokio::time::timeout(Duration::from_secs(30), self.app.settled()).await.expect("runs do not settle").unwrap();
    }

    /// A delivery as Gruveo sends it.
    pub async fn call(&self, body: &Value) -> Answer {
        let body = body.to_string();
        let signature = sign(GRUVEO_KEY, body.as_bytes());
        self.post("/hooks/gruveo", &[("X-Gruveo-SHA256-HMAC", &signature)], body).await
    }

    /// Any bytes, signed as Gruveo signs them.
    pub async fn signed(&self, body: &[u8]) -> Answer {
        let signature = sign(GRUVEO_KEY, body);
        self.post("/hooks/gruveo", &[("X-Gruveo-SHA256-HMAC", &signature)], body.to_vec()).await
    }

    pub async fn post(&self, path: &str, headers: &[(&str, &str)], body: impl Into<Vec<u8>>) -> Answer {
        let mut request = self.http.post(format!("http://{}{path}", self.app.address())).body(body.into());
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let once_more = request.try_clone();
        let response = match (request.send().await, once_more) {
            (Ok(response), _) => response,
            // A body that is refused before its end: the line may be closed before the client has read why.
            (Err(error), Some(again)) if error.is_request() && !error.is_connect() => again.send().await.unwrap(),
            (Err(error), _) => panic!("{path}: {error:?}"),
        };
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        #[expect(clippy::disallowed_methods, reason = "an answer of our own server")]
        let text = response.text().await.unwrap();
        Answer { status, body: serde_json::from_str(&text).unwrap_or(Value::String(text)), headers }
    }

    /// The events there are, oldest first.
    pub async fn events(&self) -> Vec<EventRow> {
        let filter = EventFilter { limit: Some(1000), ..EventFilter::default() };
        let mut events = self.store().events(filter).await.unwrap();
        events.sort_by_key(|event| event.id);
        events
    }

    /// Whether a text stands anywhere in the files of the database.
    pub fn is_on_disk(&self, text: &str) -> bool {
        let files = std::fs::read_dir(self.folder.path().join("data")).unwrap();
        files
            .map(|file| std::fs::read(file.unwrap().path()).unwrap_or_default())
            .any(|bytes| memmem(&bytes, text.as_bytes()))
    }

    pub async fn runs(&self) -> Vec<RunRow> {
        let filter = RunFilter { limit: Some(1000), ..RunFilter::default() };
        let mut runs = self.store().runs(filter).await.unwrap();
        runs.sort_by_key(|run| run.id);
        runs
    }

    /// The refusals, once there are `count`: they are kept beside the answer, not before it.
    pub async fn refusals(&self, count: usize) -> Vec<Refusal> {
        let waiting = async {
            loop {
                let refusals = self.store().refusals(1000).await.unwrap();
                if refusals.len() >= count {
                    return refusals;
                }
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        };
        let refusals = tokio::time::timeout(Duration::from_secs(10), waiting).await.expect("too few refusals are kept");
        assert_eq!(refusals.len(), count, "{refusals:?}");
        refusals
    }

    /// The only run there is, whole.
    pub async fn only_run(&self) -> RunDetail {
        let runs = self.runs().await;
        assert_eq!(runs.len(), 1, "{runs:?}");
        self.store().run(runs[0].id).await.unwrap().unwrap()
    }

    pub fn write_rule(&self, id: &str, text: &str) {
        write_rule(self.folder.path(), id, text);
    }

    /// A pack of the workspace's own.
    pub fn write_pack(&self, name: &str, text: &str) {
        let file = self.folder.path().join(format!("templates/services/{name}.yaml"));
        std::fs::create_dir_all(file.parent().unwrap()).unwrap();
        std::fs::write(file, text).unwrap();
    }

    pub fn now(&self) -> Time {
        self.clock.now()
    }
}

async fn launch(folder: &Path, environment: &BTreeMap<String, String>, clock: &Arc<HeldClock>) -> App {
    let config = config::load(folder, environment).unwrap_or_else(|errors| panic!("{errors:?}"));
    let clock = Arc::clone(clock);
    App::start(config, clock).await.unwrap_or_else(|error| panic!("{error}"))
}

fn write_rule(folder: &Path, id: &str, text: &str) {
    let file = folder.join(format!("rules/{id}.yaml"));
    std::fs::create_dir_all(file.parent().unwrap()).unwrap();
    std::fs::write(file, text).unwrap();
}

/// HMAC-SHA-256 in lower-case hex.
pub fn sign(key: &str, body: &[u8]) -> String {
    let mut mac = Hmac::<sha2::Sha256>::new_from_slice(key.as_bytes()).unwrap();
    mac.update(body);
    hex::encode(mac.finalize().into_bytes())
}

/// A missed call that belongs to ticket `ticket`.
pub fn missed_call(ticket: &str) -> Value {
    json!({
        "timestamp": 1_598_615_831_871_i64,
        "maxParticipants": 1,
        "duration": 0,
        "link": "@acme.sales",
        "location": "Greece",
        "resolution": "missed",
        "tracking": {"ticket": ticket},
        "waitingTime": 35,
        "account": {"id": "9cf7336a-e40e-4628-bdac-4370298ccf14", "organization": "Acme Corp."},
        "assignedUsers": [{"name": "John Smith", "email": "john@acme.com"}],
    })
}

/// The id that an answer of 202 names.
pub fn event_id(answer: &Answer) -> EventId {
    answer.body["id"].as_str().and_then(|id| id.parse().ok()).unwrap_or_else(|| panic!("{answer:?}"))
}

pub fn states(runs: &[RunRow]) -> Vec<RunStatus> {
    runs.iter().map(|run| run.status).collect()
}

fn memmem(bytes: &[u8], part: &[u8]) -> bool {
    bytes.windows(part.len()).any(|window| window == part)
}
