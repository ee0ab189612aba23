//! All connections, and where a request goes.

use std::{fmt, sync::Arc};

use http::HeaderMap;
use url::Url;

use super::{
    Message,
    address::{self, refused},
    auth::{Keeper, Secrets, unknown},
    circuits::{Circuits, Gate},
    effective::{Effective, Settings},
    lanes::{Lanes, Limits, Turn},
    oauth::Flights,
};
use crate::{
    clock::{SharedClock, Time},
    config::{Config, Rate},
    egress::{Egress, Origin},
    model::{ErrorClass, StepError},
    services::{AuthUse, Registry},
    store::Vault,
};

/// All connections: those of `[connections]`, and one of its own name for each service. Clones share their lanes and renewals.
#[derive(Clone)]
pub struct Connections {
    pub(super) config: Arc<Config>,
    pub(super) vault: Arc<Vault>,
    pub(super) egress: Arc<Egress>,
    pub(super) clock: SharedClock,
    pub(super) flights: Flights,
    lanes: Lanes,
    circuits: Circuits,
}

/// Where a request goes.
#[derive(Debug, Clone, Copy)]
pub enum Destination<'a> {
    /// A path (with query, percent-encoded, starting with `/`) below a connection's base URL, or below a further host of its.
    Connection {
        /// The connection.
        name: &'a str,
        /// The pack's name of the further host. `None`: the base URL.
        host: Option<&'a str>,
        /// The path.
        path: &'a str,
    },
    /// A whole URL, as rendered.
    Url(&'a str),
}

impl Destination<'_> {
    /// The lane of a request that goes there: the connection's name, or `host:port`. `None` for a text that is no URL, which
    /// `Connections::address` refuses.
    pub fn lane(&self) -> Option<String> {
        match self {
            Self::Connection { name, .. } => Some((*name).to_owned()),
            Self::Url(text) => address::lane(text),
        }
    }
}

impl fmt::Debug for Connections {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Connections")
    }
}

impl Connections {
    /// Connections by the settings, with all lanes free.
    pub fn new(config: Arc<Config>, vault: Arc<Vault>, egress: Arc<Egress>, clock: SharedClock) -> Self {
        let circuits = Circuits::new(config.circuit.clone());
        Self { config, vault, egress, clock, flights: Flights::default(), lanes: Lanes::default(), circuits }
    }

    /// The settings that they are made of.
    pub(super) fn config(&self) -> &Config {
        &self.config
    }

    /// Asks for a turn at `lane` (a connection's name or `host:port` of a bare URL) for `run` (its id: a slot reserved for it is kept).
    pub fn turn(&self, registry: &Registry, lane: &str, run: i64) -> Turn {
        self.lanes.turn(
            lane,
            limits(Settings::of(&self.config), self.config.runner.per_host, registry, lane),
            self.clock.now(),
            run,
        )
    }

    /// After a throttled answer: nothing goes out on this lane before `until`.
    pub fn pause(&self, lane: &str, until: Time) {
        self.lanes.pause(lane, until);
    }

    /// Until when nothing goes out on this lane since the service asked for that. `None`: it may.
    pub fn paused_until(&self, lane: &str) -> Option<Time> {
        self.lanes.paused_until(lane, self.clock.now())
    }

    /// When a turn at a lane would come for `run` by its rate; no slot is kept for it. `None`: at once.
    pub fn next_turn(&self, registry: &Registry, lane: &str, run: i64) -> Option<Time> {
        let limits = limits(Settings::of(&self.config), self.config.runner.per_host, registry, lane);
        self.lanes.next_turn(lane, limits.rate, self.clock.now(), run)
    }

    /// Whether as many requests are out on a lane as may be at once.
    pub fn is_full(&self, lane: &str) -> bool {
        self.lanes.is_full(lane)
    }

    /// The same, but where the lane is busy it waits in the lane's queue. `Turn::Busy`: the queue is full too.
    pub async fn turn_in_queue(&self, registry: &Registry, lane: &str, run: i64) -> Turn {
        let turn = self.turn(registry, lane, run);
        if !matches!(turn, Turn::Busy) {
            return turn;
        }
        let Some(queued) = self.lanes.queue(lane) else { return turn };
        loop {
            queued.called().await;
            let turn = self.turn(registry, lane, run);
            if !matches!(turn, Turn::Busy) {
                return turn;
            }
        }
    }

    /// When to come back where the host of this destination is left alone for a while. `None`: ask for a turn, then for a pass.
    pub fn closed_until(&self, registry: &Registry, to: &Destination<'_>) -> Option<Time> {
        self.circuits.closed_until(&self.origin(registry, to)?, self.clock.now())
    }

    /// Leave for one request to go out, unless its host is left alone. Ask for it when nothing else holds the request up.
    pub fn gate(&self, registry: &Registry, to: &Destination<'_>) -> Gate {
        self.circuits.gate(self.origin(registry, to), self.clock.now())
    }

    /// The hosts of a connection: how often each has failed in a row, and until when it is left alone (`None`: it is not).
    pub fn hosts(&self, registry: &Registry, name: &str) -> Vec<(String, u32, Option<Time>)> {
        let Some(connection) = Effective::find(Settings::of(&self.config), registry, name) else { return Vec::new() };
        let origins = connection.origins().into_iter().map(|origin| origin.as_str().to_owned());
        let standing = |origin: String| {
            let (failures, until) = self.circuits.standing(&origin);
            (origin, failures, until)
        };
        origins.map(standing).collect()
    }

    /// The origin that a request would go to. `None` where nobody says, which `address` refuses.
    fn origin(&self, registry: &Registry, to: &Destination<'_>) -> Option<String> {
        let base = match *to {
            Destination::Url(url) => url,
            Destination::Connection { name, host, .. } => {
                Effective::find(Settings::of(&self.config), registry, name)?.base(host)?
            }
        };
        Some(Origin::of(&Url::parse(base).ok()?)?.as_str().to_owned())
    }

    /// How many more runs a lane has room for, in its places and its queue.
    pub fn room(&self, lane: &str) -> usize {
        self.lanes.room(lane)
    }

    /// Returns when there was room in a lane since the last call; now and then without, so ask again.
    pub async fn freed(&self) {
        self.lanes.freed().await;
    }
}

/// Where a request goes, with what proves who we are.
pub(super) fn addressed<S: Secrets>(
    keeper: &Keeper<'_, S>,
    egress: &Egress,
    destination: &Destination<'_>,
    auth: Option<&AuthUse>,
    message: Message<'_>,
) -> Result<(Url, HeaderMap), StepError> {
    let (name, host, path) = match *destination {
        Destination::Connection { name, host, path } => (name, host, path),
        Destination::Url(text) => {
            let mut url = address::whole(egress, text)?;
            let headers = auth.map(|auth| keeper.apply(auth, None, &mut url, message)).transpose()?;
            return Ok((url, headers.unwrap_or_default()));
        }
    };
    let connection = Effective::find(keeper.settings, keeper.registry, name).ok_or_else(|| unknown(name))?;
    let auth = auth.or(connection.pack.auth.as_ref());
    if let Some(AuthUse::Url(secret)) = auth {
        return keeper.at_secret(egress, &connection, secret, path).map(|url| (url, HeaderMap::new()));
    }
    let Some(base) = connection.base(host) else {
        let (what, key) = host.map_or_else(
            || ("base URL".to_owned(), "base_url".to_owned()),
            |host| (format!("host `{host}`"), format!("hosts.{host}")),
        );
        let why = format!("connection `{name}` has no {what}; set `connections.{name}.{key}` in bellwire.toml");
        return Err(refused(ErrorClass::Internal, why));
    };
    let mut url = address::join(egress, base, path)?;
    let headers = auth.map(|auth| keeper.apply(auth, Some(&connection), &mut url, message)).transpose()?;
    Ok((url, headers.unwrap_or_default()))
}

/// A lane's limits: of the connection; of a bare URL's host `runner.per_host` at once.
fn limits(settings: Settings<'_>, per_host: usize, registry: &Registry, lane: &str) -> Limits {
    let connection = Effective::find(settings, registry, lane);
    let rate = connection.as_ref().and_then(|connection| connection.rate).unwrap_or(Rate::Unlimited);
    let concurrent = connection.and_then(|connection| connection.concurrent);
    let concurrent = concurrent.and_then(|places| usize::try_from(places).ok()).unwrap_or(per_host);
    Limits { rate, concurrent: concurrent.max(1) }
}

#[cfg(test)]
mod tests;
