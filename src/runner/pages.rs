//! The pages of an answer, asked for one after another: each is a request with its own turn in the connection's lane.

use std::time::Duration;

use tokio::time::sleep;

use super::{
    attempt::THROTTLE_PAUSE,
    send::{Envelope, Sent, send},
    workers::RunnerParts,
};
use crate::{
    actions::{self, Pages, Reading, Request, Target, Turned},
    clock::Time,
    connections::{Place, Turn},
    lifecycle::Phase,
    model::ErrorClass,
    net::SendError,
    rules::{Step, StepKind},
    services::Registry,
    value::Value,
};

/// The longest that a page waits for its turn, or for what a throttled answer asks; beyond that the whole is tried again later. A
/// worker waits with it: a minute of rest is what services ask for.
const LONGEST_WAIT: Duration = Duration::from_mins(2);

/// How often one page is asked for again after a throttled answer.
const THROTTLED: u32 = 3;

/// How often the clock is looked at while a turn is waited for.
const LOOK: Duration = Duration::from_millis(20);

/// What every page is asked for with.
pub(super) struct Asking<'a> {
    pub(super) parts: &'a RunnerParts,
    pub(super) registry: &'a Registry,
    pub(super) step: &'a Step,
    pub(super) request: &'a Request,
    pub(super) envelope: Envelope<'a>,
    pub(super) lane: &'a str,
    /// Whose turns they are.
    pub(super) turn: i64,
    /// The attempt, from 1.
    pub(super) number: u32,
    /// Bytes of all items together, at most.
    pub(super) most: usize,
}

/// What came of asking for all pages.
pub(super) struct Gathered {
    /// The first page's answer; where a page failed, what came of that.
    pub(super) sent: Sent,
    /// What the first page says with the list of all pages in it. `None` where a page failed, or there are no pages.
    pub(super) body: Option<Value>,
    /// Pages that were asked for; where one failed, its number.
    pub(super) page: u32,
}

impl Gathered {
    fn one(sent: Sent) -> Self {
        Self { sent, body: None, page: 1 }
    }
}

/// Asks for the pages behind the first, and gathers what they hold.
pub(super) async fn gather(asking: &Asking<'_>, first: Sent) -> Gathered {
    let Some(mut pages) = Pages::of(asking.step, asking.registry, asking.request, asking.most) else {
        return Gathered::one(first);
    };
    let mut first = Some(first);
    let mut newest: Option<Sent> = None;
    let mut page = 1;
    while let Some(sent) = newest.as_ref().or(first.as_ref())
        && asking.is_good(sent)
    {
        let turned = sent.answer().map_or(Ok(Turned::End), |answer| pages.take(&answer));
        let next = turned.and_then(|turned| match turned {
            Turned::End => Ok(None),
            Turned::Ask(next) => Ok(Some(next)),
            Turned::Follow(address) => asking.resolved(&address).map(|path| pages.follow(path)),
        });
        match next {
            Ok(Some(next)) => {
                page += 1;
                newest = Some(asking.ask(&next).await);
            }
            Ok(None) => {
                if pages.is_cut() {
                    asking.tell_cut(page);
                }
                let (Some(sent), body) = (first.take(), pages.whole()) else { break };
                return Gathered { sent, body, page };
            }
            Err(error) => return Gathered { sent: Sent::Refused(error), body: None, page },
        }
    }
    let lost = || Sent::None(not_sent("an answer was lost"));
    Gathered { sent: newest.or(first).unwrap_or_else(lost), body: None, page }
}

impl Asking<'_> {
    /// Whether an answer is a page, and no refusal.
    fn is_good(&self, sent: &Sent) -> bool {
        matches!(self.reading(sent), Some(Reading::Ok { .. }))
    }

    fn reading(&self, sent: &Sent) -> Option<Reading> {
        let answer = sent.answer()?;
        Some(actions::read(self.step, self.registry, &answer, self.number, self.parts.clock.now()))
    }

    /// Says that there are more pages than are asked for: what is behind them is missing.
    fn tell_cut(&self, pages: u32) {
        let StepKind::Action { name, .. } = &self.step.kind else { return };
        let what = "an answer has more pages than its action asks for; what is on them is left out";
        tracing::warn!(action = name, pages, run = self.turn, "{what}");
    }

    /// The path of an address that a page names.
    fn resolved(&self, address: &str) -> Result<String, crate::model::StepError> {
        match &self.request.target {
            Target::Connection { name, host, path } => {
                self.parts.connections.below(self.registry, name, host.as_deref(), path, address)
            }
            Target::Url(_) => Err(super::hold::error_of(
                "",
                ErrorClass::Internal,
                "pages are followed through a connection alone".to_owned(),
            )),
        }
    }

    /// Asks for one page, again after a throttled answer.
    async fn ask(&self, request: &Request) -> Sent {
        let parts = self.parts;
        // Each page is another request: a target that keeps to the key would answer with the page before, or refuse.
        let envelope = Envelope { key: None, ..self.envelope };
        let mut throttled = 0;
        loop {
            let place = match wait_for_turn(parts, self.registry, self.lane, self.turn).await {
                Ok(place) => place,
                Err(why) => return Sent::None(not_sent(why)),
            };
            let sent = send(&parts.client, &parts.connections, self.registry, request, &envelope).await;
            drop(place);
            let Some(Reading::Retry { retry_after, throttled: true, .. }) = self.reading(&sent) else { return sent };
            let wait = retry_after.unwrap_or(THROTTLE_PAUSE);
            throttled += 1;
            if throttled > THROTTLED || wait > LONGEST_WAIT {
                return sent;
            }
            parts.connections.pause(self.lane, parts.clock.now().plus(wait));
        }
    }
}

/// A turn on a lane, waited for. `Err` says why there is none.
async fn wait_for_turn(parts: &RunnerParts, registry: &Registry, lane: &str, turn: i64) -> Result<Place, &'static str> {
    let begun = parts.clock.now();
    loop {
        let asked = tokio::select! {
            biased;
            asked = parts.connections.turn_in_queue(registry, lane, turn) => asked,
            () = parts.lifecycle.reached(Phase::Draining) => return Err("Bellwire is stopping"),
        };
        let until = match asked {
            Turn::Now(place) => return Ok(place),
            Turn::At(at) => at,
            Turn::Busy => parts.clock.now().plus(LOOK),
        };
        if until.since(begun) > LONGEST_WAIT {
            return Err("the connection's rate leaves no turn for it within two minutes");
        }
        if !slept_until(parts, until).await {
            return Err("Bellwire is stopping");
        }
    }
}

/// Waits until the clock shows `at`. False: the process ends before.
async fn slept_until(parts: &RunnerParts, at: Time) -> bool {
    loop {
        let left = at.since(parts.clock.now());
        if left.is_zero() {
            return true;
        }
        tokio::select! {
            () = sleep(left.min(LOOK)) => {}
            () = parts.lifecycle.reached(Phase::Draining) => return false,
        }
    }
}

fn not_sent(why: &str) -> SendError {
    let message = format!("it was not asked for: {why}");
    SendError { class: ErrorClass::Network, maybe_executed: false, message }
}
