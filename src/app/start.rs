//! A whole Bellwire in one value: store, rules, runner and server, joined.

use std::{net::SocketAddr, path::PathBuf, sync::Arc, time::Duration};

use rocket::{Build, Rocket};
use tokio::{sync::Notify, task::JoinHandle, time::sleep};

use super::{
    compile::pinned,
    exposure::{self, admin_url},
    in_force::{Rulebook, RulebookError},
    outward::Outward,
    workshop::Bench,
};
use crate::{
    admin, callback,
    clock::{SharedClock, Time},
    config::Config,
    connections::Connections,
    egress::Egress,
    ids::IdSource,
    intake,
    lifecycle::{Lifecycle, Phase},
    model::Finding,
    net::{self, Client},
    rules,
    runner::{Pinned, PinnedSets, Runner, RunnerParts},
    starts::InForce,
    store::{Mode, Store, StoreError, Vault, VaultError},
    wake::Wake,
    web,
};

/// How often secrets that the command line changed are noticed.
const REFRESH: Duration = Duration::from_secs(1);

/// Why it does not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The database.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The key file or the sealed secrets.
    #[error(transparent)]
    Vault(#[from] VaultError),
    /// The rules of the workspace.
    #[error(transparent)]
    Rules(#[from] RulebookError),
    /// The settings, each fault a sentence.
    #[error("{}", .0.join("\n"))]
    Settings(Vec<String>),
    /// The link that makes the owner.
    #[error(transparent)]
    Link(#[from] admin::LinkError),
    /// The address.
    #[error(transparent)]
    Listen(#[from] web::ServeError),
}

impl StartError {
    /// The exit code: 74 for storage, 78 for all else.
    pub fn exit(&self) -> u8 {
        match self {
            Self::Store(_)
            | Self::Rules(RulebookError::Store(_))
            | Self::Vault(VaultError::Store(_))
            | Self::Link(_) => 74,
            _ => 78,
        }
    }
}

/// A running Bellwire.
pub struct App {
    config: Arc<Config>,
    store: Store,
    lifecycle: Lifecycle,
    rulebook: Arc<Rulebook>,
    runner: Arc<Runner>,
    server: web::Server,
    /// Of the admin alone, where that has an address of its own.
    admin: Option<web::Server>,
    /// The path of the one-time link that makes the owner. `None`: there is one.
    setup: Option<String>,
    background: Vec<JoinHandle<()>>,
}

impl App {
    /// Opens the store, puts the rules in force, takes up what a dead process left, and listens.
    pub async fn start(config: Config, clock: SharedClock) -> Result<Self, StartError> {
        let config = Arc::new(config);
        let lifecycle = Lifecycle::default();
        check_hours(&config)?;
        exposure::check(&config).map_err(|why| StartError::Settings(vec![why]))?;
        let store = open_store(&config, &clock, &lifecycle).await?;
        let vault = Arc::new(open_vault(&store, &config, &clock).await?);
        let ids = Arc::new(IdSource::above(store.highest_id().await?));
        let rulebook = Arc::new(Rulebook::open(Arc::clone(&config), store.clone(), Arc::clone(&clock)).await?);
        take_up(&store, clock.now()).await?;
        let egress = Arc::new(Egress::new(&config.egress, net::own_addresses()));
        let client =
            Client::new(Arc::clone(&egress), config.limits.reply).map_err(|why| StartError::Settings(vec![why]))?;
        let wake = Wake::default();
        let connections =
            Connections::new(Arc::clone(&config), Arc::clone(&vault), Arc::clone(&egress), Arc::clone(&clock));
        let pinning = Arc::clone(&config);
        let loader = Arc::new(move |texts| Ok(pinned(texts, &pinning)));
        let in_force = in_force(&rulebook);
        let logins = logins(&connections, &client, &vault, &in_force);
        let outward = Arc::new(Outward {
            config: Arc::clone(&config),
            store: store.clone(),
            vault: Arc::clone(&vault),
            egress: Arc::clone(&egress),
            connections: connections.clone(),
            client: client.clone(),
            clock: Arc::clone(&clock),
            in_force: Arc::clone(&in_force),
            sent: std::sync::Mutex::default(),
        });
        let runner = Arc::new(Runner::start(RunnerParts {
            config: Arc::clone(&config),
            store: store.clone(),
            vault: Arc::clone(&vault),
            clock: Arc::clone(&clock),
            since: clock.now(),
            ids: Arc::clone(&ids),
            wake: wake.clone(),
            lifecycle: lifecycle.clone(),
            pinned: PinnedSets::new(store.clone(), loader),
            connections,
            client: client.clone(),
            in_force: Arc::clone(&in_force),
        }));
        keep(&rulebook, &runner);
        let parts = admin::Parts {
            config: Arc::clone(&config),
            store: store.clone(),
            vault: Arc::clone(&vault),
            clock: Arc::clone(&clock),
            ids: Arc::clone(&ids),
            wake: wake.clone(),
            jobs: Wake::default(),
            lifecycle: lifecycle.clone(),
            in_force: Arc::clone(&in_force),
            workshop: Arc::new(Bench::new(&config, &rulebook, &runner, &vault, &egress)),
            outward,
            client,
        };
        let refusals = intake::Refusals::new(store.clone(), Arc::clone(&clock), Arc::clone(&ids), Arc::default());
        let state = intake::State {
            config: Arc::clone(&config),
            store: store.clone(),
            vault: (*vault).clone(),
            clock: Arc::clone(&clock),
            ids,
            refusals: Arc::new(refusals),
            wake,
            lifecycle: lifecycle.clone(),
            in_force,
        };
        let setup = admin::setup_link(&store, clock.now()).await?;
        let (server, admin) = serve_http(&config, &lifecycle, state, logins, parts).await?;
        let background = vec![
            tokio::spawn(watch_rules(config.workspace.clone(), Arc::clone(&rulebook), Arc::clone(&runner))),
            tokio::spawn(refresh_secrets(vault, lifecycle.clone())),
        ];
        Ok(Self { config, store, lifecycle, rulebook, runner, server, admin, setup, background })
    }

    /// Where it listens, with the port that was taken.
    pub fn address(&self) -> SocketAddr {
        self.server.address
    }

    /// Where the admin listens: an address of its own, or the same one.
    pub fn admin_address(&self) -> SocketAddr {
        self.admin.as_ref().map_or(self.server.address, |admin| admin.address)
    }

    /// The one-time link by which a browser makes the owner. `None`: there is a user already. It is a key: print it where its reader may
    /// become the owner, and nowhere else.
    pub fn setup_link(&self) -> Option<String> {
        self.setup.as_ref().map(|path| format!("{}{path}", admin_url(&self.config, self.admin_address())))
    }

    /// Method and path of every route that is mounted, sorted.
    pub fn routes(&self) -> Vec<(String, String)> {
        let servers = [Some(&self.server), self.admin.as_ref()];
        let mut routes: Vec<_> = servers.into_iter().flatten().flat_map(|server| server.routes.clone()).collect();
        routes.sort();
        routes.dedup();
        routes
    }

    /// The store, for reading.
    pub fn store(&self) -> &Store {
        &self.store
    }

    /// How far it is on its way down.
    pub fn lifecycle(&self) -> &Lifecycle {
        &self.lifecycle
    }

    /// Looks at the workspace again; also done by itself when a file changes. True where another set came into force.
    pub async fn reload(&self) -> Result<bool, StoreError> {
        reload(&self.rulebook, &self.runner).await
    }

    /// Findings that hold the workspace's present state back. Empty where it is in force.
    pub fn held_back(&self) -> Vec<Finding> {
        self.rulebook.held_back()
    }

    /// Returns once nothing is in hand and nothing is due: for tests that hold the clock.
    pub async fn settled(&self) -> Result<(), StoreError> {
        self.runner.settled().await
    }

    /// Ends it: no new claims and connections, open requests may go on for the grace, then the store is closed.
    pub async fn stop(self) {
        self.lifecycle.enter(Phase::Draining);
        for task in &self.background {
            task.abort();
        }
        let grace = self.config.runner.grace;
        if !self.runner.stop(grace).await {
            tracing::warn!("requests were still open after the grace; what became of them is unknown");
        }
        self.server.stopped().await;
        if let Some(admin) = self.admin {
            admin.stopped().await;
        }
        self.lifecycle.enter(Phase::Stopped);
        let store = self.store;
        drop(tokio::task::spawn_blocking(move || store.close()).await);
    }
}

/// Opening hours are read again by every rule that names them: a fault is told once, at the start.
fn check_hours(config: &Config) -> Result<(), StartError> {
    let faults = config
        .hours
        .iter()
        .filter_map(|(name, hours)| rules::Hours::parse(hours).err().map(|why| format!("hours.{name}: {why}")));
    let faults: Vec<String> = faults.collect();
    if faults.is_empty() { Ok(()) } else { Err(StartError::Settings(faults)) }
}

/// Takes up what a dead process left.
async fn take_up(store: &Store, now: Time) -> Result<(), StartError> {
    let recovered = store.recover(now).await?;
    if recovered.runs > 0 {
        tracing::info!(runs = recovered.runs, unknown = recovered.attempts, "runs of the last process go on");
    }
    store.release_grants().await?;
    forget_circuits(store, now).await?;
    Ok(())
}

/// What the rule set in force is, whenever somebody asks.
fn in_force(rulebook: &Arc<Rulebook>) -> Arc<dyn Fn() -> InForce + Send + Sync> {
    let rulebook = Arc::clone(rulebook);
    Arc::new(move || rulebook.in_force())
}

/// Circuits begin closed with each process: what an earlier one said of a host is no longer so.
async fn forget_circuits(store: &Store, now: Time) -> Result<(), StoreError> {
    for problem in store.problems(true, 10_000).await?.iter().filter(|problem| problem.kind == "circuit") {
        store.solve(&problem.fingerprint, now).await?;
    }
    Ok(())
}

async fn open_store(config: &Arc<Config>, clock: &SharedClock, lifecycle: &Lifecycle) -> Result<Store, StoreError> {
    let (config, clock, lifecycle) = (Arc::clone(config), Arc::clone(clock), lifecycle.clone());
    let on_failure = Arc::new(move |why| lifecycle.fail(74, why));
    let opened = tokio::task::spawn_blocking(move || Store::open(&config, Mode::Serve, clock, on_failure));
    opened.await.unwrap_or_else(|error| Err(StoreError::Failed(error.to_string())))
}

async fn open_vault(store: &Store, config: &Arc<Config>, clock: &SharedClock) -> Result<Vault, VaultError> {
    let (store, config, clock) = (store.clone(), Arc::clone(config), Arc::clone(clock));
    let opened = tokio::task::spawn_blocking(move || Vault::open(store, &config, clock));
    opened.await.unwrap_or_else(|error| Err(StoreError::Failed(error.to_string()).into()))
}

async fn serve_http(
    config: &Config,
    lifecycle: &Lifecycle,
    state: intake::State,
    logins: callback::State,
    admin: admin::Parts,
) -> Result<(web::Server, Option<web::Server>), web::ServeError> {
    let in_force = Arc::clone(&state.in_force);
    let sources = config.sources.clone();
    let is_source = move |name: &str| sources.contains_key(name) || in_force().registry.pack(name).is_some();
    let observer = state.refusals.observer(Arc::new(is_source));
    let counters = Arc::clone(state.refusals.counters());
    let settings = web::Settings { observer, counters, ..web::Settings::of(config) };
    // Where nobody has said how the world reaches this server, no service can send a browser here.
    let logins = config.server.public_url.is_some().then(|| callback::stage(logins));
    let admin = admin::stage(Arc::new(admin));
    let (apart, with_hooks) = match config.server.admin_listen {
        Some(listen) => (Some((web::Settings { listen, ..settings.clone() }, admin)), None),
        None => (None, Some(admin)),
    };
    let attach = |rocket: Rocket<Build>| {
        let rocket = rocket.attach(intake::stage(state));
        with_hooks.into_iter().chain(logins).fold(rocket, Rocket::attach)
    };
    let server = web::start(settings, lifecycle.clone(), attach).await?;
    let apart = match apart {
        Some((settings, admin)) => Some(web::start(settings, lifecycle.clone(), |rocket| rocket.attach(admin)).await?),
        None => None,
    };
    Ok((server, apart))
}

/// What logins are ended with that come back to this server.
fn logins(
    connections: &Connections,
    client: &Client,
    vault: &Arc<Vault>,
    in_force: &Arc<dyn Fn() -> InForce + Send + Sync>,
) -> callback::State {
    let in_force = Arc::clone(in_force);
    callback::State {
        connections: connections.clone(),
        client: client.clone(),
        vault: Arc::clone(vault),
        registry: Arc::new(move || in_force().registry),
    }
}

/// Gives the runner the set that is in force, compiled.
fn keep(rulebook: &Rulebook, runner: &Runner) {
    let now = rulebook.in_force();
    runner.pinned().keep(now.set_id, Pinned { set: now.set, registry: now.registry });
}

pub(super) async fn reload(rulebook: &Rulebook, runner: &Runner) -> Result<bool, StoreError> {
    let changed = rulebook.reload().await?;
    if changed {
        keep(rulebook, runner);
    }
    Ok(changed)
}

/// Reloads whenever the texts of the workspace have changed.
async fn watch_rules(workspace: PathBuf, rulebook: Arc<Rulebook>, runner: Arc<Runner>) {
    let changed = Arc::new(Notify::new());
    let bell = Arc::clone(&changed);
    let seen = rules::load(&workspace).texts.digest();
    let watch = match rules::watch(&workspace, seen, move |_| bell.notify_one()) {
        Ok(watch) => watch,
        Err(error) => {
            tracing::error!(error = %error, "the workspace cannot be watched; send SIGHUP after a change");
            return;
        }
    };
    // What changed before the watch began is seen by the first look.
    loop {
        if let Err(error) = reload(&rulebook, &runner).await {
            tracing::error!(error = %error, "the rules cannot be reloaded for now");
        }
        changed.notified().await;
        tracing::debug!(digest = %*watch.digest.borrow(), "the workspace has changed");
    }
}

async fn refresh_secrets(vault: Arc<Vault>, lifecycle: Lifecycle) {
    while lifecycle.is_serving() {
        sleep(REFRESH).await;
        if let Err(error) = vault.refresh().await {
            tracing::warn!(error = %error, "secrets cannot be read again for now");
        }
    }
}
