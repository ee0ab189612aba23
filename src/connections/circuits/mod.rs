//! Circuits: a host that fails again and again is left alone for a while, then asked once.

use std::{
    collections::{HashMap, VecDeque},
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use crate::{clock::Time, config};

/// Fractional part of the golden ratio, in 2^32 parts: its multiples fill a span of time evenly, however many there are.
const GOLDEN: u64 = 2_654_435_769;

/// Origins above which those that have failed least lately are forgotten: a bare URL may hold a host of the caller's.
const MANY: usize = 4_096;

/// How long who finds the one probe on its way waits at least.
const PROBE: Duration = Duration::from_secs(1);

/// May a request go out?
#[derive(Debug)]
pub enum Gate {
    /// Yes; say with the pass what came of it.
    Go(Pass),
    /// No: come back then. Those who wait are spread over the pause that follows, the first comes when it is over.
    Until(Time),
}

/// What came of a request, as far as its host is concerned.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Came {
    /// An answer: the host is there, whatever it said.
    Answer,
    /// No connection, no answer, none that is HTTP, or a fault of the host's own (5xx).
    Failure,
    /// It never went out.
    Nothing,
}

/// What a request has changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// The circuit is open: nothing goes out before `until`.
    Opened {
        /// The host: `https://api.example.com`.
        origin: String,
        /// Failures in a row up to now.
        failures: u32,
        /// When the next request may go, as a probe.
        until: Time,
    },
    /// It was open, and requests go out again.
    Closed {
        /// The host.
        origin: String,
    },
}

/// Leave for one request to go out.
#[must_use]
pub struct Pass {
    /// `None`: no host that is known, and so no circuit.
    origin: Option<String>,
    is_probe: bool,
    circuits: Arc<Shared>,
}

impl fmt::Debug for Pass {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Pass({:?}, probe: {})", self.origin, self.is_probe)
    }
}

impl Pass {
    /// Says what came of the request. `None`: nothing has changed by it.
    pub fn end(mut self, came: Came, now: Time) -> Option<Change> {
        let origin = self.origin.take()?;
        let is_probe = std::mem::take(&mut self.is_probe);
        let mut circuits = self.circuits.lock();
        let change = match came {
            Came::Nothing => {
                release(&mut circuits, &origin, is_probe);
                None
            }
            Came::Answer => circuits.remove(&origin).is_some_and(|circuit| circuit.open.is_some()).then_some(()),
            Came::Failure => {
                let opened = failed(&mut circuits, &self.circuits.settings, &origin, is_probe, now);
                return opened.map(|(failures, until)| Change::Opened { origin, failures, until });
            }
        };
        change.map(|()| Change::Closed { origin })
    }
}

impl Drop for Pass {
    /// Who goes without a word has not asked: the next one is the probe.
    fn drop(&mut self) {
        if let Some(origin) = &self.origin {
            release(&mut self.circuits.lock(), origin, self.is_probe);
        }
    }
}

#[derive(Debug, Default)]
struct Circuit {
    /// When the last failures in a row were, oldest first; none before the last answer.
    failures: VecDeque<Time>,
    /// All failures in a row, also those that are too old to count.
    in_a_row: u32,
    /// `None`: closed.
    open: Option<Open>,
}

#[derive(Debug)]
struct Open {
    until: Time,
    pause: Duration,
    probing: bool,
    /// Who was told to come back since the pause began.
    told: u64,
}

impl Open {
    fn new(now: Time, pause: Duration) -> Self {
        Self { until: now.plus(pause), pause, probing: false, told: 0 }
    }

    /// When the next of those who wait shall come: the first at `from`, the others evenly over the pause behind it.
    fn place(&mut self, from: Time) -> Time {
        let part = self.told.wrapping_mul(GOLDEN) & 0xffff_ffff;
        self.told = self.told.wrapping_add(1);
        let span = u64::try_from(self.pause.as_millis()).unwrap_or(u64::MAX >> 32).min(u64::MAX >> 32);
        from.plus(Duration::from_millis((part * span) >> 32))
    }
}

#[derive(Debug)]
struct Shared {
    settings: config::Circuit,
    circuits: Mutex<HashMap<String, Circuit>>,
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, HashMap<String, Circuit>> {
        self.circuits.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// All circuits, by origin. Those of a process begin closed.
#[derive(Debug, Clone)]
pub(super) struct Circuits(Arc<Shared>);

impl Circuits {
    pub(super) fn new(settings: config::Circuit) -> Self {
        Self(Arc::new(Shared { settings, circuits: Mutex::default() }))
    }

    /// When to come back where the circuit of this origin is open and its pause is not over. `None`: ask for a pass.
    pub(super) fn closed_until(&self, origin: &str, now: Time) -> Option<Time> {
        let mut circuits = self.0.lock();
        let open = circuits.get_mut(origin)?.open.as_mut()?;
        refusal(open, now)
    }

    /// Failures in a row at this origin, and until when it is left alone (`None`: it is not).
    pub(super) fn standing(&self, origin: &str) -> (u32, Option<Time>) {
        let circuits = self.0.lock();
        let known = circuits.get(origin);
        known.map_or((0, None), |known| (known.in_a_row, known.open.as_ref().map(|open| open.until)))
    }

    /// Leave for a request to this origin (`None`: one that no circuit watches).
    pub(super) fn gate(&self, origin: Option<String>, now: Time) -> Gate {
        let mut circuits = self.0.lock();
        let open = origin.as_ref().and_then(|origin| circuits.get_mut(origin)?.open.as_mut());
        let mut is_probe = false;
        if let Some(open) = open {
            if let Some(until) = refusal(open, now) {
                return Gate::Until(until);
            }
            (open.probing, is_probe) = (true, true);
        }
        Gate::Go(Pass { origin, is_probe, circuits: Arc::clone(&self.0) })
    }
}

/// When to come back to an open circuit. `None`: its pause is over, and nobody probes.
fn refusal(open: &mut Open, now: Time) -> Option<Time> {
    if now < open.until {
        return Some(open.place(open.until));
    }
    open.probing.then(|| open.place(now.plus(PROBE)))
}

fn release(circuits: &mut HashMap<String, Circuit>, origin: &str, is_probe: bool) {
    if let Some(open) = circuits.get_mut(origin).and_then(|circuit| circuit.open.as_mut()).filter(|_| is_probe) {
        open.probing = false;
    }
}

/// Counts a failure. Failures in a row and the end of the pause where it opened the circuit or was its probe.
fn failed(
    circuits: &mut HashMap<String, Circuit>,
    settings: &config::Circuit,
    origin: &str,
    is_probe: bool,
    now: Time,
) -> Option<(u32, Time)> {
    let most = usize::try_from(settings.failures).unwrap_or(usize::MAX);
    if most == 0 {
        return None;
    }
    if circuits.len() >= MANY && !circuits.contains_key(origin) {
        let since = now.minus(settings.within);
        circuits.retain(|_, known| known.open.is_some() || known.failures.back().is_some_and(|last| *last >= since));
    }
    let circuit = circuits.entry(origin.to_owned()).or_default();
    circuit.in_a_row = circuit.in_a_row.saturating_add(1);
    if let Some(open) = &mut circuit.open {
        if !is_probe {
            // It was on its way when the circuit opened.
            return None;
        }
        let pause = open.pause.saturating_mul(2).min(settings.longest);
        *open = Open::new(now, pause);
        return Some((circuit.in_a_row, open.until));
    }
    circuit.failures.push_back(now);
    let since = now.minus(settings.within);
    circuit.failures.retain(|at| *at >= since);
    if circuit.failures.len() < most {
        return None;
    }
    circuit.failures.clear();
    let open = circuit.open.insert(Open::new(now, settings.pause));
    Some((circuit.in_a_row, open.until))
}

#[cfg(test)]
mod tests;
