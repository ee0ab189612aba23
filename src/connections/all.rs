//! All connections, and where a request goes.

use std::{fmt, sync::Arc};

use http::HeaderMap;
use url::Url;

use super::{
    address::{self, refused},
    auth::{Keeper, Secrets, unknown},
    effective::{Effective, Settings},
    lanes::{Lanes, Limits, Turn},
    member::with_member,
};
use crate::{
    clock::{SharedClock, Time},
    config::{Config, Rate},
    egress::Egress,
    model::{ErrorClass, StepError},
    services::{AuthUse, Registry},
    store::Vault,
};

/// All connections: those of `[connections]`, and one of its own name for each service.
pub struct Connections {
    config: Arc<Config>,
    vault: Arc<Vault>,
    egress: Arc<Egress>,
    clock: SharedClock,
    lanes: Lanes,
}

/// Where a request goes.
#[derive(Debug, Clone, Copy)]
pub enum Destination<'a> {
    /// A path (with query, percent-encoded, starting with `/`) below a connection's base URL.
    Connection {
        /// The connection.
        name: &'a str,
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
        Self { config, vault, egress, clock, lanes: Lanes::default() }
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

    /// How many more runs a lane has room for, in its places and its queue.
    pub fn room(&self, lane: &str) -> usize {
        self.lanes.room(lane)
    }

    /// Returns when there was room in a lane since the last call; now and then without, so ask again.
    pub async fn freed(&self) {
        self.lanes.freed().await;
    }

    /// URL and secrets for a request: base URL of the connection, egress check, auth by the pack's or step's scheme, secrets only to
    /// their origins (class `secret_origin`), none missing (`secret_missing`). The headers are those of the auth alone.
    ///
    /// `auth` is the step's; without it a connection uses its pack's, a bare URL none. The error's `step` and `attempt` are the
    /// caller's to fill in. The URL may hold a secret: mask it before it is stored.
    pub fn address(
        &self,
        registry: &Registry,
        destination: &Destination<'_>,
        auth: Option<&AuthUse>,
    ) -> Result<(Url, HeaderMap), StepError> {
        let keeper = Keeper { settings: Settings::of(&self.config), registry, secrets: &*self.vault };
        addressed(&keeper, &self.egress, destination, auth)
    }

    /// The body as it goes out: with the secret that a connection's auth puts into it, if it is of that kind. `url` is where it goes.
    pub fn body(
        &self,
        registry: &Registry,
        destination: &Destination<'_>,
        url: &Url,
        body: Option<&str>,
    ) -> Result<Option<String>, StepError> {
        let keeper = Keeper { settings: Settings::of(&self.config), registry, secrets: &*self.vault };
        let Destination::Connection { name, .. } = *destination else { return Ok(body.map(str::to_owned)) };
        let connection = Effective::find(keeper.settings, registry, name).ok_or_else(|| unknown(name))?;
        let auth = connection.pack.auth.as_ref();
        let member = auth.map(|auth| keeper.member(auth, Some(&connection), url)).transpose()?.flatten();
        match member {
            Some((name, secret)) => with_member(body, &name, &secret).map(Some),
            None => Ok(body.map(str::to_owned)),
        }
    }
}

/// Where a request goes, with what proves who we are.
pub(super) fn addressed<S: Secrets>(
    keeper: &Keeper<'_, S>,
    egress: &Egress,
    destination: &Destination<'_>,
    auth: Option<&AuthUse>,
) -> Result<(Url, HeaderMap), StepError> {
    let (name, path) = match *destination {
        Destination::Connection { name, path } => (name, path),
        Destination::Url(text) => {
            let mut url = address::whole(egress, text)?;
            let headers = auth.map(|auth| keeper.apply(auth, None, &mut url)).transpose()?;
            return Ok((url, headers.unwrap_or_default()));
        }
    };
    let connection = Effective::find(keeper.settings, keeper.registry, name).ok_or_else(|| unknown(name))?;
    let Some(base) = connection.base_url else {
        let why = format!("connection `{name}` has no base URL; set `connections.{name}.base_url` in bellwire.toml");
        return Err(refused(ErrorClass::Internal, why));
    };
    let mut url = address::join(egress, base, path)?;
    let auth = auth.or(connection.pack.auth.as_ref());
    let headers = auth.map(|auth| keeper.apply(auth, Some(&connection), &mut url)).transpose()?;
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
