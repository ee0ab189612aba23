//! What a request waits for before it goes out: a host that is not left alone, and a turn on its connection's lane.

use super::{
    attempt::Sending,
    hold::{Hold, Left},
    send::{Sent, destination, lane},
};
use crate::{
    actions::{self, Request},
    connections::{Change, Gate, Pass, Place, Turn},
    lifecycle::Phase,
    model::Problem,
    rules::Step,
    store::{StoreError, Then},
};

/// All that a request needs to go out now.
pub(super) struct Slot {
    pub(super) lane: String,
    pub(super) place: Place,
    pub(super) pass: Pass,
}

impl Hold<'_> {
    /// A slot for this request. The inner `Err`: how the run was left, since there is none now. No attempt is spent by that.
    pub(super) async fn slot(
        &mut self,
        sending: Sending<'_>,
        request: &Request,
    ) -> Result<Result<Slot, Left>, StoreError> {
        let to = destination(request);
        if let Some(until) = self.parts.connections.closed_until(&self.pinned.registry, &to) {
            return self.come_back(sending, until).await.map(Err);
        }
        let lane = lane(request);
        let place = match self.turn(&lane).await {
            Turn::Now(place) => place,
            Turn::At(at) => return self.leave(Then::Due(at)).await.map(Err),
            Turn::Busy if self.claim.is_none() => return Ok(Err(Left::Parked(lane))),
            Turn::Busy => {
                let left = self.leave(Then::Due(self.now())).await?;
                return Ok(Err(if left == Left::Waits { Left::Parked(lane) } else { left }));
            }
        };
        // It may have been left alone while this one waited for its turn.
        match self.parts.connections.gate(&self.pinned.registry, &to) {
            Gate::Go(pass) => Ok(Ok(Slot { lane, place, pass })),
            Gate::Until(until) => {
                drop(place);
                self.come_back(sending, until).await.map(Err)
            }
        }
    }

    /// Leaves the run until its host may be asked again, or its own time is over.
    async fn come_back(&mut self, sending: Sending<'_>, until: crate::clock::Time) -> Result<Left, StoreError> {
        let at = self.in_time(sending, until.since(self.now()));
        self.leave(Then::Due(at)).await
    }

    /// A turn on the lane. A run that nobody holds yet waits in its queue; `Turn::Busy` for it where that is full, or the process drains.
    async fn turn(&self, lane: &str) -> Turn {
        let (connections, registry) = (&self.parts.connections, &self.pinned.registry);
        if self.claim.is_some() {
            return connections.turn(registry, lane, self.run.id.0);
        }
        tokio::select! {
            biased;
            turn = connections.turn_in_queue(registry, lane, self.run.id.0) => turn,
            () = self.parts.lifecycle.reached(Phase::Draining) => Turn::Busy,
        }
    }

    /// Says what came of a request, for its host's circuit.
    pub(super) async fn heard(&self, pass: Pass, step: &Step, sent: &Sent) {
        let now = self.now();
        let throttled =
            sent.answer().is_some_and(|answer| actions::slows_down(step, &self.pinned.registry, &answer, now));
        let told = match pass.end(sent.came(throttled), now) {
            None => return,
            Some(Change::Opened { origin, failures, until }) => {
                tracing::warn!(origin, failures, until = %until, "the circuit is open: nothing is sent there for a while");
                let message = format!(
                    "{failures} requests to {origin} have failed in a row. Nothing is sent there before {until}; then one goes out \
                     as a probe, and the others follow once it is answered. Is the host up, and its address right?"
                );
                let problem = Problem { fingerprint: fingerprint(&origin), kind: "circuit", subject: origin, message };
                self.parts.store.raise(problem, now).await
            }
            Some(Change::Closed { origin }) => {
                tracing::info!(origin, "the circuit is closed: the host has answered");
                self.parts.store.solve(&fingerprint(&origin), now).await.map(drop)
            }
        };
        if let Err(error) = told {
            tracing::error!(error = %error, "the state of a circuit cannot be kept");
        }
    }
}

/// What makes all that is said of one host's circuit one problem.
fn fingerprint(origin: &str) -> String {
    format!("circuit:{origin}")
}
