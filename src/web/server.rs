//! Joins gate and Rocket to one server, and ends both in order.

use std::{
    collections::HashSet,
    io,
    net::{IpAddr, Ipv4Addr, SocketAddr},
    sync::Arc,
    time::Duration,
};

use http::HeaderValue;
use rocket::{
    Build, Config as RocketConfig, Rocket,
    config::{Ident, LogLevel, Shutdown},
    data::{ByteUnit, Limits},
    fairing::AdHoc,
    shield::Shield,
};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use tokio::{
    net::{TcpListener, TcpSocket},
    sync::oneshot,
    task::JoinHandle,
};

use super::{
    Counters, Headers, PeerRules, catchers,
    gate::{Bounds, Gate, Observer, Upstream},
    mark::{MarkCheck, aside, new_mark},
    method::OneMethod,
};
use crate::{
    config::Config,
    lifecycle::{Lifecycle, Phase},
};

/// Connections that wait to be accepted.
const BACKLOG: u32 = 1024;
/// Descriptors beside the gate's connections: those to Rocket (both ends), the database, calls out, files.
const OTHER_DESCRIPTORS: u64 = 2048;

/// Where and how a server listens.
#[derive(Clone)]
pub struct Settings {
    /// Port 0 takes any free one.
    pub listen: SocketAddr,
    /// False: Rocket listens itself, and a reverse proxy does what the gate would.
    pub gate: bool,
    pub bounds: Bounds,
    /// How long open requests may go on when the process drains.
    pub grace: Duration,
    /// Told of every request that the gate refuses.
    pub observer: Observer,
    /// Counts what the gate refuses, by reason and with an empty source.
    pub counters: Arc<Counters>,
}

impl Settings {
    /// The settings of `config`, with nobody told of refusals.
    pub fn of(config: &Config) -> Self {
        Self {
            listen: config.server.listen,
            gate: config.server.gate,
            bounds: Bounds::of(config),
            grace: config.runner.grace,
            observer: Arc::new(|_| {}),
            counters: Arc::default(),
        }
    }
}

/// Why a server does not listen.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    #[error("cannot listen on {address} (`server.listen`): {source}")]
    Listen { address: SocketAddr, source: io::Error },
    #[error("the system gives no random bytes: {0}")]
    Random(getrandom::Error),
    #[error("the inner server does not start: {0}")]
    Rocket(String),
}

/// A server that listens.
#[derive(Debug)]
pub struct Server {
    /// Where it listens, with the port that was taken.
    pub address: SocketAddr,
    /// Method and path of every route that it has.
    pub routes: Vec<(String, String)>,
    task: JoinHandle<()>,
}

impl Server {
    /// Returns when it has ended: after `Draining`, once the open requests have ended or the grace is over, or at `Stopped`.
    pub async fn stopped(self) {
        if let Err(error) = self.task.await {
            tracing::error!(%error, "the server ended badly");
        }
    }
}

/// Starts a server. `build` attaches routes and state to its Rocket.
pub async fn start(
    settings: Settings,
    lifecycle: Lifecycle,
    build: impl FnOnce(Rocket<Build>) -> Rocket<Build>,
) -> Result<Server, ServeError> {
    if !settings.gate {
        let rocket = build(bare(&settings, settings.listen));
        let (address, rocket) = launch(rocket, settings.listen).await?;
        let routes = rocket.routes.clone();
        let task = tokio::spawn(watch(rocket, lifecycle, true));
        return Ok(Server { address, routes, task });
    }
    let mut settings = settings;
    make_room(&mut settings.bounds);
    let listener = listen(settings.listen).map_err(|source| ServeError::Listen { address: settings.listen, source })?;
    let address = listener.local_addr().map_err(|source| ServeError::Listen { address: settings.listen, source })?;
    let mark = new_mark().map_err(ServeError::Random)?;
    let loopback = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 0);
    let rocket = build(bare(&settings, loopback).attach(MarkCheck(mark.clone())).mount("/", [aside()]));
    let (inner, rocket) = launch(rocket, loopback).await?;
    let mark = HeaderValue::try_from(mark).map_err(|error| ServeError::Rocket(error.to_string()))?;
    let Settings { bounds, grace, observer, counters, .. } = settings;
    let gate = Gate::new(bounds, Upstream::new(inner, mark), lifecycle.clone(), observer, counters);
    let (shutdown, routes) = (rocket.shutdown.clone(), rocket.routes.clone());
    let rocket = tokio::spawn(watch(rocket, lifecycle, false));
    let task = tokio::spawn(async move {
        gate.run(listener, grace).await;
        shutdown.notify();
        drop(gate);
        drop(rocket.await);
    });
    Ok(Server { address, routes, task })
}

/// A Rocket as every server of ours begins: quiet, without signals of its own, with our catchers and headers.
fn bare(settings: &Settings, listen: SocketAddr) -> Rocket<Build> {
    let seconds = |span: Duration| u32::try_from(span.as_secs()).unwrap_or(u32::MAX);
    // Behind the gate the open requests have had their grace before Rocket hears of the end.
    let grace = if settings.gate { 1 } else { seconds(settings.grace) };
    let shutdown =
        Shutdown { ctrlc: false, signals: HashSet::new(), grace, mercy: 1, force: false, ..Shutdown::default() };
    let body = ByteUnit::from(settings.bounds.largest());
    let config = RocketConfig {
        address: listen.ip(),
        port: listen.port(),
        ident: Ident::none(),
        ip_header: None,
        limits: Limits::new().limit("bytes", body).limit("string", body).limit("form", body).limit("data-form", body),
        shutdown,
        log_level: LogLevel::Off,
        cli_colors: false,
        ..RocketConfig::release_default()
    };
    rocket::custom(config)
        .attach(Shield::new())
        .attach(Headers)
        .attach(OneMethod)
        .register("/", catchers())
        .manage(PeerRules { gate: settings.gate, trusted: settings.bounds.trusted.clone() })
}

/// A Rocket that listens.
struct Launched {
    routes: Vec<(String, String)>,
    task: JoinHandle<Result<(), String>>,
    shutdown: rocket::Shutdown,
}

/// Starts Rocket and waits until it listens.
async fn launch(rocket: Rocket<Build>, listen: SocketAddr) -> Result<(SocketAddr, Launched), ServeError> {
    let (tell, told) = oneshot::channel();
    let rocket = rocket.attach(AdHoc::on_liftoff("where it listens", |rocket| {
        let config = rocket.config();
        let address = SocketAddr::new(config.address, config.port);
        Box::pin(async move {
            if tell.send(address).is_err() {
                tracing::debug!("nobody waits for the server any more");
            }
        })
    }));
    let rocket = rocket.ignite().await.map_err(|error| ServeError::Rocket(sentence(&error)))?;
    let shutdown = rocket.shutdown();
    let routes = rocket.routes().map(|route| (route.method.to_string(), route.uri.path().to_owned())).collect();
    let task = tokio::spawn(async move { rocket.launch().await.map(drop).map_err(|error| sentence(&error)) });
    if let Ok(address) = told.await {
        return Ok((address, Launched { routes, task, shutdown }));
    }
    let why = match task.await {
        Ok(Err(why)) => why,
        Ok(Ok(())) => "it ended at once".to_owned(),
        Err(error) => error.to_string(),
    };
    Err(ServeError::Listen { address: listen, source: io::Error::other(why) })
}

/// What Rocket says of itself; to read it keeps the error from panicking when it is dropped.
fn sentence(error: &rocket::Error) -> String {
    error.to_string()
}

/// Ends Rocket with the process, and the process with Rocket. `notify`: Rocket is told when the process drains; behind the gate it is
/// told once the gate's requests are over.
async fn watch(rocket: Launched, lifecycle: Lifecycle, notify: bool) {
    let Launched { mut task, shutdown, .. } = rocket;
    let draining = async {
        if notify {
            lifecycle.reached(Phase::Draining).await;
            shutdown.notify();
        }
        lifecycle.reached(Phase::Stopped).await;
    };
    let ended = tokio::select! {
        ended = &mut task => ended,
        () = draining => {
            task.abort();
            return;
        }
    };
    let why = match ended {
        Ok(Ok(())) => None,
        Ok(Err(why)) => Some(why),
        Err(error) => Some(error.to_string()),
    };
    if lifecycle.is_serving() {
        lifecycle.fail(1, why.unwrap_or_else(|| "the inner server ended".to_owned()));
    } else if let Some(why) = why {
        tracing::warn!(why, "the inner server ended badly");
    }
}

fn listen(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
    // A restart must not wait for connections of the last process to time out.
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    socket.listen(BACKLOG)
}

/// Raises the process's limit of descriptors to what the connections need, as far as the system lets us; where it does not, takes
/// fewer connections: a database that finds no descriptor is worse than a client that is turned away.
fn make_room(bounds: &mut Bounds) {
    let wanted = u64::try_from(bounds.connections).unwrap_or(u64::MAX).saturating_add(OTHER_DESCRIPTORS);
    let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
    let Some(now) = current else { return };
    if now >= wanted {
        return;
    }
    let raised = maximum.map_or(wanted, |maximum| maximum.min(wanted));
    let have = match setrlimit(Resource::Nofile, Rlimit { current: Some(raised), maximum }) {
        Ok(()) => raised,
        Err(_) => now,
    };
    if have >= wanted {
        return;
    }
    // A quarter for clients leaves both ends of the connections to Rocket, the database and calls out theirs.
    let fewer = usize::try_from(have / 4).unwrap_or(usize::MAX).max(1);
    if fewer < bounds.connections {
        tracing::warn!(
            descriptors = have,
            connections = fewer,
            "the system allows too few open files for `limits.connections`; raise it with `ulimit -n` or LimitNOFILE"
        );
        bounds.connections = fewer;
    }
}
