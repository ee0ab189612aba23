//! What leads out on a person's word, for the admin.

use std::{
    collections::{BTreeMap, VecDeque},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use futures_util::future::BoxFuture;

use super::errand::{Errand, ErrandError, Errands, Outcome};
use crate::{
    actions::{Request, Target},
    admin::{self, Begun, Came, Goal, Holdup, Link, LinkGrant, LinkHost, OutwardError, Posted, Prepared, Trial},
    callback,
    clock::SharedClock,
    config::Config,
    connections::{self, ConnectionRow, Connections, Destination, LoginFrom},
    egress::Egress,
    ids::RunId,
    net::Client,
    services::Registry,
    starts::InForce,
    store::{PendingLogin, Store, Vault},
};

/// How long a login may take.
const PATIENCE: Duration = Duration::from_mins(10);
/// Open problems that are looked through.
const MOST_PROBLEMS: usize = 1_000;
/// Presses of "Send for real" that are remembered.
const PRESSES: usize = 1_000;

/// What leads out of a running Bellwire.
pub(super) struct Outward {
    pub(super) config: Arc<Config>,
    pub(super) store: Store,
    pub(super) vault: Arc<Vault>,
    pub(super) egress: Arc<Egress>,
    pub(super) connections: Connections,
    pub(super) client: Client,
    pub(super) clock: SharedClock,
    pub(super) in_force: Arc<dyn Fn() -> InForce + Send + Sync>,
    /// The keys of requests that were sent, oldest first.
    pub(super) sent: Mutex<VecDeque<String>>,
}

impl Outward {
    fn registry(&self) -> Arc<Registry> {
        (self.in_force)().registry
    }

    fn errands<'a>(&'a self, registry: &'a Registry) -> Errands<'a> {
        Errands {
            config: &self.config,
            registry,
            vault: &self.vault,
            egress: &self.egress,
            connections: &self.connections,
            client: &self.client,
            now: self.clock.now(),
        }
    }

    async fn all_links(&self) -> Result<Vec<Link>, OutwardError> {
        let registry = self.registry();
        let rows = connections::list(&self.config, &registry, &|name| self.vault.has(name), &self.vault.grants());
        let waiting: BTreeMap<String, i64> = self.store.paused().await?.into_iter().collect();
        let problems = self.store.problems(true, MOST_PROBLEMS).await?;
        let trouble: BTreeMap<String, String> = problems
            .into_iter()
            .filter(|problem| problem.kind == "grant")
            .map(|problem| (problem.subject, problem.message))
            .collect();
        let link = |row: ConnectionRow| {
            let hosts = self.connections.hosts(&registry, &row.name).into_iter();
            let pack = registry.pack(&row.service);
            Link {
                hosts: hosts.map(|(origin, failures, left_until)| LinkHost { origin, failures, left_until }).collect(),
                paused_until: self.connections.paused_until(&row.name),
                waiting: waiting.get(&row.name).copied().unwrap_or(0),
                trouble: trouble.get(&row.name).cloned(),
                test: pack.and_then(|pack| Some(format!("{}.{}", pack.name, pack.test.as_ref()?))),
                base_url: row.base_url,
                auth: row.auth,
                secrets: row.secrets.into_iter().map(|secret| (secret.name, secret.set)).collect(),
                grant: row.grant.map(|grant| LinkGrant {
                    by_itself: grant.by_itself,
                    state: grant.state,
                    expires_at: grant.expires_at,
                    scopes: grant.scopes,
                    changed_at: grant.changed_at,
                    why: grant.why,
                }),
                rate: row.rate,
                configured: row.configured,
                name: row.name,
                service: row.service,
            }
        };
        Ok(rows.into_iter().map(link).collect())
    }

    async fn login(&self, name: &str) -> Result<Begun, OutwardError> {
        let registry = self.registry();
        let redirect = self.config.server.public_url.as_ref().map(|url| format!("{url}{}", callback::PATH));
        let asked = redirect.clone().unwrap_or_default();
        let begun = self.connections.begin_login(&registry, name, &asked, LoginFrom::Admin);
        let Some(begun) = begun.map_err(|error| OutwardError::Invalid(error.message))? else {
            let fetched = self.connections.fetch(&self.client, &registry, name).await;
            fetched.map_err(|error| OutwardError::Invalid(self.vault.masker().mask(&error.message)))?;
            return Ok(Begun::Done);
        };
        if redirect.is_none() {
            return Err(OutwardError::Invalid(format!(
                "The service cannot send a browser back here, since nobody has said how the world reaches this server: set \
                 `server.public_url` in bellwire.toml, or log in on this machine with `bellwire connections login {name}`."
            )));
        }
        let url = begun.url.to_string();
        let pending = PendingLogin { connection: name.to_owned(), verifier: begun.verifier, redirect: begun.redirect };
        let kept = self.vault.begin_login(&begun.state, &pending, PATIENCE).await;
        kept.map_err(|error| OutwardError::Invalid(error.to_string()))?;
        Ok(Begun::Browser { url, redirect: pending.redirect })
    }

    /// Notes that a button was pressed. False: it was before.
    fn press(&self, key: &str) -> bool {
        let mut sent = self.sent.lock().unwrap_or_else(PoisonError::into_inner);
        if sent.iter().any(|known| known == key) {
            return false;
        }
        if sent.len() >= PRESSES {
            sent.pop_front();
        }
        sent.push_back(key.to_owned());
        true
    }
}

fn refused(error: ErrandError) -> OutwardError {
    match error {
        ErrandError::Connection { .. } | ErrandError::Action { .. } | ErrandError::NoTest(_) => {
            OutwardError::Missing(error.to_string())
        }
        ErrandError::Inputs(_) | ErrandError::Unprepared { .. } => OutwardError::Invalid(error.to_string()),
    }
}

fn came(errand: &Errand, outcome: Outcome) -> Came {
    let Outcome { asked, status, milliseconds, result, reply } = outcome;
    let action = errand.action.clone();
    let (ok, class, says) = match result {
        Ok(gist) => (true, None, gist),
        Err((class, why)) => (false, Some(class.word()), why),
    };
    Came { action, asked, status, milliseconds, ok, class, says, reply }
}

impl admin::Outward for Outward {
    fn holdup(&self, goal: &Goal, run: RunId) -> Option<Holdup> {
        let registry = self.registry();
        let to = match goal {
            Goal::Connection { name, host } => Destination::Connection { name, host: host.as_deref(), path: "/" },
            Goal::Url(url) => Destination::Url(url),
        };
        let lane = to.lane()?;
        let left_alone = self.connections.closed_until(&registry, &to).map(Holdup::LeftAlone);
        left_alone
            .or_else(|| self.connections.paused_until(&lane).map(Holdup::Paused))
            .or_else(|| self.connections.next_turn(&registry, &lane, run.0).map(Holdup::Rate))
            .or_else(|| self.connections.is_full(&lane).then_some(Holdup::Full))
    }

    fn posted(&self, kept: &[u8]) -> Option<Posted> {
        let request: Request = serde_json::from_slice(kept).ok()?;
        let registry = self.registry();
        let to = match &request.target {
            Target::Connection { name, host, path } => Destination::Connection { name, host: host.as_deref(), path },
            Target::Url(url) => Destination::Url(url),
        };
        let origins = |name: &str| self.vault.origins(name);
        let auth = request.auth.as_ref();
        let preview = connections::preview(&self.config, &registry, &self.egress, &origins, &to, auth).ok()?;
        let mut headers = request.headers;
        headers.extend(preview.headers);
        Some(Posted { method: request.method, url: preview.url, headers, body: request.body })
    }

    fn links(&self) -> BoxFuture<'_, Result<Vec<Link>, OutwardError>> {
        Box::pin(self.all_links())
    }

    fn test<'a>(&'a self, connection: &'a str) -> BoxFuture<'a, Result<Came, OutwardError>> {
        Box::pin(async move {
            let registry = self.registry();
            let errands = self.errands(&registry);
            let errand = errands.test(connection).map_err(refused)?;
            Ok(came(&errand, errands.send(&errand).await))
        })
    }

    fn begin_login<'a>(&'a self, connection: &'a str) -> BoxFuture<'a, Result<Begun, OutwardError>> {
        Box::pin(self.login(connection))
    }

    fn prepare<'a>(&'a self, trial: &'a Trial) -> BoxFuture<'a, Result<Prepared, OutwardError>> {
        Box::pin(async move {
            let registry = self.registry();
            let errands = self.errands(&registry);
            let errand = errands.prepare(&trial.connection, &trial.action, &trial.inputs).map_err(refused)?;
            let shown = errands.shown(&errand);
            Ok(Prepared {
                is_read: errand.is_read,
                action: errand.action,
                method: shown.method,
                url: shown.url,
                headers: shown.headers,
                body: shown.body,
                fault: shown.fault,
            })
        })
    }

    fn send<'a>(&'a self, trial: &'a Trial, key: &'a str) -> BoxFuture<'a, Result<Came, OutwardError>> {
        Box::pin(async move {
            let registry = self.registry();
            let errands = self.errands(&registry);
            let errand = errands.prepare(&trial.connection, &trial.action, &trial.inputs).map_err(refused)?;
            if !self.press(key) {
                let why = "This very request was sent already: the button was pressed twice. Preview it again to send it once more.";
                return Err(OutwardError::Done(why.to_owned()));
            }
            Ok(came(&errand, errands.send(&errand).await))
        })
    }
}
