//! Accepts connections, as many as there are places.

use std::{
    io::Write as _,
    net::IpAddr,
    sync::Arc,
    time::{Duration, Instant},
};

use ipnet::IpNet;
use tokio::{
    net::{TcpListener, TcpStream},
    sync::Semaphore,
    task::JoinSet,
};

use super::{
    Bounds, Observer, Upstream,
    connection::{Shared, serve},
    places::Places,
    reply::of_fault,
};
use crate::{
    lifecycle::{Lifecycle, Phase},
    web::{Counters, Fault, Sampler},
};

/// How long accepting rests after it failed, as it does when the process has no descriptors left.
const REST: Duration = Duration::from_millis(100);

/// The front of a server.
pub struct Gate {
    shared: Arc<Shared>,
    places: Arc<Places>,
}

impl Gate {
    /// A gate before `upstream`. `observer` is told of what it refuses, `counters` count it.
    pub(in crate::web) fn new(
        bounds: Bounds,
        upstream: Upstream,
        lifecycle: Lifecycle,
        observer: Observer,
        counters: Arc<Counters>,
    ) -> Self {
        let places = Places::new(bounds.connections, bounds.connections_per_address);
        let units = (bounds.buffered / 1024).min(Semaphore::MAX_PERMITS);
        let shared = Shared {
            bounds,
            upstream,
            lifecycle,
            observer,
            counters,
            lines: Sampler::new(1, Duration::from_secs(1)),
            rare_lines: Sampler::new(1, Duration::from_mins(1)),
            common: Arc::new(Semaphore::new(units)),
        };
        Self { shared: Arc::new(shared), places }
    }

    /// Connections that are open now.
    pub fn open(&self) -> usize {
        self.places.open()
    }

    /// Accepts until the process drains, then waits at most `grace` for the connections that are open.
    pub(in crate::web) async fn run(&self, listener: TcpListener, grace: Duration) {
        let mut open = JoinSet::new();
        let lifecycle = self.shared.lifecycle.clone();
        {
            let mut draining = std::pin::pin!(lifecycle.reached(Phase::Draining));
            loop {
                tokio::select! {
                    () = draining.as_mut() => break,
                    accepted = listener.accept() => match accepted {
                        Ok((stream, peer)) => self.admit(stream, peer.ip().to_canonical(), &mut open),
                        Err(error) => {
                            if let Some(more) = self.shared.lines.pass("accept", Instant::now()) {
                                tracing::error!(%error, more, "no connection can be accepted");
                            }
                            tokio::time::sleep(REST).await;
                        }
                    },
                    Some(_) = open.join_next() => {}
                }
            }
        }
        drop(listener);
        let ended = async { while open.join_next().await.is_some() {} };
        tokio::select! {
            () = ended => {}
            () = tokio::time::sleep(grace) => tracing::warn!(connections = self.open(), "open requests were given up"),
            () = lifecycle.reached(Phase::Stopped) => {}
        }
    }

    fn admit(&self, stream: TcpStream, peer: IpAddr, open: &mut JoinSet<()>) {
        let exempt = is_trusted(peer, &self.shared.bounds.trusted);
        let place = match self.places.take(peer, exempt) {
            Ok(place) => place,
            Err(reason) => return self.turn_away(stream, peer, reason),
        };
        let shared = Arc::clone(&self.shared);
        open.spawn(async move {
            let _place = place;
            serve(stream, peer, &shared).await;
        });
    }

    /// Refuses a connection at once. Whether the short answer arrives is of no matter: nothing waits for it.
    fn turn_away(&self, stream: TcpStream, peer: IpAddr, reason: &'static str) {
        self.shared.counters.count("", reason);
        if let Some(more) = self.shared.lines.pass(reason, Instant::now()) {
            tracing::warn!(%peer, reason, open = self.open(), more, "connection refused");
        }
        let answer = of_fault(&Fault::new(503, reason, "too many connections").after(5), false);
        if let Ok(mut stream) = stream.into_std()
            && stream.write(&answer).is_err()
        {
            tracing::trace!(%peer, "a refused client did not wait for the answer");
        }
    }
}

fn is_trusted(peer: IpAddr, trusted: &[IpNet]) -> bool {
    trusted.iter().any(|network| network.contains(&peer))
}
